// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {UpdateGate} from "../governor/UpdateGate.sol";
import {SeatRegistry} from "../registry/SeatRegistry.sol";
import {ParameterUpdate} from "../types/ParameterTypes.sol";

/// @notice Decides by re-execution on chain whether an agent has claimed something wrong.
interface IClaimVerifier {
    /// @return wrong Whether re-execution contradicts the claim that `agentId` has signed.
    /// @dev Reverts when the claim is not the agent's, so that nobody pays for another's words.
    function isWrong(uint256 agentId, bytes calldata claim) external view returns (bool wrong);
}

/// @notice Bonds of agents, by agent id; slashed only for what a contract can decide by itself.
///
///     deposit (anyone) ──► bonded ──► startUnbonding ──► 30 d ──► withdraw (owner of the identity)
///                             └── equivocation, or a wrong claim: half to the challenger, half burned
///
/// @dev No jury: no slash for a veto, for a stale value, or by a vote.
contract Bonds is Ownable, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    struct Bond {
        uint128 bonded;
        uint128 unbonding;
        uint64 releasedAt;
    }

    /// @dev What an agent has signed, an update or a whole batch; `place` names the update in question.
    struct Signed {
        ParameterUpdate[] updates;
        uint256 place;
        bytes signature;
    }

    /// @notice Longer than any proposal can live: window 5 d, queue 7 d, timelock 1 d, grace 7 d, ramp 7 d.
    uint256 public constant UNBONDING_SECONDS = 30 days;
    address public constant BURNED = 0x000000000000000000000000000000000000dEaD;

    IERC20 public immutable token;
    IERC721 public immutable identities;
    UpdateGate public immutable gate;
    /// @notice What a challenger of a claim puts up; lost when the claim was right.
    uint128 public immutable challengeBond;
    IClaimVerifier public verifier;
    /// @notice Everything that agents have put in and not got out; equals the contract's balance of `token`.
    uint256 public totalBonds;
    mapping(uint256 agentId => Bond) private _bonds;

    event Bonded(uint256 indexed agentId, address indexed from, uint256 amount);
    event UnbondingStarted(uint256 indexed agentId, uint256 amount, uint256 releasedAt);
    event Withdrawn(uint256 indexed agentId, address indexed to, uint256 amount);
    event Slashed(uint256 indexed agentId, address indexed challenger, uint256 reward, uint256 burned);
    event ChallengeFailed(uint256 indexed agentId, address indexed challenger, uint256 burned);
    event VerifierSet(IClaimVerifier verifier);

    error NotAgentOwner(uint256 agentId, address caller);
    error NotEnoughBonded(uint256 agentId, uint256 asked, uint256 bonded);
    error NothingToWithdraw(uint256 agentId);
    error StillUnbonding(uint256 agentId, uint256 releasedAt);
    error NothingToSlash(uint256 agentId);
    error NotTheSameTurn();
    error SameContent();
    error NotASeat(address signer);
    error NotSignedBy(address signer);
    error NoVerifier();

    constructor(address owner_, IERC20 token_, IERC721 identities_, UpdateGate gate_, uint128 challengeBond_)
        Ownable(owner_)
    {
        (token, identities, gate, challengeBond) = (token_, identities_, gate_, challengeBond_);
    }

    /// @notice Names the contract that re-executes claims (verifiable inference).
    function setVerifier(IClaimVerifier next) external onlyOwner {
        verifier = next;
        emit VerifierSet(next);
    }

    /// @notice Adds to an agent's bond; anyone may.
    /// @dev Warning: tokens that take a fee on transfer are not supported.
    function deposit(uint256 agentId, uint128 amount) external nonReentrant {
        identities.ownerOf(agentId);
        _bonds[agentId].bonded += amount;
        totalBonds += amount;
        token.safeTransferFrom(msg.sender, address(this), amount);
        emit Bonded(agentId, msg.sender, amount);
    }

    /// @notice Starts the clock for part of a bond; a second call starts it anew for all of it.
    function startUnbonding(uint256 agentId, uint128 amount) external {
        _onlyAgentOwner(agentId);
        Bond storage bond = _bonds[agentId];
        if (amount > bond.bonded) revert NotEnoughBonded(agentId, amount, bond.bonded);
        bond.bonded -= amount;
        bond.unbonding += amount;
        bond.releasedAt = uint64(block.timestamp + UNBONDING_SECONDS);
        emit UnbondingStarted(agentId, amount, bond.releasedAt);
    }

    function withdraw(uint256 agentId) external nonReentrant {
        _onlyAgentOwner(agentId);
        Bond storage bond = _bonds[agentId];
        uint256 amount = bond.unbonding;
        if (amount == 0) revert NothingToWithdraw(agentId);
        if (block.timestamp < bond.releasedAt) revert StillUnbonding(agentId, bond.releasedAt);
        bond.unbonding = 0;
        totalBonds -= amount;
        token.safeTransfer(msg.sender, amount);
        emit Withdrawn(agentId, msg.sender, amount);
    }

    /// @notice Slashes an agent that has signed two different things for one (epoch, market, attempt).
    /// @param signer The seat's wallet in the table that the first update names.
    /// @dev Warning: a contract wallet (ERC-1271) may take its word back before it is challenged.
    function slashEquivocation(address signer, Signed calldata first, Signed calldata second) external nonReentrant {
        (ParameterUpdate calldata a, ParameterUpdate calldata b) =
            (first.updates[first.place], second.updates[second.place]);
        if (a.epoch != b.epoch || a.market != b.market || a.attempt != b.attempt) revert NotTheSameTurn();
        if (gate.hashUpdate(a) == gate.hashUpdate(b)) revert SameContent();
        _requireSigned(signer, first);
        _requireSigned(signer, second);
        SeatRegistry seats = gate.seats();
        (uint256 agentId,) = seats.holderAt(seats.versionOf(a.seatTableHash), signer);
        if (agentId == 0) revert NotASeat(signer);
        _slash(agentId);
    }

    /// @notice Has a claim re-executed: a wrong one is slashed, a right one costs the challenger its bond.
    function challengeClaim(uint256 agentId, bytes calldata claim) external nonReentrant returns (bool wrong) {
        if (address(verifier) == address(0)) revert NoVerifier();
        wrong = verifier.isWrong(agentId, claim);
        if (wrong) {
            _slash(agentId);
        } else {
            token.safeTransferFrom(msg.sender, BURNED, challengeBond);
            emit ChallengeFailed(agentId, msg.sender, challengeBond);
        }
    }

    function bondOf(uint256 agentId) external view returns (Bond memory) {
        return _bonds[agentId];
    }

    /// @dev All of it, what is unbonding too.
    function _slash(uint256 agentId) private {
        Bond storage bond = _bonds[agentId];
        uint256 amount = uint256(bond.bonded) + bond.unbonding;
        if (amount == 0) revert NothingToSlash(agentId);
        (bond.bonded, bond.unbonding) = (0, 0);
        totalBonds -= amount;
        uint256 reward = amount / 2;
        token.safeTransfer(msg.sender, reward);
        token.safeTransfer(BURNED, amount - reward);
        emit Slashed(agentId, msg.sender, reward, amount - reward);
    }

    function _requireSigned(address signer, Signed calldata signed) private view {
        bytes32 digest = gate.hashUpdates(signed.updates);
        if (!SignatureChecker.isValidSignatureNowCalldata(signer, digest, signed.signature)) {
            revert NotSignedBy(signer);
        }
    }

    function _onlyAgentOwner(uint256 agentId) private view {
        if (identities.ownerOf(agentId) != msg.sender) revert NotAgentOwner(agentId, msg.sender);
    }
}
