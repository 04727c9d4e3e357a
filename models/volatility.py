"""Volatility models: EWMA with normal shocks, and GARCH(1,1) with Student-t shocks.

Sources: RiskMetrics 1996 (EWMA); Bollerslev 1986, 1987 (GARCH, t); estimation by the ``arch`` library.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from core.market import PriceHistory
from core.ports import TrainingProgress
from core.recommendation import ForecastQuantile
from models.features import annual_volatility, ewma_variance, hourly_returns, recursion
from models.fitted import state_bytes
from models.quantiles import path_quantiles

MINIMUM_RETURNS = 500
QUANTILE_PATHS = 4_000
PERCENT = 100.0


class Ewma:
    """Exponentially weighted volatility with normal shocks, the plainest baseline."""

    name = "ewma"
    family = "formula"

    def __init__(self, half_life_hours: float = 72.0) -> None:
        self.half_life_hours = half_life_hours
        self._long_run: float | None = None

    def fit(
        self, history: PriceHistory, *, seed: int, report: Callable[[TrainingProgress], None] | None = None
    ) -> None:
        """Estimate the variance that the average starts from (``seed`` is not used)."""
        self._long_run = float(np.mean(hourly_returns(history, at_least=MINIMUM_RETURNS) ** 2))

    def hourly_variance(self, history: PriceHistory) -> float:
        """Return the variance forecast for the next hour."""
        if self._long_run is None:
            raise ModelError("ewma was asked before it was fitted", hint="call fit first")
        returns = hourly_returns(history, at_least=MINIMUM_RETURNS)
        return float(ewma_variance(returns, half_life=self.half_life_hours, start=self._long_run)[-1])

    def log_returns(self, history: PriceHistory, *, steps: int, paths: int, seed: int) -> NDArray[np.float64]:
        """Return independent normal returns with the forecast's variance, shape (path, step)."""
        deviation = self.hourly_variance(history) ** 0.5
        rng = np.random.default_rng(seed)
        shocks = rng.standard_normal((paths, steps))
        return np.asarray(deviation * shocks - 0.5 * deviation**2, dtype=np.float64)

    def quantiles(
        self, history: PriceHistory, *, horizons: Sequence[int], levels_bps: Sequence[int], seed: int
    ) -> tuple[ForecastQuantile, ...]:
        """Return simulated quantiles of the log return over each horizon."""
        paths = self.log_returns(history, steps=max(horizons), paths=QUANTILE_PATHS, seed=seed)
        return path_quantiles(paths, horizons=horizons, levels_bps=levels_bps)

    def fitted_state(self) -> bytes:
        """Return what the estimates come to, as canonical bytes.

        Raises:
            ModelError: the model has not been fitted.
        """
        if self._long_run is None:
            raise ModelError("ewma was asked before it was fitted", hint="call fit first")
        estimates = {"half_life_hours": self.half_life_hours, "long_run": self._long_run}
        return state_bytes(self.name, estimates)

    def describe(self) -> dict[str, str]:
        """Return what a model card needs."""
        long_run = "not fitted" if self._long_run is None else f"{annual_volatility(self._long_run):.4f}"
        return {
            "model": "EWMA, normal shocks",
            "half_life_hours": f"{self.half_life_hours:g}",
            "sample_volatility_per_year": long_run,
        }


@dataclass(frozen=True, slots=True)
class GarchParameters:
    """Estimates in percent returns: ``v' = omega + alpha e^2 + beta v``, shocks t with ``nu`` degrees."""

    mu: float
    omega: float
    alpha: float
    beta: float
    nu: float
    observations: int


class GarchT:
    """GARCH(1,1) with standardised Student-t shocks."""

    name = "garch-t"
    family = "parametric"

    def __init__(self) -> None:
        self.parameters: GarchParameters | None = None

    def fit(
        self, history: PriceHistory, *, seed: int, report: Callable[[TrainingProgress], None] | None = None
    ) -> None:
        """Estimate by maximum likelihood (``seed`` is not used).

        Raises:
            ModelError: the optimiser did not converge.
        """
        returns = hourly_returns(history, at_least=MINIMUM_RETURNS) * PERCENT
        self.parameters = _estimate(returns)
        if report is not None:
            report(TrainingProgress(self.name, 1, 1, 0.0, 0.0))

    def log_returns(self, history: PriceHistory, *, steps: int, paths: int, seed: int) -> NDArray[np.float64]:
        """Return paths that start from the variance after the last bar, shape (path, step)."""
        parameters = self._fitted()
        rng = np.random.default_rng(seed)
        scale = ((parameters.nu - 2) / parameters.nu) ** 0.5
        shocks = rng.standard_t(parameters.nu, (steps, paths)) * scale  # (step, path)
        variance = np.full(paths, self.next_variance(history))
        returns = np.empty((steps, paths))
        for step in range(steps):
            surprise = np.sqrt(variance) * shocks[step]
            returns[step] = parameters.mu + surprise
            variance = parameters.omega + parameters.alpha * surprise**2 + parameters.beta * variance
        return np.ascontiguousarray(returns.T / PERCENT)  # (path, step)

    def next_variance(self, history: PriceHistory) -> float:
        """Return the variance of the next hour's return, in percent squared."""
        parameters = self._fitted()
        returns = hourly_returns(history, at_least=MINIMUM_RETURNS) * PERCENT
        return float(_filter(returns - parameters.mu, parameters)[-1])

    def quantiles(
        self, history: PriceHistory, *, horizons: Sequence[int], levels_bps: Sequence[int], seed: int
    ) -> tuple[ForecastQuantile, ...]:
        """Return simulated quantiles of the log return over each horizon."""
        paths = self.log_returns(history, steps=max(horizons), paths=QUANTILE_PATHS, seed=seed)
        return path_quantiles(paths, horizons=horizons, levels_bps=levels_bps)

    def fitted_state(self) -> bytes:
        """Return what the estimates come to, as canonical bytes.

        Raises:
            ModelError: the model has not been fitted.
        """
        return state_bytes(self.name, asdict(self._fitted()))

    def describe(self) -> dict[str, str]:
        """Return what a model card needs."""
        if self.parameters is None:
            return {"model": "GARCH(1,1)-t", "state": "not fitted"}
        p = self.parameters
        return {
            "model": "GARCH(1,1)-t",
            "alpha": f"{p.alpha:.4f}",
            "beta": f"{p.beta:.4f}",
            "degrees_of_freedom": f"{p.nu:.2f}",
            "observations": str(p.observations),
        }

    def _fitted(self) -> GarchParameters:
        if self.parameters is None:
            raise ModelError("garch-t was asked before it was fitted", hint="call fit first")
        return self.parameters


TIGHT = {"ftol": 1e-13, "maxiter": 1_000}
"""The optimiser's path depends on the last bits of vector arithmetic; its end must not."""

HIGHEST_PERSISTENCE = 0.9999
CONVERGED = 0
NO_FURTHER_DESCENT = 8
"""SLSQP's mode when the last digits no longer allow an improvement: the end of a tight search."""


def _estimate(returns: NDArray[np.float64]) -> GarchParameters:
    """Estimate twice: once to arrive, and from there once more to the last digits."""
    from arch import arch_model

    if not returns.std() > 0:
        raise ModelError("GARCH(1,1)-t did not converge: the series does not move", allowed="moving prices")
    model = arch_model(returns, vol="GARCH", p=1, q=1, dist="t", rescale=False)
    near = model.fit(disp="off", show_warning=False)
    start = _inside(near.params.to_numpy()) if near.convergence_flag == CONVERGED else None
    fitted = model.fit(disp="off", show_warning=False, starting_values=start, options=TIGHT)
    flags = (near.convergence_flag, fitted.convergence_flag)
    if fitted.convergence_flag not in (CONVERGED, NO_FURTHER_DESCENT) and CONVERGED not in flags:
        raise ModelError(
            f"GARCH(1,1)-t did not converge (SLSQP mode {flags[1]})", hint="use a longer history"
        )
    if near.loglikelihood > fitted.loglikelihood:
        fitted = near
    values = fitted.params
    return GarchParameters(
        mu=float(values["mu"]),
        omega=float(values["omega"]),
        alpha=float(values["alpha[1]"]),
        beta=float(values["beta[1]"]),
        nu=float(values["nu"]),
        observations=len(returns),
    )


def _inside(estimates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (mu, omega, alpha, beta, nu) moved off the edge of what the optimiser may start from."""
    mu, omega, alpha, beta, nu = estimates
    alpha, beta = max(alpha, 1e-6), max(beta, 0.0)
    shrink = min(1.0, HIGHEST_PERSISTENCE / (alpha + beta))
    return np.array([mu, max(omega, 1e-9), alpha * shrink, beta * shrink, max(nu, 2.1)])


def _filter(residuals: NDArray[np.float64], parameters: GarchParameters) -> NDArray[np.float64]:
    """Return the variance forecast after each bar, from the sample variance on."""
    inputs = parameters.omega + parameters.alpha * residuals**2
    return recursion(inputs, decay=parameters.beta, start=float(np.var(residuals)))


def garch_variances(returns: NDArray[np.float64], parameters: GarchParameters) -> NDArray[np.float64]:
    """Return the variance forecast (percent squared) after each of ``returns`` (natural units)."""
    return _filter(returns * PERCENT - parameters.mu, parameters)
