"""Normals and Student-t by inverse distribution functions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from core.errors import SimulationError
from simulations.paths.normal import fill_normals, normal_from, normals
from simulations.paths.philox import Pairing, Stream, key_of, uniforms
from simulations.paths.table import (
    Table,
    inverse_sinh,
    mixing_table,
    student_density,
    student_table,
    to_normal_table,
)

PLAUSIBLE = 0.001
DEGREES = [2.05, 3.0, 4.5, 8.0, 200.0]


@pytest.mark.parametrize(
    ("u", "quantile"),
    [
        (0.25, -0.674489750196081743202227),
        (0.001, -3.090232306167813541540399),
        (1e-20, -9.262340089798408),
        (0.5, 0.0),
    ],
)
def test_the_quantiles_that_the_source_prints(u: float, quantile: float) -> None:
    """Wichura's own check values, and the quantile of 1e-20 from tables."""
    assert normal_from(u) == pytest.approx(quantile, rel=1e-15, abs=0)


def test_normals_are_scipy_s_quantiles_of_the_uniforms() -> None:
    """Each is within 7e-16 of the exact value, so that both together differ by 1.2e-15 at most."""
    drawn = normals(seed=4, paths=50_000, steps=10)
    exact = special.ndtri(uniforms(seed=4, paths=50_000, steps=10))
    assert np.abs(drawn / exact - 1).max() < 1.2e-15


def test_the_far_tails_are_scipy_s_too() -> None:
    tail = np.geomspace(2.0**-53, 0.5, 3_000)[:-1]
    for u in (*tail, *(1 - tail)):
        assert normal_from(float(u)) == pytest.approx(float(special.ndtri(u)), rel=1.2e-15, abs=0)


def test_normals_have_the_distribution_s_moments() -> None:
    drawn = normals(seed=11, paths=1_000, steps=1_000).ravel()
    assert stats.kstest(drawn, "norm").pvalue > PLAUSIBLE
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96), (6, 15, 10_170)):
        assert abs(np.mean(drawn**power) - moment) < 3.5 * (variance / drawn.size) ** 0.5


def test_antithetic_neighbours_are_exact_negatives_and_even_paths_are_their_own() -> None:
    key = key_of(4, Stream.INNOVATION)
    pairs, same, plain = np.empty((5, 40)), np.empty((5, 40)), np.empty((5, 40))
    fill_normals(key, same, first_path=20, asset=1, draw=0, pairing=Pairing.SAME)
    fill_normals(key, pairs, first_path=20, asset=1, draw=0, pairing=Pairing.OPPOSITE)
    fill_normals(key, plain, first_path=20, asset=1, draw=0)
    assert np.array_equal(pairs[:, 1::2], -pairs[:, 0::2])
    assert np.array_equal(pairs[:, 0::2], plain[:, 0::2])
    assert np.array_equal(same[:, 0::2], plain[:, 0::2]) and np.array_equal(same[:, 1::2], plain[:, 0::2])


def spread(table: Table, values: list[float]) -> np.ndarray:
    moved = np.array([values])
    table.apply(moved)
    return moved[0]


@pytest.mark.parametrize("degrees", DEGREES)
def test_student_t_follows_scipy_s_quantiles_to_two_billionths(degrees: float) -> None:
    z = np.random.default_rng(1).uniform(-8.2, 8.2, 5_000)
    lower = -np.abs(z)
    exact = np.sqrt((degrees - 2) / degrees) * special.stdtrit(degrees, special.ndtr(lower)) * -np.sign(z)
    assert np.abs(spread(student_table(degrees), z.tolist()) / exact - 1).max() < 2e-9


@pytest.mark.parametrize("degrees", [3.0, 4.5, 8.0])
def test_a_million_student_t_draws(degrees: float) -> None:
    drawn = normals(seed=12, paths=1_000, steps=1_000)
    student_table(degrees).apply(drawn)
    scale = np.sqrt((degrees - 2) / degrees)
    assert stats.kstest(drawn.ravel()[:200_000] / scale, stats.t(degrees).cdf).pvalue > PLAUSIBLE
    for level in (0.001, 0.01, 0.05, 0.5, 0.95, 0.99, 0.999):
        below = int((drawn < scale * stats.t.ppf(level, degrees)).sum())
        assert stats.binomtest(below, drawn.size, level).pvalue > PLAUSIBLE
    assert drawn.mean() == pytest.approx(0.0, abs=0.004)
    assert drawn.var() == pytest.approx(1.0, rel=0.02 if degrees > 4 else 0.1)
    if degrees > 4.4:
        assert np.mean(np.abs(drawn) ** 2.2) == pytest.approx(absolute_moment(2.2, degrees), rel=0.02)


def absolute_moment(power: float, degrees: float) -> float:
    """E|X|^p of a t of variance one (Johnson, Kotz and Balakrishnan 1995, section 28.2)."""
    logs = special.gammaln((power + 1) / 2) + special.gammaln((degrees - power) / 2)
    logs -= special.gammaln(0.5) + special.gammaln(degrees / 2)
    return float(np.exp(logs) * (degrees - 2) ** (power / 2))


def test_student_t_is_odd_and_ascends() -> None:
    values = spread(student_table(3.0), [-9.0, -2.0, -0.01, 0.0, 0.01, 2.0, 9.0])
    assert (np.diff(values) > 0).all() and np.array_equal(values, -values[::-1])


def test_beyond_its_ends_a_table_stays_at_them() -> None:
    ends = spread(student_table(3.0), [-1e9, -16.0, 16.0, 1e300])
    assert ends == pytest.approx([ends[0], ends[0], -ends[0], -ends[0]]) and np.isfinite(ends).all()
    low, least, most, high = spread(mixing_table(3.0), [-1e9, -8.5, 8.5, 1e9])
    assert low == pytest.approx(least) and high == pytest.approx(most) and low > high > 0


@pytest.mark.parametrize("degrees", DEGREES)
def test_the_mixing_is_that_of_a_chi_square(degrees: float) -> None:
    z = np.random.default_rng(2).uniform(-8.2, 8.2, 2_000)
    low, high = stats.chi2.ppf(special.ndtr(z), degrees), stats.chi2.isf(special.ndtr(-z), degrees)
    exact = np.sqrt(degrees / np.where(z < 0, low, high))
    assert np.abs(spread(mixing_table(degrees), z.tolist()) / exact - 1).max() < 2e-9


@pytest.mark.parametrize("degrees", DEGREES)
def test_back_from_student_t_leads_to_the_normal(degrees: float) -> None:
    z = np.random.default_rng(3).uniform(-8.2, 8.2, (1, 2_000))
    t = np.sign(z) * -special.stdtrit(degrees, special.ndtr(-np.abs(z)))
    inverse_sinh(t)
    to_normal_table(degrees).apply(t)
    assert np.abs(t - z).max() < 1e-8


def test_the_density_is_scipy_s() -> None:
    points = np.linspace(-20, 20, 101)
    assert student_density(points, 3.5) == pytest.approx(stats.t(3.5).pdf(points), rel=1e-12)


@pytest.mark.parametrize("degrees", [2.0, 1.0, 0.0, -3.0, float("nan"), float("inf")])
def test_degrees_without_a_variance_are_refused(degrees: float) -> None:
    for make in (student_table, mixing_table, to_normal_table):
        with pytest.raises(SimulationError, match="degrees of freedom") as refused:
            make(degrees)
        assert "above 2" in refused.value.allowed
