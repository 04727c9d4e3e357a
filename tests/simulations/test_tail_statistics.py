"""Tail figures: values by hand, intervals by how often they hold the truth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from core.errors import SimulationError
from simulations.statistics.tail import (
    Estimate,
    effective_paths,
    expected_shortfall,
    mean,
    paths_for,
    probability,
    shortfall_and_error,
    tail_scores,
    value_at_risk,
)

Figure = Callable[..., Estimate]
LEVEL = 0.975
TRUE_VAR = float(stats.norm.ppf(LEVEL))
TRUE_SHORTFALL = float(stats.norm.pdf(TRUE_VAR)) / (1 - LEVEL)


def share_that_holds(truth: float, estimates: list[Estimate]) -> float:
    return float(np.mean([e.low <= truth <= e.high for e in estimates]))


def test_the_quantile_is_the_smallest_loss_that_enough_paths_stay_within() -> None:
    losses = np.arange(1.0, 1001.0)
    assert value_at_risk(losses, 0.99).value == 990.0
    assert value_at_risk(losses[::-1], 0.99).value == 990.0


def test_the_shortfall_counts_a_part_of_the_path_at_the_quantile() -> None:
    # 2.5 % of 60 paths is one and a half: the worst, and half of the second worst
    losses = np.array([0.0] * 58 + [2.0, 8.0])
    assert expected_shortfall(losses, LEVEL).value == pytest.approx((8.0 + 0.5 * 2.0) / 1.5)


def test_equal_weights_are_no_weights() -> None:
    losses = np.random.default_rng(1).standard_normal(5_000)
    equal = np.ones(losses.size)
    assert expected_shortfall(losses, LEVEL, weights=equal) == expected_shortfall(losses, LEVEL)
    assert value_at_risk(losses, LEVEL, weights=equal).value == pytest.approx(
        value_at_risk(losses, LEVEL).value, abs=0.02
    )


@pytest.mark.parametrize(
    ("figure", "truth"), [(value_at_risk, TRUE_VAR), (expected_shortfall, TRUE_SHORTFALL)], ids=["var", "es"]
)
def test_nineteen_of_twenty_intervals_hold_the_truth(figure: Figure, truth: float) -> None:
    rng = np.random.default_rng(7)
    found = [figure(rng.standard_normal(4_000), LEVEL) for _ in range(400)]
    assert 0.92 <= share_that_holds(truth, found) <= 0.98
    assert np.mean([e.value for e in found]) == pytest.approx(truth, rel=0.01)


@pytest.mark.parametrize(
    ("figure", "truth"), [(value_at_risk, TRUE_VAR), (expected_shortfall, TRUE_SHORTFALL)], ids=["var", "es"]
)
def test_so_do_weighted_ones_and_they_are_narrower(figure: Figure, truth: float) -> None:
    """Draws around 2 instead of 0, weighted by the likelihood ratio exp(2 - 2 x)."""
    rng = np.random.default_rng(8)
    shifted = [rng.standard_normal(4_000) + 2.0 for _ in range(400)]
    found = [figure(x, LEVEL, weights=np.exp(2.0 - 2.0 * x)) for x in shifted]
    assert 0.91 <= share_that_holds(truth, found) <= 0.98
    plain = figure(rng.standard_normal(4_000), LEVEL)
    assert np.median([e.high - e.low for e in found]) < 0.6 * (plain.high - plain.low)


def test_the_tail_of_ten_losses_by_hand() -> None:
    """Losses 0 to 9 at level 0.75: the worst two and a half are (9 + 8 + 7 / 2) / 2.5 on average."""
    losses = np.arange(10.0)
    assert value_at_risk(losses, 0.75, weights=np.ones(10)).value == 7.0
    assert expected_shortfall(losses, 0.75).value == pytest.approx(8.2)
    assert tail_scores(losses, 0.75).mean() == pytest.approx(8.2)


def test_no_interval_of_a_loss_that_is_never_negative_reaches_below_zero() -> None:
    """Two bad paths of a thousand: the plain interval of the shortfall would begin below zero."""
    losses = np.zeros(1_000)
    losses[:2] = 10.0, 1.0
    value, error = shortfall_and_error(losses, LEVEL)
    found = expected_shortfall(losses, LEVEL)
    assert value - 1.96 * error < 0 < found.low < value < found.high
    assert mean(losses).low == 0.0
    assert not expected_shortfall(losses, LEVEL).holds_zero
    nothing = expected_shortfall(np.zeros(100), LEVEL)
    assert (nothing.low, nothing.value, nothing.high) == (0.0, 0.0, 0.0)


def test_nineteen_of_twenty_log_intervals_hold_the_shortfall_of_rare_exponential_losses() -> None:
    """One path in fifty loses, exponentially: all of it lies beyond 97.5 %, whose mean is 0.02 / 0.025."""
    rng = np.random.default_rng(9)
    found = []
    for _ in range(400):
        hit = rng.random(4_000) < 0.02
        found.append(expected_shortfall(hit * rng.standard_exponential(4_000), LEVEL))
    assert 0.92 <= share_that_holds(0.8, found) <= 0.98
    assert min(estimate.low for estimate in found) > 0


def test_weights_that_do_not_reach_the_level_are_refused() -> None:
    """All weights a thousandth: the paths stand for one in a thousand, not for the worst hundredth."""
    with pytest.raises(SimulationError, match=r"does not reach level 0\.99") as refused:
        expected_shortfall(np.arange(100.0), 0.99, weights=np.full(100, 1e-3))
    assert refused.value.hint


def test_effective_paths_of_equal_weights_are_all_of_them() -> None:
    assert effective_paths(np.full(50, 0.3)) == pytest.approx(50.0)


def test_wilson_s_interval_is_no_point_when_nothing_happened() -> None:
    estimate = probability(np.zeros(1_000, dtype=bool))
    assert (estimate.value, estimate.low) == (0.0, 0.0)
    assert estimate.high == pytest.approx(0.00383, abs=1e-5)


def test_a_mean_and_its_interval() -> None:
    """Kurtosis 1.5 means 2 x 3 / 0.5 = 12 degrees, whose 97.5 % quantile is 2.178813."""
    estimate = mean(np.array([1.0, 2.0, 3.0]))
    half = 2.178813 * np.sqrt(2 / 9)
    assert (estimate.value, estimate.high) == pytest.approx((2.0, 2.0 + half), rel=1e-6)
    assert Estimate(0.1, -0.1, 0.3).holds_zero


def test_a_mean_that_one_path_carries_is_hardly_known() -> None:
    """One path of a thousand: kurtosis about 1,000, two degrees, and a quantile of 4.3 instead of 1.96."""
    values = np.zeros(1_000)
    values[0] = -1.0
    found = mean(values)
    assert (found.high - found.value) / (values.std() / 1_000**0.5) == pytest.approx(4.303, rel=0.01)


def test_four_times_the_paths_halve_the_interval() -> None:
    losses = np.random.default_rng(3).standard_normal(10_000)
    found = expected_shortfall(losses, LEVEL)
    half = (found.high - found.low) / 2
    assert paths_for(half / 2, losses, LEVEL) == pytest.approx(40_000, abs=1)


@pytest.mark.parametrize(
    ("losses", "level", "weights"),
    [
        (np.array([]), 0.95, None),
        (np.array([[1.0]]), 0.95, None),
        (np.array([1.0, np.nan]), 0.95, None),
        (np.array([1.0, np.inf]), 0.95, None),
        (np.array([1.0, 2.0]), 1.0, None),
        (np.array([1.0, 2.0]), 0.0, None),
        (np.array([1.0, 2.0]), 0.95, np.array([1.0])),
        (np.array([1.0, 2.0]), 0.95, np.array([1.0, -1.0])),
        (np.array([1.0, 2.0]), 0.95, np.array([0.0, 0.0])),
    ],
)
def test_bad_samples_are_named(losses: np.ndarray, level: float, weights: np.ndarray | None) -> None:
    with pytest.raises(SimulationError):
        value_at_risk(losses, level, weights=weights)
    with pytest.raises(SimulationError):
        expected_shortfall(losses, level, weights=weights)
