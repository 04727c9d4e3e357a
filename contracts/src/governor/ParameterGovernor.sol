// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {GovernorTimelockControl} from "@openzeppelin/contracts/governance/extensions/GovernorTimelockControl.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {IVetoPower} from "../votes/IVetoPower.sol";
import {Backing} from "./Backing.sol";
import {UpdateGate} from "./UpdateGate.sol";
import {VetoCounting} from "./VetoCounting.sol";

/// @notice Agents propose, holders veto, a timelock waits.
///
///     proposeUpdate ─► Pending 12 h ─► Active 60 h (+24 h twice at most) ─► Succeeded ─► Queued 24 h ─► Executed
///                         │                │ veto: at once                     │             │ 7 d after eta
///                         │                ▼                                   ▼             ▼
///                         │             Defeated                            Expired       Expired
///                         └─ guardian or f + 1 withdrawals, any time before execution ─► Canceled
///
/// @dev Queue, execute and cancel are OpenZeppelin's, with the call that `ProposalCreated` has logged.
contract ParameterGovernor is Backing, GovernorTimelockControl {
    uint256 private constant VOTING_DELAY_SECONDS = 12 hours;
    uint256 private constant VOTING_PERIOD_SECONDS = 60 hours;
    uint256 public constant GRACE_SECONDS = 7 days;
    uint256 public constant GUARDIAN_TERM_SECONDS = 180 days;

    address public immutable guardian;
    uint256 public immutable guardianExpiresAt;

    error UseProposeUpdate();
    error NotGuardian(address caller);

    constructor(
        IVetoPower power,
        TimelockController timelock_,
        UpdateGate gate_,
        address guardian_,
        uint256 vetoThresholdBps_
    )
        Governor("Tribunate")
        GovernorVotes(power)
        GovernorTimelockControl(timelock_)
        VetoCounting(vetoThresholdBps_)
        Backing(gate_)
    {
        guardian = guardian_;
        guardianExpiresAt = block.timestamp + GUARDIAN_TERM_SECONDS;
    }

    /// @notice The guardian ends what remains of a ramp, until its term ends.
    function stopRamp(uint256 proposalId) external {
        if (!_isGuardian(msg.sender)) revert NotGuardian(msg.sender);
        _stopRampOf(proposalId);
    }

    /// @notice OpenZeppelin's states; a veto shows at once, and every state ends.
    function state(uint256 proposalId)
        public
        view
        override(Governor, GovernorTimelockControl)
        returns (ProposalState current)
    {
        current = super.state(proposalId);
        if (current == ProposalState.Executed || current == ProposalState.Canceled) return current;
        if (_isAbandoned(proposalId)) return ProposalState.Canceled;
        if (current == ProposalState.Active && isVetoed(proposalId)) return ProposalState.Defeated;
        if (current == ProposalState.Queued && block.timestamp > proposalEta(proposalId) + GRACE_SECONDS) {
            return ProposalState.Expired;
        }
        if (current == ProposalState.Succeeded && block.timestamp > proposalDeadline(proposalId) + GRACE_SECONDS) {
            return ProposalState.Expired;
        }
    }

    function proposalDeadline(uint256 proposalId) public view override(Governor, VetoCounting) returns (uint256) {
        return super.proposalDeadline(proposalId);
    }

    /// @dev Constants, not GovernorSettings: no proposal could call its setters, and nobody may shorten the window.
    function votingDelay() public pure override returns (uint256) {
        return VOTING_DELAY_SECONDS;
    }

    function votingPeriod() public pure override returns (uint256) {
        return VOTING_PERIOD_SECONDS;
    }

    function proposalNeedsQueuing(uint256 proposalId)
        public
        view
        override(Governor, GovernorTimelockControl)
        returns (bool)
    {
        return super.proposalNeedsQueuing(proposalId);
    }

    /// @notice Agents' updates only; see `proposeUpdate`.
    function propose(address[] memory, uint256[] memory, bytes[] memory, string memory)
        public
        pure
        override
        returns (uint256)
    {
        revert UseProposeUpdate();
    }

    /// @dev The guardian cancels until execution and until its term ends; it never proposes.
    function _validateCancel(uint256, address caller) internal view override returns (bool) {
        return _isGuardian(caller);
    }

    function _isGuardian(address caller) private view returns (bool) {
        return caller == guardian && block.timestamp < guardianExpiresAt;
    }

    function _queueOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint48) {
        return super._queueOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    /// @dev Signers without a voice and revoked models count at the last moment too.
    function _executeOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) {
        _requireBacked(proposalId);
        gate.requireModelsLive(calldatas[0]);
        super._executeOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _cancel(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint256) {
        return super._cancel(targets, values, calldatas, descriptionHash);
    }

    function _tallyUpdated(uint256 proposalId) internal override(Governor, VetoCounting) {
        super._tallyUpdated(proposalId);
    }

    function _executor() internal view override(Governor, GovernorTimelockControl) returns (address) {
        return super._executor();
    }
}
