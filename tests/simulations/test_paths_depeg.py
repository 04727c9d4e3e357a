"""Pegged assets: regimes, how a gap opens and closes, and the market's part in it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from core.errors import SimulationError
from simulations.paths.depeg import Pegged

HOUR = 3600
DAY = 24 * HOUR
STABLE = Pegged(
    name="USDX",
    start_price=1.0,
    breaks_per_year=365.0,
    mean_depth=0.05,
    half_life_seconds=6 * HOUR,
    mean_stay_seconds=math.inf,
)


def gaps(
    terms: Pegged, *, steps: int = 48, paths: int = 4_000, market: np.ndarray | None = None, **more: int
) -> np.ndarray:
    out = np.empty((steps, paths))
    fall = np.zeros((steps, paths)) if market is None else market
    given = {"number": 0, "step_seconds": HOUR, "seed": 1, "first_path": 0, "antithetic": False, **more}
    terms.fill_gaps(out, fall, **given)
    return out


def test_a_peg_breaks_as_often_as_its_rate_says() -> None:
    """Once a day: after a day e^-1 of the paths are still pegged."""
    pegged = (gaps(STABLE) == 0).mean(axis=1)
    assert pegged == pytest.approx(np.exp(-np.arange(1, 49) / 24), abs=0.025)


def test_the_gap_opens_downwards_by_an_exponential_depth() -> None:
    first = gaps(STABLE, paths=40_000)[0]
    opened = -first[first < 0]
    assert (first <= 0).all() and len(opened) > 1_000
    assert opened.mean() == pytest.approx(0.05, rel=0.06)
    assert opened.std() == pytest.approx(0.05, rel=0.1)


def test_an_open_gap_halves_in_its_half_life() -> None:
    drawn = gaps(replace(STABLE, breaks_per_year=0.0, start_gap=-0.08, starts_depegged=True), paths=3)
    assert drawn[[5, 11, 17]] == pytest.approx(np.array([[0.04], [0.02], [0.01]]) * -np.ones((1, 3)))


def test_back_at_the_peg_the_calm_half_life_holds() -> None:
    """An hour of stay at most: nearly all are back after a day, and then halve every hour."""
    terms = replace(
        STABLE,
        breaks_per_year=0.0,
        start_gap=-0.08,
        starts_depegged=True,
        mean_stay_seconds=HOUR,
        half_life_seconds=1e9,
    )
    drawn = gaps(terms)
    left = (drawn[0] > -0.079).mean()
    assert left == pytest.approx(1 - math.exp(-1), abs=0.03)
    assert drawn[47] == pytest.approx(drawn[46] / 2)


def test_in_each_regime_noise_has_its_long_run_deviation() -> None:
    for terms in (
        replace(STABLE, breaks_per_year=0.0, calm_deviation=0.002),
        replace(STABLE, starts_depegged=True, stress_deviation=0.002, half_life_seconds=HOUR),
    ):
        drawn = gaps(terms, steps=24)
        assert drawn[12:].std() == pytest.approx(0.002, rel=0.03)
        assert np.corrcoef(drawn[20], drawn[21])[0, 1] == pytest.approx(0.5, abs=0.04)


def test_a_fall_of_the_market_breaks_the_peg_by_its_share_and_a_rise_does_not() -> None:
    market = np.zeros((3, 4_000))
    market[1, :2_000], market[1, 2_000:] = -0.1, 0.1
    terms = replace(STABLE, breaks_per_year=0.0, market_entry_share=0.4)
    broken = gaps(terms, steps=3, market=market) < 0
    assert not broken[0].any() and not broken[:, 2_000:].any()
    assert broken[1, :2_000].mean() == pytest.approx(0.4, abs=0.04)


def test_both_reasons_to_break_are_independent() -> None:
    """1 - (1 - p)(1 - q): with p = 1 - e^-1 in a day's step and q = 0.5."""
    terms = replace(STABLE, market_entry_share=0.5)
    broken = gaps(terms, steps=1, paths=20_000, market=np.full((1, 20_000), -0.1), step_seconds=DAY) < 0
    assert broken.mean() == pytest.approx(1 - math.exp(-1) * 0.5, abs=0.012)


def test_gaps_do_not_depend_on_how_paths_are_split() -> None:
    terms = replace(STABLE, calm_deviation=0.001, mean_stay_seconds=DAY)
    for antithetic in (False, True):
        whole = gaps(terms, paths=100, antithetic=antithetic)
        parts = [
            gaps(terms, paths=40, antithetic=antithetic),
            gaps(terms, paths=60, first_path=40, antithetic=antithetic),
        ]
        assert np.array_equal(whole, np.concatenate(parts, axis=1))


def test_antithetic_neighbours_share_regimes_and_have_opposite_noise() -> None:
    quiet = gaps(STABLE, paths=200, antithetic=True)
    assert np.array_equal(quiet[:, 0::2], quiet[:, 1::2]) and quiet.min() < 0
    noisy = gaps(replace(STABLE, calm_deviation=0.01, breaks_per_year=0.0), paths=200, antithetic=True)
    assert noisy[:, 0::2] == pytest.approx(-noisy[:, 1::2], abs=1e-15)


def test_two_pegged_assets_break_on_their_own() -> None:
    first, second = gaps(STABLE), gaps(STABLE, number=1)
    assert abs(np.corrcoef(first[23] < 0, second[23] < 0)[0, 1]) < 0.05


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("start_price", 0.0),
        ("start_price", -1.0),
        ("start_price", math.nan),
        ("breaks_per_year", -1.0),
        ("mean_depth", 0.0),
        ("mean_depth", math.inf),
        ("half_life_seconds", 0.0),
        ("calm_half_life_seconds", math.nan),
        ("mean_stay_seconds", 0.0),
        ("mean_stay_seconds", math.nan),
        ("market_entry_share", 1.2),
        ("market_entry_share", -0.1),
        ("calm_deviation", -0.1),
        ("stress_deviation", math.nan),
        ("start_gap", math.inf),
    ],
)
def test_terms_that_are_no_peg_are_refused(field: str, value: float) -> None:
    with pytest.raises(SimulationError, match=field) as refused:
        replace(STABLE, **{field: value})
    assert refused.value.allowed
