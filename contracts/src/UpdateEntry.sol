// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {AgentRegistry} from "./AgentRegistry.sol";
import {IMarketAdapter} from "./IMarketAdapter.sol";
import {ParameterUpdate, Parameters} from "./ParameterTypes.sol";
import {UpdateHashing} from "./UpdateHashing.sol";
import {VetoCounting} from "./VetoCounting.sol";

/// @notice The only way in: an update that a quorum of seats has signed.
///
///     proposeUpdate ──► record + OpenZeppelin proposal ──► queue / execute / cancel by id
///                          │ withdrawSignature, reportLostSeat   f + 1: cancelled
///                          └ dissent                             f + 1: window extended once
abstract contract UpdateEntry is VetoCounting {
    enum DissentReason {
        UNSPECIFIED,
        DATA,
        MODEL,
        STRESS,
        MANDATE,
        PROCESS
    }

    struct Record {
        uint64 number;
        uint32 faults;
        uint32 withdrawals;
        uint32 dissents;
        bytes32 digest;
        address[] signers;
    }

    AgentRegistry public immutable registry;
    IMarketAdapter public immutable adapter;
    bytes32 public immutable mandateHash;
    uint256 public immutable spreadLimitBps;

    uint64 public proposalCount;
    mapping(uint256 number => uint256) public proposalIdOf;
    mapping(uint64 epoch => mapping(address market => bool)) public epochConsumed;
    mapping(uint256 proposalId => Record) private _records;
    /// @dev ABI encoding of the update: smaller code than a struct, and the call is its selector before it.
    mapping(uint256 proposalId => bytes) private _updates;
    mapping(uint256 proposalId => mapping(address => bool)) public isSigner;
    mapping(uint256 proposalId => mapping(address => bool)) public hasDissented;

    event UpdateProposed(
        uint256 indexed number,
        uint256 indexed proposalId,
        address indexed market,
        bytes32 digest,
        address[] signers,
        ParameterUpdate update
    );
    event SignatureWithdrawn(uint256 indexed proposalId, address indexed signer, uint256 withdrawals);
    event Dissent(uint256 indexed proposalId, address indexed agent, DissentReason reason, uint256 dissents);

    error EpochConsumed(uint64 epoch, address market);
    error UpdateExpired(uint64 validUntil);
    error BoundsNotAscending(uint256 lowBound, uint256 highBound);
    error NotASigner(uint256 proposalId, address account);
    error AlreadyExecuted(uint256 proposalId);
    error StillSeated(address signer);
    error NotSeatedNow(address account);
    error AlreadyDissented(address account);
    error UnknownProposal(uint256 proposalId);

    constructor(AgentRegistry registry_, IMarketAdapter adapter_, bytes32 mandateHash_, uint256 spreadLimitBps_) {
        (registry, adapter) = (registry_, adapter_);
        (mandateHash, spreadLimitBps) = (mandateHash_, spreadLimitBps_);
    }

    /// @notice Takes an update that a quorum has signed (EIP-712); anyone may bring it.
    /// @param signers Seated wallets, strictly ascending.
    function proposeUpdate(ParameterUpdate calldata update, address[] calldata signers, bytes[] calldata signatures)
        external
        returns (uint256 proposalId)
    {
        if (block.timestamp > update.validUntil) revert UpdateExpired(update.validUntil);
        if (epochConsumed[update.epoch][update.market]) revert EpochConsumed(update.epoch, update.market);
        if (update.lowBound > update.highBound) revert BoundsNotAscending(update.lowBound, update.highBound);
        epochConsumed[update.epoch][update.market] = true;
        bytes32 digest = hashUpdate(update);
        uint256 faults = registry.requireQuorum(digest, update.seatTableHash, signers, signatures);
        adapter.requireSubmittable(update);
        proposalId = _open(abi.encode(update), digest);
        _store(proposalId, update, digest, signers);
        _records[proposalId].faults = uint32(faults);
        if (_spreadTooWide(update)) _extendForAgents(proposalId, Extension.SPREAD);
    }

    /// @notice A signer takes its name back until execution; f + 1 of them cancel.
    function withdrawSignature(uint256 proposalId) external {
        _withdraw(proposalId, msg.sender);
    }

    /// @notice A signer without a seat counts as withdrawn; anyone may point at it.
    function reportLostSeat(uint256 proposalId, address signer) external {
        if (registry.isSeatedAt(registry.seatVersion(), signer)) revert StillSeated(signer);
        _withdraw(proposalId, signer);
    }

    /// @notice A seated agent's public no during the window; f + 1 extend it once, one never can.
    function dissent(uint256 proposalId, DissentReason reason) external {
        _validateStateBitmap(
            proposalId, _encodeStateBitmap(ProposalState.Pending) | _encodeStateBitmap(ProposalState.Active)
        );
        if (!registry.isSeatedAt(registry.seatVersion(), msg.sender)) revert NotSeatedNow(msg.sender);
        if (hasDissented[proposalId][msg.sender]) revert AlreadyDissented(msg.sender);
        hasDissented[proposalId][msg.sender] = true;
        Record storage record = _records[proposalId];
        uint256 dissents = ++record.dissents;
        emit Dissent(proposalId, msg.sender, reason, dissents);
        if (dissents > record.faults) _extendForAgents(proposalId, Extension.DISSENT);
    }

    function queue(uint256 proposalId) external {
        (address[] memory t, uint256[] memory v, bytes[] memory c, bytes32 d) = _operation(proposalId);
        queue(t, v, c, d);
    }

    function execute(uint256 proposalId) external {
        (address[] memory t, uint256[] memory v, bytes[] memory c, bytes32 d) = _operation(proposalId);
        execute(t, v, c, d);
    }

    function cancel(uint256 proposalId) external {
        (address[] memory t, uint256[] memory v, bytes[] memory c, bytes32 d) = _operation(proposalId);
        cancel(t, v, c, d);
    }

    /// @notice Signers, withdrawals and dissents of a proposal; number zero when there is none.
    function recordOf(uint256 proposalId) external view returns (Record memory) {
        return _records[proposalId];
    }

    function updateOf(uint256 proposalId) external view returns (ParameterUpdate memory) {
        bytes memory encoded = _updates[proposalId];
        if (encoded.length == 0) revert UnknownProposal(proposalId);
        assembly ("memory-safe") {
            return(add(encoded, 32), mload(encoded))
        }
    }

    /// @notice The EIP-712 digest that agents sign.
    function hashUpdate(ParameterUpdate calldata update) public view returns (bytes32) {
        return _hashTypedDataV4(UpdateHashing.hash(update));
    }

    function _withdraw(uint256 proposalId, address signer) private {
        if (!isSigner[proposalId][signer]) revert NotASigner(proposalId, signer);
        if (state(proposalId) == ProposalState.Executed) revert AlreadyExecuted(proposalId);
        isSigner[proposalId][signer] = false;
        Record storage record = _records[proposalId];
        uint256 withdrawals = ++record.withdrawals;
        emit SignatureWithdrawn(proposalId, signer, withdrawals);
        if (withdrawals == record.faults + 1) {
            (address[] memory t, uint256[] memory v, bytes[] memory c, bytes32 d) = _operation(proposalId);
            _cancel(t, v, c, d);
        }
    }

    function _open(bytes memory encoded, bytes32 digest) private returns (uint256 proposalId) {
        (address[] memory t, uint256[] memory v, bytes[] memory c, string memory text) = _callOf(encoded, digest);
        proposalId = _propose(t, v, c, text, msg.sender);
        _updates[proposalId] = encoded;
    }

    function _store(uint256 proposalId, ParameterUpdate calldata update, bytes32 digest, address[] calldata signers)
        private
    {
        uint64 number = ++proposalCount;
        proposalIdOf[number] = proposalId;
        Record storage record = _records[proposalId];
        (record.digest, record.signers, record.number) = (digest, signers, number);
        for (uint256 i; i < signers.length; ++i) {
            isSigner[proposalId][signers[i]] = true;
        }
        emit UpdateProposed(number, proposalId, update.market, digest, signers, update);
    }

    function _operation(uint256 proposalId)
        private
        view
        returns (address[] memory t, uint256[] memory v, bytes[] memory c, bytes32 descriptionHash)
    {
        Record storage record = _records[proposalId];
        if (record.number == 0) revert UnknownProposal(proposalId);
        string memory text;
        (t, v, c, text) = _callOf(_updates[proposalId], record.digest);
        descriptionHash = keccak256(bytes(text));
    }

    function _callOf(bytes memory encoded, bytes32 digest)
        private
        view
        returns (address[] memory targets, uint256[] memory values, bytes[] memory calldatas, string memory text)
    {
        (targets, values, calldatas) = (new address[](1), new uint256[](1), new bytes[](1));
        targets[0] = address(adapter);
        calldatas[0] = bytes.concat(IMarketAdapter.applyUpdate.selector, encoded);
        text = string.concat("Tribunate parameter update ", Strings.toHexString(uint256(digest), 32));
    }

    /// @dev Basis points apart for rates, relative to the lower bound for caps.
    function _spreadTooWide(ParameterUpdate calldata update) private view returns (bool) {
        uint256 spread = update.highBound - update.lowBound;
        if (_capMoves(update.expected, update.proposed)) spread = spread / (update.lowBound / 10_000 + 1);
        return spread > spreadLimitBps;
    }

    function _capMoves(Parameters calldata a, Parameters calldata b) private pure returns (bool) {
        return a.supplyCap != b.supplyCap || a.borrowCap != b.borrowCap;
    }
}
