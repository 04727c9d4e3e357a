"""Books and the DAO's record: what is fitted before a decision, what stood when, what a fall costs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from backtest_market import DAY, FIRST, HOUR, START, calls, prices_of, row

from core.errors import ConfigError
from core.units import Bps
from models.data.timeline import TimelineRow
from simulations.backtest.books import (
    BAD_DEBT_USD,
    DAY_CALLS,
    DAY_REPAID_USD,
    INTEREST_USD,
    LIQUIDATED_USD,
    POWER_USD,
    BookTerms,
    Timeline,
    open_book,
    replay_books,
    replay_days,
)
from simulations.backtest.parameters import LAST_KNOWN_FROM, V2_BEGINS, V3_BEGINS, parameter_history
from simulations.backtest.trajectories import WEEK_SECONDS, hours_of, under
from simulations.book import FRAGILE, STURDY, draw_book, fit_sizes, resample

# ── sizes ────────────────────────────────────────────────────────────────────────────────────────


def test_a_debt_is_what_was_repaid_over_the_share_that_one_call_repays() -> None:
    terms = fit_sizes(calls(300), before=START + 300 * HOUR)
    assert np.exp(terms.log_mean) == pytest.approx(1_000.0)
    assert (terms.repaid_share, terms.prior) == (0.5, False)


def test_the_prior_stands_and_is_marked_until_there_are_two_hundred_calls() -> None:
    before = fit_sizes(calls(300), before=START + 199 * HOUR)
    after = fit_sizes(calls(300), before=START + 200 * HOUR)
    assert (before.prior, before.calls) == (True, 199)
    assert (after.prior, after.calls) == (False, 200)


def test_a_call_at_the_moment_of_the_decision_is_not_known_yet() -> None:
    assert fit_sizes(calls(300), before=START + 250 * HOUR).calls == 250


def test_later_calls_do_not_change_earlier_sizes() -> None:
    later = calls(300)
    later.repaid_usd[260:] = 1e9
    moment = START + 260 * HOUR
    assert fit_sizes(later, before=moment) == fit_sizes(calls(300), before=moment)


def test_a_book_has_health_above_its_floor_and_one_draw_per_seed() -> None:
    for assumptions in (FRAGILE, STURDY):
        book = draw_book(assumptions, seed=1, borrowers=500)
        assert book.health.min() > 1 + assumptions.lowest_excess
        assert np.array_equal(book.health, draw_book(assumptions, seed=1, borrowers=500).health)
    assert np.array_equal(draw_book(FRAGILE, seed=1).size_draws, draw_book(STURDY, seed=1).size_draws)


def test_resampled_books_draw_with_replacement_and_begin_with_the_book_itself() -> None:
    rows = resample(100, 50, seed=1)
    assert rows.shape == (50, 100)
    assert rows[0].tolist() == list(range(100))
    assert len(set(rows[1].tolist())) < 100


# ── the DAO's record ─────────────────────────────────────────────────────────────────────────────


def record() -> tuple[TimelineRow, ...]:
    return (
        row(1_578_501_675, "AaveV1Main", "ETH", ltv=0, threshold=0, bonus=None),
        row(1_578_502_755, "AaveV1Main", "ETH", ltv=75_00, threshold=80_00),
        row(1_606_000_000, "AaveV2Ethereum", "WETH", ltv=80_00, threshold=82_50),
        row(1_610_000_000, "AaveV1Main", "ETH", ltv=10_00, threshold=20_00),
        row(LAST_KNOWN_FROM, "AaveV2Ethereum", "WETH", ltv=80_00, threshold=82_50),
        row(V3_BEGINS, "AaveV3Ethereum", "WETH", ltv=80_50, threshold=83_00, bonus=None),
        row(V3_BEGINS, "AaveV3Ethereum", "wstETH", ltv=1_00, threshold=2_00),
    )


def test_the_market_that_counts_changes_from_v1_to_v2_to_v3() -> None:
    history = parameter_history(record(), "ETH")
    thresholds = [
        int(known.parameters.liquidation_threshold_bps)
        for known in (history.at(t) for t in (V2_BEGINS - 1, V2_BEGINS, V3_BEGINS - 1, V3_BEGINS))
        if known is not None
    ]
    assert thresholds == [80_00, 82_50, 82_50, 83_00]


def test_before_the_first_value_there_is_none() -> None:
    history = parameter_history(record(), "ETH")
    assert history.at(1_578_502_754) is None
    assert history.first_time == 1_578_502_755


def test_silent_spans_are_marked() -> None:
    history = parameter_history(record(), "ETH")
    marks = [
        known.last_known
        for known in (history.at(t) for t in (LAST_KNOWN_FROM - 1, LAST_KNOWN_FROM, V3_BEGINS - 1, V3_BEGINS))
        if known is not None
    ]
    assert marks == [False, True, True, False]


def test_a_row_without_a_bonus_keeps_the_last_one() -> None:
    known = parameter_history(record(), "ETH").at(V3_BEGINS)
    assert known is not None
    assert known.parameters.liquidation_bonus_bps == 5_00


def test_an_asset_without_rows_is_refused() -> None:
    with pytest.raises(ConfigError, match="no rows of LINK"):
        parameter_history(record(), "LINK")
    with pytest.raises(ConfigError, match="asset was DOGE"):
        parameter_history(record(), "DOGE")


# ── books along prices ───────────────────────────────────────────────────────────────────────────


def book_terms(health: list[float], weeks: int, *, return_share: float = 1.0) -> BookTerms:
    sizes = np.tile(np.array([[np.log(1_000.0)], [0.0], [0.5]]), (1, weeks))
    count = len(health)
    return BookTerms(np.zeros(count), np.array(health), sizes, 0.80, return_share, 1e9, 0.8)


def test_a_flat_price_liquidates_nobody() -> None:
    prices = prices_of([2_000.0] * 337)
    timeline = under(hours_of(prices, START, START + 2 * WEEK_SECONDS), ((START, FIRST),), START)
    totals = replay_books(timeline, book_terms([1.1, 1.5], 2), np.array([[0, 1]]))
    assert totals[:, :, LIQUIDATED_USD].sum() == totals[:, :, BAD_DEBT_USD].sum() == 0


def test_a_fall_liquidates_who_is_close_and_leaves_bad_debt_by_hand() -> None:
    """Debt 1,000, health 1.1 at 80 %: coins of 1,375 USD.  At -40 % they are worth 825: 1,000 - 825/1.05."""
    prices = prices_of([2_000.0] * 10 + [1_200.0] * 159)
    timeline = under(hours_of(prices, START, START + WEEK_SECONDS), ((START, FIRST),), START)
    totals = replay_books(timeline, book_terms([1.1], 1), np.array([[0]]))
    assert totals[0, 0, BAD_DEBT_USD] == pytest.approx(1_000 - 825 / 1.05, rel=1e-3)
    assert totals[0, 0, LIQUIDATED_USD] == pytest.approx(825, rel=1e-3)


def test_a_lower_threshold_in_mid_week_liquidates_from_that_hour_on() -> None:
    prices = prices_of([2_000.0] * 169)
    lowered = replace(FIRST, liquidation_threshold_bps=Bps(70_00), ltv_bps=Bps(65_00))
    hours = hours_of(prices, START, START + WEEK_SECONDS)
    changes = ((START, FIRST), (START + 4 * DAY, lowered))
    held = replay_books(under(hours, changes[:1], START), book_terms([1.1], 1), np.array([[0]]))
    cut = replay_books(under(hours, changes, START), book_terms([1.1], 1), np.array([[0]]))
    assert held[0, 0, LIQUIDATED_USD] == 0 < cut[0, 0, LIQUIDATED_USD]


def test_missing_hours_are_counted_and_not_filled() -> None:
    prices = prices_of([2_000.0] * 169)
    gone = np.r_[0:50, 60:169]
    cut = replace(prices, times=prices.times[gone], closes_e8=prices.closes_e8[gone])
    hours = hours_of(cut, START, START + WEEK_SECONDS)
    assert hours.missing == 10
    assert len(hours.times) == 158


def test_a_book_does_not_depend_on_the_books_beside_it() -> None:
    rng = np.random.default_rng(1)
    prices = prices_of(list(2_000 * np.exp(np.cumsum(0.01 * rng.standard_normal(337)))))
    timeline = under(hours_of(prices, START, START + 2 * WEEK_SECONDS), ((START, FIRST),), START)
    terms = book_terms(list(1.02 + rng.random(50)), 2, return_share=0.25)
    rows = resample(50, 5, seed=2)
    together = replay_books(timeline, terms, rows)
    assert np.array_equal(together[3:4], replay_books(timeline, terms, rows[3:4]))
    assert np.array_equal(together, replay_books(timeline, terms, rows, threads=3))


# ── borrowers who follow a threshold, and borrowers who do not ───────────────────────────────────


def flat_weeks(threshold_bps: int) -> Timeline:
    """Return two weeks of 2,000 USD, the second under another threshold."""
    prices = prices_of([2_000.0] * 337)
    moved = replace(FIRST, liquidation_threshold_bps=Bps(threshold_bps), ltv_bps=Bps(threshold_bps - 5_00))
    changes = ((START, FIRST), (START + WEEK_SECONDS + 1, moved))
    return under(hours_of(prices, START, START + 2 * WEEK_SECONDS), changes, START)


def test_a_relevered_book_owes_more_under_a_higher_threshold_and_a_fixed_one_does_not() -> None:
    """Borrowing power goes with the LTV, 83 over 75; debt per coin is threshold over health."""
    terms = replace(book_terms([1.5, 1.5], 2), utilisation=1e-9)
    row = np.array([[0, 1]])
    followed = replay_books(flat_weeks(88_00), terms, row)[0, :, POWER_USD]
    assert followed[1] / followed[0] == pytest.approx(83 / 75, rel=1e-6)
    debts = []
    for share in (1.0, 0.0):
        ratio = np.zeros(2)
        reacting = replace(terms, relever_share=share)
        book = open_book(ratio, reacting, 0, price=2_000.0, threshold=0.88)
        debts.append(book.debt / book.collateral)
    assert debts[0] == pytest.approx([2_000 * 0.88 / 1.5] * 2)
    assert debts[1] == pytest.approx([2_000 * 0.80 / 1.5] * 2)


def test_nobody_in_a_fixed_book_opens_above_what_the_market_lends() -> None:
    """At 40 % the fixed book's debt per coin, 80 % / 1.5, would be unhealthy: it opens at 40 % / 1.5."""
    fixed = replace(book_terms([1.5, 3.0], 1), relever_share=0.0)
    book = open_book(np.zeros(2), fixed, 0, price=2_000.0, threshold=0.40)
    assert book.debt / book.collateral == pytest.approx([2_000 * 0.40 / 1.5, 2_000 * 0.80 / 3.0])


def test_days_add_up_to_what_a_week_liquidates_and_lie_where_the_fall_was() -> None:
    """Debt 1,000 at health 1.1; the price falls by 10 % on the third day: one call repays half of it."""
    prices = prices_of([2_000.0] * 60 + [1_800.0] * 109)
    timeline = under(hours_of(prices, START, START + WEEK_SECONDS), ((START, FIRST),), START)
    terms = book_terms([1.1], 1, return_share=0.0)
    days = replay_days(timeline, terms, np.array([0]))
    totals = replay_books(timeline, terms, np.array([[0]]))
    assert days[0, 2, DAY_REPAID_USD] == pytest.approx(500.0, rel=1e-3)
    assert days[0, :, DAY_REPAID_USD].sum() * 1.05 == pytest.approx(totals[0, 0, LIQUIDATED_USD])
    assert days[0, :2].sum() == 0 < days[0, 2, DAY_CALLS]


def test_interest_is_what_debt_earns_in_a_week() -> None:
    """800 of 1,000 supplied: 4 % x 0.8 / 0.9 a year; a week of 1,000 USD of debt, compounding left out."""
    terms = book_terms([2.0], 1)
    prices = prices_of([2_000.0] * 169)
    timeline = under(hours_of(prices, START, START + WEEK_SECONDS), ((START, FIRST),), START)
    earned = replay_books(timeline, terms, np.array([[0]]))[0, 0, INTEREST_USD]
    assert earned == pytest.approx(1_000 * 0.04 * 0.8 / 0.9 * 168 / 8760, rel=2e-3)
