"""EWMA, GARCH and filtered history: recursions by hand, parameters recovered, paths reproducible."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.errors import DataError, ModelError
from core.market import PriceHistory
from core.ports import RiskModel
from core.units import Bps
from models.closed_form import FormulaInputs, formula_ltv_bps
from models.empirical import FilteredHistory
from models.features import ewma_variance, hourly_returns
from models.quantiles import path_quantiles
from models.volatility import Ewma, GarchParameters, GarchT, garch_variances

MODELS = (Ewma, GarchT, FilteredHistory)


def history_of(returns: np.ndarray, *, bar_seconds: int = 3600) -> PriceHistory:
    closes = np.rint(2_000e8 * np.exp(np.concatenate([[0.0], np.cumsum(returns)]))).astype(np.int64)
    times = 1_600_000_000 // 3600 * 3600 + bar_seconds * np.arange(len(closes), dtype=np.int64)
    return PriceHistory("ETH", "exchange", bar_seconds, times, closes)


@pytest.fixture(scope="module")
def garch_history() -> PriceHistory:
    """6,000 hours of a known GARCH(1,1) with Student-t(6) shocks."""
    rng = np.random.default_rng(5)
    omega, alpha, beta, nu = 0.02, 0.08, 0.88, 6
    shocks = rng.standard_t(nu, 6_000) * ((nu - 2) / nu) ** 0.5
    variance, returns = omega / (1 - alpha - beta), []
    for shock in shocks:
        surprise = variance**0.5 * shock
        returns.append(surprise / 100)
        variance = omega + alpha * surprise**2 + beta * variance
    return history_of(np.array(returns))


def test_ewma_recursion_by_hand() -> None:
    """Half-life of one bar: each square counts half, the past the other half."""
    variance = ewma_variance(np.array([2.0, 4.0]), half_life=1.0, start=1.0)
    assert variance.tolist() == pytest.approx([2.5, 9.25])


def test_a_move_over_a_gap_is_left_out() -> None:
    history = history_of(np.full(10, 0.01))
    times = history.times.copy()
    times[5:] += 7_200
    assert len(hourly_returns(replace(history, times=times), at_least=1)) == 9


def test_garch_recovers_the_parameters_of_its_own_process(garch_history: PriceHistory) -> None:
    model = GarchT()
    model.fit(garch_history, seed=1)
    assert model.parameters is not None
    assert model.parameters.alpha == pytest.approx(0.08, abs=0.025)
    assert model.parameters.beta == pytest.approx(0.88, abs=0.05)
    assert model.parameters.nu == pytest.approx(6, abs=1.5)


def test_garch_recursion_by_hand() -> None:
    parameters = GarchParameters(mu=0.0, omega=0.1, alpha=0.2, beta=0.5, nu=5, observations=2)
    returns = np.array([0.01, 0.03])  # 1 % and 3 %; sample variance of (1, 3) is 1
    found = garch_variances(returns, parameters)
    assert found.tolist() == pytest.approx([0.1 + 0.2 * 1 + 0.5 * 1, 0.1 + 0.2 * 9 + 0.5 * 0.8])


@pytest.mark.parametrize("make", MODELS)
def test_each_is_a_risk_model(make: type) -> None:
    assert isinstance(make(), RiskModel)


@pytest.mark.parametrize("make", MODELS)
def test_paths_have_the_asked_shape_and_repeat(make: type, garch_history: PriceHistory) -> None:
    model = make()
    model.fit(garch_history, seed=1)
    first = model.log_returns(garch_history, steps=24, paths=500, seed=3)
    again = model.log_returns(garch_history, steps=24, paths=500, seed=3)
    other = model.log_returns(garch_history, steps=24, paths=500, seed=4)
    assert first.shape == (500, 24)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("make", MODELS)
def test_paths_spread_like_the_process(make: type, garch_history: PriceHistory) -> None:
    """The long-run hourly deviation is sqrt(0.02 / 0.04) = 0.71 %."""
    model = make()
    model.fit(garch_history, seed=1)
    paths = model.log_returns(garch_history, steps=24, paths=4_000, seed=3)
    assert 0.003 < paths.std() < 0.015


@pytest.mark.parametrize("make", MODELS)
def test_quantiles_ascend_with_the_level(make: type, garch_history: PriceHistory) -> None:
    model = make()
    model.fit(garch_history, seed=1)
    found = model.quantiles(garch_history, horizons=(1, 24), levels_bps=(2_50, 50_00, 97_50), seed=1)
    for horizon in (1, 24):
        values = [q.value_e8 for q in found if q.horizon_hours == horizon]
        assert values == sorted(values)
        assert values[0] < 0 < values[2]


@pytest.mark.parametrize("make", MODELS)
def test_wilder_prices_widen_the_forecast(make: type, garch_history: PriceHistory) -> None:
    model = make()
    model.fit(garch_history, seed=1)
    calm = hourly_returns(garch_history, at_least=1)
    wild = np.concatenate([calm, 3 * calm[-200:]])
    spread = [model.log_returns(history_of(r), steps=24, paths=2_000, seed=1).std() for r in (calm, wild)]
    assert spread[1] > 1.5 * spread[0]


@pytest.mark.parametrize("make", MODELS)
def test_asking_before_fitting_is_refused(make: type, garch_history: PriceHistory) -> None:
    with pytest.raises(ModelError, match="before it was fitted"):
        make().log_returns(garch_history, steps=1, paths=1, seed=1)


@pytest.mark.parametrize("make", MODELS)
def test_daily_bars_are_refused(make: type, garch_history: PriceHistory) -> None:
    daily = replace(garch_history, bar_seconds=86_400)
    with pytest.raises(DataError, match="bars of 86400 s"):
        make().fit(daily, seed=1)


def test_garch_refuses_a_series_that_does_not_move() -> None:
    with pytest.raises(ModelError, match="did not converge"):
        GarchT().fit(history_of(np.zeros(800)), seed=1)


def test_the_lower_tail_goes_beyond_the_sample() -> None:
    """Student-t(3) losses: a fitted tail has a positive shape and draws worse than the worst seen."""
    rng = np.random.default_rng(8)
    history = history_of(0.005 * rng.standard_t(3, 3_000))
    model = FilteredHistory()
    model.fit(history, seed=1)
    assert model.sample is not None
    assert 0 < model.sample.shape <= 0.5
    drawn = model.log_returns(history, steps=24, paths=20_000, seed=1)
    scale = model.hourly_variance(history) ** 0.5
    assert drawn.min() / scale < model.sample.residuals.min()


def test_levels_that_do_not_ascend_are_refused() -> None:
    with pytest.raises(ModelError, match="levels were"):
        path_quantiles(np.zeros((10, 2)), horizons=(1,), levels_bps=(50_00, 25_00))


def test_the_formula_by_hand() -> None:
    """Four times the liquidity halves the exponent: exp(-2 x 0.05 / 2) - 5 % = 90.12 %."""
    inputs = FormulaInputs(0.05, liquidity_usd=400.0, debt_usd=100.0, bonus_bps=Bps(5_00))
    assert formula_ltv_bps(inputs) == 90_12


def test_the_formula_never_goes_below_zero() -> None:
    assert formula_ltv_bps(FormulaInputs(5.0, 1.0, 100.0, Bps(5_00))) == 0


@pytest.mark.parametrize("field", ["daily_volatility", "liquidity_usd", "debt_usd", "risk_level"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_the_formula_refuses_what_is_not_positive(field: str, value: float) -> None:
    good = {"daily_volatility": 0.05, "liquidity_usd": 1.0, "debt_usd": 1.0, "risk_level": 2.0}
    with pytest.raises(ModelError, match=field):
        FormulaInputs(**{**good, field: value}, bonus_bps=Bps(5_00))
