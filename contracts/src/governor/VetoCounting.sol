// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {IVetoPower} from "../votes/IVetoPower.sol";
import {Standing} from "./Standing.sol";

/// @notice Silence passes; votes against kill at the threshold, in the block in which they cross it.
///
///     window 72 h ──► + 24 h once: half the threshold is reached by a vote in the last 12 h
///                 └─► + 24 h once: agents' doubts (see Backing)
abstract contract VetoCounting is GovernorCountingSimple, GovernorVotes {
    uint256 public constant HIGHEST_VETO_THRESHOLD_BPS = 500;
    uint48 public constant EXTENSION_SECONDS = 24 hours;
    uint48 public constant LATE_SECONDS = 12 hours;
    uint256 private constant BPS_ONE = 10_000;

    enum Extension {
        LATE_VETO,
        DISSENT,
        SPREAD
    }

    /// @notice Why a holder votes against: one byte in `params` of `castVoteWithReasonAndParams` and of its BySig
    /// form, 0x01 for TOO_RISKY. Empty `params`, as of every other vote, say UNSPECIFIED.
    /// @dev The code stands in OpenZeppelin's `VoteCastWithParams`; nothing here depends on it.
    enum VetoReason {
        UNSPECIFIED,
        TOO_RISKY,
        DATA_WRONG,
        MODEL_DOUBTED,
        TOO_FAST,
        CONFLICT_OF_INTEREST,
        OTHER
    }

    uint256 public immutable vetoThresholdBps;
    mapping(uint256 proposalId => Standing) internal _standing;

    event Vetoed(uint256 indexed proposalId, uint256 against, uint256 threshold);
    event WindowExtended(uint256 indexed proposalId, uint256 deadline, Extension reason);
    /// @dev Same as OpenZeppelin's GovernorPreventLateQuorum, for clients that know it.
    event ProposalExtended(uint256 indexed proposalId, uint64 extendedDeadline);

    error VetoThresholdOutOfRange(uint256 found, uint256 highest);
    error TreasuryCannotVote(address treasury);
    error NotAVetoReason(bytes params);

    constructor(uint256 thresholdBps) {
        if (thresholdBps == 0 || thresholdBps > HIGHEST_VETO_THRESHOLD_BPS) {
            revert VetoThresholdOutOfRange(thresholdBps, HIGHEST_VETO_THRESHOLD_BPS);
        }
        vetoThresholdBps = thresholdBps;
    }

    function vetoPower() public view returns (IVetoPower) {
        return IVetoPower(address(token()));
    }

    /// @notice Votes against that kill a proposal, from the votable supply at its snapshot; rounded up.
    function vetoThreshold(uint256 proposalId) public view returns (uint256) {
        uint256 kept = _standing[proposalId].threshold;
        if (kept != 0) return kept;
        uint256 votable = vetoPower().votableSupply(proposalSnapshot(proposalId));
        uint256 threshold = (votable * vetoThresholdBps + BPS_ONE - 1) / BPS_ONE;
        return threshold == 0 ? 1 : threshold;
    }

    function isVetoed(uint256 proposalId) public view returns (bool) {
        return _standing[proposalId].killed;
    }

    function proposalDeadline(uint256 proposalId) public view virtual override returns (uint256) {
        Standing storage standing = _standing[proposalId];
        uint256 extra = standing.extendedByVotes ? EXTENSION_SECONDS : 0;
        if (standing.extendedByAgents) extra += EXTENSION_SECONDS;
        return super.proposalDeadline(proposalId) + extra;
    }

    // solhint-disable-next-line func-name-mixedcase
    function COUNTING_MODE() public pure override(IGovernor, GovernorCountingSimple) returns (string memory) {
        return "support=bravo&quorum=none&pass=veto";
    }

    function quorum(uint256) public pure override returns (uint256) {
        return 0;
    }

    function _quorumReached(uint256) internal pure override(Governor, GovernorCountingSimple) returns (bool) {
        return true;
    }

    function _voteSucceeded(uint256 proposalId)
        internal
        view
        override(Governor, GovernorCountingSimple)
        returns (bool)
    {
        return !_standing[proposalId].killed;
    }

    function _countVote(uint256 proposalId, address account, uint8 support, uint256 weight, bytes memory params)
        internal
        override(Governor, GovernorCountingSimple)
        returns (uint256)
    {
        if (params.length > 1 || (params.length == 1 && uint8(params[0]) > uint8(type(VetoReason).max))) {
            revert NotAVetoReason(params);
        }
        if (vetoPower().isExcluded(account)) revert TreasuryCannotVote(account);
        return super._countVote(proposalId, account, support, weight, params);
    }

    /// @dev Sets flags and never reverts: a revert here would take the veto away.
    function _tallyUpdated(uint256 proposalId) internal virtual override {
        Standing storage standing = _standing[proposalId];
        (uint256 against,,) = proposalVotes(proposalId);
        uint256 threshold = vetoThreshold(proposalId);
        if (threshold <= type(uint104).max) standing.threshold = uint104(threshold);
        if (against >= threshold) {
            standing.killed = true;
            emit Vetoed(proposalId, against, threshold);
        } else if (
            !standing.extendedByVotes && against * 2 >= threshold && clock() + LATE_SECONDS > proposalDeadline(proposalId)
        ) {
            standing.extendedByVotes = true;
            _sayExtended(proposalId, Extension.LATE_VETO);
        }
    }

    function _extendForAgents(uint256 proposalId, Extension reason) internal {
        Standing storage standing = _standing[proposalId];
        if (standing.extendedByAgents) return;
        standing.extendedByAgents = true;
        _sayExtended(proposalId, reason);
    }

    function _sayExtended(uint256 proposalId, Extension reason) private {
        uint256 deadline = proposalDeadline(proposalId);
        emit ProposalExtended(proposalId, uint64(deadline));
        emit WindowExtended(proposalId, deadline, reason);
    }
}
