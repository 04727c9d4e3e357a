"""Simulated liquidations against recorded ones: the record is made by a known book, or by nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import SimulationError
from core.market import PriceHistory
from models.data.liquidations import Liquidations
from models.data.timeline import TimelineRow
from simulations.backtest.calibration import (
    POORLY,
    ROUGHLY,
    WELL,
    CalibrationTerms,
    Figures,
    calibrate,
    calibration_text,
    comparison,
    quality,
    recorded_days,
)
from simulations.backtest.parameters import parameter_history
from simulations.backtest.settings import BacktestInputs, load_inputs
from simulations.statistics.tail import Estimate

HOUR, DAY = 3600, 24 * 3600
TERMS = CalibrationTerms(borrowers=200, books=6, evaluations=30)


def calls_at(times: list[int], usd: list[float]) -> Liquidations:
    moments, amounts = np.array(times, dtype=np.int64), np.array(usd)
    return Liquidations(moments, amounts, moments, np.full(len(times), 0.5), dust=0)


def prices() -> PriceHistory:
    """Return calm prices that fall by 5 to 25 % within six hours every three weeks, and recover."""
    rng = np.random.default_rng(8)
    begin = TERMS.begin - 10 * DAY
    moves = 0.003 * rng.standard_normal((TERMS.end - begin) // HOUR + 200)
    for number, first in enumerate(range(400, len(moves) - 300, 500)):
        depth = 0.05 + 0.04 * (number * 7 % 6)
        moves[first : first + 6] -= depth / 6
        moves[first + 6 : first + 246] += depth / 240
    closes = 1_000 * np.exp(np.cumsum(moves))
    times = begin + HOUR * np.arange(len(closes), dtype=np.int64)
    return PriceHistory("ETH", "exchange", HOUR, times, np.rint(closes * 1e8).astype(np.int64))


def inputs(calls: Liquidations | None) -> BacktestInputs:
    row = TimelineRow(TERMS.begin, "AaveV2Ethereum", "WETH", 75_00, 80_00, 5_00)
    return BacktestInputs(prices(), calls_at([], []), parameter_history([row], "ETH"), calls)


def calls_at_falls(history: PriceHistory) -> Liquidations:
    """Liquidate in every hour after a fall of 4 % in six hours, the more the deeper."""
    logs = np.log(history.closes_e8)
    falls = logs[:-6] - logs[6:]
    struck = np.flatnonzero(falls > 0.04)
    times = [int(history.times[n + 6]) for n in struck for _ in range(5)]
    return calls_at(times, [float(1e6 * falls[n]) for n in struck for _ in range(5)])


def calls_at_random() -> Liquidations:
    rng = np.random.default_rng(9)
    times = np.sort(rng.integers(TERMS.begin, TERMS.end, 1_000))
    return calls_at(times.tolist(), [10_000.0] * 1_000)


def test_days_are_counted_from_the_beginning_and_calls_outside_are_left_out() -> None:
    calls = calls_at([-1, 0, DAY - 1, DAY, 14 * DAY], [1.0, 2.0, 3.0, 4.0, 5.0])
    days = recorded_days(calls, begin=0, weeks_shown=2)
    assert days[0, 0].tolist() == [5.0, 2.0]
    assert days[0, 1].tolist() == [4.0, 1.0]
    assert days.sum(axis=(0, 1)).tolist() == [9.0, 3.0]


def days_of(volumes: list[list[float]]) -> np.ndarray:
    return np.stack([np.array(volumes), np.array(volumes) > 0], axis=-1).astype(float)


def test_equal_records_agree_in_everything() -> None:
    days = days_of([[0, 5, 0], [1, 0, 0], [0, 0, 9]])
    assert comparison(days, days) == pytest.approx((1.0, 1.0, 1.0, 1.0))


def test_comparison_by_hand() -> None:
    """Twice the volume, in the opposite order of weeks; on the same days lie 1/16 and 1/16."""
    recorded = days_of([[1, 0], [0, 5], [2, 0]])  # shares 1/8, 5/8, 2/8
    simulated = days_of([[8, 0], [1, 0], [1, 6]])  # shares 8/16; 1/16; 1/16, 6/16
    volume, calls, rank, same_day = comparison(simulated, recorded)
    assert (volume, calls) == (2.0, pytest.approx(4 / 3))
    assert rank == pytest.approx(-1.0)  # 8, 1, 7 against 1, 5, 2
    assert same_day == pytest.approx(1 / 8 + 1 / 16)


def test_a_model_that_liquidates_the_same_every_week_has_no_rank() -> None:
    assert comparison(days_of([[1.0], [1.0]]), days_of([[1.0], [2.0]]))[2] == 0.0


@pytest.mark.parametrize(
    ("ratio", "rank_low", "said"),
    [
        (Estimate(1.1, 0.8, 1.5), 0.6, WELL),
        (Estimate(0.4, 0.2, 0.7), 0.6, ROUGHLY),
        (Estimate(1.0, 0.8, 1.2), 0.2, ROUGHLY),
        (Estimate(0.3, 0.2, 0.7), 0.6, POORLY),
        (Estimate(1.0, 0.8, 1.2), -0.1, POORLY),
    ],
)
def test_a_fit_is_called_what_it_is(ratio: Estimate, rank_low: float, said: str) -> None:
    figures = Figures(30, 1e6, 100, ratio, ratio, Estimate(0.8, rank_low, 0.9), ratio, 0.1, 1.0, 1.0)
    assert quality(figures) == said


def test_liquidations_at_falls_are_followed_and_random_ones_are_not() -> None:
    real, random = (calibrate(inputs(c), TERMS) for c in (calls_at_falls(prices()), calls_at_random()))
    followed, not_followed = real.books[0].outside, random.books[0].outside
    assert followed.rank.low > 0 and followed.same_day.value > followed.same_day_evenly
    assert followed.rank.value > 0.5 > not_followed.rank.value
    assert random.quality == POORLY
    assert len(real.by_week) == followed.weeks + real.books[0].inside.weeks
    assert [book.assumptions.name for book in real.books] == ["fitted", "fragile", "sturdy"]


def test_the_fit_beats_both_ends_of_the_sweep_where_it_was_fitted() -> None:
    found = calibrate(inputs(calls_at_falls(prices())), TERMS)
    fitted, *ends = [book.inside.loss for book in found.books]
    assert fitted <= min(ends)
    assert found.evaluations >= 30


def test_the_fit_does_not_look_at_the_months_that_it_is_tested_on() -> None:
    calls = calls_at_falls(prices())
    later = calls.times >= TERMS.fit_until + 7 * DAY
    changed = replace(calls, repaid_usd=np.where(later, 1e9, calls.repaid_usd))
    one, other = calibrate(inputs(calls), TERMS), calibrate(inputs(changed), TERMS)
    assert one.books[0].assumptions == other.books[0].assumptions
    assert one.books[0].inside == other.books[0].inside
    assert one.books[0].outside != other.books[0].outside


def test_too_little_to_compare_is_refused() -> None:
    with pytest.raises(SimulationError, match="no record of V2"):
        calibrate(inputs(None), TERMS)
    with pytest.raises(SimulationError, match="3 calls in 69 weeks"):
        calibrate(inputs(calls_at([TERMS.begin + n for n in range(3)], [1.0] * 3)), TERMS)
    with pytest.raises(SimulationError, match="hours have no price"):
        known = inputs(calls_at_random())
        calibrate(replace(known, prices=known.prices.until(TERMS.fit_until)), TERMS)


def test_without_a_record_the_report_says_so() -> None:
    assert "were not compared" in calibration_text(None)[0]


@pytest.mark.data
def test_the_real_record_is_compared_week_by_week(real_data: Path) -> None:
    """From 18 to 24 May 2021 calls on Aave V2 repaid 118.7 million dollars against WETH, the most of all."""
    found = calibrate(load_inputs(real_data, "ETH"), TERMS)
    largest = max(found.by_week, key=lambda week: week[1])
    assert largest[0] <= 1_621_382_400 < largest[0] + 7 * DAY
    assert largest[1] == pytest.approx(118.7e6, rel=1e-3)
    assert found.books[0].outside.rank.low > 0
    assert "of Aave V2" in calibration_text(found)[0]
