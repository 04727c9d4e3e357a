// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What a capped feed is told; names and order are those of Aave's CAPO.
struct PriceCapUpdateParams {
    uint104 snapshotRatio;
    uint48 snapshotTimestamp;
    uint16 maxYearlyRatioGrowthPercent;
}

/// @notice A feed of a correlated asset whose ratio is capped, as Aave's CAPO adapters are.
interface IPriceCapFeed {
    /// @notice The live, uncapped ratio of the asset to its base.
    function getRatio() external view returns (int256);

    function getSnapshotRatio() external view returns (uint256);

    function getSnapshotTimestamp() external view returns (uint256);

    /// @notice Basis points, whatever the name says.
    function getMaxYearlyGrowthRatePercent() external view returns (uint256);

    /// @notice RISK_ADMIN or POOL_ADMIN.
    function setCapParameters(PriceCapUpdateParams calldata params) external;
}
