// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";

/// @notice Silence passes; votes against kill at the threshold, in the block in which they cross it.
///
///     window 72 h ──► + 24 h once: half the threshold is reached by a vote in the last 12 h
///                 └─► + 24 h once: agents' doubts (see UpdateEntry)
abstract contract VetoCounting is GovernorCountingSimple, GovernorVotes {
    uint256 public constant HIGHEST_VETO_THRESHOLD_BPS = 500;
    uint256 public constant MOST_TREASURIES = 8;
    uint48 public constant EXTENSION_SECONDS = 24 hours;
    uint48 public constant LATE_SECONDS = 12 hours;
    uint256 private constant BPS_ONE = 10_000;

    enum Extension {
        LATE_VETO,
        DISSENT,
        SPREAD
    }

    struct Tally {
        bool killed;
        bool extendedByVotes;
        bool extendedByAgents;
        uint48 extraSeconds;
    }

    uint256 public immutable vetoThresholdBps;
    address[] private _treasuries;
    mapping(uint256 proposalId => Tally) private _tallies;

    event Vetoed(uint256 indexed proposalId, uint256 against, uint256 threshold);
    event WindowExtended(uint256 indexed proposalId, uint256 deadline, Extension reason);
    /// @dev Same as OpenZeppelin's GovernorPreventLateQuorum, for clients that know it.
    event ProposalExtended(uint256 indexed proposalId, uint64 extendedDeadline);

    error VetoThresholdOutOfRange(uint256 found, uint256 highest);
    error TooManyTreasuries(uint256 found, uint256 allowed);
    error TreasuriesNotAscending(address previous, address next);
    error TreasuryCannotVote(address treasury);

    /// @param treasuries_ Strictly ascending: one counted twice could push the votable supply below zero.
    constructor(uint256 thresholdBps, address[] memory treasuries_) {
        if (thresholdBps == 0 || thresholdBps > HIGHEST_VETO_THRESHOLD_BPS) {
            revert VetoThresholdOutOfRange(thresholdBps, HIGHEST_VETO_THRESHOLD_BPS);
        }
        if (treasuries_.length > MOST_TREASURIES) revert TooManyTreasuries(treasuries_.length, MOST_TREASURIES);
        for (uint256 i = 1; i < treasuries_.length; ++i) {
            if (treasuries_[i] <= treasuries_[i - 1]) revert TreasuriesNotAscending(treasuries_[i - 1], treasuries_[i]);
        }
        vetoThresholdBps = thresholdBps;
        _treasuries = treasuries_;
    }

    /// @notice Votes against that kill a proposal, from the votable supply at its snapshot; rounded up.
    /// @dev Warning: votes delegated to a treasury leave the votable supply; treasuries delegate to themselves.
    function vetoThreshold(uint256 proposalId) public view returns (uint256) {
        uint256 timepoint = proposalSnapshot(proposalId);
        uint256 votable = token().getPastTotalSupply(timepoint);
        for (uint256 i; i < _treasuries.length; ++i) {
            votable -= token().getPastVotes(_treasuries[i], timepoint);
        }
        uint256 threshold = (votable * vetoThresholdBps + BPS_ONE - 1) / BPS_ONE;
        return threshold == 0 ? 1 : threshold;
    }

    function treasuries() external view returns (address[] memory) {
        return _treasuries;
    }

    function isVetoed(uint256 proposalId) public view returns (bool) {
        return _tallies[proposalId].killed;
    }

    function proposalDeadline(uint256 proposalId) public view virtual override returns (uint256) {
        return super.proposalDeadline(proposalId) + _tallies[proposalId].extraSeconds;
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
        return !_tallies[proposalId].killed;
    }

    function _countVote(uint256 proposalId, address account, uint8 support, uint256 weight, bytes memory params)
        internal
        override(Governor, GovernorCountingSimple)
        returns (uint256)
    {
        for (uint256 i; i < _treasuries.length; ++i) {
            if (_treasuries[i] == account) revert TreasuryCannotVote(account);
        }
        return super._countVote(proposalId, account, support, weight, params);
    }

    /// @dev Sets flags and never reverts: a revert here would take the veto away.
    function _tallyUpdated(uint256 proposalId) internal virtual override {
        Tally storage tally = _tallies[proposalId];
        (uint256 against,,) = proposalVotes(proposalId);
        uint256 threshold = vetoThreshold(proposalId);
        if (against >= threshold) {
            tally.killed = true;
            emit Vetoed(proposalId, against, threshold);
        } else if (
            !tally.extendedByVotes && against * 2 >= threshold && clock() + LATE_SECONDS > proposalDeadline(proposalId)
        ) {
            tally.extendedByVotes = true;
            _extend(proposalId, Extension.LATE_VETO);
        }
    }

    function _extendForAgents(uint256 proposalId, Extension reason) internal {
        Tally storage tally = _tallies[proposalId];
        if (tally.extendedByAgents) return;
        tally.extendedByAgents = true;
        _extend(proposalId, reason);
    }

    function _extend(uint256 proposalId, Extension reason) private {
        _tallies[proposalId].extraSeconds += EXTENSION_SECONDS;
        uint256 deadline = proposalDeadline(proposalId);
        emit ProposalExtended(proposalId, uint64(deadline));
        emit WindowExtended(proposalId, deadline, reason);
    }
}
