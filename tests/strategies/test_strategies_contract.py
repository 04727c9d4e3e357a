"""What every strategy owes to whoever asks it: determinism, causality, honesty about what it lacks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agents.strategies.empirical import TailEmpirical
from agents.strategies.formula import ClosedForm
from agents.strategies.learned.quantile import DeepQuantile
from agents.strategies.parametric import GarchStress
from core.cascade import Liquidity
from core.errors import DataError, ModelError
from core.market import PriceHistory, Scalar
from core.ports import STRATEGY_API_VERSION, Strategy
from core.recommendation import Observation
from core.units import WAD
from simulations.demo_market import demo_market

MARKET = demo_market(3)
DAY = 24 * 3600


def observed(history: PriceHistory, *, paths: int = 400) -> Observation:
    return replace(MARKET.observation("exchange", seed=9, paths=paths), history=history)


def fitted(make: type, history: PriceHistory) -> Strategy:
    strategy: Strategy = make()
    strategy.fit(history, seed=2)
    return strategy


def test_it_is_a_strategy_of_this_api(make_strategy) -> None:
    strategy = make_strategy()
    assert isinstance(strategy, Strategy)
    assert strategy.api_version == STRATEGY_API_VERSION


def test_names_and_families_are_unique() -> None:
    built_in = (GarchStress, DeepQuantile, ClosedForm, TailEmpirical)
    assert len({make.name for make in built_in}) == 4
    assert len({make.family for make in built_in}) == 4


def test_the_same_observation_gives_the_same_recommendation(make_strategy) -> None:
    history = MARKET.history("exchange")
    first = fitted(make_strategy, history).recommend(observed(history))
    second = fitted(make_strategy, history).recommend(observed(history))
    assert first == second


def test_asking_twice_changes_nothing(make_strategy) -> None:
    history = MARKET.history("exchange")
    strategy = fitted(make_strategy, history)
    assert strategy.recommend(observed(history)) == strategy.recommend(observed(history))


def test_cutting_the_future_changes_no_decision(make_strategy) -> None:
    """Decisions up to t are equal whether or not the data go on after t."""
    whole = MARKET.feeds["exchange"]
    for days in (20, 5, 0):
        now = MARKET.genesis_time - days * DAY
        cut = PriceHistory(
            whole.asset,
            whole.source,
            whole.bar_seconds,
            whole.times[whole.times <= now].copy(),
            whole.closes_e8[whole.times <= now].copy(),
        )
        with_future = fitted(make_strategy, whole.until(now)).recommend(observed(whole.until(now)))
        without = fitted(make_strategy, cut).recommend(observed(cut))
        assert with_future == without


def test_another_future_changes_no_decision(make_strategy) -> None:
    """A crash after the cut is invisible before it."""
    whole = MARKET.feeds["exchange"]
    now = MARKET.genesis_time - 5 * DAY
    crashed = whole.closes_e8.copy()
    crashed[whole.times > now] //= 3
    other = replace(whole, closes_e8=crashed)
    first = fitted(make_strategy, whole.until(now)).recommend(observed(whole.until(now)))
    second = fitted(make_strategy, other.until(now)).recommend(observed(other.until(now)))
    assert first == second


def test_the_bound_is_a_whole_number_inside_the_limits(make_strategy) -> None:
    history = MARKET.history("exchange")
    observation = observed(history)
    recommendation = fitted(make_strategy, history).recommend(observation)
    assert type(recommendation.bound) is int
    assert observation.floor <= recommendation.bound <= observation.ceiling
    assert recommendation.outcomes and recommendation.forecast and recommendation.reason


def test_it_abstains_before_it_is_fitted(make_strategy) -> None:
    recommendation = make_strategy().recommend(observed(MARKET.history("exchange")))
    assert recommendation.bound is None
    assert "abstains" in recommendation.reason


def test_a_history_that_is_too_short_is_refused(make_strategy) -> None:
    history = MARKET.history("exchange")
    short = replace(history, times=history.times[:100], closes_e8=history.closes_e8[:100])
    with pytest.raises(DataError, match="99 hourly returns"):
        make_strategy().fit(short, seed=1)


def test_removing_the_checkpoint_changes_the_recommendation() -> None:
    history = MARKET.history("oracle")
    strategy = DeepQuantile()
    strategy.fit(history, seed=2)
    with_checkpoint = strategy.recommend(observed(history))
    strategy.drop_checkpoint()
    without = strategy.recommend(observed(history))
    assert with_checkpoint.bound is not None
    assert without.bound is None
    assert "checkpoint" in without.reason


def test_a_saved_checkpoint_gives_the_same_recommendation(tmp_path: Path) -> None:
    history = MARKET.history("oracle")
    strategy = DeepQuantile()
    strategy.fit(history, seed=2)
    path = strategy.save_checkpoint(tmp_path)
    assert path is not None
    restored = DeepQuantile()
    restored.load_checkpoint(path)
    assert restored.recommend(observed(history)) == strategy.recommend(observed(history))


def test_a_changed_checkpoint_is_refused(tmp_path: Path) -> None:
    strategy = DeepQuantile()
    strategy.fit(MARKET.history("oracle"), seed=2)
    path = strategy.save_checkpoint(tmp_path)
    assert path is not None
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match="does not match its hash"):
        DeepQuantile().load_checkpoint(path)


def test_closed_form_says_the_lower_of_formula_and_simulation() -> None:
    history = MARKET.history("exchange")
    recommendation = fitted(ClosedForm, history).recommend(observed(history))
    formula = int(recommendation.model["formula_bound_bps"])
    assert recommendation.bound is not None
    assert recommendation.bound <= formula


def test_the_formula_s_bound_does_not_depend_on_the_mandate_s_horizon() -> None:
    history = MARKET.history("exchange")
    day = observed(history)
    week = replace(day, mandate=replace(day.mandate, horizon_hours=168))
    strategy = fitted(ClosedForm, history)
    bounds = [strategy.recommend(o).model["formula_bound_bps"] for o in (day, week)]
    assert bounds[0] == bounds[1]


def test_closed_form_has_no_formula_for_the_bonus() -> None:
    history = MARKET.history("exchange")
    observation = replace(observed(history), scalar=Scalar.LIQUIDATION_BONUS, floor=1_00, ceiling=15_00)
    recommendation = fitted(ClosedForm, history).recommend(observation)
    assert recommendation.model["formula_bound_bps"] == "none"


def test_closed_form_has_no_bound_where_the_formula_is_below_the_floor() -> None:
    history = MARKET.history("exchange")
    thin = replace(observed(history), floor=70_00, liquidity=Liquidity(10**5 * WAD))
    recommendation = fitted(ClosedForm, history).recommend(thin)
    assert recommendation.bound is None
    assert recommendation.outcomes
    assert "the formula allows" in recommendation.reason


def test_training_reports_every_epoch() -> None:
    heard = []
    DeepQuantile().fit(MARKET.history("oracle"), seed=2, report=heard.append)
    assert [step.epoch for step in heard] == list(range(1, len(heard) + 1))
    assert heard[-1].train_loss < heard[0].train_loss
    assert all(np.isfinite(step.train_loss) for step in heard)
