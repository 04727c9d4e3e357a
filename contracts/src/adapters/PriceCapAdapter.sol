// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {PriceCap, PriceCapUpdate} from "../types/PriceCapTypes.sol";
import {IPriceCapFeed, PriceCapUpdateParams} from "./interfaces/IPriceCapFeed.sol";
import {IPriceCapAdapter} from "./IPriceCapAdapter.sol";

/// @notice What a feed's cap must keep to. Steps are per change: of growth absolute, of the ratio relative to the
/// old one. `headroomBps` is how far above the live ratio the cap may be.
struct PriceCapRules {
    uint16 growthFloorBps;
    uint16 growthCeilingBps;
    uint16 growthStepBps;
    uint16 ratioStepBps;
    uint16 headroomBps;
    uint32 minDelaySeconds;
    uint32 minSnapshotAgeSeconds;
}

/// @notice Price caps of correlated assets: snapshot ratio, its time and the growth allowed move as one unit, and
/// what counts is the cap that follows from all three, not each one's own range.
///
///     cap(now) = snapshotRatio + per-second growth x seconds since snapshotTimestamp
///     live ratio <= cap(now) <= live ratio x (1 + headroom)     at submission, at execution, after the write
///
/// @dev On 10 March 2026 a ratio inside its step and a timestamp inside its range made a cap 2.85 % below the
/// live ratio of an asset, and healthy positions were liquidated.
/// Warning: the live ratio is the asset's own. Who can raise it for a moment can delay an execution, and who can
/// raise it for the veto window can have a higher cap accepted, inside the growth limits and the headroom.
contract PriceCapAdapter is IPriceCapAdapter, Ownable, ReentrancyGuardTransient {
    using SafeCast for uint256;

    struct Feed {
        bool listed;
        uint64 changedAt;
        PriceCapRules rules;
    }

    uint256 private constant BPS_ONE = 10_000;
    uint256 private constant SECONDS_PER_YEAR = 365 days;

    mapping(address feed => Feed) private _feeds;
    address[] private _listed;

    event FeedListed(address indexed feed, PriceCapRules rules);
    event PriceCapApplied(
        uint64 indexed epoch, address indexed feed, PriceCap previous, PriceCap next, uint256 ratio, uint256 cap
    );

    error UnknownFeed(address feed);
    error BadCapRules();
    error CapMoved(bytes32 what, uint256 expected, uint256 found);
    error CapWriteDiffers(bytes32 what, uint256 proposed, uint256 found);
    error CapUnchanged();
    error GrowthOutOfBand(uint256 proposedBps, uint256 floorBps, uint256 ceilingBps);
    error GrowthStepTooLarge(uint256 currentBps, uint256 proposedBps, uint256 stepBps);
    error RatioStepTooLarge(uint256 current, uint256 proposed, uint256 step);
    error RatioAboveLive(uint256 proposed, uint256 live);
    error SnapshotBackwards(uint256 current, uint256 proposed);
    error SnapshotNotCoupled(uint256 timestamp);
    error SnapshotTooYoung(uint256 proposed, uint256 newest);
    error CapTooSoon(address feed, uint256 last, uint256 earliest);
    error NoLiveRatio(int256 found);
    error PriceCapBelowRatio(uint256 cap, uint256 ratio);
    error PriceCapTooHigh(uint256 cap, uint256 highest);

    constructor(address owner_) Ownable(owner_) {}

    // ---- set-up: the deployer until sealing, then a full holder vote

    /// @notice Takes a feed under governance, or changes its rules.
    function listFeed(address feed, PriceCapRules calldata rules) external onlyOwner {
        bool empty = rules.growthFloorBps > rules.growthCeilingBps || rules.headroomBps == 0;
        if (empty || rules.minSnapshotAgeSeconds == 0) revert BadCapRules();
        if (!_feeds[feed].listed) {
            _ratioOf(feed);
            _listed.push(feed);
        }
        (_feeds[feed].listed, _feeds[feed].rules) = (true, rules);
        emit FeedListed(feed, rules);
    }

    // ---- what gate and timelock call

    /// @inheritdoc IPriceCapAdapter
    function requireCapSubmittable(PriceCapUpdate calldata update) external view {
        _requireAllowed(update);
    }

    /// @inheritdoc IPriceCapAdapter
    function applyPriceCap(PriceCapUpdate calldata update) external onlyOwner nonReentrant {
        _requireAllowed(update);
        PriceCap memory next = update.proposed;
        _feeds[update.market].changedAt = uint64(block.timestamp);
        IPriceCapFeed(update.market).setCapParameters(
            PriceCapUpdateParams(
                next.snapshotRatio.toUint104(), uint256(next.snapshotTimestamp).toUint48(), next.maxYearlyGrowthBps.toUint16()
            )
        );
        PriceCap memory written = capOf(update.market);
        _requireWritten(next, written);
        uint256 ratio = _ratioOf(update.market);
        uint256 cap = _requireCapFits(update.market, written, ratio);
        emit PriceCapApplied(update.epoch, update.market, update.expected, next, ratio, cap);
    }

    // ---- reading

    /// @inheritdoc IPriceCapAdapter
    function capOf(address feed) public view returns (PriceCap memory) {
        if (!_feeds[feed].listed) revert UnknownFeed(feed);
        IPriceCapFeed source = IPriceCapFeed(feed);
        return PriceCap(
            source.getSnapshotRatio(),
            source.getSnapshotTimestamp().toUint64(),
            source.getMaxYearlyGrowthRatePercent()
        );
    }

    /// @notice The live ratio, and the highest that the feed lets through now.
    function liveOf(address feed) external view returns (uint256 ratio, uint256 cap) {
        return (_ratioOf(feed), _capNow(capOf(feed)));
    }

    function rulesOf(address feed) external view returns (PriceCapRules memory) {
        return _feeds[feed].rules;
    }

    /// @notice When a cap was last changed through here; zero for never.
    function changedAt(address feed) external view returns (uint256) {
        return _feeds[feed].changedAt;
    }

    /// @notice Every feed under governance, in the order of listing.
    function feeds() external view returns (address[] memory) {
        return _listed;
    }

    // ---- rules

    function _requireAllowed(PriceCapUpdate calldata update) private view {
        (PriceCap memory current, PriceCap memory next) = (update.expected, update.proposed);
        _requireExpected(current, capOf(update.market));
        PriceCapRules memory rules = _feeds[update.market].rules;
        uint256 ratio = _ratioOf(update.market);
        _requireGrowth(current.maxYearlyGrowthBps, next.maxYearlyGrowthBps, rules);
        _requireSnapshot(current, next, rules);
        if (next.snapshotRatio > ratio) revert RatioAboveLive(next.snapshotRatio, ratio);
        uint256 last = _feeds[update.market].changedAt;
        uint256 earliest = last + rules.minDelaySeconds;
        if (last != 0 && block.timestamp < earliest) revert CapTooSoon(update.market, last, earliest);
        _requireCapFits(update.market, next, ratio);
    }

    /// @dev Growth that does not move passes, wherever it stands.
    function _requireGrowth(uint256 current, uint256 next, PriceCapRules memory rules) private pure {
        if (next == current) return;
        if (next < rules.growthFloorBps || next > rules.growthCeilingBps) {
            revert GrowthOutOfBand(next, rules.growthFloorBps, rules.growthCeilingBps);
        }
        if (_distance(current, next) > rules.growthStepBps) {
            revert GrowthStepTooLarge(current, next, rules.growthStepBps);
        }
    }

    /// @dev Another ratio is another moment's. The snapshot is old enough that nobody can have bent it for the
    /// occasion, which also keeps it out of the future.
    function _requireSnapshot(PriceCap memory current, PriceCap memory next, PriceCapRules memory rules)
        private
        view
    {
        if (next.snapshotTimestamp < current.snapshotTimestamp) {
            revert SnapshotBackwards(current.snapshotTimestamp, next.snapshotTimestamp);
        }
        bool sameTime = next.snapshotTimestamp == current.snapshotTimestamp;
        bool sameRatio = next.snapshotRatio == current.snapshotRatio;
        if (sameTime && sameRatio && next.maxYearlyGrowthBps == current.maxYearlyGrowthBps) revert CapUnchanged();
        if (sameTime && !sameRatio) revert SnapshotNotCoupled(next.snapshotTimestamp);
        uint256 newest = block.timestamp - rules.minSnapshotAgeSeconds;
        if (next.snapshotTimestamp > newest) revert SnapshotTooYoung(next.snapshotTimestamp, newest);
        uint256 step = current.snapshotRatio * rules.ratioStepBps / BPS_ONE;
        if (_distance(current.snapshotRatio, next.snapshotRatio) > step) {
            revert RatioStepTooLarge(current.snapshotRatio, next.snapshotRatio, step);
        }
    }

    /// @dev The primitive that was missing in March 2026.
    function _requireCapFits(address feed, PriceCap memory next, uint256 ratio) private view returns (uint256 cap) {
        cap = _capNow(next);
        if (cap < ratio) revert PriceCapBelowRatio(cap, ratio);
        uint256 highest = ratio * (BPS_ONE + _feeds[feed].rules.headroomBps) / BPS_ONE;
        if (cap > highest) revert PriceCapTooHigh(cap, highest);
    }

    function _requireExpected(PriceCap memory expected, PriceCap memory found) private pure {
        (bytes32 what, uint256 a, uint256 b) = _firstDifference(expected, found);
        if (a != b) revert CapMoved(what, a, b);
    }

    function _requireWritten(PriceCap memory proposed, PriceCap memory found) private pure {
        (bytes32 what, uint256 a, uint256 b) = _firstDifference(proposed, found);
        if (a != b) revert CapWriteDiffers(what, a, b);
    }

    /// @return what The first field in which the two differ, with both values; equal values for none.
    function _firstDifference(PriceCap memory a, PriceCap memory b) private pure returns (bytes32 what, uint256, uint256) {
        if (a.snapshotRatio != b.snapshotRatio) return ("snapshot_ratio", a.snapshotRatio, b.snapshotRatio);
        if (a.snapshotTimestamp != b.snapshotTimestamp) {
            return ("snapshot_timestamp", a.snapshotTimestamp, b.snapshotTimestamp);
        }
        return ("max_yearly_growth_bps", a.maxYearlyGrowthBps, b.maxYearlyGrowthBps);
    }

    /// @dev Growth per second is rounded down, as feeds of this kind do, so that the cap is never taken too high.
    function _capNow(PriceCap memory cap) private view returns (uint256) {
        uint256 perSecond = cap.snapshotRatio * cap.maxYearlyGrowthBps / BPS_ONE / SECONDS_PER_YEAR;
        return cap.snapshotRatio + perSecond * (block.timestamp - cap.snapshotTimestamp);
    }

    function _ratioOf(address feed) private view returns (uint256) {
        int256 ratio = IPriceCapFeed(feed).getRatio();
        if (ratio <= 0) revert NoLiveRatio(ratio);
        return uint256(ratio);
    }

    function _distance(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? b - a : a - b;
    }
}
