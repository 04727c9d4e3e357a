"""Candidates: what guardrails let a DAO reach, how borrowers answer, what it is worth, how it is found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.errors import ConfigError, SimulationError
from core.guardrails import DEFAULT_LIMITS, Change
from core.market import Parameters, Scalar
from core.units import Bps
from simulations.candidates.ascent import ascend, axes_of, require_cmaes
from simulations.candidates.frontier import frontier
from simulations.candidates.mask import ActionMask
from simulations.candidates.objective import (
    Outcome,
    Sample,
    Scales,
    ScoreWeights,
    harm_of,
    outcome_of,
    revenue_of,
    scales_of,
    score,
    score_per_path,
    weights_from,
)
from simulations.candidates.reaction import borrowing_power, reacted
from simulations.engine import Book

NOW = Parameters(Bps(70_00), Bps(75_00), Bps(5_00), 1_000, 150_000)
DAY = 24 * 3600
BOOK = Book(np.array([[10.0, 20.0]]), np.array([[10_000.0, 20_000.0]]))
"""Two borrowers with half of their collateral's worth at 2,000 USD a coin."""


def threshold(value: int) -> Parameters:
    return replace(NOW, liquidation_threshold_bps=Bps(value))


# --- the mask


def test_one_step_of_each_field_is_within_reach() -> None:
    mask = ActionMask(NOW)
    assert mask.span(Scalar.LTV) == (69_50, 70_50)
    assert mask.span(Scalar.LIQUIDATION_BONUS) == (4_50, 5_50)
    assert mask.span(Scalar.SUPPLY_CAP) == (700, 1_300)
    assert mask.admits(NOW)
    assert mask.admits(threshold(75_50))


@pytest.mark.parametrize(
    ("target", "rule", "words"),
    [
        (threshold(75_51), "step", "7450 to 7550"),
        (replace(NOW, liquidation_bonus_bps=Bps(4_49)), "step", "450 to 550"),
        (replace(NOW, supply_cap=1_301), "step", "700 to 1300"),
        (replace(NOW, ltv_bps=Bps(75_00)), "invariant", "LTV < liquidation threshold"),
    ],
)
def test_what_is_refused_is_named_with_core_s_rule_and_words(
    target: Parameters, rule: str, words: str
) -> None:
    refused = ActionMask(NOW).refusal(target)
    assert refused is not None
    assert (refused.parameters, refused.rule) == (target, rule)
    assert words in refused.reason


def test_a_recent_change_and_a_used_budget_close_a_field() -> None:
    recent = ActionMask(NOW, changes=(Change(Scalar.LTV, 0, 50),), now=2 * DAY)
    assert recent.span(Scalar.LTV) == (70_00, 70_00)
    refused = recent.refusal(replace(NOW, ltv_bps=Bps(70_10)))
    assert refused is not None
    assert refused.rule == "delay"
    spent = ActionMask(NOW, changes=(Change(Scalar.LTV, 0, 130),), now=10 * DAY)
    assert spent.span(Scalar.LTV) == (69_50, 70_20)


def test_a_disabled_field_stays() -> None:
    closed = replace(DEFAULT_LIMITS[Scalar.LTV], enabled=False)
    mask = ActionMask(NOW, limits={**DEFAULT_LIMITS, Scalar.LTV: closed})
    assert mask.span(Scalar.LTV) == (70_00, 70_00)
    refused = mask.refusal(replace(NOW, ltv_bps=Bps(70_10)))
    assert refused is not None
    assert refused.rule == "disabled"


@pytest.mark.parametrize(("epochs", "highest"), [(1, 75_50), (3, 75_50), (4, 76_00), (7, 76_50), (20, 76_50)])
def test_daily_epochs_move_every_third_day_until_the_budget_of_thirty_days_is_used(
    epochs: int, highest: int
) -> None:
    """Three days between executions, 50 bps each, 150 bps in 30 days."""
    mask = ActionMask(NOW, epochs=epochs)
    assert mask.span(Scalar.LIQUIDATION_THRESHOLD)[1] == highest
    assert mask.admits(threshold(highest))
    refused = mask.refusal(threshold(highest + 1))
    assert refused is not None
    assert refused.rule == ("step" if epochs == 1 else "epochs")


def test_the_way_may_not_break_an_invariant_either() -> None:
    """At 93 % with 7 % bonus, threshold x (1 + bonus) is 0.9951; one step up of both is above one."""
    high = Parameters(Bps(80_00), Bps(93_00), Bps(7_00), 1_000, 1_000)
    refused = ActionMask(high, epochs=4).refusal(replace(high, liquidation_bonus_bps=Bps(8_00)))
    assert refused is not None
    assert refused.rule == "invariant"


def test_targets_are_split_in_their_order() -> None:
    admitted, refused = ActionMask(NOW).split([threshold(75_25), threshold(80_00), NOW])
    assert admitted == [threshold(75_25), NOW]
    assert [one.parameters for one in refused] == [threshold(80_00)]


def test_no_epoch_is_refused() -> None:
    with pytest.raises(ConfigError, match="epochs were 0"):
        ActionMask(NOW, epochs=0)


# --- how borrowers answer


def answered(candidate: Parameters, *, elasticity: float = 1.0, lendable: float = 1e9) -> Book:
    return reacted(BOOK, NOW, [candidate], price=2_000.0, lendable_usd=lendable, elasticity=elasticity)


def test_a_fixed_book_stays() -> None:
    assert np.array_equal(answered(threshold(78_00), elasticity=0.0).debt, BOOK.debt)


@pytest.mark.parametrize(("elasticity", "debt"), [(1.0, 10_400.0), (0.5, 10_200.0)])
def test_a_higher_threshold_is_borrowed_against_in_proportion(elasticity: float, debt: float) -> None:
    """78 % over 75 % is 4 % more."""
    assert answered(threshold(78_00), elasticity=elasticity).debt[0, 0] == pytest.approx(debt)


def test_a_lower_threshold_is_repaid_and_a_lower_ltv_alone_is_not() -> None:
    assert answered(threshold(72_00)).debt[0, 0] == pytest.approx(9_600.0)
    assert np.array_equal(answered(replace(NOW, ltv_bps=Bps(60_00))).debt, BOOK.debt)


def test_nobody_borrows_beyond_the_ltv() -> None:
    """A worth of 20,000 at an LTV of 51 % allows 10,200, whatever the threshold."""
    tight = replace(NOW, ltv_bps=Bps(51_00))
    raised = replace(tight, liquidation_threshold_bps=Bps(80_00))
    book = reacted(BOOK, tight, [raised], price=2_000.0, lendable_usd=1e9, elasticity=1.0)
    assert book.debt[0, 0] == pytest.approx(10_200.0)


def test_new_room_under_the_supply_cap_is_filled_with_borrowers_like_those_there_are() -> None:
    """30 coins are supplied under a cap of 30; at 36, a fifth more of everything."""
    full = replace(NOW, supply_cap=30)
    book = reacted(
        BOOK, full, [replace(full, supply_cap=36)], price=2_000.0, lendable_usd=1e9, elasticity=1.0
    )
    assert book.collateral.sum() == pytest.approx(36.0)
    assert book.debt.sum() == pytest.approx(36_000.0)
    assert np.array_equal(answered(replace(NOW, supply_cap=10)).collateral, BOOK.collateral)


@pytest.mark.parametrize(("cap", "lendable"), [(30_600, 1e9), (150_000, 30_600.0)])
def test_all_debts_together_stop_at_the_cap_and_where_rates_turn_steep(cap: int, lendable: float) -> None:
    """Without either, 78 % would mean 31,200."""
    capped = replace(threshold(78_00), borrow_cap=cap)
    assert answered(capped, lendable=lendable).debt.sum() == pytest.approx(30_600.0)


def test_a_cap_below_what_is_owed_makes_nobody_repay() -> None:
    assert np.array_equal(answered(replace(NOW, borrow_cap=1)).debt, BOOK.debt)


def test_borrowing_power_is_the_ltv_s_share_or_the_cap() -> None:
    """30 coins of 2,000 USD at 70 % are 42,000."""
    power = borrowing_power(BOOK, [NOW, replace(NOW, borrow_cap=40_000)], price=2_000.0)
    assert power.tolist() == [42_000.0, 40_000.0]


@pytest.mark.parametrize("elasticity", [-0.1, 1.1, float("nan")])
def test_elasticities_that_are_none_are_refused(elasticity: float) -> None:
    with pytest.raises(SimulationError, match="elasticity was"):
        answered(NOW, elasticity=elasticity)


# --- what it is worth


def sample(revenue: list[float], bad: list[float], harm: list[float], power: float = 100.0) -> Sample:
    return Sample(np.array(revenue), np.array(bad), np.array(harm), power)


def test_revenue_and_harm_by_hand() -> None:
    """Interest 100, 1,000 repaid with 1,050 of coins that are worth 1,200 at the horizon."""
    repaid, sold = np.array([1_000.0]), np.array([1_050.0])
    assert revenue_of(np.array([100.0]), repaid, sold).tolist() == [15.0]

    def harm(last: float) -> list[float]:
        coins = np.array([1.0])
        return harm_of(repaid, sold, coins=coins, last_price=np.array([last]), start_price=1_500.0).tolist()

    assert harm(1_200.0) == [200.0]
    assert harm(900.0) == [50.0]
    assert harm(1e15) == harm(1_500.0) == [500.0], "no more than was there at the start"


def test_the_score_is_the_mean_of_what_it_is_on_each_path() -> None:
    rng = np.random.default_rng(1)
    now = Sample(rng.random(400), rng.random(400), rng.random(400), 50.0)
    then = Sample(rng.random(400), rng.random(400), rng.random(400), 55.0)
    scales, weights = Scales(1.0, 50.0, 2.0, 4.0), ScoreWeights(1.0, 2.0, 3.0, 4.0)
    whole = score(outcome_of(then), outcome_of(now), scales=scales, weights=weights)
    paths = score_per_path(then, now, scales=scales, weights=weights)
    assert paths.mean() == pytest.approx(whole)


def test_likelihood_ratios_count_in_every_objective() -> None:
    plain = Sample(np.array([1.0, 3.0]), np.array([0.0, 8.0]), np.array([2.0, 4.0]), 1.0)
    outcome = outcome_of(replace(plain, weights=np.array([2.0, 0.0])))
    assert (outcome.revenue, outcome.harm, outcome.shortfall) == (1.0, 2.0, 0.0)


def test_a_market_without_bad_debt_is_measured_in_basis_points_of_supply() -> None:
    quiet = outcome_of(sample([1.0, 1.0], [0.0, 0.0], [0.0, 0.0]))
    assert scales_of(quiet, supply_usd=1_000_000.0) == Scales(1.0, 100.0, 100.0, 100.0)


def test_weights_come_back_from_their_record() -> None:
    weights = ScoreWeights(0.1, 0.2, 0.3, 0.4)
    assert weights_from(weights.record()) == weights


@pytest.mark.parametrize("bad", [(-1.0, 1.0, 1.0, 1.0), (0.0, 0.0, 0.0, 0.0), (float("nan"), 1.0, 1.0, 1.0)])
def test_weights_that_weigh_nothing_are_refused(bad: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match="weights were"):
        ScoreWeights(*bad)


def test_the_frontier_keeps_what_nothing_beats_in_everything() -> None:
    """The third has less revenue than the first and risks more; the fourth is safest."""
    outcomes = [
        Outcome(10.0, 5.0, 2.0, 1.0),
        Outcome(12.0, 5.0, 3.0, 1.0),
        Outcome(9.0, 5.0, 2.5, 1.0),
        Outcome(1.0, 1.0, 0.0, 0.0),
    ]
    assert frontier(outcomes) == [0, 1, 3]
    assert frontier([]) == []


# --- how it is found


def peak(vectors: list[Parameters]) -> list[float]:
    """Highest at LTV 70.25, threshold 74.75, bonus 4.60, caps as high as they go."""
    return [
        -abs(v.ltv_bps - 70_25)
        - abs(v.liquidation_threshold_bps - 74_75)
        - abs(v.liquidation_bonus_bps - 4_60)
        - (1_300 - v.supply_cap) / 10
        - (195_000 - v.borrow_cap) / 1_000
        for v in vectors
    ]


def test_cma_es_climbs_to_a_known_peak_and_is_the_same_twice() -> None:
    found = [ascend(ActionMask(NOW), peak, seed=3, generations=40, population=12) for _ in range(2)]
    assert found[0] == found[1]
    best = max(found[0], key=lambda one: -np.inf if one.score is None else one.score)
    (start,), (reached,) = peak([NOW]), peak([best.parameters])
    assert start == -165.0
    assert reached > -15.0


def test_refused_vectors_are_named_and_never_scored() -> None:
    """An LTV five basis points below the threshold: half of the box breaks LTV < threshold."""
    edge = replace(NOW, ltv_bps=Bps(74_95))
    asked: list[Parameters] = []

    def scores(vectors: list[Parameters]) -> list[float]:
        asked.extend(vectors)
        return [float(v.ltv_bps) - v.liquidation_threshold_bps for v in vectors]

    tried = ascend(ActionMask(edge), scores, seed=1, generations=6, population=12)
    refused = [one for one in tried if one.refused is not None]
    assert refused
    assert {one.refused.rule for one in refused if one.refused} == {"invariant"}
    assert all(one.score is None for one in refused)
    assert len(asked) == len(set(asked))
    assert all(v.ltv_bps < v.liquidation_threshold_bps for v in asked)


def test_every_axis_has_the_current_value_and_both_ends() -> None:
    axes = axes_of(ActionMask(replace(NOW, ltv_bps=Bps(70_03))))
    values = {axis.scalar: axis.values for axis in axes}
    assert {69_53, 70_03, 70_53} <= set(values[Scalar.LTV])
    assert (values[Scalar.SUPPLY_CAP][0], values[Scalar.SUPPLY_CAP][-1]) == (700, 1_300)
    assert all(len(axis.values) <= 22 for axis in axes)


@pytest.mark.parametrize(("generations", "population"), [(0, 12), (1, 3)])
def test_searches_that_are_none_are_refused(generations: int, population: int) -> None:
    with pytest.raises(ConfigError, match="generations of"):
        ascend(ActionMask(NOW), peak, seed=1, generations=generations, population=population)


def test_without_the_library_the_extra_is_named() -> None:
    def absent(name: str) -> Any:
        raise ModuleNotFoundError(name)

    with pytest.raises(ConfigError, match="cmaes is not installed") as refused:
        require_cmaes(absent)
    assert "tribunate[search]" in refused.value.hint
