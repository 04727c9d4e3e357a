"""The bound without evidence is the bound with it, on random observations; what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agents.strategies.judge import BOUND_ALONE, judge_paths
from core.cascade import Liquidity
from core.errors import SimulationError
from core.market import Scalar
from core.recommendation import Observation, Wanted
from core.units import PRICE_ONE, WAD, Bps
from simulations.bound import bound_alone
from simulations.columns import PositionColumns
from simulations.demo_market import demo_market
from simulations.montecarlo import simulate_candidates
from simulations.search import candidate_grid, safe_search

DEMO = demo_market(2)
PRICE = 2_000.0
OBSERVATIONS = 250
LOST = np.log1p(-np.full((40, 24), [0.9] + [0.0] * 23))
"""Every path falls by 90 % at once: no value is safe."""


def drawn(rng: np.random.Generator) -> tuple[Observation, np.ndarray]:
    """A market somewhere between calm and lost, and paths between quiet and wild."""
    count = int(rng.integers(1, 60))
    debt = rng.lognormal(10, 2, count)
    coins = debt * (1.02 + rng.lognormal(rng.uniform(-3, 0), 0.8, count)) / (PRICE * 0.75)
    demo, supply = DEMO.observation("exchange", seed=1), float(debt.sum()) / 0.8
    low, high = sorted(rng.integers(60_00, 90_00, 2).tolist())
    scalar = Scalar.LIQUIDATION_BONUS if rng.random() < 0.2 else Scalar.LIQUIDATION_THRESHOLD
    bonus = scalar is Scalar.LIQUIDATION_BONUS
    snapshot = replace(
        demo.snapshot,
        oracle_price=int(PRICE) * PRICE_ONE,
        total_debt_supply=int(supply * 1e6),
        total_borrow=int(debt.sum() * 1e6),
        reserves=int(supply * rng.uniform(0, 0.05) * 1e6),
    )
    mandate = replace(
        demo.mandate,
        bad_debt_es_975_bps=Bps(int(rng.integers(0, 60))),
        reserve_breach_probability_bps=Bps(int(rng.integers(0, 5_00))),
        stress=demo.mandate.stress if rng.random() < 0.5 else (),
    )
    observation = replace(
        demo,
        snapshot=snapshot,
        scalar=scalar,
        mandate=mandate,
        positions=PositionColumns(coins, debt, prefix="p"),
        liquidity=Liquidity(int(debt.sum() * rng.lognormal(-1, 1)) * WAD),
        floor=1_00 if bonus else low,
        ceiling=12_00 if bonus else high,
    )
    returns = rng.standard_t(4, (int(rng.integers(40, 200)), 24)) * rng.uniform(0.001, 0.04)
    return observation, returns


@pytest.fixture(scope="module")
def searched() -> list[tuple[object, object]]:
    """The outcome at the bound, found alone, and by the whole search."""
    rng, pairs = np.random.default_rng(11), []
    for _ in range(OBSERVATIONS):
        observation, returns = drawn(rng)
        outcomes, bound = safe_search(observation, returns)
        whole = next((outcome for outcome in outcomes if outcome.value == bound), None)
        pairs.append((bound_alone(observation, returns), whole))
    return pairs


def test_the_bound_alone_is_the_bound_of_the_whole_search(searched: list[tuple[object, object]]) -> None:
    """Value, shortfall, breaches and liquidations, to the last unit."""
    assert all(alone == whole for alone, whole in searched)


def test_the_random_markets_end_everywhere(searched: list[tuple[object, object]]) -> None:
    """A comparison of markets that are all safe, or all lost, would say nothing."""
    found = [whole for _, whole in searched]
    assert 10 < sum(whole is None for whole in found) < OBSERVATIONS - 100
    assert len({whole.value for whole in found if whole is not None}) > 50


def test_an_answer_with_the_bound_alone_says_so() -> None:
    observation, returns = drawn(np.random.default_rng(4))
    full = judge_paths(observation, returns, forecast=(), card={})
    alone = judge_paths(replace(observation, wanted=Wanted.BOUND), returns, forecast=(), card={})
    assert (alone.bound, alone.revealed_bound) == (full.bound, full.revealed_bound)
    assert alone.reason == BOUND_ALONE != full.reason


def test_where_nothing_is_safe_the_lowest_outcome_is_shown() -> None:
    """An answer without outcomes would be an abstention."""
    observation, _ = drawn(np.random.default_rng(5))
    asked = replace(observation, scalar=Scalar.LIQUIDATION_THRESHOLD, wanted=Wanted.BOUND)
    answer = judge_paths(asked, LOST, forecast=(), card={})
    lowest = candidate_grid(asked)[:1]
    assert answer.bound is None and answer.revealed_bound == 0
    assert answer.outcomes == simulate_candidates(asked, LOST, lowest)


def test_the_bound_of_an_ltv_is_refused() -> None:
    observation, returns = drawn(np.random.default_rng(6))
    with pytest.raises(SimulationError, match="needs all lower values"):
        bound_alone(replace(observation, scalar=Scalar.LTV), returns)


def test_a_judge_asked_for_an_ltv_searches_the_whole_range() -> None:
    observation, returns = drawn(np.random.default_rng(7))
    asked = replace(observation, scalar=Scalar.LTV, floor=60_00, ceiling=70_00, wanted=Wanted.BOUND)
    assert judge_paths(asked, returns, forecast=(), card={}).reason != BOUND_ALONE


def test_too_few_paths_are_refused() -> None:
    observation, returns = drawn(np.random.default_rng(8))
    with pytest.raises(SimulationError, match="39 paths"):
        bound_alone(observation, returns[:39])
