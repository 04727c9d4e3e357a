// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Field, ParameterFields, Parameters} from "../types/ParameterTypes.sol";

/// @notice Limits of one field. With `relative`, steps and budgets are basis points of the value moved from.
/// @dev Two storage words. Warning: absolute steps and budgets end at 2^32 - 1; caps use relative ones.
struct FieldLimits {
    bool enabled;
    bool relative;
    uint128 floor;
    uint32 stepUp;
    uint32 stepDown;
    uint32 minDelaySeconds;
    uint128 ceiling;
    uint32 budgetUp;
    uint32 budgetDown;
}

/// @notice One executed move of one field; `amount` is signed, in the unit of the budget.
struct Change {
    uint64 time;
    int192 amount;
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
        Change[] storage changes
    ) internal view {
        if (proposed == current) return;
        requireInBand(field, proposed, limits);
        (uint256 low, uint256 high) = (smallestStepDown(current, limits), largestStepUp(current, limits));
        if (proposed < low || proposed > high) revert StepTooLarge(field, current, proposed, low, high);
        requireDelay(field, limits, changes);
        requireBudget(field, moved(current, proposed, limits), limits, changes);
    }

    /// @notice As `requireAllowed`, without the step: what a whole ramp must keep to before it is armed.
    function requireRampAllowed(
        Field field,
        uint256 current,
        uint256 proposed,
        FieldLimits memory limits,
        Change[] storage changes
    ) internal view {
        if (proposed == current) return;
        requireInBand(field, proposed, limits);
        requireDelay(field, limits, changes);
        requireBudget(field, moved(current, proposed, limits), limits, changes);
    }

    function requireInBand(Field field, uint256 proposed, FieldLimits memory limits) internal pure {
        if (!limits.enabled) revert FieldDisabled(field);
        if (proposed < limits.floor) revert BelowFloor(field, proposed, limits.floor);
        if (proposed > limits.ceiling) revert AboveCeiling(field, proposed, limits.ceiling);
    }

    function largestStepUp(uint256 current, FieldLimits memory limits) internal pure returns (uint256) {
        return current + (limits.relative ? current * limits.stepUp / BPS_ONE : limits.stepUp);
    }

    function smallestStepDown(uint256 current, FieldLimits memory limits) internal pure returns (uint256) {
        uint256 step = limits.relative ? current * limits.stepDown / BPS_ONE : limits.stepDown;
        return step < current ? current - step : 0;
    }

    /// @notice How much of a budget a move uses: signed, rounded up when relative.
    function moved(uint256 current, uint256 proposed, FieldLimits memory limits) internal pure returns (int192) {
        bool up = proposed > current;
        uint256 size = up ? proposed - current : current - proposed;
        if (limits.relative && size != 0) {
            size = current == 0 ? BPS_ONE : (size * BPS_ONE + current - 1) / current;
        }
        int192 amount = SafeCast.toInt192(SafeCast.toInt256(size));
        return up ? amount : -amount;
    }

    /// @notice Gross movement in one direction over the trailing 30 days.
    /// @dev Reads from the newest change backwards and stops at the first that is too old.
    function budgetUsed(Change[] storage changes, bool upwards) internal view returns (uint256 used) {
        for (uint256 i = changes.length; i > 0; --i) {
            Change storage change = changes[i - 1];
            if (change.time + BUDGET_WINDOW_SECONDS <= block.timestamp) break;
            if (upwards && change.amount > 0) used += uint256(int256(change.amount));
            if (!upwards && change.amount < 0) used += uint256(-int256(change.amount));
        }
    }

    function requireDelay(Field field, FieldLimits memory limits, Change[] storage changes) internal view {
        if (changes.length == 0) return;
        uint256 last = changes[changes.length - 1].time;
        uint256 earliest = last + limits.minDelaySeconds;
        if (block.timestamp < earliest) revert TooSoon(field, last, earliest);
    }

    function requireBudget(Field field, int192 amount, FieldLimits memory limits, Change[] storage changes)
        internal
        view
    {
        bool upwards = amount > 0;
        uint256 size = uint256(int256(upwards ? amount : -amount));
        uint256 budget = upwards ? limits.budgetUp : limits.budgetDown;
        uint256 used = budgetUsed(changes, upwards);
        if (used + size > budget) revert BudgetExceeded(field, used, size, budget);
    }
}
