"""The limits inside which any change must stay, checked at submission and again at execution.

Per field: ``enabled``, floor, ceiling, step up and down (absolute, or relative in basis points),
minimum delay from execution to execution, and gross budgets up and down over every trailing 30 days.

Sources: MECHANISM.md, Guardrails; Aave Generalized Risk Steward (debounce, absolute steps for LTV,
threshold and bonus, relative steps for caps).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.errors import GuardrailError
from core.market import Parameters, Scalar, validate_parameters
from core.ramp import RAMP_MOST_BPS
from core.units import BPS_ONE, Bps

BUDGET_WINDOW_SECONDS = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class FieldLimits:
    """Limits of one field.  With ``relative``, steps and budgets are basis points of the value moved from."""

    enabled: bool
    floor: int
    ceiling: int
    step_up: int
    step_down: int
    relative: bool
    min_delay_seconds: int
    budget_up: int
    budget_down: int


@dataclass(frozen=True, slots=True)
class Change:
    """One executed move of one field, kept for the budgets; ``amount`` in the unit of the budget."""

    scalar: Scalar
    time: int
    amount: int


@dataclass(frozen=True, slots=True)
class Cut:
    """The newest emergency cut of one field; ``before`` may be restored, once, within 30 days."""

    time: int
    before: int
    restored: bool = False


DAY = 24 * 3600
RESTORE_SECONDS = 30 * DAY
DEFAULT_LIMITS: dict[Scalar, FieldLimits] = {
    Scalar.LTV: FieldLimits(True, 10_00, 90_00, 50, 50, False, 3 * DAY, 150, 150),
    Scalar.LIQUIDATION_THRESHOLD: FieldLimits(True, 20_00, 93_00, 50, 50, False, 3 * DAY, 150, 150),
    Scalar.LIQUIDATION_BONUS: FieldLimits(True, 1_00, 15_00, 50, 50, False, 3 * DAY, 150, 150),
    Scalar.SUPPLY_CAP: FieldLimits(True, 0, 2**128 - 1, 30_00, 30_00, True, 3 * DAY, 100_00, 100_00),
    Scalar.BORROW_CAP: FieldLimits(True, 0, 2**128 - 1, 30_00, 30_00, True, 3 * DAY, 100_00, 100_00),
}
"""The defaults of MECHANISM.md; ``scripts/generate.py`` writes them into Solidity and the docs."""

EMODE_LIMITS: dict[Scalar, FieldLimits] = {
    **{
        scalar: replace(limits, step_up=10, step_down=10)
        for scalar, limits in DEFAULT_LIMITS.items()
        if not limits.relative
    },
    Scalar.LTV: FieldLimits(True, 10_00, 98_00, 10, 10, False, 3 * DAY, 150, 150),
    Scalar.LIQUIDATION_THRESHOLD: FieldLimits(True, 20_00, 98_50, 10, 10, False, 3 * DAY, 150, 150),
    Scalar.SUPPLY_CAP: FieldLimits(False, 0, 0, 0, 0, True, 0, 0, 0),
    Scalar.BORROW_CAP: FieldLimits(False, 0, 0, 0, 0, True, 0, 0, 0),
}
"""The defaults of an e-mode category, a market of its own without caps (MECHANISM.md, Guardrails)."""


def largest_step_up(current: int, limits: FieldLimits) -> int:
    """Return the largest value one step up may reach, rounded down (against the mover).

    >>> largest_step_up(75_00, DEFAULT_LIMITS[Scalar.LIQUIDATION_THRESHOLD])
    7550
    >>> largest_step_up(1_000_001, DEFAULT_LIMITS[Scalar.SUPPLY_CAP])
    1300001
    """
    step = current * limits.step_up // BPS_ONE if limits.relative else limits.step_up
    return current + step


def smallest_step_down(current: int, limits: FieldLimits) -> int:
    """Return the smallest value one step down may reach, rounded up (against the mover)."""
    step = current * limits.step_down // BPS_ONE if limits.relative else limits.step_down
    return max(0, current - step)


def moved(current: int, proposed: int, limits: FieldLimits) -> int:
    """Return how much of a budget the move uses: signed, in basis points if relative (rounded up)."""
    difference = proposed - current
    if not limits.relative or difference == 0:
        return difference
    if current == 0:
        return BPS_ONE if difference > 0 else -BPS_ONE
    size = -(-abs(difference) * BPS_ONE // current)
    return size if difference > 0 else -size


def budget_used(changes: Sequence[Change], scalar: Scalar, now: int, *, upwards: bool) -> int:
    """Return the gross movement in one direction over the trailing 30 days, not negative."""
    recent = (c.amount for c in changes if c.scalar is scalar and c.time > now - BUDGET_WINDOW_SECONDS)
    return sum(abs(amount) for amount in recent if (amount > 0) == upwards)


def restores(cut: Cut | None, current: int, proposed: int, now: int) -> bool:
    """Return whether a move undoes an emergency cut, and so uses neither step nor budget.

    >>> restores(Cut(time=0, before=70_00), 60_00, 70_00, 30 * DAY)
    True
    >>> restores(Cut(time=0, before=70_00), 60_00, 70_01, 30 * DAY)
    False
    """
    if cut is None or cut.restored or now > cut.time + RESTORE_SECONDS:
        return False
    return current < proposed <= cut.before


def check_field(
    scalar: Scalar,
    current: int,
    proposed: int,
    *,
    limits: FieldLimits,
    changes: Sequence[Change],
    now: int,
    cut: Cut | None = None,
) -> None:
    """Refuse one field's move that any limit forbids; an unmoved field always passes.

    Raises:
        GuardrailError: ``rule`` is one of disabled, floor, ceiling, step, delay, budget.
    """
    if proposed == current:
        return None
    _check_band(scalar, proposed, limits)
    if restores(cut, current, proposed, now):
        return _check_delay(scalar, limits, changes, now)
    low, high = smallest_step_down(current, limits), largest_step_up(current, limits)
    if not low <= proposed <= high:
        raise GuardrailError(
            f"{scalar.value} would move from {current} to {proposed}",
            rule="step",
            allowed=f"{low} to {high} in one step",
            hint="split the change",
        )
    _check_delay(scalar, limits, changes, now)
    _check_budget(scalar, moved(current, proposed, limits), limits=limits, changes=changes, now=now)
    return None


def check_ramp_field(
    scalar: Scalar,
    current: int,
    target: int,
    *,
    limits: FieldLimits,
    changes: Sequence[Change],
    now: int,
) -> None:
    """Refuse a whole ramp of one field: band, delay and budget as in :func:`check_field`, no step.

    Raises:
        GuardrailError: ``rule`` is one of disabled, floor, ceiling, delay, budget.
    """
    if target == current:
        return
    _check_band(scalar, target, limits)
    _check_delay(scalar, limits, changes, now)
    _check_budget(scalar, moved(current, target, limits), limits=limits, changes=changes, now=now)


def _check_band(scalar: Scalar, proposed: int, limits: FieldLimits) -> None:
    name = scalar.value
    if not limits.enabled:
        raise GuardrailError(
            f"{name} is not governed by agents", rule="disabled", allowed="enabled fields only"
        )
    if proposed < limits.floor:
        raise GuardrailError(f"{name} was {proposed}", rule="floor", allowed=f"at least {limits.floor}")
    if proposed > limits.ceiling:
        raise GuardrailError(f"{name} was {proposed}", rule="ceiling", allowed=f"at most {limits.ceiling}")


def _check_delay(scalar: Scalar, limits: FieldLimits, changes: Sequence[Change], now: int) -> None:
    last = max((c.time for c in changes if c.scalar is scalar), default=None)
    if last is not None and now < last + limits.min_delay_seconds:
        raise GuardrailError(
            f"{scalar.value} last changed at {last}, now is {now}",
            rule="delay",
            allowed=f"not before {last + limits.min_delay_seconds}",
            hint="wait",
        )


def _check_budget(
    scalar: Scalar, move: int, *, limits: FieldLimits, changes: Sequence[Change], now: int
) -> None:
    upwards = move > 0
    budget = limits.budget_up if upwards else limits.budget_down
    used = budget_used(changes, scalar, now, upwards=upwards)
    if used + abs(move) > budget:
        raise GuardrailError(
            f"{scalar.value} has used {used} of {budget} in 30 days and would use {abs(move)} more",
            rule="budget",
            allowed=f"at most {max(0, budget - used)} more now",
            hint="wait until earlier changes are 30 days old",
        )


def check_update(
    current: Parameters,
    proposed: Parameters,
    *,
    limits: dict[Scalar, FieldLimits],
    changes: Sequence[Change],
    now: int,
) -> None:
    """Refuse a whole vector that any guardrail or post-state rule forbids.

    Raises:
        GuardrailError: a field is out of its limits, or nothing changes.
        ConfigError: the vector breaks INV-1 or INV-2 (:func:`core.market.validate_parameters`).
    """
    validate_parameters(proposed)
    if current == proposed:
        raise GuardrailError("nothing changes", rule="unchanged", allowed="at least one field moves")
    for scalar in Scalar:
        check_field(
            scalar,
            current.field(scalar),
            proposed.field(scalar),
            limits=limits[scalar],
            changes=changes,
            now=now,
        )


def reachable(
    current: int, scalar: Scalar, *, limits: FieldLimits, changes: Sequence[Change], now: int
) -> tuple[int, int]:
    """Return the lowest and highest value that guardrails let ``scalar`` reach now."""
    last = max((c.time for c in changes if c.scalar is scalar), default=None)
    waiting = last is not None and now < last + limits.min_delay_seconds
    if not limits.enabled or waiting:
        return current, current
    up = limits.budget_up - budget_used(changes, scalar, now, upwards=True)
    down = limits.budget_down - budget_used(changes, scalar, now, upwards=False)
    scale = current if limits.relative else BPS_ONE
    room_up = max(0, up) * scale // BPS_ONE
    room_down = max(0, down) * scale // BPS_ONE
    highest = min(largest_step_up(current, limits), current + room_up, limits.ceiling)
    lowest = max(smallest_step_down(current, limits), current - room_down, limits.floor)
    return min(lowest, current), max(highest, current)


def ramp_floor(
    current: int, scalar: Scalar, *, limits: FieldLimits, changes: Sequence[Change], now: int
) -> int:
    """Return the lowest value that a ramp armed now may end at: budget, floor, and what fits its 7 days."""
    last = max((c.time for c in changes if c.scalar is scalar), default=None)
    if not limits.enabled or (last is not None and now < last + limits.min_delay_seconds):
        return current
    left = max(0, limits.budget_down - budget_used(changes, scalar, now, upwards=False))
    return min(current, max(limits.floor, current - left, current - RAMP_MOST_BPS))


def negotiable(
    current: Parameters,
    scalar: Scalar,
    *,
    limits: dict[Scalar, FieldLimits],
    changes: Sequence[Change],
    now: int,
    margin_bps: Bps,
    restorable: int = 0,
) -> tuple[int, int]:
    """Return what an ordinary epoch may move ``scalar`` to: guardrails, coupled fields and lanes together.

    A threshold goes down by a RAMP, a bonus either way by SLOW, everything else up by SLOW only.  A threshold
    whose LTV stands at the margin moves no further than its LTV may; INV-2 bounds it as well.  ``restorable``
    is the LTV before an emergency cut that may still be undone.
    """
    low, high = reachable(current.field(scalar), scalar, limits=limits[scalar], changes=changes, now=now)
    if scalar is Scalar.LIQUIDATION_THRESHOLD:
        return _negotiable_threshold(
            current, high, limits=limits, changes=changes, now=now, margin_bps=margin_bps
        )
    if scalar is Scalar.LTV:
        high = min(max(high, restorable), current.liquidation_threshold_bps - margin_bps)
    lowest = low if scalar is Scalar.LIQUIDATION_BONUS else current.field(scalar)
    return lowest, max(high, lowest)


def _negotiable_threshold(
    current: Parameters,
    high: int,
    *,
    limits: dict[Scalar, FieldLimits],
    changes: Sequence[Change],
    now: int,
    margin_bps: Bps,
) -> tuple[int, int]:
    threshold, ltv = int(current.liquidation_threshold_bps), int(current.ltv_bps)
    high = min(high, (BPS_ONE * BPS_ONE - 1) // (BPS_ONE + current.liquidation_bonus_bps))
    ltv_limits = limits[Scalar.LTV]
    if threshold - ltv == margin_bps:
        highest_ltv = reachable(ltv, Scalar.LTV, limits=ltv_limits, changes=changes, now=now)[1]
        high = min(high, highest_ltv + margin_bps)
    scalar = Scalar.LIQUIDATION_THRESHOLD
    low = ramp_floor(threshold, scalar, limits=limits[scalar], changes=changes, now=now)
    lowest_ltv = ramp_floor(ltv, Scalar.LTV, limits=ltv_limits, changes=changes, now=now)
    low = min(threshold, max(low, lowest_ltv + margin_bps))
    return low, max(high, low)


def cuttable(current: Parameters, scalar: Scalar, *, supplied: int) -> tuple[int, int]:
    """Return what an emergency epoch may move ``scalar`` to: down only, by FAST.

    LTV to any value, caps at most by half, a supply cap to no less than what is supplied.

    Raises:
        GuardrailError: a change of ``scalar`` is never FAST.
    """
    value = current.field(scalar)
    match scalar:
        case Scalar.LTV:
            return 0, value
        case Scalar.BORROW_CAP:
            return value // 2, value
        case Scalar.SUPPLY_CAP:
            return min(value, max(value // 2, supplied)), value
    raise GuardrailError(f"{scalar.value} in an emergency epoch", rule="lane", allowed="LTV or a cap")
