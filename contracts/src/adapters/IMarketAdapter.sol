// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Lane, ParameterUpdate, Parameters} from "../types/ParameterTypes.sol";

/// @notice The only door to a protocol's parameters. Obeys its owner (the timelock), and FastLane only for what
/// it classifies itself as FAST.
interface IMarketAdapter {
    /// @notice Reverts unless the updates may be submitted now: lane, compare-and-swap, coupling, guardrails,
    /// ceiling, freshness, age of the data.
    /// @return lane What the whole batch is. Only a single update is FAST or RAMP; a batch is SLOW.
    function requireSubmittable(ParameterUpdate[] calldata updates) external view returns (Lane lane);

    /// @notice Checks everything but the age of the data again, writes, and reads back; a ramp is armed and takes
    /// its first step.
    /// @dev Owner only. Warning: a revert with `MarketDrift` leaves the proposal executable until its grace ends.
    function applyUpdates(ParameterUpdate[] calldata updates) external;

    /// @notice Lowers what the update lowers, if that is FAST now. FastLane only.
    function applyCut(ParameterUpdate calldata update) external;

    /// @notice Takes the next step of an armed ramp. Anyone may.
    function rampStep(address market) external;

    /// @notice Ends the ramp that `epoch` has armed, if it still runs. The governor only.
    function stopRamp(address market, uint64 epoch) external;

    /// @notice Classifies by effect, never by what a proposer says.
    function laneOf(address market, Parameters calldata current, Parameters calldata proposed)
        external
        view
        returns (Lane);

    /// @notice The governed fields as the protocol has them now.
    function parametersOf(address market) external view returns (Parameters memory);
}

/// @notice The largest collateral factor that the registered integer network allows now.
/// @dev Each input is labelled: read by the contract, recomputable from the snapshot, or attested; a
/// risk-increasing change rests on the first two kinds only.
interface ICeiling {
    function ceilingBps(ParameterUpdate calldata update) external view returns (uint256);
}
