"""Paths made of the past: filtered history and the stationary bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
from arch.bootstrap import StationaryBootstrap

from core.errors import SimulationError
from simulations.paths.garch import Garch, follow_garch
from simulations.paths.normal import normals
from simulations.paths.resample import (
    BlockBootstrap,
    FilteredHistory,
    fit_block_bootstrap,
    fit_filtered_history,
)

TERMS = Garch(omega=1e-6, alpha=0.06, beta=0.9)
PAST = np.arange(1.0, 51.0)[:, None] / 1_000 * np.array([[1.0, -2.0]])
"""Fifty returns that say which date they are; the second asset's are minus two times the first's."""


def bootstrap(
    mean_block_steps: float, *, paths: int = 2_000, steps: int = 60, first_path: int = 0
) -> np.ndarray:
    out = np.empty((2, steps, paths))
    BlockBootstrap(PAST, mean_block_steps).fill(out, seed=1, first_path=first_path)
    return out


def test_every_return_is_one_of_the_past_and_all_are_drawn_alike() -> None:
    drawn = bootstrap(5.0)
    dates = np.rint(drawn[0] * 1_000).astype(np.int64)
    assert np.array_equal(drawn[0], dates / 1_000)
    counts = np.bincount(dates.ravel(), minlength=51)[1:]
    assert counts == pytest.approx(dates.size / 50, rel=0.1)


def test_assets_keep_the_date_in_common() -> None:
    drawn = bootstrap(5.0)
    assert np.array_equal(drawn[1], -2 * drawn[0])


@pytest.mark.parametrize("mean", [1.0, 4.0, 20.0])
def test_blocks_are_geometric_with_the_mean_asked_for(mean: float) -> None:
    """A step continues its block with probability 1 - 1/mean; by chance one draw in fifty follows too."""
    dates = np.rint(bootstrap(mean)[0] * 1_000).astype(np.int64)
    follows = dates[1:] % 50 == (dates[:-1] + 1) % 50
    expected = 1 - 1 / mean + 1 / mean / 50
    assert follows.mean() == pytest.approx(expected, abs=0.005)
    two = follows[1:] & follows[:-1]
    assert two.mean() == pytest.approx(expected**2, abs=0.006)


def test_after_the_last_date_comes_the_first() -> None:
    dates = np.rint(bootstrap(20.0)[0] * 1_000).astype(np.int64)
    after_last = dates[1:][dates[:-1] == 50]
    assert (after_last == 1).mean() > 0.9


def test_resampled_paths_do_not_depend_on_how_they_are_split() -> None:
    whole = bootstrap(5.0, paths=100)
    parts = [bootstrap(5.0, paths=60), bootstrap(5.0, paths=40, first_path=60)]
    assert np.array_equal(whole, np.concatenate(parts, axis=2))


def test_the_bootstrap_keeps_serial_dependence_that_single_draws_lose() -> None:
    """Correlation at lag one is (1 - 1/mean) times the circular one (Politis and Romano 1994, lemma 1)."""
    rng = np.random.default_rng(3)
    past = np.convolve(rng.standard_normal(801), [1.0, 1.0], mode="valid")[:, None]
    circular = np.corrcoef(past[:, 0], np.roll(past[:, 0], -1))[0, 1]
    for mean in (1.0, 10.0):
        out = np.empty((1, 50, 4_000))
        BlockBootstrap(past, mean).fill(out, seed=2, first_path=0)
        lagged = np.corrcoef(out[0, :-1].ravel(), out[0, 1:].ravel())[0, 1]
        assert lagged == pytest.approx((1 - 1 / mean) * circular, abs=0.015)


def test_the_mean_of_a_resampled_past_varies_as_with_the_arch_library() -> None:
    """Samples as long as the past: 2,000 of arch's, 20,000 of ours; both standard errors of a variance."""
    rng = np.random.default_rng(5)
    past = np.convolve(rng.standard_normal(153), [1.0, 0.8, 0.5, 0.3], mode="valid")[:, None]
    theirs = StationaryBootstrap(6, past[:, 0], seed=np.random.default_rng(6))
    means = np.array([float(data[0][0].mean()) for data in theirs.bootstrap(2_000)])
    out = np.empty((1, 150, 20_000))
    BlockBootstrap(past, 6.0).fill(out, seed=3, first_path=0)
    assert out[0].mean(axis=0).var() == pytest.approx(means.var(), rel=3.5 * (2 / 2_000 + 2 / 20_000) ** 0.5)
    alone = np.empty_like(out)
    BlockBootstrap(past, 1.0).fill(alone, seed=3, first_path=0)
    assert alone[0].mean(axis=0).var() < 0.6 * means.var()


def test_fitted_blocks_are_long_where_volatility_clusters_and_short_where_not() -> None:
    values = normals(seed=9, paths=1, steps=3_000)
    quiet = fit_block_bootstrap(values).mean_block_steps
    follow_garch(Garch(omega=1e-6, alpha=0.1, beta=0.85), values)
    assert fit_block_bootstrap(values).mean_block_steps > 4 * quiet >= 4


def test_blocks_are_not_fitted_to_a_short_past() -> None:
    with pytest.raises(SimulationError, match="history had shape"):
        fit_block_bootstrap(PAST)


def test_filtered_history_is_garch_over_residuals_of_common_dates() -> None:
    """With constant variances 1 and 4 the returns are the residuals, times 1 and 2."""
    flat = (Garch(omega=1.0, alpha=0.0, beta=0.0), Garch(omega=4.0, alpha=0.0, beta=0.0))
    residuals = np.stack([np.linspace(-2, 2, 41), np.linspace(1, -1, 41)], axis=1)
    out = np.empty((2, 30, 500))
    FilteredHistory(flat, residuals).fill(out, seed=1, first_path=0)
    places = np.rint(out[0] * 10).astype(np.int64) + 20
    assert np.array_equal(out[0], residuals[places, 0])
    assert np.array_equal(out[1], 2 * residuals[places, 1])
    assert np.bincount(places.ravel(), minlength=41).min() > 0.7 * out[0].size / 41


def test_filtered_history_follows_the_recursion() -> None:
    residuals = np.random.default_rng(4).standard_normal((300, 1))
    flat, moving = np.empty((1, 20, 50)), np.empty((1, 20, 50))
    FilteredHistory((Garch(omega=1.0, alpha=0.0, beta=0.0),), residuals).fill(flat, seed=9, first_path=7)
    FilteredHistory((TERMS,), residuals).fill(moving, seed=9, first_path=7)
    follow_garch(TERMS, flat[0])
    assert np.array_equal(flat, moving)


def test_fitted_history_has_what_fitting_each_asset_gives() -> None:
    values = normals(seed=8, paths=2, steps=2_000)
    follow_garch(TERMS, values)
    process = fit_filtered_history(values)
    assert len(process.assets) == 2 and process.residuals.shape == (2_000, 2)
    assert process.residuals.std(axis=0) == pytest.approx(1)
    assert all(terms.persistence < 1 for terms in process.assets)


def test_the_same_seed_draws_the_same_dates_and_another_draws_others() -> None:
    first, again, other = (np.empty((2, 10, 20)) for _ in range(3))
    for out, seed in ((first, 1), (again, 1), (other, 2)):
        BlockBootstrap(PAST, 3.0).fill(out, seed=seed, first_path=0)
    assert np.array_equal(first, again) and not np.array_equal(first, other)


@pytest.mark.parametrize("mean", [0.5, 0.0, -1.0, 51.0, float("nan")])
def test_blocks_shorter_than_a_step_or_longer_than_the_past_are_refused(mean: float) -> None:
    with pytest.raises(SimulationError, match="mean_block_steps was"):
        BlockBootstrap(PAST, mean)


@pytest.mark.parametrize(
    "past", [np.empty((0, 1)), np.empty((5, 0)), np.ones(7), np.full((9, 1), np.nan), np.ones((9, 1))]
)
def test_a_past_that_holds_nothing_is_refused(past: np.ndarray) -> None:
    with pytest.raises(SimulationError, match="history"):
        BlockBootstrap(past, 2.0)


def test_residuals_that_do_not_fit_the_assets_are_refused() -> None:
    with pytest.raises(SimulationError, match="1 assets had residuals"):
        FilteredHistory((TERMS,), PAST)
