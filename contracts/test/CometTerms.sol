// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";

/// @notice One collateral as it is written to the Configurator; factors in wad, the cap in base units.
struct AssetConfig {
    address asset;
    address priceFeed;
    uint8 decimals;
    uint64 borrowCollateralFactor;
    uint64 liquidateCollateralFactor;
    uint64 liquidationFactor;
    uint128 supplyCap;
}

/// @notice Everything that is written to the Configurator, in Compound III's order.
struct Configuration {
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
    AssetConfig[] assetConfigs;
}

/// @notice One collateral as Comet says it.
struct AssetInfo {
    uint8 offset;
    address asset;
    address priceFeed;
    uint64 scale;
    uint64 borrowCollateralFactor;
    uint64 liquidateCollateralFactor;
    uint64 liquidationFactor;
    uint128 supplyCap;
}

interface IPriceFeed {
    function decimals() external view returns (uint8);
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80);
}

/// @notice What Comet's implementation holds in immutables: checked when it is deployed, fixed from then on.
/// @dev Part of the double of Compound III; see CometDouble.  The checks and their order are the real ones.
contract CometTerms {
    uint256 internal constant FACTOR_SCALE = 1e18;
    /// @dev Factors keep four decimals, caps whole tokens: Comet packs them into two words.
    uint64 internal constant FACTOR_GRAIN = 1e14;
    uint8 internal constant PRICE_FEED_DECIMALS = 8;

    address public immutable baseToken;
    address public immutable baseTokenPriceFeed;
    uint256 public immutable baseScale;
    uint104 public immutable baseBorrowMin;
    AssetInfo[] private _assets;
    bytes private _terms;

    error BadDecimals();
    error BadAsset();
    error BadDiscount();
    error BorrowCFTooLarge();
    error LiquidateCFTooLarge();

    constructor(Configuration memory terms) {
        _terms = abi.encode(terms);
        if (terms.storeFrontPriceFactor > FACTOR_SCALE) revert BadDiscount();
        if (IPriceFeed(terms.baseTokenPriceFeed).decimals() != PRICE_FEED_DECIMALS) revert BadDecimals();
        (baseToken, baseTokenPriceFeed) = (terms.baseToken, terms.baseTokenPriceFeed);
        baseScale = 10 ** IERC20Metadata(terms.baseToken).decimals();
        baseBorrowMin = terms.baseBorrowMin;
        for (uint8 i; i < terms.assetConfigs.length; ++i) _assets.push(_checked(i, terms.assetConfigs[i]));
    }

    /// @notice What was written when this was deployed.
    function deployedFrom() external view returns (Configuration memory) {
        return abi.decode(_terms, (Configuration));
    }

    function numAssets() external view returns (uint8) {
        return uint8(_assets.length);
    }

    function getAssetInfo(uint8 i) external view returns (AssetInfo memory) {
        if (i >= _assets.length) revert BadAsset();
        return _assets[i];
    }

    function _checked(uint8 i, AssetConfig memory c) private view returns (AssetInfo memory) {
        if (IPriceFeed(c.priceFeed).decimals() != PRICE_FEED_DECIMALS) revert BadDecimals();
        if (IERC20Metadata(c.asset).decimals() != c.decimals) revert BadDecimals();
        if (c.borrowCollateralFactor >= c.liquidateCollateralFactor) revert BorrowCFTooLarge();
        if (c.liquidateCollateralFactor > FACTOR_SCALE) revert LiquidateCFTooLarge();
        if (_grained(c.borrowCollateralFactor) >= _grained(c.liquidateCollateralFactor)) revert BorrowCFTooLarge();
        uint64 scale = uint64(10 ** c.decimals);
        return AssetInfo({
            offset: i,
            asset: c.asset,
            priceFeed: c.priceFeed,
            scale: scale,
            borrowCollateralFactor: _grained(c.borrowCollateralFactor),
            liquidateCollateralFactor: _grained(c.liquidateCollateralFactor),
            liquidationFactor: _grained(c.liquidationFactor),
            supplyCap: c.supplyCap / scale * scale
        });
    }

    function _grained(uint64 factor) private pure returns (uint64) {
        return factor / FACTOR_GRAIN * FACTOR_GRAIN;
    }
}
