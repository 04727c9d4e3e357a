// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev What CometAdapter calls of Compound III, by its names and in its order.

/// @notice One collateral as Comet says it; factors in wad, the cap in base units.
struct CometAssetInfo {
    uint8 offset;
    address asset;
    address priceFeed;
    uint64 scale;
    uint64 borrowCollateralFactor;
    uint64 liquidateCollateralFactor;
    uint64 liquidationFactor;
    uint128 supplyCap;
}

/// @notice One collateral as it is written to the Configurator.
struct CometAssetConfig {
    address asset;
    address priceFeed;
    uint8 decimals;
    uint64 borrowCollateralFactor;
    uint64 liquidateCollateralFactor;
    uint64 liquidationFactor;
    uint128 supplyCap;
}

/// @notice Everything that is written to the Configurator.
struct CometConfiguration {
    address governor;
    address pauseGuardian;
    address baseToken;
    address baseTokenPriceFeed;
    address extensionDelegate;
    uint64 supplyKink;
    uint64 supplyPerYearInterestRateSlopeLow;
    uint64 supplyPerYearInterestRateSlopeHigh;
    uint64 supplyPerYearInterestRateBase;
    uint64 borrowKink;
    uint64 borrowPerYearInterestRateSlopeLow;
    uint64 borrowPerYearInterestRateSlopeHigh;
    uint64 borrowPerYearInterestRateBase;
    uint64 storeFrontPriceFactor;
    uint64 trackingIndexScale;
    uint64 baseTrackingSupplySpeed;
    uint64 baseTrackingBorrowSpeed;
    uint104 baseMinForRewards;
    uint104 baseBorrowMin;
    uint104 targetReserves;
    CometAssetConfig[] assetConfigs;
}

interface IComet {
    function numAssets() external view returns (uint8);

    function getAssetInfo(uint8 i) external view returns (CometAssetInfo memory);

    /// @dev Reverts for an asset that is no collateral.
    function getAssetInfoByAddress(address asset) external view returns (CometAssetInfo memory);

    /// @notice Eight decimals, in the unit of the market's feeds.
    function getPrice(address priceFeed) external view returns (uint256);

    /// @notice Wad.
    function getUtilization() external view returns (uint256);

    function totalBorrow() external view returns (uint256);

    function totalsCollateral(address asset) external view returns (uint128 totalSupplyAsset, uint128 reserved);

    function borrowBalanceOf(address account) external view returns (uint256);

    function isLiquidatable(address account) external view returns (bool);
}

/// @notice Written values are inert until an upgrade; governor or market admin write.
interface ICometConfigurator {
    function getConfiguration(address cometProxy) external view returns (CometConfiguration memory);

    /// @notice Who makes implementations of a Comet.
    function factory(address cometProxy) external view returns (address);

    function updateAssetBorrowCollateralFactor(address cometProxy, address asset, uint64 newBorrowCF) external;

    function updateAssetLiquidateCollateralFactor(address cometProxy, address asset, uint64 newLiquidateCF) external;

    function updateAssetLiquidationFactor(address cometProxy, address asset, uint64 newLiquidationFactor) external;

    function updateAssetSupplyCap(address cometProxy, address asset, uint128 newSupplyCap) external;
}

interface ICometProxyAdmin {
    /// @notice Makes everything live that is written, whoever wrote it.
    function deployAndUpgradeTo(address configuratorProxy, address cometProxy) external;
}
