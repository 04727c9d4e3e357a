"""Coverage tests, scores and comparisons, each held to an example of its source."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from core.errors import SimulationError
from simulations.statistics.comparison import (
    best_of_nothing,
    deflated_sharpe,
    paired_bootstrap,
    trial_statistics,
)
from simulations.statistics.coverage import (
    conditional_coverage,
    coverage,
    independence,
    kupiec,
    kupiec_power,
    traffic_light,
)
from simulations.statistics.scores import compare_scores, fz0_scores, quantile_scores, shortfall_statistic

# ---- coverage


def test_jorion_s_bank_had_too_many() -> None:
    """JP Morgan 1998: 20 exceedances in 252 days at 95 % (Jorion, chapter 6)."""
    test = kupiec(252, 20, 0.05)
    assert test.statistic == pytest.approx(3.91, abs=0.005)
    assert test.is_rejected


@pytest.mark.parametrize(
    ("rate", "periods", "first", "last"),
    [
        (0.01, 510, 2, 10),
        (0.01, 1_000, 5, 16),
        (0.025, 255, 3, 11),
        (0.025, 1_000, 16, 35),
        (0.05, 255, 7, 20),
        (0.05, 510, 17, 35),
        (0.05, 1_000, 38, 64),
    ],
)
def test_kupiec_s_regions(rate: float, periods: int, first: int, last: int) -> None:
    """Numbers of failures that do not reject (Kupiec 1995; Jorion, table 6-2)."""
    kept = [n for n in range(periods // 5) if not kupiec(periods, n, rate).is_rejected]
    assert (min(kept), max(kept)) == (first, last)


def test_christoffersen_s_ratio_from_counts() -> None:
    """218 calm pairs, 14 each way, 6 pairs of two: 9.53 (Jorion, chapter 6)."""
    hits = [True] * 7 + [False]  # six pairs of two, and one way out
    rest = ([True] + [False] * 2) * 13
    days = np.array([False] + hits + rest + [False] * (253 - 1 - len(hits) - len(rest)))
    test = independence(days)
    assert test.statistic == pytest.approx(9.53, abs=0.005)
    joint = conditional_coverage(days[:-1], 0.05)
    assert joint.statistic == pytest.approx(3.91 + 9.53, abs=0.05)
    assert joint.is_rejected
    assert joint.degrees == 2


def test_the_basel_zones() -> None:
    zones = [traffic_light(250, count, 0.01) for count in (0, 4, 5, 9, 10)]
    assert zones == ["green", "green", "yellow", "yellow", "red"]


def test_power_is_what_simulation_finds() -> None:
    rng = np.random.default_rng(5)
    counts = rng.binomial(250, 0.02, 20_000)
    found = np.mean([kupiec(250, int(n), 0.01).is_rejected for n in counts])
    assert kupiec_power(250, 0.01, true_rate=0.02) == pytest.approx(float(found), abs=0.01)


def test_the_tests_reject_as_often_as_they_say() -> None:
    rng = np.random.default_rng(6)
    rejected = np.zeros(3)
    for _ in range(600):
        found = coverage(rng.random(500) < 0.05, 0.05)
        rejected += [found.kupiec.is_rejected, found.independence.is_rejected, found.conditional.is_rejected]
    assert (rejected / 600 < 0.10).all()


@pytest.mark.parametrize(("flags", "rate"), [(np.array([True]), 0.05), (np.ones(9, dtype=bool), 1.0)])
def test_bad_histories_are_named(flags: np.ndarray, rate: float) -> None:
    with pytest.raises(SimulationError):
        coverage(flags, rate)


# ---- scores


def normal_forecast(level: float, count: int, *, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    var = float(stats.norm.ppf(level))
    return np.full(count, scale * var), np.full(count, scale * float(stats.norm.pdf(var)) / (1 - level))


def test_the_true_forecast_has_the_best_scores() -> None:
    losses = np.random.default_rng(2).standard_normal(200_000)
    scores = {}
    for scale in (0.8, 1.0, 1.25):
        var, shortfall = normal_forecast(0.975, losses.size, scale=scale)
        joint = fz0_scores(losses, var, shortfall, level=0.975).mean()
        scores[scale] = (quantile_scores(losses, var, 0.975).mean(), joint)
    assert all(scores[1.0][i] < min(scores[0.8][i], scores[1.25][i]) for i in (0, 1))


def test_a_shortfall_that_is_too_low_shows_in_z2() -> None:
    losses = np.random.default_rng(3).standard_normal(200_000)
    var, shortfall = normal_forecast(0.975, losses.size)
    assert shortfall_statistic(losses, var, shortfall, level=0.975) == pytest.approx(0.0, abs=0.05)
    assert shortfall_statistic(losses, var, 0.8 * shortfall, level=0.975) == pytest.approx(-0.25, abs=0.07)


def test_z2_s_critical_value() -> None:
    """-0.70 at 5 % for 250 periods at 97.5 % (Acerbi and Szekely 2014, table 4)."""
    rng = np.random.default_rng(4)
    var, shortfall = normal_forecast(0.975, 250)
    found = [
        shortfall_statistic(rng.standard_normal(250), var, shortfall, level=0.975) for _ in range(20_000)
    ]
    assert np.quantile(found, 0.05) == pytest.approx(-0.70, abs=0.02)


def test_diebold_and_mariano_reject_one_equal_pair_in_twenty() -> None:
    rng = np.random.default_rng(9)
    found = [compare_scores(rng.standard_normal(80), rng.standard_normal(80)) for _ in range(2_000)]
    assert np.mean([d.p_value < 0.05 for d in found]) == pytest.approx(0.05, abs=0.015)
    better = compare_scores(rng.standard_normal(400), rng.standard_normal(400) + 0.5)
    assert better.mean < 0
    assert better.p_value < 0.001


def test_scores_that_never_differ_say_nothing() -> None:
    assert compare_scores(np.ones(9), np.ones(9)).p_value == 1.0


def test_bad_forecasts_are_named() -> None:
    losses = np.ones(4)
    for bad in (np.zeros(4), np.full(4, 0.5)):
        with pytest.raises(SimulationError, match="expected shortfall"):
            fz0_scores(losses, np.ones(4), bad, level=0.975)
    with pytest.raises(SimulationError, match="shapes"):
        quantile_scores(losses, np.ones(3), 0.95)
    with pytest.raises(SimulationError, match="finite"):
        quantile_scores(np.array([np.nan]), np.ones(1), 0.95)
    with pytest.raises(SimulationError, match="horizon"):
        compare_scores(losses, losses, horizon=4)


# ---- comparison


def test_bailey_and_lopez_de_prado_s_example() -> None:
    """Sharpe 2.5 a year over 1 250 days, the best of 100 trials: not significant; of 46 it would be."""
    example = {"periods": 1_250, "variance": 0.5 / 250, "skewness": -3.0, "kurtosis": 10.0}
    assert best_of_nothing(100, 0.5 / 250) == pytest.approx(0.1132, abs=5e-5)
    assert deflated_sharpe(2.5 / 250**0.5, trials=100, **example) == pytest.approx(0.9004, abs=5e-4)  # type: ignore[arg-type]
    assert deflated_sharpe(2.5 / 250**0.5, trials=46, **example) == pytest.approx(0.9505, abs=5e-4)  # type: ignore[arg-type]


def autoregressive(rng: np.random.Generator, count: int) -> np.ndarray:
    noise, values = rng.standard_normal(count), np.zeros(count)
    for i in range(1, count):
        values[i] = 0.5 * values[i - 1] + noise[i]
    return values


def test_a_difference_that_is_noise_is_no_change_nineteen_times_in_twenty() -> None:
    rng = np.random.default_rng(10)
    found = [
        paired_bootstrap(autoregressive(rng, 300), np.zeros(300), seed=n, resamples=300).decision
        for n in range(100)
    ]
    assert found.count("no change") >= 85


def test_a_real_gain_is_seen_and_a_loss_too() -> None:
    rng = np.random.default_rng(11)
    noise = autoregressive(rng, 500)
    assert paired_bootstrap(noise + 1.0, np.zeros(500), seed=1).decision == "better"
    assert paired_bootstrap(noise, np.full(500, 1.0), seed=1).decision == "worse"


def test_the_bootstrap_is_the_same_for_the_same_seed_and_a_constant_gain_is_certain() -> None:
    noise = autoregressive(np.random.default_rng(12), 100)
    assert paired_bootstrap(noise, 0 * noise, seed=3) == paired_bootstrap(noise, 0 * noise, seed=3)
    constant = paired_bootstrap(np.full(9, 2.0), np.zeros(9), seed=0)
    assert (constant.difference.low, constant.difference.high) == (2.0, 2.0)


def test_moments_of_a_policy() -> None:
    sharpe, skewness, kurtosis = trial_statistics(np.array([1.0, 2.0, 3.0]))
    assert (sharpe, skewness, kurtosis) == pytest.approx((2.0, 0.0, 1.5))


def test_bad_comparisons_are_named() -> None:
    with pytest.raises(SimulationError, match="shapes"):
        paired_bootstrap(np.ones(7), np.ones(7), seed=0)
    with pytest.raises(SimulationError, match="finite"):
        paired_bootstrap(np.full(9, np.nan), np.ones(9), seed=0)
    with pytest.raises(SimulationError, match="trials"):
        best_of_nothing(0, 1.0)
    with pytest.raises(SimulationError, match="vary"):
        trial_statistics(np.ones(5))
