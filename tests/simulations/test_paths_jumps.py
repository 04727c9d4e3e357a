"""Jumps: arrivals, sizes, compensation, and the market jump that hits all."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from core.errors import SimulationError
from simulations.paths.jumps import (
    SECONDS_PER_YEAR,
    DoubleExponentialJump,
    Jumps,
    JumpSize,
    MarketJump,
    NormalJump,
    OwnJump,
    size_of,
)

MERTON = NormalJump(-0.05, 0.08)
KOU = DoubleExponentialJump(0.3, 0.04, 0.07)
HOUR = 3600
DAILY = 365.0
"""Jumps per year that make one a day."""


def added(
    jumps: Jumps, *, paths: int = 20_000, steps: int = 48, antithetic: bool = False, **more: int
) -> np.ndarray:
    returns = np.zeros((len(jumps.own), steps, paths))
    given = {"seed": 1, "first_path": 0, **more}
    jumps.add(returns, step_seconds=HOUR, antithetic=antithetic, **given)
    return returns


def bare(jumps: Jumps, **more: int) -> np.ndarray:
    """The jumps without their compensation."""
    return added(jumps, **more) + jumps.drift(step_seconds=HOUR)[:, None, None]


def test_arrivals_are_poisson_in_every_step_and_over_all() -> None:
    """Sizes of exactly 1 count jumps: mean and variance of a day are its rate."""
    counts = np.rint(bare(Jumps((OwnJump(3 * DAILY, NormalJump(1.0, 0.0)),)))[0])
    assert counts.mean(axis=1) == pytest.approx(3 / 24, abs=0.012)
    day = counts[:24].sum(axis=0)
    observed = np.bincount(day.astype(int), minlength=12)[:12]
    expected = stats.poisson(3).pmf(np.arange(12)) * len(day)
    assert (
        stats.chisquare(observed[:10], expected[:10] * observed[:10].sum() / expected[:10].sum()).pvalue
        > 0.001
    )
    correlation = np.corrcoef(counts[:24].sum(axis=0), counts[24:].sum(axis=0))[0, 1]
    assert abs(correlation) < 0.02


@pytest.mark.parametrize("size", [MERTON, KOU])
@pytest.mark.parametrize("scale", [1.0, 0.5, -1.5])
def test_growth_is_the_mean_of_the_exponential(size: JumpSize, scale: float) -> None:
    """By quadrature over ranks: the mean of exp(scale J) over u in the middle of 2,000,000 cells."""
    u = (np.arange(200_000) + 0.5) / 200_000
    sizes = np.array([size_of(size.law(), value) for value in u])
    assert np.exp(scale * sizes).mean() == pytest.approx(size.growth(scale), rel=2e-4)


def test_kou_s_sizes_have_the_double_exponential_distribution() -> None:
    for u in (0.001, 0.2, 0.69, 0.71, 0.9, 0.9999):
        size = size_of(KOU.law(), u)
        if size < 0:
            assert 0.7 * stats.expon.sf(-size, scale=0.07) == pytest.approx(u)
        else:
            assert 1 - 0.3 * stats.expon.sf(size, scale=0.04) == pytest.approx(u)
    assert size_of(DoubleExponentialJump(0.0, 0.1, 0.1).law(), 1 - 1e-9) < 0
    assert size_of(DoubleExponentialJump(1.0, 0.1, 0.1).law(), 1e-9) > 0


@pytest.mark.parametrize("size", [MERTON, KOU])
def test_jumps_alone_leave_the_mean_price_where_it_was(size: JumpSize) -> None:
    market = MarketJump(DAILY, size, (1.0, -0.6))
    returns = added(Jumps((OwnJump(2 * DAILY, size), None), market), paths=100_000)
    growth = np.exp(returns.sum(axis=1))
    error = growth.std(axis=1) / 100_000**0.5
    assert np.abs(growth.mean(axis=1) - 1).max() < 3.5 * error.max()


def test_the_market_jump_hits_all_at_once_by_their_scales() -> None:
    jumps = Jumps((None, None, None), MarketJump(DAILY, NormalJump(-0.2, 0.05), (1.0, 0.5, -0.25)))
    moved = bare(jumps)
    assert np.allclose(moved[1], 0.5 * moved[0], rtol=0, atol=1e-12)
    assert np.allclose(moved[2], -0.25 * moved[0], rtol=0, atol=1e-12)
    assert (np.abs(moved[0]) > 0.01).mean() == pytest.approx(1 / 24, rel=0.05)


def test_own_jumps_of_two_assets_have_nothing_in_common() -> None:
    moved = bare(Jumps((OwnJump(DAILY, MERTON), OwnJump(DAILY, MERTON))))
    assert abs(np.corrcoef(moved[0].ravel(), moved[1].ravel())[0, 1]) < 0.004


def test_what_add_returns_is_the_common_size_and_the_count() -> None:
    jumps = Jumps((OwnJump(DAILY, MERTON),), MarketJump(2 * DAILY, NormalJump(-1.0, 0.0), (0.0,)))
    returns = np.zeros((1, 24, 5_000))
    market, counts = jumps.add(returns, step_seconds=HOUR, seed=3, first_path=0, antithetic=False)
    assert np.rint(-market.sum(axis=0)).astype(int) == pytest.approx(counts)
    assert counts.mean() == pytest.approx(2.0, abs=0.07)


def test_a_higher_rate_of_the_same_seed_brings_the_same_jumps_sooner() -> None:
    """Common random numbers: the n-th jump keeps its size, its time shrinks."""
    one = bare(Jumps((OwnJump(DAILY / 2, MERTON),)), paths=2_000)
    twice = bare(Jumps((OwnJump(DAILY, MERTON),)), paths=2_000)
    for path in range(50):
        few, many = (moved[0, :, path][np.abs(moved[0, :, path]) > 1e-9] for moved in (one, twice))
        if len(few) == 1:
            assert few[0] == pytest.approx(many[0])


def test_antithetic_neighbours_jump_together_by_opposite_ranks() -> None:
    moved = bare(Jumps((OwnJump(DAILY, NormalJump(0.0, 0.1)),)), antithetic=True, paths=200)[0]
    assert moved[:, 1::2] == pytest.approx(-moved[:, 0::2], abs=1e-12)
    assert np.abs(moved).max() > 0.1


def test_jumps_do_not_depend_on_how_paths_are_split() -> None:
    jumps = Jumps((OwnJump(DAILY, KOU), None), MarketJump(DAILY, MERTON, (1.0, 0.7)))
    parts = [added(jumps, paths=30), added(jumps, paths=70, first_path=30)]
    assert np.array_equal(added(jumps, paths=100), np.concatenate(parts, axis=2))


def test_no_jumps_move_nothing() -> None:
    assert not added(Jumps((None, OwnJump(0.0, MERTON)), MarketJump(0.0, KOU, (1.0, 1.0)))).any()


def test_a_year_is_that_of_the_simulation() -> None:
    drift = Jumps((OwnJump(12.0, NormalJump(math.log(2), 0.0)),)).drift(step_seconds=SECONDS_PER_YEAR // 12)
    assert drift == pytest.approx([1.0])


@pytest.mark.parametrize("rate", [-1.0, math.nan, math.inf])
def test_rates_that_are_none_are_refused(rate: float) -> None:
    with pytest.raises(SimulationError, match="jumps per year"):
        OwnJump(rate, MERTON)
    with pytest.raises(SimulationError, match="jumps per year"):
        MarketJump(rate, MERTON, (1.0,))


@pytest.mark.parametrize(
    ("mean", "deviation"), [(math.nan, 0.1), (0.0, -0.1), (math.inf, 0.1), (0.0, math.nan)]
)
def test_normal_sizes_that_are_none_are_refused(mean: float, deviation: float) -> None:
    with pytest.raises(SimulationError, match="a jump had mean"):
        NormalJump(mean, deviation)


@pytest.mark.parametrize(
    ("share", "up", "down"), [(1.1, 0.1, 0.1), (-0.1, 0.1, 0.1), (0.5, 0.0, 0.1), (0.5, 0.1, -1.0)]
)
def test_double_exponential_sizes_that_are_none_are_refused(share: float, up: float, down: float) -> None:
    with pytest.raises(SimulationError, match="up_share"):
        DoubleExponentialJump(share, up, down)


def test_jumps_whose_mean_price_is_infinite_are_refused() -> None:
    with pytest.raises(SimulationError, match="no mean price"):
        OwnJump(1.0, DoubleExponentialJump(0.5, 1.0, 0.1))
    with pytest.raises(SimulationError, match="no mean price"):
        MarketJump(1.0, DoubleExponentialJump(0.5, 0.1, 0.6), (1.0, -2.0))


def test_scales_that_do_not_fit_are_refused() -> None:
    with pytest.raises(SimulationError, match="1 scales for 2 assets"):
        Jumps((None, None), MarketJump(1.0, MERTON, (1.0,)))
    with pytest.raises(SimulationError, match="a scale of the market jump"):
        MarketJump(1.0, MERTON, (math.nan,))
