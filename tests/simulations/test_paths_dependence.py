"""Dependence among assets: correlations, ranks, and what is left of them far out in the tail."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from core.errors import SimulationError
from simulations.paths.dependence import (
    Copula,
    Dependence,
    OneFactor,
    check_correlation,
    fill_ranks,
    tail_dependence,
)
from simulations.paths.philox import Pairing

ROWS = ((1.0, 0.6, -0.2), (0.6, 1.0, 0.3), (-0.2, 0.3, 1.0))


def ranks(
    dependence: Dependence | None, *, assets: int = 2, paths: int = 20_000, steps: int = 10, **more: int
) -> np.ndarray:
    out = np.empty((assets, steps, paths))
    fill_ranks(dependence, out, **{"seed": 1, "first_path": 0, **more})
    return out


@pytest.mark.parametrize("degrees", [None, 3.0, 8.0])
def test_every_margin_is_standard_normal(degrees: float | None) -> None:
    for values in ranks(Copula(ROWS, degrees), assets=3):
        assert stats.kstest(values.ravel()[::2], "norm").pvalue > 0.001
        assert values.std() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("degrees", [None, 4.0])
def test_kendall_s_tau_is_that_of_elliptical_copulas(degrees: float | None) -> None:
    """2/pi arcsin(rho), whatever the degrees (Embrechts, Lindskog and McNeil 2003, theorem 5.4)."""
    drawn = ranks(Copula(ROWS, degrees), assets=3, paths=2_000, steps=10).reshape(3, -1)
    for first, second in ((0, 1), (0, 2), (1, 2)):
        tau = stats.kendalltau(drawn[first], drawn[second]).statistic
        assert tau == pytest.approx(2 / math.pi * math.asin(ROWS[first][second]), abs=0.02)


def test_normal_copula_has_the_correlations_that_were_asked_for() -> None:
    assert np.corrcoef(ranks(Copula(ROWS), assets=3).reshape(3, -1)) == pytest.approx(
        np.array(ROWS), abs=0.01
    )


def test_one_factor_correlates_by_the_product_of_loadings() -> None:
    factor = OneFactor((0.9, 0.5, -0.4))
    expected = np.array([[1, 0.45, -0.36], [0.45, 1, -0.2], [-0.36, -0.2, 1]])
    assert factor.correlation() == pytest.approx(expected)
    assert np.corrcoef(ranks(factor, assets=3).reshape(3, -1)) == pytest.approx(expected, abs=0.01)


def test_full_loadings_make_one_asset_of_all() -> None:
    first, second, third = ranks(OneFactor((1.0, 1.0, -1.0)), assets=3, paths=100)
    assert np.array_equal(first, second) and np.array_equal(first, -third)


def test_without_dependence_assets_are_independent() -> None:
    first, second = ranks(None).reshape(2, -1)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.008


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8])
@pytest.mark.parametrize("tail", [-1, 1])
def test_assets_of_a_t_copula_crash_together_as_often_as_the_formula_says(
    correlation: float, tail: int
) -> None:
    """At the 0.05 % quantile, some 1,000 of 2,000,000 draws: standard error 0.015, near the limit."""
    rows = ((1.0, correlation), (correlation, 1.0))
    drawn = ranks(Copula(rows, 3.0), paths=100_000, steps=20).reshape(2, -1) * tail
    limit = stats.norm.ppf(5e-4)
    first, second = drawn < limit
    together = (first & second).sum() / first.sum()
    assert together == pytest.approx(tail_dependence(correlation, 3.0), abs=0.05)


def test_tail_dependence_by_hand() -> None:
    """2 t(4; -sqrt(4 * 0.5 / 1.5)), and for normals that share only the mixing 2 t(4; -2)."""
    assert tail_dependence(0.5, 3.0) == pytest.approx(2 * stats.t(4).cdf(-math.sqrt(4 / 3)))
    assert tail_dependence(0.0, 3.0) == pytest.approx(0.1161, abs=1e-4)
    assert tail_dependence(0.5, None) == 0 and tail_dependence(1.0, None) == 1
    assert tail_dependence(0.5, 1e6) < 1e-6 < tail_dependence(1.0, 5.0) == pytest.approx(1)


def test_assets_of_a_normal_copula_crash_together_ever_less() -> None:
    """The exact share at each level is that of the bivariate normal."""
    drawn = ranks(Copula(((1.0, 0.5), (0.5, 1.0))), paths=100_000, steps=20).reshape(2, -1)
    shares = []
    for level in (0.05, 0.005, 0.0005):
        limit = stats.norm.ppf(level)
        first, second = drawn < limit
        shares.append((first & second).sum() / first.sum())
        exact = stats.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]]).cdf([limit, limit]) / level
        assert shares[-1] == pytest.approx(exact, abs=0.03)
    assert shares[0] > 2 * shares[1] > 2.5 * shares[2]


def test_an_asset_s_own_numbers_do_not_depend_on_how_many_there_are() -> None:
    few = ranks(OneFactor((0.8, 0.3), 4.0), paths=50)
    more = ranks(OneFactor((0.8, 0.3, 0.5), 4.0), assets=3, paths=50)
    assert np.array_equal(few, more[:2])


@pytest.mark.parametrize("dependence", [None, Copula(ROWS, 3.0), OneFactor((0.8, 0.3, 0.1))])
def test_ranks_do_not_depend_on_how_paths_are_split(dependence: Dependence | None) -> None:
    whole = ranks(dependence, assets=3, paths=100)
    parts = [ranks(dependence, assets=3, paths=37), ranks(dependence, assets=3, paths=63, first_path=37)]
    assert np.array_equal(whole, np.concatenate(parts, axis=2))


@pytest.mark.parametrize("degrees", [None, 3.0])
def test_antithetic_neighbours_are_opposite(degrees: float | None) -> None:
    drawn = ranks(OneFactor((0.8, 0.3), degrees), paths=100, pairing=Pairing.OPPOSITE)
    assert np.array_equal(drawn[..., 1::2], -drawn[..., 0::2])


def test_a_shift_of_the_factor_moves_assets_by_their_loadings() -> None:
    factor = OneFactor((0.8, -0.3))
    out, moved = np.empty((2, 5, 100)), np.empty((2, 5, 100))
    plain = fill_ranks(factor, out, seed=1, first_path=0)
    shifted = fill_ranks(factor, moved, seed=1, first_path=0, factor_shift=-2.0)
    assert plain is not None and shifted == pytest.approx(plain - 2.0)
    assert moved[0] == pytest.approx(out[0] - 1.6) and moved[1] == pytest.approx(out[1] + 0.6)


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (((1.0, 0.9, -0.9), (0.9, 1.0, 0.9), (-0.9, 0.9, 1.0)), "not positive definite"),
        (((1.0, 1.0), (1.0, 1.0)), "not positive definite"),
        (((1.0, 0.5), (0.4, 1.0)), "not finite and symmetric"),
        (((1.0, math.nan), (math.nan, 1.0)), "not finite and symmetric"),
        (((1.1, 0.5), (0.5, 1.0)), "with itself"),
        (((1.0, 0.5), (0.5,)), "no square matrix"),
        (((1.0, 0.5),), "no square matrix"),
        ((), "no square matrix"),
    ],
)
def test_matrices_that_are_no_correlations_are_refused(
    rows: tuple[tuple[float, ...], ...], found: str
) -> None:
    with pytest.raises(SimulationError, match=found):
        Copula(rows)


def test_the_refusal_says_how_far_from_positive_definite() -> None:
    with pytest.raises(SimulationError, match=r"-0\.8") as refused:
        check_correlation(np.array([[1.0, 1.8], [1.8, 1.0]]))
    assert refused.value.hint


@pytest.mark.parametrize("loading", [1.01, -1.5, math.nan])
def test_loadings_above_one_are_refused(loading: float) -> None:
    with pytest.raises(SimulationError, match="a loading was"):
        OneFactor((loading,))


def test_degrees_of_a_copula_are_checked() -> None:
    for make in (lambda: OneFactor((0.5,), 2.0), lambda: Copula(((1.0,),), 1.0)):
        with pytest.raises(SimulationError, match="degrees of freedom"):
            make()
