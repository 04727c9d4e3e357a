// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CometAssetConfig, CometAssetInfo, CometConfiguration, IComet} from "./interfaces/IComet.sol";

/// @notice Whether what is written to Compound III's Configurator is what Comet has: an upgrade makes all of it
/// live, and nobody has voted on what somebody else has written.
library CometInertWrites {
    uint256 private constant SECONDS_PER_YEAR = 31_536_000;
    /// @dev Comet keeps four decimals of a factor and whole tokens of a cap.
    uint64 private constant FACTOR_GRAIN = 1e14;

    error ForeignWrites(string what, uint256 written, uint256 live);

    function requireNone(IComet comet, CometConfiguration memory written) internal view {
        _requireMarket(comet, written);
        uint256 live = comet.numAssets();
        if (written.assetConfigs.length != live) revert ForeignWrites("numAssets", written.assetConfigs.length, live);
        for (uint8 i; i < live; ++i) _requireAsset(written.assetConfigs[i], comet.getAssetInfo(i));
    }

    /// @dev Rates are written per year and live per second.
    function _requireMarket(IComet comet, CometConfiguration memory w) private view {
        _require(comet, "governor()", uint160(w.governor));
        _require(comet, "pauseGuardian()", uint160(w.pauseGuardian));
        _require(comet, "baseToken()", uint160(w.baseToken));
        _require(comet, "baseTokenPriceFeed()", uint160(w.baseTokenPriceFeed));
        _require(comet, "extensionDelegate()", uint160(w.extensionDelegate));
        _require(comet, "supplyKink()", w.supplyKink);
        _requireRate(comet, "supplyPerSecondInterestRateSlopeLow()", w.supplyPerYearInterestRateSlopeLow);
        _requireRate(comet, "supplyPerSecondInterestRateSlopeHigh()", w.supplyPerYearInterestRateSlopeHigh);
        _requireRate(comet, "supplyPerSecondInterestRateBase()", w.supplyPerYearInterestRateBase);
        _require(comet, "borrowKink()", w.borrowKink);
        _requireRate(comet, "borrowPerSecondInterestRateSlopeLow()", w.borrowPerYearInterestRateSlopeLow);
        _requireRate(comet, "borrowPerSecondInterestRateSlopeHigh()", w.borrowPerYearInterestRateSlopeHigh);
        _requireRate(comet, "borrowPerSecondInterestRateBase()", w.borrowPerYearInterestRateBase);
        _require(comet, "storeFrontPriceFactor()", w.storeFrontPriceFactor);
        _require(comet, "trackingIndexScale()", w.trackingIndexScale);
        _require(comet, "baseTrackingSupplySpeed()", w.baseTrackingSupplySpeed);
        _require(comet, "baseTrackingBorrowSpeed()", w.baseTrackingBorrowSpeed);
        _require(comet, "baseMinForRewards()", w.baseMinForRewards);
        _require(comet, "baseBorrowMin()", w.baseBorrowMin);
        _require(comet, "targetReserves()", w.targetReserves);
    }

    function _requireAsset(CometAssetConfig memory w, CometAssetInfo memory live) private pure {
        _same("asset", uint160(w.asset), uint160(live.asset));
        _same("priceFeed", uint160(w.priceFeed), uint160(live.priceFeed));
        _same("scale", 10 ** w.decimals, live.scale);
        _same("borrowCollateralFactor", _grained(w.borrowCollateralFactor), live.borrowCollateralFactor);
        _same("liquidateCollateralFactor", _grained(w.liquidateCollateralFactor), live.liquidateCollateralFactor);
        _same("liquidationFactor", _grained(w.liquidationFactor), live.liquidationFactor);
        _same("supplyCap", w.supplyCap / live.scale * live.scale, live.supplyCap);
    }

    function _requireRate(IComet comet, string memory getter, uint256 perYear) private view {
        _require(comet, getter, perYear / SECONDS_PER_YEAR);
    }

    /// @dev A getter that is missing reverts as well: then this is no Comet that we know.
    function _require(IComet comet, string memory getter, uint256 written) private view {
        (bool success, bytes memory answer) = address(comet).staticcall(abi.encodeWithSignature(getter));
        if (!success || answer.length != 32) revert ForeignWrites(getter, written, 0);
        _same(getter, written, abi.decode(answer, (uint256)));
    }

    function _same(string memory what, uint256 written, uint256 live) private pure {
        if (written != live) revert ForeignWrites(what, written, live);
    }

    function _grained(uint64 factor) private pure returns (uint256) {
        return factor / FACTOR_GRAIN * FACTOR_GRAIN;
    }
}
