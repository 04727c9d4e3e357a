"""Policies week by week: what a decision may know, and what guardrails and the delay make of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from backtest_market import DAY, FIRST, HOUR, START, Says, prices_of

from core.errors import SimulationError
from core.guardrails import DEFAULT_LIMITS
from core.mandate import Mandate
from core.market import PriceHistory, Scalar
from core.ports import Strategy
from simulations.backtest.books import BookTerms
from simulations.backtest.decisions import DecisionTerms, replay_policy
from simulations.backtest.quorum import QuorumPolicy
from simulations.backtest.trajectories import (
    VETO_AND_TIMELOCK_SECONDS,
    WEEK_SECONDS,
    Actuation,
    Trajectory,
    hours_of,
    weeks,
)
from simulations.backtest.walk_forward import Contender, Fits, WalkForward
from simulations.book import STURDY


def book_terms(health: list[float], weeks: int, *, return_share: float = 1.0) -> BookTerms:
    sizes = np.tile(np.array([[np.log(1_000.0)], [0.0], [0.5]]), (1, weeks))
    count = len(health)
    return BookTerms(np.zeros(count), np.array(health), sizes, 0.80, return_share, 1e9, 0.8)


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
        walk=WalkForward(embargo_seconds=7 * DAY, fit_bars=500),
    )


def replayed(strategy: Strategy, terms: DecisionTerms) -> Trajectory:
    """Return what a strategy would have done, fitted as a run fits it."""
    times = terms.walk.refits(terms.prices, weeks(terms.begin, terms.end))
    fits = Fits({strategy.name: lambda: strategy}, terms.prices, terms.walk, times, seed=1)
    contender = Contender(strategy.name, (strategy.name,))
    return replay_policy(lambda now: fits.policy(contender, now), terms, name=strategy.name)


def test_a_change_takes_effect_after_veto_window_and_timelock() -> None:
    terms = decision_terms(2)
    found = replayed(Says(90_00), terms)
    assert found.changes[1][0] == terms.begin + VETO_AND_TIMELOCK_SECONDS == terms.begin + 4 * DAY
    after = found.changes[1][1]
    assert after.liquidation_threshold_bps - FIRST.liquidation_threshold_bps == 50
    assert after.ltv_bps - FIRST.ltv_bps == 50


def test_steps_and_thirty_day_budgets_bind() -> None:
    """50 bps a week and at most 150 bps in 30 days: the fourth and fifth week wait."""
    found = replayed(Says(90_00), decision_terms(6))
    values = [int(p.liquidation_threshold_bps) for _, p in found.changes]
    assert values == [80_00, 80_50, 81_00, 81_50, 82_00]
    times = [t for t, _ in found.changes[1:]]
    assert times[3] - times[0] >= 30 * DAY
    assert DEFAULT_LIMITS[Scalar.LIQUIDATION_THRESHOLD].budget_up == 150


def test_no_safe_value_asks_for_the_lowest_reachable() -> None:
    found = replayed(Says(None), decision_terms(1))
    assert found.changes[-1][1].liquidation_threshold_bps == 79_50


def test_an_abstaining_strategy_holds() -> None:
    assert replayed(Says(None, answers=0), decision_terms(2)).number_of_changes == 0


def test_a_bound_at_the_current_value_changes_nothing() -> None:
    assert replayed(Says(80_00), decision_terms(3)).number_of_changes == 0


def test_a_decision_sees_closed_bars_only() -> None:
    strategy = Says(80_00)
    terms = decision_terms(3)
    replayed(strategy, terms)
    assert [o.history.last_time for o in strategy.seen] == [terms.begin + n * WEEK_SECONDS for n in range(3)]


def test_cutting_the_future_changes_no_decision() -> None:
    """The observations of the first three weeks are equal whether or not prices go on to crash."""
    calm = decision_terms(6)
    closes = [2_000.0] * (24 * 30 + 168 * 3 + 1) + [500.0] * (168 * 3)
    crashed = decision_terms(6, prices_of(closes))
    first, second = Says(90_00), Says(90_00)
    a, b = replayed(first, calm), replayed(second, crashed)
    until = calm.begin + 3 * WEEK_SECONDS
    assert [c for c in a.changes if c[0] < until] == [c for c in b.changes if c[0] < until]
    for one, other in zip(first.seen[:4], second.seen[:4], strict=True):
        assert one.snapshot == other.snapshot
        assert one.positions == other.positions


def test_strategies_are_refitted_monthly_on_bars_before_the_embargo() -> None:
    strategy = Says(80_00)
    terms = decision_terms(10)
    replayed(strategy, terms)
    assert strategy.fits == [terms.begin - 7 * DAY, terms.begin + 5 * WEEK_SECONDS - 7 * DAY]


def test_without_a_bar_there_is_no_decision() -> None:
    prices = prices_of([2_000.0] * (24 * 30 + 168 * 2 + 1))
    begin = START + 30 * DAY
    kept = (prices.times <= begin + WEEK_SECONDS - 5 * HOUR) | (
        prices.times > begin + WEEK_SECONDS + 3 * HOUR
    )
    cut = replace(prices, times=prices.times[kept], closes_e8=prices.closes_e8[kept])
    assert replayed(Says(90_00), decision_terms(2, cut)).skipped_decisions == 1


@pytest.mark.parametrize(
    ("bounds", "wanted"),
    [
        ((81_00, 82_00, 83_00, 84_00), 82_00),
        ((None, 82_00, 83_00, 84_00), 82_00),
        ((None, None, 83_00, 84_00), 79_50),
    ],
)
def test_the_network_takes_the_third_largest_of_four(bounds: tuple[int | None, ...], wanted: int) -> None:
    strategy = Says(80_00)
    replayed(strategy, decision_terms(1))
    observation = strategy.seen[0]
    policy = QuorumPolicy([Says(bound) for bound in bounds])
    assert isinstance(policy, Strategy)
    assert policy.recommend(observation).bound == wanted


def test_the_network_abstains_without_a_quorum() -> None:
    strategy = Says(80_00)
    replayed(strategy, decision_terms(1))
    policy = QuorumPolicy([Says(80_00), Says(80_00), Says(None, answers=0), Says(None, answers=0)])
    assert policy.recommend(strategy.seen[0]).bound is None


def test_a_network_needs_four() -> None:
    with pytest.raises(SimulationError, match="there were 3 strategies"):
        QuorumPolicy([Says(1), Says(1), Says(1)])


# ── what stands between a wish and the chain ─────────────────────────────────────────────────────


def test_without_the_delay_a_change_is_in_force_at_once() -> None:
    terms = decision_terms(2)
    at_once = replayed(Says(90_00), replace(terms, actuation=Actuation(delay_seconds=0)))
    assert at_once.changes[1][0] == terms.begin
    assert at_once.changes != replayed(Says(90_00), terms).changes


def test_without_guardrails_a_wish_is_met_in_one_step() -> None:
    limits = replace(
        DEFAULT_LIMITS[Scalar.LIQUIDATION_THRESHOLD], step_up=100_00, budget_up=100_00, min_delay_seconds=0
    )
    free = replayed(Says(90_00), replace(decision_terms(2), actuation=Actuation(limits=limits)))
    assert [int(p.liquidation_threshold_bps) for _, p in free.changes] == [80_00, 90_00]
    assert replayed(Says(90_00), decision_terms(2)).changes[-1][1].liquidation_threshold_bps == 81_00


def test_nobody_is_asked_while_guardrails_leave_no_choice() -> None:
    """Three steps of 50 use up the month's 150 bps, and downwards the budget is nothing here."""
    limits = replace(DEFAULT_LIMITS[Scalar.LIQUIDATION_THRESHOLD], budget_down=0)
    strategy = Says(90_00)
    replayed(strategy, replace(decision_terms(6), actuation=Actuation(limits=limits)))
    assert len(strategy.seen) == 4  # weeks 1 to 3, and the week in which the first move is 30 days old


def test_a_strategy_is_shown_only_what_guardrails_reach() -> None:
    strategy = Says(80_00)
    replayed(strategy, decision_terms(2))
    assert [(o.floor, o.ceiling) for o in strategy.seen] == [(79_50, 80_50)] * 2


# ── purge and embargo ────────────────────────────────────────────────────────────────────────────


class Profiteer(Says):
    """Asks for more if the newest bars that it is fitted on jump: a leak would make it right."""

    def fit(self, history: PriceHistory, *, seed: int, report: object = None) -> None:
        super().fit(history, seed=seed)
        closes = history.closes_e8
        self.bound = 90_00 if closes[-1] > closes[0] else 20_00


def planted(embargo_seconds: int) -> Trajectory:
    """Return what the profiteer does where prices jump three days before the first decision."""
    closes = [2_000.0] * (24 * 27) + [3_000.0] * (24 * 3 + 168 * 2 + 1)
    terms = decision_terms(2, prices_of(closes))
    walk = replace(terms.walk, embargo_seconds=embargo_seconds)
    return replayed(Profiteer(None, "profiteer"), replace(terms, walk=walk))


def test_a_planted_leak_in_the_embargo_is_not_seen_and_without_embargo_it_is() -> None:
    assert planted(7 * DAY).changes[1][1].liquidation_threshold_bps == 79_50
    assert planted(0).changes[1][1].liquidation_threshold_bps == 80_50


def test_labels_that_reach_beyond_the_cut_are_purged() -> None:
    walk = WalkForward(embargo_seconds=2 * DAY)
    ends = np.array([7 * DAY, 8 * DAY, 8 * DAY + 1, 10 * DAY])
    assert walk.complete(ends, now=10 * DAY).tolist() == [True, True, False, False]


def test_training_ends_at_the_cut_and_a_decision_looks_up_to_now() -> None:
    prices, walk = prices_of([2_000.0] * 24 * 30), WalkForward(embargo_seconds=3 * DAY, fit_bars=100)
    now = START + 20 * DAY
    assert walk.training(prices, now).last_time == now - 3 * DAY
    assert walk.shown(prices, now).last_time == now
    assert len(walk.training(prices, now)) == len(walk.shown(prices, now)) == 100


@pytest.mark.parametrize("wrong", [{"embargo_seconds": -1}, {"fit_bars": 0}, {"refit_seconds": 0}])
def test_a_walk_without_sense_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(SimulationError, match="embargo"):
        WalkForward(**wrong)


def test_a_fit_is_made_once_for_all_who_ask_and_never_before_its_time() -> None:
    made: list[Says] = []

    def make() -> Says:
        made.append(Says(80_00))
        return made[-1]

    prices, walk = prices_of([2_000.0] * 24 * 90), WalkForward(embargo_seconds=DAY)
    times = (START + 30 * DAY, START + 60 * DAY)
    fits = Fits({"says": make}, prices, walk, times, seed=1)
    alone, four = Contender("says", ("says",)), Contender("network", ("says",) * 4)
    for now in (START + 31 * DAY, START + 59 * DAY):
        assert fits.policy(alone, now) is made[0]
    assert fits.policy(four, START + 61 * DAY).family == "network"
    assert [found.fits for found in made] == [[START + 29 * DAY], [START + 59 * DAY]]
    with pytest.raises(SimulationError, match="no fit at"):
        fits.policy(alone, START)
