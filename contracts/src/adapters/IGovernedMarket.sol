// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Parameters} from "../types/ParameterTypes.sol";

/// @notice What DemoMarketAdapter needs of a market.
interface IGovernedMarket {
    function collateralToken() external view returns (address);

    function parameters() external view returns (Parameters memory);

    function totalCollateral() external view returns (uint256);

    /// @notice Borrow over supply of the debt asset and total borrow, with interest until now; rounded up.
    function borrowState() external view returns (uint256 utilisationBps, uint256 totalBorrow);

    /// @notice USD for one whole collateral token, eight decimals.
    function oraclePrice() external view returns (uint256);

    function debtOf(address account) external view returns (uint256);

    /// @notice At least 1e18 is healthy.
    function healthFactor(address account) external view returns (uint256);

    /// @notice Only the configurator, which is the adapter.
    function setParameters(Parameters calldata next) external;
}
