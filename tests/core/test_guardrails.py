"""Guardrails in core: what each limit refuses, and what no sequence of moves can do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigError, GuardrailError
from core.guardrails import (
    BUDGET_WINDOW_SECONDS,
    DAY,
    DEFAULT_LIMITS,
    Change,
    budget_used,
    check_update,
    cuttable,
    largest_step_up,
    moved,
    negotiable,
    reachable,
    smallest_step_down,
)
from core.market import Parameters, Scalar, with_scalar
from core.units import Bps

NOW = 1_700_000_000
CURRENT = Parameters(Bps(70_00), Bps(75_00), Bps(5_00), 10_000, 1_000_000)
THRESHOLD = Scalar.LIQUIDATION_THRESHOLD


def check(proposed: Parameters, *, changes: tuple[Change, ...] = (), **limits: object) -> None:
    table = dict(DEFAULT_LIMITS)
    for name, value in limits.items():
        table = {scalar: replace(limit, **{name: value}) for scalar, limit in table.items()}
    check_update(CURRENT, proposed, limits=table, changes=changes, now=NOW)


def refused(proposed: Parameters, rule: str, **settings: object) -> None:
    with pytest.raises(GuardrailError) as caught:
        check(proposed, **settings)
    assert caught.value.rule == rule
    assert caught.value.allowed


def up(bps: int) -> Parameters:
    return with_scalar(CURRENT, THRESHOLD, 75_00 + bps, margin_bps=Bps(5_00))


def test_one_full_step_up_is_allowed() -> None:
    check(up(50))


def test_one_basis_point_above_the_step_is_refused() -> None:
    refused(up(51), "step")


def test_one_full_step_down_is_allowed_by_the_guardrails() -> None:
    check(up(-50))


def test_a_value_above_the_ceiling_is_refused() -> None:
    refused(up(50), "ceiling", ceiling=75_49)


def test_a_value_below_the_floor_is_refused() -> None:
    refused(up(-50), "floor", floor=74_51)


def test_a_disabled_field_does_not_move() -> None:
    refused(up(10), "disabled", enabled=False)


def test_nothing_to_change_is_refused() -> None:
    refused(CURRENT, "unchanged")


def test_the_delay_runs_from_execution() -> None:
    last = Change(THRESHOLD, NOW - 3 * DAY + 1, 50)
    refused(up(10), "delay", changes=(last,))
    check(up(10), changes=(replace(last, time=last.time - 1),))


def test_the_budget_is_gross_over_thirty_days() -> None:
    changes = tuple(Change(THRESHOLD, NOW - days * DAY, 50) for days in (20, 10, 4))
    refused(up(10), "budget", changes=changes)


def test_moving_back_does_not_refill_the_budget() -> None:
    changes = (
        *(Change(THRESHOLD, NOW - days * DAY, 50) for days in (20, 12, 8)),
        Change(THRESHOLD, NOW - 4 * DAY, -50),
    )
    refused(up(10), "budget", changes=changes)


def test_a_change_leaves_the_budget_after_thirty_days_to_the_second() -> None:
    edge = NOW - BUDGET_WINDOW_SECONDS
    inside, outside = Change(THRESHOLD, edge + 1, 150), Change(THRESHOLD, edge, 150)
    assert budget_used([inside], THRESHOLD, NOW, upwards=True) == 150
    assert budget_used([outside], THRESHOLD, NOW, upwards=True) == 0


def test_a_vector_that_breaks_the_post_state_is_refused() -> None:
    with pytest.raises(ConfigError, match="leaves no debt covered"):
        check(replace(CURRENT, liquidation_threshold_bps=Bps(96_00)))


def test_relative_steps_round_against_the_mover() -> None:
    limits = DEFAULT_LIMITS[Scalar.SUPPLY_CAP]
    assert largest_step_up(1_001, limits) == 1_301, "1 001 x 1.3 = 1 301.3"
    assert smallest_step_down(1_001, limits) == 701, "1 001 - 300"
    assert moved(1_001, 1_301, limits) == 29_98, "300 / 1 001 = 29.97 %, rounded up"


@given(st.integers(0, 10**30), st.integers(0, 10**30))
def test_a_step_that_passes_uses_no_more_than_the_step(current: int, proposed: int) -> None:
    limits = DEFAULT_LIMITS[Scalar.SUPPLY_CAP]
    if smallest_step_down(current, limits) <= proposed <= largest_step_up(current, limits) and current:
        assert abs(moved(current, proposed, limits)) <= limits.step_up


@given(
    st.integers(20_00, 93_00),
    st.lists(st.tuples(st.integers(0, 40 * DAY), st.integers(-50, 50)), max_size=8),
)
def test_what_is_reachable_passes_and_one_beyond_does_not(current: int, past: list[tuple[int, int]]) -> None:
    limits = DEFAULT_LIMITS[THRESHOLD]
    changes = [Change(THRESHOLD, NOW - age, amount) for age, amount in past if amount]
    low, high = reachable(current, THRESHOLD, limits=limits, changes=changes, now=NOW)
    assert low <= current <= high
    for value, passes in ((low, True), (high, True), (low - 1, False), (high + 1, False)):
        if value == current or value < 0:
            continue
        assert single(current, value, changes) is passes


def single(current: int, value: int, changes: list[Change]) -> bool:
    from core.guardrails import check_field

    limits = DEFAULT_LIMITS[THRESHOLD]
    try:
        check_field(THRESHOLD, current, value, limits=limits, changes=changes, now=NOW)
    except GuardrailError:
        return False
    return True


@given(st.lists(st.integers(0, 50), min_size=40, max_size=40))
def test_no_sequence_of_moves_exceeds_the_budget_in_any_thirty_days(steps: list[int]) -> None:
    changes: list[Change] = []
    value, now = 50_00, NOW
    for step in steps:
        now += 3 * DAY
        _, high = reachable(value, THRESHOLD, limits=DEFAULT_LIMITS[THRESHOLD], changes=changes, now=now)
        target = min(high, value + step)
        if target > value:
            changes.append(Change(THRESHOLD, now, target - value))
            value = target
        assert budget_used(changes, THRESHOLD, now, upwards=True) <= 150


def test_negotiable_stops_at_the_coupled_field() -> None:
    table = {**DEFAULT_LIMITS, Scalar.LTV: replace(DEFAULT_LIMITS[Scalar.LTV], ceiling=70_20)}
    found = negotiable(CURRENT, THRESHOLD, limits=table, changes=(), now=NOW, margin_bps=Bps(5_00))
    assert found == (73_50, 75_20), "the LTV at the margin may rise to 70.20 %; a ramp goes down 1.50 %"


def test_an_ordinary_epoch_goes_down_by_a_ramp_of_the_threshold_only() -> None:
    for scalar in (Scalar.LTV, Scalar.SUPPLY_CAP, Scalar.BORROW_CAP):
        low, _ = negotiable(CURRENT, scalar, limits=DEFAULT_LIMITS, changes=(), now=NOW, margin_bps=Bps(0))
        assert low == CURRENT.field(scalar)


@pytest.mark.parametrize(
    ("changes", "lowest"),
    [
        ((), 73_50),
        ((Change(THRESHOLD, NOW - 4 * DAY, -100),), 74_50),
        ((Change(THRESHOLD, NOW - 4 * DAY, -150),), 75_00),
        ((Change(THRESHOLD, NOW - 31 * DAY, -150),), 73_50),
        ((Change(THRESHOLD, NOW - 3 * DAY + 1, 50),), 75_00),
    ],
    ids=["whole budget", "budget used", "budget gone", "budget back", "delay"],
)
def test_a_ramp_goes_down_as_far_as_budget_and_delay_let_it(changes: tuple[Change, ...], lowest: int) -> None:
    low, _ = negotiable(
        CURRENT, THRESHOLD, limits=DEFAULT_LIMITS, changes=changes, now=NOW, margin_bps=Bps(0)
    )
    assert low == lowest


def test_a_ramp_goes_no_further_than_seven_days_allow() -> None:
    """Eight steps of 50 bps: at arming, and once a day for seven days."""
    table = {**DEFAULT_LIMITS, THRESHOLD: replace(DEFAULT_LIMITS[THRESHOLD], budget_down=20_00)}
    low, _ = negotiable(CURRENT, THRESHOLD, limits=table, changes=(), now=NOW, margin_bps=Bps(0))
    assert low == 71_00


@pytest.mark.parametrize(
    ("scalar", "found"),
    [
        (Scalar.LTV, (0, 70_00)),
        (Scalar.BORROW_CAP, (500_000, 1_000_000)),
        (Scalar.SUPPLY_CAP, (7_000, 10_000)),
    ],
)
def test_an_emergency_goes_down_only(scalar: Scalar, found: tuple[int, int]) -> None:
    assert cuttable(CURRENT, scalar, supplied=7_000) == found


@pytest.mark.parametrize("scalar", [THRESHOLD, Scalar.LIQUIDATION_BONUS])
def test_no_emergency_moves_what_borrowers_depend_on(scalar: Scalar) -> None:
    with pytest.raises(GuardrailError, match="emergency epoch"):
        cuttable(CURRENT, scalar, supplied=0)


def test_the_bonus_may_move_either_way() -> None:
    found = negotiable(
        CURRENT, Scalar.LIQUIDATION_BONUS, limits=DEFAULT_LIMITS, changes=(), now=NOW, margin_bps=Bps(5_00)
    )
    assert found == (4_50, 5_50)
