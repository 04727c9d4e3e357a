// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CometTerms} from "./CometTerms.sol";

/// @notice The double's getters of what one market has as a whole; rates are per second here, per year as written.
/// @dev Part of the double of Compound III; see CometDouble.
abstract contract CometLiveTerms {
    uint256 private constant SECONDS_PER_YEAR = 31_536_000;

    CometTerms public implementation;

    function governor() external view returns (address) {
        return implementation.deployedFrom().governor;
    }

    function pauseGuardian() external view returns (address) {
        return implementation.deployedFrom().pauseGuardian;
    }

    function extensionDelegate() external view returns (address) {
        return implementation.deployedFrom().extensionDelegate;
    }

    function supplyKink() external view returns (uint256) {
        return implementation.deployedFrom().supplyKink;
    }

    function borrowKink() external view returns (uint256) {
        return implementation.deployedFrom().borrowKink;
    }

    function storeFrontPriceFactor() external view returns (uint256) {
        return implementation.deployedFrom().storeFrontPriceFactor;
    }

    function trackingIndexScale() external view returns (uint256) {
        return implementation.deployedFrom().trackingIndexScale;
    }

    function baseTrackingSupplySpeed() external view returns (uint256) {
        return implementation.deployedFrom().baseTrackingSupplySpeed;
    }

    function baseTrackingBorrowSpeed() external view returns (uint256) {
        return implementation.deployedFrom().baseTrackingBorrowSpeed;
    }

    function baseMinForRewards() external view returns (uint256) {
        return implementation.deployedFrom().baseMinForRewards;
    }

    function baseBorrowMin() external view returns (uint256) {
        return implementation.deployedFrom().baseBorrowMin;
    }

    function targetReserves() external view returns (uint256) {
        return implementation.deployedFrom().targetReserves;
    }

    function supplyPerSecondInterestRateSlopeLow() external view returns (uint256) {
        return implementation.deployedFrom().supplyPerYearInterestRateSlopeLow / SECONDS_PER_YEAR;
    }

    function supplyPerSecondInterestRateSlopeHigh() external view returns (uint256) {
        return implementation.deployedFrom().supplyPerYearInterestRateSlopeHigh / SECONDS_PER_YEAR;
    }

    function supplyPerSecondInterestRateBase() external view returns (uint256) {
        return implementation.deployedFrom().supplyPerYearInterestRateBase / SECONDS_PER_YEAR;
    }

    function borrowPerSecondInterestRateSlopeLow() external view returns (uint256) {
        return implementation.deployedFrom().borrowPerYearInterestRateSlopeLow / SECONDS_PER_YEAR;
    }

    function borrowPerSecondInterestRateSlopeHigh() external view returns (uint256) {
        return implementation.deployedFrom().borrowPerYearInterestRateSlopeHigh / SECONDS_PER_YEAR;
    }

    function borrowPerSecondInterestRateBase() external view returns (uint256) {
        return implementation.deployedFrom().borrowPerYearInterestRateBase / SECONDS_PER_YEAR;
    }
}
