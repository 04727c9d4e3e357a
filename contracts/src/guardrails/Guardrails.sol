// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Execution} from "./Executions.sol";
import {Field, Parameters} from "../types/ParameterTypes.sol";

/// @notice Limits of one field. Step and budget of one direction are basis points of the value moved from where
/// it is relative, else absolute: multiples of 10^`unitDecimals` of the field's own unit (whole tokens of a cap).
/// @dev Two storage words. Warning: steps and budgets end at 2^32 - 1 of their unit.
struct FieldLimits {
    bool enabled;
    bool relativeUp;
    bool relativeDown;
    uint8 unitDecimals;
    uint128 floor;
    uint32 stepUp;
    uint32 stepDown;
    uint32 minDelaySeconds;
    uint128 ceiling;
    uint32 budgetUp;
    uint32 budgetDown;
}

/// @notice The limits inside which any change must stay; the twin of core/guardrails.py.
/// @dev Rounds against the mover: steps down, uses of a budget up.
library Guardrails {
    uint256 internal constant BPS_ONE = 10_000;
    uint256 internal constant BUDGET_WINDOW_SECONDS = 30 days;

    error FieldDisabled(Field field);
    error BelowFloor(Field field, uint256 proposed, uint256 floor);
    error AboveCeiling(Field field, uint256 proposed, uint256 ceiling);
    error StepTooLarge(Field field, uint256 current, uint256 proposed, uint256 low, uint256 high);
    error TooSoon(Field field, uint256 last, uint256 earliest);
    error BudgetExceeded(Field field, uint256 used, uint256 move, uint256 budget);
    error LtvNotBelowThreshold(uint256 ltvBps, uint256 thresholdBps);
    error NothingLeftForDebt(uint256 thresholdBps, uint256 bonusBps);

    /// @notice INV-1 and INV-2: a liquidation can make a position healthier.
    function requireSound(Parameters memory p) internal pure {
        if (p.ltvBps >= p.liquidationThresholdBps) {
            revert LtvNotBelowThreshold(p.ltvBps, p.liquidationThresholdBps);
        }
        if (p.liquidationThresholdBps * (BPS_ONE + p.liquidationBonusBps) >= BPS_ONE * BPS_ONE) {
            revert NothingLeftForDebt(p.liquidationThresholdBps, p.liquidationBonusBps);
        }
    }

    /// @notice Reverts unless `proposed` is allowed now; an unmoved field always passes.
    function requireAllowed(
        Field field,
        uint256 current,
        uint256 proposed,
        FieldLimits memory limits,
        Execution[] storage history
    ) internal view {
        if (proposed == current) return;
        requireInBand(field, proposed, limits);
        (uint256 low, uint256 high) = (smallestStepDown(current, limits), largestStepUp(current, limits));
        if (proposed < low || proposed > high) revert StepTooLarge(field, current, proposed, low, high);
        requireDelay(field, limits, history);
        requireBudget(field, moved(current, proposed, limits), limits, history);
    }

    /// @notice As `requireAllowed`, without the step: what a whole ramp must keep to before it is armed.
    function requireRampAllowed(
        Field field,
        uint256 current,
        uint256 proposed,
        FieldLimits memory limits,
        Execution[] storage history
    ) internal view {
        if (proposed == current) return;
        requireInBand(field, proposed, limits);
        requireDelay(field, limits, history);
        requireBudget(field, moved(current, proposed, limits), limits, history);
    }

    function requireInBand(Field field, uint256 proposed, FieldLimits memory limits) internal pure {
        if (!limits.enabled) revert FieldDisabled(field);
        if (proposed < limits.floor) revert BelowFloor(field, proposed, limits.floor);
        if (proposed > limits.ceiling) revert AboveCeiling(field, proposed, limits.ceiling);
    }

    function largestStepUp(uint256 current, FieldLimits memory limits) internal pure returns (uint256) {
        return current + _baseUnits(limits.stepUp, current, limits.relativeUp, limits);
    }

    function smallestStepDown(uint256 current, FieldLimits memory limits) internal pure returns (uint256) {
        uint256 step = _baseUnits(limits.stepDown, current, limits.relativeDown, limits);
        return step < current ? current - step : 0;
    }

    /// @notice How much of a budget a move uses: signed, in the budget's unit, its size rounded up.
    function moved(uint256 current, uint256 proposed, FieldLimits memory limits) internal pure returns (int256) {
        bool up = proposed > current;
        uint256 size = up ? proposed - current : current - proposed;
        if (!(up ? limits.relativeUp : limits.relativeDown)) {
            uint256 unit = 10 ** limits.unitDecimals;
            size = size / unit + (size % unit == 0 ? 0 : 1);
        } else if (size != 0) {
            size = current == 0 ? BPS_ONE : (size * BPS_ONE + current - 1) / current;
        }
        return up ? int256(size) : -int256(size);
    }

    /// @notice Gross movement in one direction over the trailing 30 days.
    /// @dev Reads from the newest execution backwards and stops at the first that is too old.
    function budgetUsed(Field field, Execution[] storage history, bool upwards) internal view returns (uint256 used) {
        for (uint256 i = history.length; i > 0; --i) {
            Execution execution = history[i - 1];
            if (execution.timeOf() + BUDGET_WINDOW_SECONDS <= block.timestamp) break;
            int256 amount = execution.amountOf(field);
            if (upwards && amount > 0) used += uint256(amount);
            if (!upwards && amount < 0) used += uint256(-amount);
        }
    }

    /// @dev Reads back as far as the delay goes.
    function requireDelay(Field field, FieldLimits memory limits, Execution[] storage history) internal view {
        for (uint256 i = history.length; i > 0; --i) {
            Execution execution = history[i - 1];
            uint256 earliest = execution.timeOf() + limits.minDelaySeconds;
            if (block.timestamp >= earliest) return;
            if (execution.amountOf(field) != 0) revert TooSoon(field, execution.timeOf(), earliest);
        }
    }

    function requireBudget(Field field, int256 amount, FieldLimits memory limits, Execution[] storage history)
        internal
        view
    {
        bool upwards = amount > 0;
        uint256 size = uint256(upwards ? amount : -amount);
        uint256 budget = upwards ? limits.budgetUp : limits.budgetDown;
        uint256 used = budgetUsed(field, history, upwards);
        if (used + size > budget) revert BudgetExceeded(field, used, size, budget);
    }

    /// @dev What a step comes to, rounded down.
    function _baseUnits(uint256 count, uint256 current, bool relative, FieldLimits memory limits)
        private
        pure
        returns (uint256)
    {
        return relative ? current * count / BPS_ONE : count * 10 ** limits.unitDecimals;
    }
}
