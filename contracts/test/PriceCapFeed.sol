// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice A double of Aave's CAPO, for tests: the ratio of a correlated asset, and its cap.
/// @dev What it keeps: names, units, the checks of `setCapParameters`, growth per second rounded down.  What it
/// leaves out: the base asset's price, the ratio's source (the admin says it), ACL manager (one admin writes).
contract PriceCapFeed {
    struct PriceCapUpdateParams {
        uint104 snapshotRatio;
        uint48 snapshotTimestamp;
        uint16 maxYearlyRatioGrowthPercent;
    }

    uint256 private constant SECONDS_PER_YEAR = 365 days;

    address public admin;
    address public riskAdmin;
    int256 public getRatio;
    /// @notice Not in the real one: a feed that stores less than it was told.
    uint104 public largestRatio = type(uint104).max;
    PriceCapUpdateParams private _cap;

    error CallerIsNotRiskOrPoolAdmin();
    error SnapshotRatioIsZero();
    error InvalidRatioTimestamp(uint48 timestamp);

    constructor(address admin_, int256 ratio, PriceCapUpdateParams memory cap) {
        (admin, getRatio, _cap) = (admin_, ratio, cap);
    }

    function setRiskAdmin(address next) external {
        if (msg.sender != admin) revert CallerIsNotRiskOrPoolAdmin();
        riskAdmin = next;
    }

    function setRatio(int256 next) external {
        if (msg.sender != admin) revert CallerIsNotRiskOrPoolAdmin();
        getRatio = next;
    }

    function storeAtMost(uint104 next) external {
        if (msg.sender != admin) revert CallerIsNotRiskOrPoolAdmin();
        largestRatio = next;
    }

    function setCapParameters(PriceCapUpdateParams calldata params) external {
        if (msg.sender != admin && msg.sender != riskAdmin) revert CallerIsNotRiskOrPoolAdmin();
        if (params.snapshotRatio == 0) revert SnapshotRatioIsZero();
        if (_cap.snapshotTimestamp >= params.snapshotTimestamp || params.snapshotTimestamp > block.timestamp) {
            revert InvalidRatioTimestamp(params.snapshotTimestamp);
        }
        _cap = params;
        if (params.snapshotRatio > largestRatio) _cap.snapshotRatio = largestRatio;
    }

    function getSnapshotRatio() external view returns (uint256) {
        return _cap.snapshotRatio;
    }

    function getSnapshotTimestamp() external view returns (uint256) {
        return _cap.snapshotTimestamp;
    }

    function getMaxYearlyGrowthRatePercent() external view returns (uint256) {
        return _cap.maxYearlyRatioGrowthPercent;
    }

    /// @notice The ratio that prices are made of: the live one, or the cap if that is lower.
    function cappedRatio() external view returns (uint256) {
        uint256 perSecond =
            uint256(_cap.snapshotRatio) * _cap.maxYearlyRatioGrowthPercent / 10_000 / SECONDS_PER_YEAR;
        uint256 highest = _cap.snapshotRatio + perSecond * (block.timestamp - _cap.snapshotTimestamp);
        return uint256(getRatio) < highest ? uint256(getRatio) : highest;
    }
}
