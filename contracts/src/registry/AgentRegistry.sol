// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {ERC721URIStorage} from "@openzeppelin/contracts/token/ERC721/extensions/ERC721URIStorage.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IAgentIdentity, ISeatWatch} from "./ISeatWatch.sol";
import {UagentAddress} from "./UagentAddress.sol";

/// @notice Identity of agents: the identity part of ERC-8004, whole. Registration is open; a seat is not.
/// @dev Reputation and validation of ERC-8004 are not here. The owner can only name the seat registry, once.
contract AgentRegistry is IAgentIdentity, ERC721URIStorage, EIP712, Ownable {
    struct MetadataEntry {
        string metadataKey;
        bytes metadataValue;
    }

    bytes32 private constant WALLET_TYPEHASH =
        keccak256("AgentWalletSet(uint256 agentId,address newWallet,address owner,uint256 deadline)");
    bytes32 private constant BINDING_TYPEHASH = keccak256("TransportBinding(address wallet,string uagent)");
    bytes32 private constant WALLET_KEY = keccak256("agentWallet");
    bytes32 private constant UAGENT_KEY_HASH = keccak256("uagent");
    string private constant UAGENT_KEY = "uagent";
    uint256 private constant LONGEST_PROOF_SECONDS = 5 minutes;

    uint256 public lastAgentId;
    ISeatWatch public seatWatch;
    mapping(uint256 agentId => address) private _wallets;
    mapping(uint256 agentId => mapping(string key => bytes)) private _metadata;

    event Registered(uint256 indexed agentId, string agentURI, address indexed owner);
    event URIUpdated(uint256 indexed agentId, string newURI, address indexed updatedBy);
    event MetadataSet(
        uint256 indexed agentId, string indexed indexedMetadataKey, string metadataKey, bytes metadataValue
    );

    event SeatWatchSet(ISeatWatch seatWatch);

    error SeatWatchAlreadySet();
    error ReservedKey();
    error NotAgentOwner(uint256 agentId, address caller);
    error BadTransportProof(uint256 agentId, string uagent);
    error BadWalletProof(uint256 agentId, address wallet);
    error ProofExpired(uint256 deadline);

    constructor(address owner_) ERC721("Tribunate Agents", "TAGENT") EIP712("AgentRegistry", "1") Ownable(owner_) {}

    /// @notice Names who hears of every change of wallet.
    function setSeatWatch(ISeatWatch watch) external onlyOwner {
        if (address(seatWatch) != address(0)) revert SeatWatchAlreadySet();
        seatWatch = watch;
        emit SeatWatchSet(watch);
    }


    function register() external returns (uint256) {
        return _register("");
    }

    function register(string calldata agentURI) external returns (uint256) {
        return _register(agentURI);
    }

    function register(string calldata agentURI, MetadataEntry[] calldata metadata)
        external
        returns (uint256 agentId)
    {
        agentId = _register(agentURI);
        for (uint256 i; i < metadata.length; ++i) {
            _setMetadata(agentId, metadata[i].metadataKey, metadata[i].metadataValue);
        }
    }

    function setAgentURI(uint256 agentId, string calldata newURI) external {
        _onlyAgentOwner(agentId);
        _setTokenURI(agentId, newURI);
        emit URIUpdated(agentId, newURI, msg.sender);
    }

    function setMetadata(uint256 agentId, string calldata key, bytes calldata value) external {
        _onlyAgentOwner(agentId);
        _setMetadata(agentId, key, value);
    }

    /// @notice Names another signing key, which proves itself by EIP-712 or ERC-1271.
    /// @dev Warning: a seated agent that changes its wallet loses its seat.
    function setAgentWallet(uint256 agentId, address wallet, uint256 deadline, bytes calldata proof) external {
        _onlyAgentOwner(agentId);
        if (block.timestamp > deadline || deadline > block.timestamp + LONGEST_PROOF_SECONDS) {
            revert ProofExpired(deadline);
        }
        bytes32 content = keccak256(abi.encode(WALLET_TYPEHASH, agentId, wallet, ownerOf(agentId), deadline));
        if (!SignatureChecker.isValidSignatureNow(wallet, _hashTypedDataV4(content), proof)) {
            revert BadWalletProof(agentId, wallet);
        }
        _setWallet(agentId, wallet);
    }

    /// @notice Names the transport address, which the registry derives from its public key. Both keys sign the
    /// same words, so that one party holds both; the metadata `uagent` is set in no other way.
    /// @param x First half of the transport's public key; `y` the second.
    function bindTransport(
        uint256 agentId,
        bytes32 x,
        bytes32 y,
        bytes calldata transportProof,
        bytes calldata walletProof
    ) external {
        _onlyAgentOwner(agentId);
        string memory uagent = UagentAddress.addressOf(x, y);
        address wallet = _wallets[agentId];
        bytes32 digest = hashBinding(wallet, uagent);
        (address transport,,) = ECDSA.tryRecover(digest, transportProof);
        if (transport != UagentAddress.signerOf(x, y)) revert BadTransportProof(agentId, uagent);
        if (!SignatureChecker.isValidSignatureNow(wallet, digest, walletProof)) revert BadWalletProof(agentId, wallet);
        _metadata[agentId][UAGENT_KEY] = bytes(uagent);
        emit MetadataSet(agentId, UAGENT_KEY, UAGENT_KEY, bytes(uagent));
    }

    /// @notice What wallet and transport key both sign (EIP-712).
    function hashBinding(address wallet, string memory uagent) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(BINDING_TYPEHASH, wallet, keccak256(bytes(uagent)))));
    }

    /// @notice The transport address of a public key.
    function uagentAddress(bytes32 x, bytes32 y) external pure returns (string memory) {
        return UagentAddress.addressOf(x, y);
    }

    function unsetAgentWallet(uint256 agentId) external {
        _onlyAgentOwner(agentId);
        _setWallet(agentId, address(0));
    }

    function getMetadata(uint256 agentId, string memory key) public view returns (bytes memory) {
        if (keccak256(bytes(key)) == WALLET_KEY) return abi.encodePacked(_wallets[agentId]);
        return _metadata[agentId][key];
    }

    function getAgentWallet(uint256 agentId) external view returns (address) {
        return _wallets[agentId];
    }

    function _register(string memory agentURI) private returns (uint256 agentId) {
        agentId = ++lastAgentId;
        _mint(msg.sender, agentId);
        _setTokenURI(agentId, agentURI);
        _setWallet(agentId, msg.sender);
        emit Registered(agentId, agentURI, msg.sender);
    }

    function _setMetadata(uint256 agentId, string memory key, bytes calldata value) private {
        bytes32 hash = keccak256(bytes(key));
        if (hash == WALLET_KEY || hash == UAGENT_KEY_HASH) revert ReservedKey();
        _metadata[agentId][key] = value;
        emit MetadataSet(agentId, key, key, value);
    }

    function _setWallet(uint256 agentId, address wallet) private {
        bool moved = _wallets[agentId] != address(0) && _wallets[agentId] != wallet;
        _wallets[agentId] = wallet;
        if (moved) {
            delete _metadata[agentId][UAGENT_KEY];
            if (address(seatWatch) != address(0)) seatWatch.vacate(agentId);
        }
        emit MetadataSet(agentId, "agentWallet", "agentWallet", abi.encodePacked(wallet));
    }

    function _onlyAgentOwner(uint256 agentId) private view {
        if (!_isAuthorized(ownerOf(agentId), msg.sender, agentId)) revert NotAgentOwner(agentId, msg.sender);
    }

    /// @dev Transferring the identity clears its wallet and vacates its seat.
    function _update(address to, uint256 agentId, address auth) internal override returns (address from) {
        from = super._update(to, agentId, auth);
        if (from != address(0) && from != to) _setWallet(agentId, address(0));
    }
}
