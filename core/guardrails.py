"""The limits inside which any change must stay, checked at submission and again at execution.

Per field: ``enabled``, floor, ceiling, step up and down (each absolute, or relative in basis points),
minimum delay from execution to execution, and gross budgets up and down over every trailing 30 days.

Sources: MECHANISM.md, Guardrails; Aave Generalized Risk Steward (debounce, absolute steps for LTV,
threshold and bonus, relative steps for caps).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import GuardrailError
from core.market import Parameters, Scalar, validate_parameters
from core.ramp import RAMP_MOST_BPS
from core.units import BPS_ONE, Bps

BUDGET_WINDOW_SECONDS = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class FieldLimits:
    """Limits of one field.

    Step and budget of one direction are basis points of the value moved from where it is relative, else
    absolute: in multiples of ``10 ** unit_decimals`` of the field's own unit (whole tokens for a cap).
    """

    enabled: bool
    floor: int
    ceiling: int
    step_up: int
    step_down: int
    relative_up: bool
    relative_down: bool
    min_delay_seconds: int
    budget_up: int
    budget_down: int
    unit_decimals: int = 0

    def is_relative(self, *, upwards: bool) -> bool:
        """Return whether step and budget of one direction are basis points."""
        return self.relative_up if upwards else self.relative_down

    def base_units(self, count: int, current: int, *, upwards: bool) -> int:
        """Return what a step or a budget of ``count`` comes to from ``current``, rounded down."""
        if self.is_relative(upwards=upwards):
            return current * count // BPS_ONE
        return int(count * 10**self.unit_decimals)


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
_CLOSED = FieldLimits(False, 0, 0, 0, 0, True, True, 0, 0, 0)


def _absolute(floor: int, ceiling: int, *, step: int, budget: int) -> FieldLimits:
    return FieldLimits(True, floor, ceiling, step, step, False, False, 3 * DAY, budget, budget)


def _relative(*, step: int, budget: int) -> FieldLimits:
    return FieldLimits(True, 0, 2**128 - 1, step, step, True, True, 3 * DAY, budget, budget)


DEFAULT_LIMITS: dict[Scalar, FieldLimits] = {
    Scalar.LTV: _absolute(10_00, 90_00, step=50, budget=150),
    Scalar.LIQUIDATION_THRESHOLD: _absolute(20_00, 93_00, step=50, budget=150),
    Scalar.LIQUIDATION_BONUS: _absolute(1_00, 15_00, step=50, budget=150),
    Scalar.SUPPLY_CAP: _relative(step=30_00, budget=100_00),
    Scalar.BORROW_CAP: _relative(step=30_00, budget=100_00),
    Scalar.IS_OPEN: _absolute(0, 1, step=1, budget=1),
}
"""The defaults of MECHANISM.md; ``scripts/generate.py`` writes them into Solidity and the docs."""

EMODE_LIMITS: dict[Scalar, FieldLimits] = {
    Scalar.LTV: _absolute(10_00, 98_00, step=10, budget=150),
    Scalar.LIQUIDATION_THRESHOLD: _absolute(20_00, 98_50, step=10, budget=150),
    Scalar.LIQUIDATION_BONUS: _absolute(1_00, 15_00, step=10, budget=150),
    Scalar.SUPPLY_CAP: _CLOSED,
    Scalar.BORROW_CAP: _CLOSED,
    Scalar.IS_OPEN: _CLOSED,
}
"""The defaults of an e-mode category, a market of its own without caps or freeze (MECHANISM.md)."""


def largest_step_up(current: int, limits: FieldLimits) -> int:
    """Return the largest value one step up may reach, rounded down (against the mover).

    >>> largest_step_up(75_00, DEFAULT_LIMITS[Scalar.LIQUIDATION_THRESHOLD])
    7550
    >>> largest_step_up(1_000_001, DEFAULT_LIMITS[Scalar.SUPPLY_CAP])
    1300001
    """
    return current + limits.base_units(limits.step_up, current, upwards=True)


def smallest_step_down(current: int, limits: FieldLimits) -> int:
    """Return the smallest value one step down may reach, rounded up (against the mover)."""
    return max(0, current - limits.base_units(limits.step_down, current, upwards=False))


def moved(current: int, proposed: int, limits: FieldLimits) -> int:
    """Return how much of a budget the move uses: signed, in the budget's unit, its size rounded up.

    >>> moved(1_000, 1_001, DEFAULT_LIMITS[Scalar.SUPPLY_CAP])
    10
    """
    difference = proposed - current
    upwards, size = difference > 0, abs(difference)
    if not limits.is_relative(upwards=upwards):
        size = -(-size // 10**limits.unit_decimals)
    elif current:
        size = -(-size * BPS_ONE // current)
    elif size:
        size = int(BPS_ONE)
    return size if upwards else -size


def budget_used(changes: Sequence[Change], scalar: Scalar, now: int, *, upwards: bool) -> int:
    """Return the gross movement in one direction over the trailing 30 days, not negative."""
    recent = (c.amount for c in changes if c.scalar is scalar and c.time > now - BUDGET_WINDOW_SECONDS)
    return sum(abs(amount) for amount in recent if (amount > 0) == upwards)


def budget_left(
    scalar: Scalar, *, limits: FieldLimits, changes: Sequence[Change], now: int, upwards: bool
) -> int:
    """Return what is left of one direction's budget now, in its own unit, not negative."""
    budget = limits.budget_up if upwards else limits.budget_down
    return max(0, budget - budget_used(changes, scalar, now, upwards=upwards))


def next_allowed_at(scalar: Scalar, *, limits: FieldLimits, changes: Sequence[Change]) -> int | None:
    """Return when the minimum delay since the newest move ends, Unix seconds; ``None`` before any move."""
    last = max((c.time for c in changes if c.scalar is scalar), default=None)
    return None if last is None else last + limits.min_delay_seconds


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
    earliest = next_allowed_at(scalar, limits=limits, changes=changes)
    if earliest is not None and now < earliest:
        raise GuardrailError(
            f"{scalar.value} last changed at {earliest - limits.min_delay_seconds}, now is {now}",
            rule="delay",
            allowed=f"not before {earliest}",
            hint="wait",
        )


def _check_budget(
    scalar: Scalar, move: int, *, limits: FieldLimits, changes: Sequence[Change], now: int
) -> None:
    left = budget_left(scalar, limits=limits, changes=changes, now=now, upwards=move > 0)
    if abs(move) > left:
        raise GuardrailError(
            f"{scalar.value} would use {abs(move)} of its 30-day budget",
            rule="budget",
            allowed=f"at most {left} more now",
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
    if not _may_move(scalar, limits, changes, now):
        return current, current
    left_up = budget_left(scalar, limits=limits, changes=changes, now=now, upwards=True)
    left_down = budget_left(scalar, limits=limits, changes=changes, now=now, upwards=False)
    room_up = limits.base_units(left_up, current, upwards=True)
    room_down = limits.base_units(left_down, current, upwards=False)
    highest = min(largest_step_up(current, limits), current + room_up, limits.ceiling)
    lowest = max(smallest_step_down(current, limits), current - room_down, limits.floor)
    return min(lowest, current), max(highest, current)


def ramp_floor(
    current: int, scalar: Scalar, *, limits: FieldLimits, changes: Sequence[Change], now: int
) -> int:
    """Return the lowest value that a ramp armed now may end at: budget, floor, and what fits its 7 days."""
    if not _may_move(scalar, limits, changes, now):
        return current
    left = budget_left(scalar, limits=limits, changes=changes, now=now, upwards=False)
    room = limits.base_units(left, current, upwards=False)
    return min(current, max(limits.floor, current - room, current - RAMP_MOST_BPS))


def _may_move(scalar: Scalar, limits: FieldLimits, changes: Sequence[Change], now: int) -> bool:
    earliest = next_allowed_at(scalar, limits=limits, changes=changes)
    return limits.enabled and (earliest is None or now >= earliest)


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

    LTV to any value, caps at most by half, a supply cap to no less than what is supplied; the asset frozen.

    Raises:
        GuardrailError: a change of ``scalar`` is never FAST.
    """
    value = current.field(scalar)
    match scalar:
        case Scalar.LTV | Scalar.IS_OPEN:
            return 0, value
        case Scalar.BORROW_CAP:
            return value // 2, value
        case Scalar.SUPPLY_CAP:
            return min(value, max(value // 2, supplied)), value
    raise GuardrailError(f"{scalar.value} in an emergency epoch", rule="lane", allowed="LTV, a cap, a freeze")
