// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Ramps that have been armed: a threshold goes down in steps, so that borrowers can act in between.
///
///     execute ─► armed, first step ─► 24 h ─► rampStep (anyone) ─► … ─► arrived
///                   │                                               └► lapsed 7 d after arming
///                   └─ stopped: guardian, or f + 1 withdrawals
abstract contract RampBook {
    struct Ramp {
        uint64 epoch;
        uint64 armedAt;
        uint64 lastStepAt;
        uint16 first;
        uint16 target;
        uint16 current;
        bool stopped;
        bytes32 positionsRoot;
    }

    uint256 public constant RAMP_STEP_BPS = 50;
    uint256 public constant RAMP_STEP_SECONDS = 24 hours;
    uint256 public constant RAMP_LAPSE_SECONDS = 7 days;
    /// @notice First step at arming, last one 7 d later.
    uint256 public constant RAMP_MOST_BPS = RAMP_STEP_BPS * (RAMP_LAPSE_SECONDS / RAMP_STEP_SECONDS + 1);

    mapping(address market => Ramp) private _ramps;

    event RampArmed(address indexed market, uint64 indexed epoch, uint256 first, uint256 target, uint256 lapsesAt);
    event RampStepped(address indexed market, uint64 indexed epoch, uint256 from, uint256 to, bool arrived);
    event RampStopped(address indexed market, uint64 indexed epoch, uint256 reached, uint256 target);

    error NoRamp(address market);
    error RampRunning(address market, uint64 epoch);
    error RampTooSoon(address market, uint256 earliest);
    error RampTooLong(uint256 first, uint256 target, uint256 most);
    error RampMoved(address market, uint256 expected, uint256 found);

    /// @notice The newest ramp of a market; `armedAt` zero when there was none.
    function rampOf(address market) external view returns (Ramp memory) {
        return _ramps[market];
    }

    /// @notice Whether steps of the market's newest ramp may still be taken, now or later.
    function isRamping(address market) public view returns (bool) {
        Ramp storage ramp = _ramps[market];
        return ramp.armedAt != 0 && !ramp.stopped && ramp.current > ramp.target
            && block.timestamp <= ramp.armedAt + RAMP_LAPSE_SECONDS;
    }

    function _requireRampFits(address market, uint256 first, uint256 target) internal view {
        if (isRamping(market)) revert RampRunning(market, _ramps[market].epoch);
        if (first > target + RAMP_MOST_BPS) revert RampTooLong(first, target, RAMP_MOST_BPS);
    }

    function _arm(address market, uint64 epoch, uint256 first, uint256 target, bytes32 positionsRoot) internal {
        uint64 now_ = uint64(block.timestamp);
        _ramps[market] = Ramp(epoch, now_, 0, uint16(first), uint16(target), uint16(first), false, positionsRoot);
        emit RampArmed(market, epoch, first, target, now_ + RAMP_LAPSE_SECONDS);
    }

    /// @return next The threshold after this step. Reverts before its time, after the ramp's end, or when
    /// somebody else has moved the threshold since the last step.
    function _advance(address market, uint256 found) internal returns (uint256 next, bytes32 positionsRoot) {
        if (!isRamping(market)) revert NoRamp(market);
        Ramp storage ramp = _ramps[market];
        uint256 earliest = ramp.lastStepAt + RAMP_STEP_SECONDS;
        if (ramp.lastStepAt != 0 && block.timestamp < earliest) revert RampTooSoon(market, earliest);
        if (found != ramp.current) revert RampMoved(market, ramp.current, found);
        next = found > ramp.target + RAMP_STEP_BPS ? found - RAMP_STEP_BPS : ramp.target;
        (ramp.current, ramp.lastStepAt) = (uint16(next), uint64(block.timestamp));
        emit RampStepped(market, ramp.epoch, found, next, next == ramp.target);
        return (next, ramp.positionsRoot);
    }

    function _stop(address market, uint64 epoch) internal {
        Ramp storage ramp = _ramps[market];
        if (ramp.epoch != epoch || !isRamping(market)) return;
        ramp.stopped = true;
        emit RampStopped(market, epoch, ramp.current, ramp.target);
    }
}
