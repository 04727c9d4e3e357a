// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Lane, ParameterUpdate, Parameters} from "./ParameterTypes.sol";

/// @notice The only door to a market's parameters. Obeys the timelock and nobody else.
interface IMarketAdapter {
    /// @notice Reverts unless the update may be submitted now: lane, compare-and-swap, coupling, guardrails,
    /// freshness, age of the data.
    function requireSubmittable(ParameterUpdate calldata update) external view;

    /// @notice Checks everything but the age of the data again, writes, and reads back.
    /// @dev Warning: reverts with `MarketDrift` leave the proposal executable until its grace ends.
    function applyUpdate(ParameterUpdate calldata update) external;

    /// @notice Classifies by effect, never by what a proposer says.
    function laneOf(Parameters calldata current, Parameters calldata proposed) external view returns (Lane);
}

/// @notice What an adapter needs of a market.
interface IGovernedMarket {
    function collateralToken() external view returns (address);

    function parameters() external view returns (Parameters memory);

    function totalCollateral() external view returns (uint256);

    /// @notice Borrow over supply of the debt asset and total borrow, with interest until now; rounded up.
    function borrowState() external view returns (uint256 utilisationBps, uint256 totalBorrow);

    /// @notice USD for one whole collateral token, eight decimals.
    function oraclePrice() external view returns (uint256);

    /// @notice Only the configurator, which is the adapter.
    function setParameters(Parameters calldata next) external;
}
