"""Books, the DAO's record and policies: what is fitted before a decision, and what a decision may know."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.errors import ConfigError, SimulationError
from core.guardrails import DEFAULT_LIMITS
from core.mandate import Limit, Mandate, SimulatedOutcome
from core.market import Parameters, PriceHistory, Scalar
from core.ports import STRATEGY_API_VERSION, Strategy
from core.recommendation import Observation, Recommendation
from core.units import Bps
from models.data.liquidations import Liquidations
from models.data.timeline import TimelineRow
from simulations.backtest import BacktestConfig, BacktestInputs, BacktestProgress, run_backtest
from simulations.backtest_report import FIRST_LINE
from simulations.book import FRAGILE, STURDY, draw_book, fit_sizes, resample
from simulations.book_replay import BAD_DEBT_USD, LIQUIDATED_USD, BookTerms, replay_books
from simulations.parameter_history import LAST_KNOWN_FROM, V2_BEGINS, V3_BEGINS, parameter_history
from simulations.policy_replay import (
    VETO_AND_TIMELOCK_SECONDS,
    WEEK_SECONDS,
    DecisionTerms,
    hours_of,
    replay_policy,
    under,
)
from simulations.quorum import QuorumPolicy

HOUR, DAY = 3600, 24 * 3600
START = 1_600_000_000 // HOUR * HOUR
FIRST = Parameters(Bps(75_00), Bps(80_00), Bps(5_00), 2**128 - 1, 2**128 - 1)


def calls(count: int, *, usd: float = 500.0, share: float = 0.5) -> Liquidations:
    times = START + HOUR * np.arange(count, dtype=np.int64)
    return Liquidations(times, np.full(count, usd), times, np.full(count, share), dust=0)


def row(
    time: int, market: str, symbol: str, *, ltv: int, threshold: int, bonus: int | None = 5_00
) -> TimelineRow:
    return TimelineRow(time, market, symbol, ltv, threshold, bonus)


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


def prices_of(closes: list[float]) -> PriceHistory:
    times = START + HOUR * np.arange(len(closes), dtype=np.int64)
    values = np.rint(np.array(closes) * 1e8).astype(np.int64)
    return PriceHistory("ETH", "exchange", HOUR, times, values)


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


# ── policies ─────────────────────────────────────────────────────────────────────────────────────


class Says:
    """A strategy that always gives one bound, and notes what it was shown."""

    family = "test"
    api_version = STRATEGY_API_VERSION

    def __init__(self, bound: int | None, name: str = "says", *, answers: int = 1) -> None:
        self.bound, self.name, self.answers = bound, name, answers
        self.seen: list[Observation] = []
        self.fits: list[int] = []

    def fit(self, history: PriceHistory, *, seed: int, report: object = None) -> None:
        self.fits.append(history.last_time)

    def recommend(self, observation: Observation) -> Recommendation:
        self.seen.append(observation)
        outcomes = (SimulatedOutcome(80_00, 0, 0, 0, 0, 0),) * self.answers
        return Recommendation(observation.scalar, self.bound, (), outcomes, (Limit.STRESS,), "says")


def decision_terms(weeks: int, prices: PriceHistory | None = None) -> DecisionTerms:
    known = prices or prices_of([2_000.0] * (24 * 30 + 168 * weeks + 1))
    begin = START + 30 * DAY
    end = begin + weeks * WEEK_SECONDS
    return DecisionTerms(
        prices=known,
        hours=hours_of(known, begin, end),
        book=book_terms([1.1, 1.3, 2.0], weeks),
        assumptions=STURDY,
        mandate=Mandate("ETH"),
        first=FIRST,
        begin=begin,
        end=end,
        seed=1,
        paths=40,
        fit_bars=500,
    )


def test_a_change_takes_effect_after_veto_window_and_timelock() -> None:
    terms = decision_terms(2)
    found = replay_policy(Says(90_00), terms)
    assert found.changes[1][0] == terms.begin + VETO_AND_TIMELOCK_SECONDS == terms.begin + 4 * DAY
    after = found.changes[1][1]
    assert after.liquidation_threshold_bps - FIRST.liquidation_threshold_bps == 50
    assert after.ltv_bps - FIRST.ltv_bps == 50


def test_steps_and_thirty_day_budgets_bind() -> None:
    """50 bps a week and at most 150 bps in 30 days: the fourth and fifth week wait."""
    found = replay_policy(Says(90_00), decision_terms(6))
    values = [int(p.liquidation_threshold_bps) for _, p in found.changes]
    assert values == [80_00, 80_50, 81_00, 81_50, 82_00]
    times = [t for t, _ in found.changes[1:]]
    assert times[3] - times[0] >= 30 * DAY
    assert DEFAULT_LIMITS[Scalar.LIQUIDATION_THRESHOLD].budget_up == 150


def test_no_safe_value_asks_for_the_lowest_reachable() -> None:
    found = replay_policy(Says(None), decision_terms(1))
    assert found.changes[-1][1].liquidation_threshold_bps == 79_50


def test_an_abstaining_strategy_holds() -> None:
    assert replay_policy(Says(None, answers=0), decision_terms(2)).number_of_changes == 0


def test_a_bound_at_the_current_value_changes_nothing() -> None:
    assert replay_policy(Says(80_00), decision_terms(3)).number_of_changes == 0


def test_a_decision_sees_closed_bars_only() -> None:
    strategy = Says(80_00)
    terms = decision_terms(3)
    replay_policy(strategy, terms)
    assert [o.history.last_time for o in strategy.seen] == [terms.begin + n * WEEK_SECONDS for n in range(3)]


def test_cutting_the_future_changes_no_decision() -> None:
    """The observations of the first three weeks are equal whether or not prices go on to crash."""
    calm = decision_terms(6)
    closes = [2_000.0] * (24 * 30 + 168 * 3 + 1) + [500.0] * (168 * 3)
    crashed = decision_terms(6, prices_of(closes))
    first, second = Says(90_00), Says(90_00)
    a, b = replay_policy(first, calm), replay_policy(second, crashed)
    until = calm.begin + 3 * WEEK_SECONDS
    assert [c for c in a.changes if c[0] < until] == [c for c in b.changes if c[0] < until]
    for one, other in zip(first.seen[:4], second.seen[:4], strict=True):
        assert one.snapshot == other.snapshot
        assert one.positions == other.positions


def test_strategies_are_refitted_monthly() -> None:
    strategy = Says(80_00)
    terms = decision_terms(10)
    replay_policy(strategy, terms)
    assert strategy.fits == [terms.begin, terms.begin + 5 * WEEK_SECONDS]


def test_without_a_bar_there_is_no_decision() -> None:
    prices = prices_of([2_000.0] * (24 * 30 + 168 * 2 + 1))
    begin = START + 30 * DAY
    kept = (prices.times <= begin + WEEK_SECONDS - 5 * HOUR) | (
        prices.times > begin + WEEK_SECONDS + 3 * HOUR
    )
    cut = replace(prices, times=prices.times[kept], closes_e8=prices.closes_e8[kept])
    assert replay_policy(Says(90_00), decision_terms(2, cut)).skipped_decisions == 1


@pytest.mark.parametrize(
    ("bounds", "wanted"),
    [
        ((81_00, 82_00, 83_00, 84_00), 82_00),
        ((None, 82_00, 83_00, 84_00), 82_00),
        ((None, None, 83_00, 84_00), 79_00),
    ],
)
def test_the_network_takes_the_third_largest_of_four(bounds: tuple[int | None, ...], wanted: int) -> None:
    strategy = Says(80_00)
    replay_policy(strategy, decision_terms(1))
    observation = strategy.seen[0]
    policy = QuorumPolicy([Says(bound) for bound in bounds])
    assert isinstance(policy, Strategy)
    assert policy.recommend(observation).bound == wanted


def test_the_network_abstains_without_a_quorum() -> None:
    strategy = Says(80_00)
    replay_policy(strategy, decision_terms(1))
    policy = QuorumPolicy([Says(80_00), Says(80_00), Says(None, answers=0), Says(None, answers=0)])
    assert policy.recommend(strategy.seen[0]).bound is None


def test_a_network_needs_four() -> None:
    with pytest.raises(SimulationError, match="there were 3 strategies"):
        QuorumPolicy([Says(1), Says(1), Says(1)])


# ── the whole ────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def inputs() -> BacktestInputs:
    rng = np.random.default_rng(3)
    begin = 1_578_502_755 // HOUR * HOUR - 100 * DAY
    closes = 200 * np.exp(np.cumsum(0.01 * rng.standard_t(4, 24 * 220)))
    times = begin + HOUR * np.arange(len(closes), dtype=np.int64)
    prices = PriceHistory("ETH", "exchange", HOUR, times, np.rint(closes * 1e8).astype(np.int64))
    return BacktestInputs(prices, calls(0), parameter_history(record(), "ETH"))


def config(**changes: int) -> BacktestConfig:
    end = 1_578_502_755 + 90 * DAY
    small = {"borrowers": 60, "books": 8, "paths": 40, "fit_bars": 600}
    return BacktestConfig("ETH", 1_577_836_800, end, **{**small, **changes})


def test_the_report_says_first_that_borrowers_are_synthetic(inputs: BacktestInputs) -> None:
    report = run_backtest(config(), {"says": lambda: Says(90_00)}, inputs=inputs)
    text = report.render()
    assert text.splitlines()[0] == FIRST_LINE == "synthetic borrowers"
    assert "one price history gives no interval for prices" in text
    assert "there is no value to start from" in text
    assert list(report.to_json().split('"')[1:4:2]) == ["note", "synthetic borrowers"]


def test_never_changing_is_the_zero_of_every_pair(inputs: BacktestInputs) -> None:
    report = run_backtest(config(), {"says": lambda: Says(90_00)}, inputs=inputs)
    for found in report.rows:
        if found.policy == "never changing":
            assert (found.paired_bad_debt_bps.low, found.paired_bad_debt_bps.high) == (0, 0)
            assert found.changes == 0


def test_both_ends_and_all_policies_are_there(inputs: BacktestInputs) -> None:
    report = run_backtest(config(), {"says": lambda: Says(90_00)}, inputs=inputs)
    assert {r.assumptions for r in report.rows} == {"fragile", "sturdy"}
    assert {r.policy for r in report.rows} == {"never changing", "the DAO's real parameters", "says"}
    assert "March 2020" in {r.window for r in report.rows}


def test_an_interrupted_run_goes_on_from_finished_trajectories(inputs: BacktestInputs, tmp_path) -> None:
    first = Says(90_00)
    heard: list[BacktestProgress] = []
    whole = run_backtest(
        config(), {"says": lambda: first}, inputs=inputs, store=tmp_path, progress=heard.append
    )
    second = Says(90_00)
    again = run_backtest(config(), {"says": lambda: second}, inputs=inputs, store=tmp_path)
    assert first.seen and not second.seen
    assert again.to_json() == whole.to_json()
    assert heard[-1].done == heard[-1].total


def test_another_configuration_does_not_reuse_trajectories(inputs: BacktestInputs, tmp_path) -> None:
    run_backtest(config(), {"says": lambda: Says(90_00)}, inputs=inputs, store=tmp_path)
    other = Says(90_00)
    run_backtest(config(seed=2), {"says": lambda: other}, inputs=inputs, store=tmp_path)
    assert other.seen


def test_assumptions_are_in_the_hash() -> None:
    assert config().digest() != replace(config(), ends=(STURDY,)).digest()
    assert config().digest() != config(paths=41).digest()


def test_a_span_without_history_is_refused(inputs: BacktestInputs) -> None:
    with pytest.raises(SimulationError, match="bars before the first decision"):
        run_backtest(config(fit_bars=100_000), {}, inputs=inputs)


def test_a_broken_trajectory_file_is_refused(inputs: BacktestInputs, tmp_path) -> None:
    run_backtest(config(), {"says": lambda: Says(90_00)}, inputs=inputs, store=tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(b"{")
    with pytest.raises(SimulationError, match="is not a trajectory"):
        run_backtest(config(), {"says": lambda: Says(90_00)}, inputs=inputs, store=tmp_path)
