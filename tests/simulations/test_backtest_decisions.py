"""Policies week by week: what a decision may know, and what guardrails and the delay make of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.errors import SimulationError
from core.guardrails import DEFAULT_LIMITS
from core.mandate import Limit, Mandate, SimulatedOutcome
from core.market import Parameters, PriceHistory, Scalar
from core.ports import STRATEGY_API_VERSION, Strategy
from core.recommendation import Observation, Recommendation
from core.units import Bps
from simulations.backtest.books import BookTerms
from simulations.backtest.decisions import (
    VETO_AND_TIMELOCK_SECONDS,
    WEEK_SECONDS,
    DecisionTerms,
    hours_of,
    replay_policy,
)
from simulations.backtest.quorum import QuorumPolicy
from simulations.book import STURDY

HOUR, DAY = 3600, 24 * 3600
START = 1_600_000_000 // HOUR * HOUR
FIRST = Parameters(Bps(75_00), Bps(80_00), Bps(5_00), 2**128 - 1, 2**128 - 1)


def book_terms(health: list[float], weeks: int, *, return_share: float = 1.0) -> BookTerms:
    sizes = np.tile(np.array([[np.log(1_000.0)], [0.0], [0.5]]), (1, weeks))
    count = len(health)
    return BookTerms(np.zeros(count), np.array(health), sizes, 0.80, return_share, 1e9, 0.8)


def prices_of(closes: list[float]) -> PriceHistory:
    times = START + HOUR * np.arange(len(closes), dtype=np.int64)
    values = np.rint(np.array(closes) * 1e8).astype(np.int64)
    return PriceHistory("ETH", "exchange", HOUR, times, values)


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
