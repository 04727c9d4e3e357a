"""Extraordinary epochs: numbers that fix their start, falls and cuts rounded to the safe side."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calls import (
    CALL_EVERY_SECONDS,
    CALL_SLOT_SECONDS,
    EXTRAORDINARY_EPOCH_BASE,
    extraordinary_epoch,
    extraordinary_start,
    fall_bps,
    is_extraordinary,
    lowest_cut_bps,
    may_call_at,
)
from core.mandate import Limit, Mandate, SimulatedOutcome, breaches
from core.units import NANO, Bps

times = st.integers(0, 2**40)


@given(times)
def test_an_epoch_starts_within_a_slot_after_its_call(time: int) -> None:
    start = extraordinary_start(extraordinary_epoch(time))
    assert 0 < start - time <= CALL_SLOT_SECONDS


@given(times, times)
def test_two_calls_are_one_epoch_exactly_if_they_share_a_slot(one: int, other: int) -> None:
    same = one // CALL_SLOT_SECONDS == other // CALL_SLOT_SECONDS
    assert (extraordinary_epoch(one) == extraordinary_epoch(other)) is same


@given(times, st.integers(0, 2**31))
def test_a_called_epoch_is_never_one_of_the_schedule(time: int, ordinary: int) -> None:
    assert is_extraordinary(extraordinary_epoch(time))
    assert not is_extraordinary(ordinary)
    assert not is_extraordinary(EXTRAORDINARY_EPOCH_BASE - 1)


@pytest.mark.parametrize(
    ("highest", "price", "fall"),
    [
        (2_000, 1_700, 15_00),
        (2_000, 1_701, 14_95),
        (2_000, 2_000, 0),
        (2_000, 2_500, 0),
        (0, 5, 0),
        (3, 0, 100_00),
    ],
)
def test_a_fall_is_rounded_down_and_a_rise_is_none(highest: int, price: int, fall: int) -> None:
    assert fall_bps(highest, price) == fall


@given(st.integers(1, 95_00), st.integers(0, 100_00))
def test_the_lowest_cut_is_the_lowest_that_the_mandate_allows(current: int, loss: int) -> None:
    mandate = Mandate("WETH", borrowing_power_loss_bps=Bps(loss))

    def broken(value: int) -> tuple[Limit, ...]:
        return breaches(SimulatedOutcome(value, 0, 0, 0, -(NANO - value * NANO // current), 0), mandate)

    lowest = lowest_cut_bps(current, Bps(loss))
    assert 0 <= lowest <= current
    assert (current - lowest) * 100_00 <= loss * current
    if lowest > 0:
        assert broken(lowest - 1) == (Limit.BORROWING_POWER_LOSS,)


def test_an_agent_that_never_called_may_call_at_once() -> None:
    assert may_call_at([]) == 0


@given(st.lists(times, min_size=1))
def test_the_newest_call_counts(call_times: list[int]) -> None:
    assert may_call_at(call_times) == max(call_times) + CALL_EVERY_SECONDS
