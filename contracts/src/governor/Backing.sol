// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {IMarketAdapter} from "../adapters/IMarketAdapter.sol";
import {SeatRegistry} from "../registry/SeatRegistry.sol";
import {Lane, ParameterUpdate} from "../types/ParameterTypes.sol";
import {PriceCapUpdate} from "../types/PriceCapTypes.sol";
import {Admission, UpdateGate} from "./UpdateGate.sol";
import {Standing} from "./Standing.sol";
import {VetoCounting} from "./VetoCounting.sol";

/// @notice Who stands behind a proposal: the only way in, and how its signers and other agents take it back.
///
///     proposeUpdate ──► OpenZeppelin proposal
///                          │ withdrawSignature, reportLostSeat   f + 1: Canceled, or its ramp stopped
///                          └ dissent                             f + 1: window extended once
abstract contract Backing is VetoCounting {
    enum Reason {
        UNSPECIFIED,
        DATA,
        MODEL,
        STRESS,
        MANDATE,
        PROCESS
    }

    /// @dev Kept for ramps only: what still can be stopped after execution.
    struct RampRef {
        address adapter;
        address market;
        uint64 epoch;
    }

    UpdateGate public immutable gate;
    mapping(uint256 proposalId => RampRef) private _ramps;
    mapping(uint256 proposalId => mapping(uint256 agentId => bool)) public hasDissented;

    /// @dev The update itself is the call in OpenZeppelin's `ProposalCreated` of the same transaction.
    /// `signers` has one bit per place of `seatVersion`.
    event UpdateProposed(
        uint256 indexed proposalId, bytes32 indexed digest, Lane lane, uint32 seatVersion, uint32 signers
    );
    event SignatureWithdrawn(uint256 indexed proposalId, address indexed signer, uint256 withdrawals);
    event Dissent(uint256 indexed proposalId, address indexed agent, Reason reason, uint256 dissents);

    error LaneNotOpen(Lane lane);
    error NotASigner(uint256 proposalId, address account);
    error AlreadyExecuted(uint256 proposalId);
    error StillSeated(address signer);
    error NotSeatedNow(address account);
    error AlreadyDissented(address account);
    error BackingLost(uint256 proposalId, uint256 lost, uint256 allowed);

    constructor(UpdateGate gate_) {
        gate = gate_;
    }

    /// @notice Takes an update that a quorum has signed (EIP-712); anyone may bring it.
    /// @dev Arguments: the update; seated wallets, strictly ascending; a signature of each.
    function proposeUpdate(ParameterUpdate calldata, address[] calldata, bytes[] calldata)
        external
        returns (uint256)
    {
        return _enter(UpdateGate.admitUpdate.selector);
    }

    /// @notice Takes several markets of one adapter as one proposal, signed as an `UpdateBatch`.
    /// @dev Updates ascend strictly by market; all are validated before any is applied.
    function proposeBatch(ParameterUpdate[] calldata, address[] calldata, bytes[] calldata)
        external
        returns (uint256)
    {
        return _enter(UpdateGate.admitBatch.selector);
    }

    /// @notice Takes a capped feed's snapshot and growth, which move as one unit; always SLOW.
    function proposePriceCap(PriceCapUpdate calldata, address[] calldata, bytes[] calldata)
        external
        returns (uint256)
    {
        return _enter(UpdateGate.admitPriceCap.selector);
    }

    /// @notice A signer takes its name back until execution, and while a ramp runs; f + 1 of them end it.
    function withdrawSignature(uint256 proposalId) external {
        _withdraw(proposalId, msg.sender);
    }

    /// @notice A signer without a voice counts as withdrawn; anyone may point at it.
    function reportLostSeat(uint256 proposalId, address signer) external {
        if (gate.seats().isActive(signer)) revert StillSeated(signer);
        _withdraw(proposalId, signer);
    }

    /// @notice A seated agent's public no during the window; f + 1 extend it once, one never can.
    function dissent(uint256 proposalId, Reason reason) external {
        _validateStateBitmap(
            proposalId, _encodeStateBitmap(ProposalState.Pending) | _encodeStateBitmap(ProposalState.Active)
        );
        SeatRegistry seats = gate.seats();
        if (!seats.isActive(msg.sender)) revert NotSeatedNow(msg.sender);
        (uint256 agentId,) = seats.holderAt(seats.seatVersion(), msg.sender);
        if (hasDissented[proposalId][agentId]) revert AlreadyDissented(msg.sender);
        hasDissented[proposalId][agentId] = true;
        Standing storage standing = _standing[proposalId];
        uint256 dissents = ++standing.dissents;
        emit Dissent(proposalId, msg.sender, reason, dissents);
        if (dissents > standing.faults) _extendForAgents(proposalId, Extension.DISSENT);
    }

    /// @notice Signers, withdrawals, dissents and extensions of a proposal.
    function standingOf(uint256 proposalId) external view returns (Standing memory) {
        return _standing[proposalId];
    }

    /// @notice Adapter, market and epoch of the ramp that a proposal arms; zero when it arms none.
    function rampOf(uint256 proposalId) external view returns (RampRef memory) {
        return _ramps[proposalId];
    }

    /// @dev Whether f + 1 signers have withdrawn.
    function _isAbandoned(uint256 proposalId) internal view returns (bool) {
        Standing storage standing = _standing[proposalId];
        return _ones(standing.withdrawn) > standing.faults;
    }

    /// @dev At execution nobody need have reported a lost seat: it counts all the same.
    function _requireBacked(uint256 proposalId) internal view {
        Standing memory standing = _standing[proposalId];
        uint32 lost = standing.withdrawn | gate.seats().lostSince(standing.version, standing.signers);
        if (_ones(lost) > standing.faults) revert BackingLost(proposalId, _ones(lost), standing.faults);
    }

    function _stopRampOf(uint256 proposalId) internal {
        RampRef memory ramp = _ramps[proposalId];
        if (ramp.adapter != address(0)) IMarketAdapter(ramp.adapter).stopRamp(ramp.market, ramp.epoch);
    }

    /// @dev The gate takes the same arguments, so that this call's own data is passed on: the governor has no
    /// room for their encoding.
    function _enter(bytes4 entrance) private returns (uint256 proposalId) {
        bytes memory answer = Address.functionCall(address(gate), bytes.concat(entrance, msg.data[4:]));
        Admission memory admitted = abi.decode(answer, (Admission));
        if (admitted.lane != Lane.SLOW && admitted.lane != Lane.RAMP) revert LaneNotOpen(admitted.lane);
        proposalId = _open(admitted);
        Standing memory standing;
        (standing.version, standing.signers) = (admitted.quorum.version, admitted.quorum.signers);
        (standing.faults, standing.lane) = (admitted.quorum.faults, admitted.lane);
        _standing[proposalId] = standing;
        if (admitted.lane == Lane.RAMP) {
            _ramps[proposalId] = RampRef(address(admitted.adapter), admitted.market, admitted.epoch);
        }
        emit UpdateProposed(
            proposalId, admitted.digest, admitted.lane, admitted.quorum.version, admitted.quorum.signers
        );
        if (admitted.boundsFarApart) _extendForAgents(proposalId, Extension.SPREAD);
        vetoPower().fixSnapshot(proposalSnapshot(proposalId));
    }

    function _open(Admission memory admitted) private returns (uint256) {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            (new address[](1), new uint256[](1), new bytes[](1));
        targets[0] = address(admitted.adapter);
        calldatas[0] = admitted.call;
        string memory text =
            string.concat("Tribunate parameter update ", Strings.toHexString(uint256(admitted.digest), 32));
        return _propose(targets, values, calldatas, text, msg.sender);
    }

    function _withdraw(uint256 proposalId, address signer) private {
        Standing storage standing = _standing[proposalId];
        (, uint32 bit) = gate.seats().holderAt(standing.version, signer);
        if (bit == 0 || standing.signers & bit == 0 || standing.withdrawn & bit != 0) {
            revert NotASigner(proposalId, signer);
        }
        bool executed = state(proposalId) == ProposalState.Executed;
        if (executed && standing.lane != Lane.RAMP) revert AlreadyExecuted(proposalId);
        standing.withdrawn |= bit;
        uint256 withdrawals = _ones(standing.withdrawn);
        emit SignatureWithdrawn(proposalId, signer, withdrawals);
        if (executed && withdrawals > standing.faults) _stopRampOf(proposalId);
        if (!executed && withdrawals == standing.faults + 1) emit ProposalCanceled(proposalId);
    }

    function _ones(uint32 bits) private pure returns (uint256 ones) {
        for (; bits != 0; bits &= bits - 1) ++ones;
    }
}
