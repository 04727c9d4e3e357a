"""Importance sampling: unbiased where the probability is known, and worth many plain paths."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import special, stats

from core.errors import SimulationError
from simulations.paths.dependence import Copula, OneFactor
from simulations.paths.draw import draw
from simulations.paths.garch import Garch, GarchProcess
from simulations.paths.importance import (
    Tilt,
    WeightedEstimate,
    WeightedPaths,
    draw_defensively,
    draw_weighted,
    weighted_mean,
)
from simulations.paths.jumps import Jumps, MarketJump, NormalJump
from simulations.paths.resample import BlockBootstrap
from simulations.paths.scenario import PathModel
from simulations.statistics.tail import shortfall_and_error, value_at_risk

HOUR = 3600
FLAT = Garch(omega=1e-4, alpha=0.0, beta=0.0)
NORMAL = PathModel(("WETH",), (2_000.0,), HOUR, GarchProcess((FLAT,)), dependence=OneFactor((1.0,)))
TWO = PathModel(
    ("WETH", "WBTC"),
    (2_000.0, 60_000.0),
    HOUR,
    GarchProcess((Garch(1e-6, 0.08, 0.88, 0.04, degrees=5.0), Garch(1e-6, 0.05, 0.9))),
    dependence=OneFactor((0.9, 0.8), 6.0),
    jumps=Jumps((None, None), MarketJump(100.0, NormalJump(-0.06, 0.03), (1.0, 0.7))),
)
RARE = 1e-5


def loss(sample: WeightedPaths, asset: int = 0, start: float = 2_000.0) -> np.ndarray:
    return -np.log(sample.prices[-1, :, asset] / start)


@pytest.mark.parametrize("steps", [1, 24])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_tail_of_one_in_a_hundred_thousand_is_unbiased_and_at_least_fifty_times_cheaper(
    steps: int, seed: int
) -> None:
    """Plain sampling has a variance of p (1 - p) per path."""
    deviations = -float(special.ndtri(RARE))
    sample = draw_weighted(NORMAL, Tilt(-deviations / steps**0.5), paths=20_000, steps=steps, seed=seed)
    beyond = (loss(sample) > deviations * 0.01 * steps**0.5).astype(np.float64)
    estimate = weighted_mean(beyond, sample.log_weights)
    assert abs(estimate.mean - RARE) < 3.5 * estimate.standard_error
    assert estimate.standard_error < 0.02 * RARE
    assert RARE * (1 - RARE) / (20_000 * estimate.standard_error**2) > 50


def test_three_market_jumps_in_a_day_are_as_rare_as_poisson_says() -> None:
    """An expectation of 0.05: P(N >= 3) = 2.0e-5."""
    jump = MarketJump(0.05 * 365, NormalJump(-1.0, 0.0), (1.0,))
    quiet = replace(NORMAL, process=GarchProcess((Garch(1e-16, 0.0, 0.0),)), jumps=Jumps((None,), jump))
    sample = draw_weighted(quiet, Tilt(market_rate=60.0), paths=20_000, steps=24, seed=1)
    beyond = (loss(sample) > 2.0).astype(np.float64)
    exact = float(stats.poisson(0.05).sf(2))
    estimate = weighted_mean(beyond, sample.log_weights)
    assert abs(estimate.mean - exact) < 3.5 * estimate.standard_error
    assert exact / (20_000 * estimate.standard_error**2) > 50


@pytest.mark.parametrize(
    "tilt", [Tilt(-0.15), Tilt(0.2), Tilt(market_rate=3.0), Tilt(-0.1, 2.0), Tilt(0.0, 0.5)]
)
def test_weights_average_one(tilt: Tilt) -> None:
    sample = draw_weighted(TWO, tilt, paths=40_000, steps=24, seed=1)
    estimate = weighted_mean(np.ones(40_000), sample.log_weights)
    assert abs(estimate.mean - 1) < 3.5 * estimate.standard_error
    assert estimate.standard_error < 0.03


def test_a_moderate_tail_of_a_full_model_is_that_of_plain_sampling() -> None:
    """GARCH, t copula, market jumps: both ways give the probability that two assets fall together by 15 %."""
    plain = draw(TWO, paths=200_000, steps=24, seed=5)
    fell = (-np.log(plain[-1] / np.array(TWO.start_prices)) > 0.15).all(axis=1)
    sample = draw_weighted(TWO, Tilt(-0.2, 5.0), paths=40_000, steps=24, seed=6)
    both = (loss(sample) > 0.15) & (loss(sample, 1, 60_000.0) > 0.15)
    estimate = weighted_mean(both.astype(np.float64), sample.log_weights)
    assert fell.mean() == pytest.approx(
        estimate.mean, abs=3.5 * math.hypot(estimate.standard_error, fell.std() / 200_000**0.5)
    )
    assert fell.var() / (40_000 * estimate.standard_error**2) > 10


def test_weights_by_hand() -> None:
    """One step, full loading: F = -log loss / 1 %; the weight is exp(-shift F + shift^2 / 2)."""
    sample = draw_weighted(NORMAL, Tilt(-2.0), paths=50, steps=1, seed=1)
    factor = -loss(sample) / 0.01
    assert sample.log_weights == pytest.approx(2.0 * factor + 2.0, abs=1e-9)


def test_without_a_tilt_paths_are_the_plain_ones_and_weights_are_one() -> None:
    sample = draw_weighted(TWO, Tilt(), paths=200, steps=10, seed=4)
    assert np.array_equal(sample.prices, draw(TWO, paths=200, steps=10, seed=4))
    assert not sample.log_weights.any()


@pytest.mark.parametrize("threads", [1, 2])
def test_weighted_paths_do_not_depend_on_how_they_are_split(threads: int) -> None:
    tilt = Tilt(-0.3, 2.0)
    whole = draw_weighted(TWO, tilt, paths=2_000, steps=100, seed=4, threads=threads)
    parts = [
        draw_weighted(TWO, tilt, paths=count, steps=100, seed=4, first_path=first)
        for first, count in ((0, 333), (333, 1_667))
    ]
    assert np.array_equal(whole.prices, np.concatenate([part.prices for part in parts], axis=1))
    assert np.array_equal(whole.log_weights, np.concatenate([part.log_weights for part in parts]))


def test_antithetic_pairs_may_be_tilted_too() -> None:
    model = replace(NORMAL, antithetic=True)
    sample = draw_weighted(model, Tilt(-1.0), paths=20_000, steps=1, seed=1)
    pairs = (np.exp(sample.log_weights) * (loss(sample) > 0.02)).reshape(-1, 2).mean(axis=1)
    assert pairs.mean() == pytest.approx(float(stats.norm.sf(2)), abs=3.5 * pairs.std() / 100)


def test_effective_paths_are_all_without_and_few_with_a_large_tilt() -> None:
    ones = np.ones(1_000)
    assert weighted_mean(ones, np.zeros(1_000)).effective_paths == pytest.approx(1_000)
    heavy = draw_weighted(NORMAL, Tilt(-3.0), paths=1_000, steps=1, seed=1)
    assert weighted_mean(ones, heavy.log_weights).effective_paths < 50


@pytest.mark.parametrize("level", [0.99, 0.999, 0.9999])
def test_a_normal_tail_has_its_closed_form_at_any_level(level: float) -> None:
    """Value at risk z, expected shortfall phi(z) / (1 - level), in deviations of a day of 24 steps."""
    z = float(stats.norm.ppf(level))
    sample = draw_weighted(NORMAL, Tilt(-z / 24**0.5), paths=20_000, steps=24, seed=8)
    losses, weights = loss(sample) / (0.01 * 24**0.5), np.exp(sample.log_weights)
    assert value_at_risk(losses, level, weights=weights).value == pytest.approx(z, abs=0.03)
    shortfall, error = shortfall_and_error(losses, level, weights=weights)
    assert abs(shortfall - stats.norm.pdf(z) / (1 - level)) < 3.5 * error
    assert error < 0.01


def test_a_defensive_mixture_has_the_tail_too_and_no_weight_above_two() -> None:
    z = float(stats.norm.ppf(0.999))
    sample = draw_defensively(NORMAL, Tilt(-z / 24**0.5), paths=20_000, steps=24, seed=8)
    losses, weights = loss(sample) / (0.01 * 24**0.5), np.exp(sample.log_weights)
    assert weights.max() <= 2.0
    assert weights.mean() == pytest.approx(1.0, abs=0.02)
    shortfall, error = shortfall_and_error(losses, 0.999, weights=weights)
    assert abs(shortfall - stats.norm.pdf(z) / 0.001) < 3.5 * error
    assert error < 0.02


def test_one_shock_finds_the_crash_of_heavy_tails_which_many_small_moves_do_not() -> None:
    """One hour in a million falls that far; in a day of 24 hours one does with 1 - (1 - 1e-6)^24."""
    heavy = replace(NORMAL, process=GarchProcess((Garch(omega=1e-4, alpha=0.0, beta=0.0, degrees=4.0),)))
    far = -0.01 * float(stats.t(4).ppf(1e-6)) / 2**0.5

    def estimate(shock: float) -> WeightedEstimate:
        sample = draw_defensively(heavy, Tilt(-0.4), shock=shock, paths=40_000, steps=24, seed=3)
        logs = np.log(np.concatenate([np.full((1, 40_000), 2_000.0), sample.prices[:, :, 0]]))
        return weighted_mean((np.diff(logs, axis=0).min(axis=0) < -far).astype(float), sample.log_weights)

    truth = 1 - (1 - 1e-6) ** 24
    shocked = estimate(-4.5)
    assert abs(shocked.mean - truth) < 3.5 * shocked.standard_error
    assert shocked.standard_error < 0.05 * truth
    assert estimate(0.0).standard_error > 10 * shocked.standard_error


def test_a_mixture_does_not_depend_on_chunks_and_its_even_paths_are_plain() -> None:
    tilt = Tilt(-0.3, 4.0)
    whole = draw_defensively(TWO, tilt, shock=-4.0, paths=300, steps=12, seed=5)
    parts = [
        draw_defensively(TWO, tilt, shock=-4.0, paths=150, steps=12, seed=5, first_path=n) for n in (0, 150)
    ]
    assert np.array_equal(whole.prices, np.concatenate([part.prices for part in parts], axis=1))
    assert np.array_equal(whole.log_weights, np.concatenate([part.log_weights for part in parts]))
    plain = draw(TWO, paths=300, steps=12, seed=5)
    assert np.array_equal(whole.prices[:, ::2], plain[:, ::2])
    assert not np.array_equal(whole.prices[:, 1::2], plain[:, 1::2])


@pytest.mark.parametrize("shift", [5.1, -6.0, math.nan, math.inf])
def test_shifts_beyond_the_tables_are_refused(shift: float) -> None:
    with pytest.raises(SimulationError, match="factor_shift was"):
        Tilt(shift)


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf])
def test_rates_that_are_none_are_refused(rate: float) -> None:
    with pytest.raises(SimulationError, match="market_rate was"):
        Tilt(market_rate=rate)


@pytest.mark.parametrize(
    "model",
    [
        replace(NORMAL, dependence=None),
        replace(NORMAL, dependence=Copula(((1.0,),))),
        replace(NORMAL, dependence=None, process=BlockBootstrap(np.arange(9.0)[:, None], 2.0)),
    ],
)
def test_a_shift_needs_a_factor(model: PathModel) -> None:
    with pytest.raises(SimulationError, match="without one") as refused:
        draw_weighted(model, Tilt(-1.0), paths=2, steps=2, seed=1)
    assert refused.value.hint


@pytest.mark.parametrize(
    "jumps", [None, Jumps((None,)), Jumps((None,), MarketJump(0.0, NormalJump(0.0, 1.0), (1.0,)))]
)
def test_a_rate_needs_market_jumps(jumps: Jumps | None) -> None:
    with pytest.raises(SimulationError, match="without any"):
        draw_weighted(replace(NORMAL, jumps=jumps), Tilt(market_rate=2.0), paths=2, steps=2, seed=1)


@pytest.mark.parametrize(
    ("values", "weights", "found"),
    [
        (np.ones(3), np.ones(2), "shape"),
        (np.ones(1), np.ones(1), "shape"),
        (np.ones((2, 2)), np.ones((2, 2)), "shape"),
        (np.array([1.0, np.nan]), np.zeros(2), "not finite"),
        (np.ones(2), np.array([0.0, np.inf]), "not finite"),
    ],
)
def test_values_that_cannot_be_averaged_are_refused(
    values: np.ndarray, weights: np.ndarray, found: str
) -> None:
    with pytest.raises(SimulationError, match=found):
        weighted_mean(values, weights)


def test_more_memory_than_allowed_is_refused() -> None:
    with pytest.raises(SimulationError, match="take 160 bytes"):
        draw_weighted(NORMAL, Tilt(), paths=10, steps=2, seed=1, memory_budget_bytes=159)
