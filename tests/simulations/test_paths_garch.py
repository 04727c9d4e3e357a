"""GARCH and GJR paths: the recursion, the moments that theory gives, estimates, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from arch.univariate import GARCH

from core.errors import SimulationError
from simulations.paths.garch import Garch, GarchProcess, fit_garch, follow_garch
from simulations.paths.normal import normals

PLAIN = Garch(omega=1e-6, alpha=0.08, beta=0.85, mu=1e-4)
LEVERED = Garch(omega=1e-6, alpha=0.05, beta=0.88, gamma=0.08, degrees=6.0)


def test_three_steps_by_hand() -> None:
    """v: 0.04, then 0.01 + 0.5 * 0.04 + 0.25 * 0.04 = 0.04; after a gain of two deviations 0.1."""
    terms = Garch(omega=0.01, alpha=0.25, beta=0.25, gamma=0.25, mu=0.5, next_variance=0.04)
    values = np.array([[-1.0], [2.0], [1.0]])
    follow_garch(terms, values)
    second = 0.01 + 0.5 * 0.04 + 0.25 * 0.04
    third = 0.01 + 0.25 * 4 * second + 0.25 * second
    assert values[:, 0] == pytest.approx([0.5 - 0.2, 0.5 + 2 * second**0.5, 0.5 + third**0.5])


@pytest.mark.parametrize("gamma", [0.0, 0.06])
def test_the_recursion_is_that_of_the_arch_library(gamma: float) -> None:
    shocks = np.random.default_rng(0).standard_normal(400)
    theirs = GARCH(1, 1, 1).simulate(
        np.array([1e-6, 0.05, gamma, 0.9]), 400, lambda count: shocks[:count], burn=0, initial_value=1e-4
    )
    ours = shocks[:, None].copy()
    first = float(theirs[1][0])
    follow_garch(Garch(omega=1e-6, alpha=0.05, beta=0.9, gamma=gamma, next_variance=first), ours)
    assert ours[:, 0] == pytest.approx(theirs[0], rel=1e-13)


def test_variance_stays_at_its_long_run_on_average() -> None:
    values = normals(seed=1, paths=40_000, steps=30)
    GarchProcess((PLAIN,)).follow(values[None])
    variance = ((values - PLAIN.mu) ** 2).mean(axis=1)
    assert PLAIN.long_run_variance == pytest.approx(1e-6 / 0.07)
    assert variance == pytest.approx(PLAIN.long_run_variance, rel=0.04)
    assert values.mean() == pytest.approx(1e-4, abs=1.5e-5)


def test_a_variance_above_the_long_run_returns_at_the_rate_of_the_persistence() -> None:
    """E v(k) = long run + persistence^k (v(0) - long run), for GJR with Student-t shocks too."""
    start = 4 * LEVERED.long_run_variance
    values = normals(seed=2, paths=100_000, steps=25)
    terms = Garch(omega=1e-6, alpha=0.05, beta=0.88, gamma=0.08, degrees=6.0, next_variance=start)
    GarchProcess((terms,)).follow(values[None])
    excess = LEVERED.persistence ** np.arange(25) * (start - LEVERED.long_run_variance)
    assert LEVERED.persistence == pytest.approx(0.97)
    assert (values**2).mean(axis=1) == pytest.approx(LEVERED.long_run_variance + excess, rel=0.04)


def test_kurtosis_is_bollerslev_s() -> None:
    """3 (1 - (a + b)^2) / (1 - (a + b)^2 - 2 a^2) with normal shocks (Bollerslev 1986, section 3)."""
    terms = Garch(omega=1e-6, alpha=0.1, beta=0.8)
    values = normals(seed=3, paths=20_000, steps=120)
    GarchProcess((terms,)).follow(values[None])
    late = values[60:]
    expected = 3 * (1 - 0.81) / (1 - 0.81 - 2 * 0.01)
    assert (late**4).mean() / (late**2).mean() ** 2 == pytest.approx(expected, rel=0.02)


def test_a_fall_moves_the_variance_more_than_a_rise_when_gamma_says_so() -> None:
    for terms, lower, upper in ((LEVERED, 1.05, 1.4), (PLAIN, 0.97, 1.03)):
        values = normals(seed=4, paths=100_000, steps=2)
        GarchProcess((terms,)).follow(values[None])
        first, second = values - terms.mu
        ratio = (second[first < 0] ** 2).mean() / (second[first > 0] ** 2).mean()
        assert lower < ratio < upper


def test_every_asset_follows_its_own_parameters() -> None:
    ranks = normals(seed=5, paths=100, steps=5)
    both = np.stack([ranks, ranks])
    GarchProcess((PLAIN, LEVERED)).follow(both)
    for terms, values in zip((PLAIN, LEVERED), both, strict=True):
        alone = ranks.copy()[None]
        GarchProcess((terms,)).follow(alone)
        assert np.array_equal(values, alone[0])


def test_estimates_recover_what_was_drawn() -> None:
    terms = Garch(omega=2e-6, alpha=0.06, beta=0.86, gamma=0.08, mu=1e-4, degrees=5.0)
    values = normals(seed=6, paths=1, steps=12_000)[None]
    GarchProcess((terms,)).follow(values)
    fitted = fit_garch(values[0, :, 0], gjr=True)
    assert fitted.terms.alpha == pytest.approx(0.06, abs=0.02)
    assert fitted.terms.gamma == pytest.approx(0.08, abs=0.03)
    assert fitted.terms.beta == pytest.approx(0.86, abs=0.03)
    assert fitted.terms.degrees == pytest.approx(5.0, abs=0.6)
    assert fitted.terms.long_run_variance == pytest.approx(terms.long_run_variance, rel=0.15)
    assert fitted.residuals.mean() == pytest.approx(0, abs=1e-12)
    assert fitted.residuals.std() == pytest.approx(1)


def test_estimates_without_a_long_run_may_be_held_below_it_all_in_one_proportion() -> None:
    values = normals(seed=7, paths=1, steps=3_000)[None]
    GarchProcess((Garch(omega=2e-6, alpha=0.1, beta=0.85, degrees=6.0),)).follow(values)
    free = fit_garch(values[0, :, 0], gjr=True).terms
    held = fit_garch(values[0, :, 0], gjr=True, highest_persistence=0.8).terms
    assert held.persistence == pytest.approx(0.8)
    assert held.alpha / held.beta == pytest.approx(free.alpha / free.beta)
    assert fit_garch(values[0, :, 0], gjr=True, highest_persistence=0.9999).terms == free


def test_the_variance_after_the_sample_is_where_paths_begin() -> None:
    """A sample that ends in a storm begins its paths in one."""
    values = normals(seed=7, paths=1, steps=3_000)[None]
    GarchProcess((Garch(omega=2e-6, alpha=0.1, beta=0.85, degrees=6.0),)).follow(values)
    calm = values[0, :, 0].copy()
    stormy = calm.copy()
    stormy[-5:] *= 10
    assert fit_garch(stormy).terms.first_variance > 5 * fit_garch(calm).terms.first_variance


@pytest.mark.parametrize("last", [-0.03, 0.03])
def test_a_fall_at_the_end_of_the_sample_counts_by_gamma(last: float) -> None:
    """The sample's last return, by the recursion itself: mean, residual, the variance that it met."""
    values = normals(seed=6, paths=1, steps=4_000)[None]
    GarchProcess((LEVERED,)).follow(values)
    sample = values[0, :, 0]
    sample[-1] = last
    fitted = fit_garch(sample, gjr=True).terms
    variance = float(np.var(sample[:100]))
    for value in sample[-1_000:]:
        surprise = value - fitted.mu
        weight = fitted.alpha + fitted.gamma * (surprise < 0)
        variance = fitted.omega + weight * surprise**2 + fitted.beta * variance
    assert fitted.gamma > 0.02
    assert fitted.first_variance == pytest.approx(variance, rel=1e-6)


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"omega": 0.0}, "negative variance"),
        ({"alpha": -0.1}, "negative variance"),
        ({"beta": -0.1}, "negative variance"),
        ({"gamma": -0.2}, "negative variance"),
        ({"alpha": 0.15}, "persistence was 1"),
        ({"beta": 0.95}, "persistence was 1.03"),
        ({"gamma": 0.15}, "persistence was 1.005"),
        ({"omega": math.nan}, "omega was nan"),
        ({"mu": math.inf}, "mu was inf"),
        ({"degrees": 2.0}, "degrees of freedom were 2.0"),
        ({"next_variance": 0.0}, "next_variance was 0.0"),
        ({"next_variance": math.nan}, "next_variance was nan"),
    ],
)
def test_parameters_without_a_process_are_refused(changed: dict[str, float], found: str) -> None:
    with pytest.raises(SimulationError, match=found) as refused:
        Garch(**{"omega": 1e-6, "alpha": 0.08, "beta": 0.85, **changed})
    assert refused.value.allowed


def test_a_process_without_assets_is_refused() -> None:
    with pytest.raises(SimulationError, match="no asset"):
        GarchProcess(())


@pytest.mark.parametrize(
    ("returns", "found"),
    [
        (np.full(100, 0.01), "shape"),
        (np.zeros(1_000), "does not move"),
        (np.r_[np.nan, np.ones(999)], "not finite"),
        (np.zeros(0), "shape"),
    ],
)
def test_a_history_that_teaches_nothing_is_refused(returns: np.ndarray, found: str) -> None:
    with pytest.raises(SimulationError, match=found):
        fit_garch(returns)
