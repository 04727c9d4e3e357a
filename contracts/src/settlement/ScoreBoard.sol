// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {SeatRegistry} from "../registry/SeatRegistry.sol";

/// @notice Scores of agents as Merkle roots, posted optimistically, and the pay that follows from them.
///
///     post (bond) ──► 7 d ──────────────────────────────────────────► FINAL ──► claim (pull)
///                      └─ challenge (bond) ──► a quorum of seats signs the root within 7 d: FINAL
///                                          └─► it does not: VOID, to be posted anew
///
/// @dev Scores are recomputable, so that the seats need no trust in whoever posts: a challenged root stands only
/// if two thirds of them have recomputed and signed it. The loser's bond goes half to the winner, half is burned.
contract ScoreBoard is EIP712, Ownable, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    enum RootState {
        NONE,
        POSTED,
        CHALLENGED,
        FINAL
    }

    /// @dev `poster` is zero once the root is final.
    struct ScoreRoot {
        bytes32 root;
        address poster;
        uint64 decidedAt;
        address challenger;
    }

    uint256 public constant CHALLENGE_SECONDS = 7 days;
    address public constant BURNED = 0x000000000000000000000000000000000000dEaD;
    bytes32 private constant ROOT_TYPEHASH = keccak256("ScoreRoot(uint64 period,bytes32 root,bytes32 seatTableHash)");

    IERC20 public immutable bondToken;
    uint128 public immutable bond;
    SeatRegistry public immutable seats;
    IERC721 public immutable identities;
    mapping(uint64 period => ScoreRoot) private _roots;
    /// @notice What may be paid per period, at most: a wrong root cannot empty the pool.
    mapping(IERC20 token => uint256) public allotment;
    mapping(uint64 period => mapping(IERC20 token => uint256)) public paid;
    mapping(uint64 period => mapping(IERC20 token => mapping(uint256 agentId => bool))) public isClaimed;

    event RootPosted(uint64 indexed period, bytes32 root, address indexed poster, string uri);
    event RootChallenged(uint64 indexed period, address indexed challenger);
    event RootConfirmed(uint64 indexed period, bytes32 root);
    event RootVoided(uint64 indexed period, bytes32 root);
    event AllotmentSet(IERC20 indexed token, uint256 perPeriod);
    event Paid(uint64 indexed period, uint256 indexed agentId, IERC20 indexed token, address to, uint256 amount);

    error AlreadyPosted(uint64 period);
    error EmptyRoot();
    error NotOpen(uint64 period, RootState state);
    error TooLate(uint64 period, uint256 end);
    error TooEarly(uint64 period, uint256 end);
    error NotFinal(uint64 period);
    error NotInRoot(uint64 period, uint256 agentId);
    error AlreadyClaimed(uint64 period, uint256 agentId);
    error OverAllotment(uint256 asked, uint256 left);

    constructor(address owner_, IERC20 bondToken_, uint128 bond_, SeatRegistry seats_, IERC721 identities_)
        EIP712("Tribunate scores", "1")
        Ownable(owner_)
    {
        (bondToken, bond, seats, identities) = (bondToken_, bond_, seats_, identities_);
    }

    function setAllotment(IERC20 token, uint256 perPeriod) external onlyOwner {
        allotment[token] = perPeriod;
        emit AllotmentSet(token, perPeriod);
    }

    /// @notice Posts the scores of a period; anyone may, with a bond. `uri` is where they can be recomputed from.
    function post(uint64 period, bytes32 root, string calldata uri) external nonReentrant {
        if (root == 0) revert EmptyRoot();
        if (_roots[period].root != 0) revert AlreadyPosted(period);
        _roots[period] = ScoreRoot(root, msg.sender, uint64(block.timestamp + CHALLENGE_SECONDS), address(0));
        bondToken.safeTransferFrom(msg.sender, address(this), bond);
        emit RootPosted(period, root, msg.sender, uri);
    }

    /// @notice Doubts a root within 7 d, with a bond; the seats then have 7 d to confirm it.
    function challenge(uint64 period) external nonReentrant {
        ScoreRoot storage scores = _open(period, RootState.POSTED);
        if (block.timestamp > scores.decidedAt) revert TooLate(period, scores.decidedAt);
        (scores.challenger, scores.decidedAt) = (msg.sender, uint64(block.timestamp + CHALLENGE_SECONDS));
        bondToken.safeTransferFrom(msg.sender, address(this), bond);
        emit RootChallenged(period, msg.sender);
    }

    /// @notice A quorum of seats has recomputed a challenged root and signed it: the challenger loses its bond.
    function confirm(
        uint64 period,
        bytes32 seatTableHash,
        address[] calldata signers,
        bytes[] calldata signatures
    ) external nonReentrant {
        ScoreRoot storage scores = _open(period, RootState.CHALLENGED);
        if (block.timestamp > scores.decidedAt) revert TooLate(period, scores.decidedAt);
        seats.requireQuorum(hashRoot(period, scores.root, seatTableHash), seatTableHash, signers, signatures, true);
        address poster = scores.poster;
        (scores.poster, scores.challenger) = (address(0), address(0));
        _settle(poster);
        emit RootConfirmed(period, scores.root);
    }

    /// @notice Ends the 7 d of a root: unchallenged ones are final, challenged ones without a quorum are void.
    function conclude(uint64 period) external nonReentrant {
        ScoreRoot storage scores = _roots[period];
        RootState current = stateOf(period);
        if (current != RootState.POSTED && current != RootState.CHALLENGED) revert NotOpen(period, current);
        if (block.timestamp <= scores.decidedAt) revert TooEarly(period, scores.decidedAt);
        if (current == RootState.POSTED) {
            address poster = scores.poster;
            scores.poster = address(0);
            bondToken.safeTransfer(poster, bond);
            emit RootConfirmed(period, scores.root);
        } else {
            address challenger = scores.challenger;
            bytes32 root = scores.root;
            delete _roots[period];
            _settle(challenger);
            emit RootVoided(period, root);
        }
    }

    /// @notice Pays an agent's part of a final period to the owner of its identity. Anyone may call it.
    /// @dev The leaf is keccak256(abi.encode(agentId, token, amount)) in OpenZeppelin's tree over bytes32.
    function claim(uint64 period, uint256 agentId, IERC20 token, uint256 amount, bytes32[] calldata proof)
        external
        nonReentrant
    {
        if (stateOf(period) != RootState.FINAL) revert NotFinal(period);
        bytes32 value = keccak256(abi.encode(agentId, token, amount));
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(value))));
        if (!MerkleProof.verifyCalldata(proof, _roots[period].root, leaf)) revert NotInRoot(period, agentId);
        if (isClaimed[period][token][agentId]) revert AlreadyClaimed(period, agentId);
        uint256 spent = paid[period][token];
        uint256 left = allotment[token] > spent ? allotment[token] - spent : 0;
        if (amount > left) revert OverAllotment(amount, left);
        isClaimed[period][token][agentId] = true;
        paid[period][token] += amount;
        address to = identities.ownerOf(agentId);
        token.safeTransfer(to, amount);
        emit Paid(period, agentId, token, to, amount);
    }

    function rootOf(uint64 period) external view returns (ScoreRoot memory) {
        return _roots[period];
    }

    function stateOf(uint64 period) public view returns (RootState) {
        ScoreRoot storage scores = _roots[period];
        if (scores.root == 0) return RootState.NONE;
        if (scores.poster == address(0)) return RootState.FINAL;
        return scores.challenger == address(0) ? RootState.POSTED : RootState.CHALLENGED;
    }

    /// @notice What the seats sign to confirm a challenged root.
    function hashRoot(uint64 period, bytes32 root, bytes32 seatTableHash) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(ROOT_TYPEHASH, period, root, seatTableHash)));
    }

    function _open(uint64 period, RootState wanted) private view returns (ScoreRoot storage scores) {
        scores = _roots[period];
        RootState current = stateOf(period);
        if (current != wanted) revert NotOpen(period, current);
    }

    /// @dev The winner gets its bond and half of the loser's.
    function _settle(address winner) private {
        uint256 half = bond / 2;
        bondToken.safeTransfer(winner, bond + half);
        bondToken.safeTransfer(BURNED, bond - half);
    }
}
