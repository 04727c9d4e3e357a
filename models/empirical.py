"""Filtered historical simulation: past shocks, scaled to today's volatility, with a GPD tail.

Standardised returns (each over the EWMA forecast made before it) are drawn in blocks; a draw in the
lower tail is replaced by one from the generalised Pareto distribution fitted to that tail.

Sources: Barone-Adesi, Giannopoulos and Vosper 1999 (filtered historical simulation); McNeil and Frey
2000 (peaks over threshold on residuals); Politis and Romano 1994 (blocks).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from core.market import PriceHistory
from core.ports import TrainingProgress
from core.recommendation import ForecastQuantile
from models.features import ewma_variance, hourly_returns
from models.fitted import state_bytes
from models.quantiles import path_quantiles

MINIMUM_RETURNS = 500
QUANTILE_PATHS = 4_000
TAIL_SHARE = 0.025
BLOCK_HOURS = 4
LARGEST_SHAPE = 0.5
"""A shape of 0.5 is a tail of infinite variance; an estimate above is cut there."""


@dataclass(frozen=True, slots=True, eq=False)
class TailSample:
    """Standardised returns, and the tail below ``-threshold``: GPD of ``shape`` and ``scale``."""

    residuals: NDArray[np.float64]
    threshold: float
    shape: float
    scale: float
    long_run_variance: float


class FilteredHistory:
    """Past shocks at today's volatility, with a fitted lower tail."""

    name = "filtered-history"
    family = "empirical"

    def __init__(self, half_life_hours: float = 120.0) -> None:
        self.half_life_hours = half_life_hours
        self.sample: TailSample | None = None

    def fit(
        self, history: PriceHistory, *, seed: int, report: Callable[[TrainingProgress], None] | None = None
    ) -> None:
        """Standardise the sample and fit its lower tail (``seed`` is not used)."""
        returns = hourly_returns(history, at_least=MINIMUM_RETURNS)
        long_run = float(np.mean(returns**2))
        variance = ewma_variance(returns, half_life=self.half_life_hours, start=long_run)
        residuals = returns[1:] / np.sqrt(variance[:-1])
        threshold, shape, scale = _fit_tail(residuals)
        self.sample = TailSample(residuals, threshold, shape, scale, long_run)

    def log_returns(self, history: PriceHistory, *, steps: int, paths: int, seed: int) -> NDArray[np.float64]:
        """Return blocks of past shocks at the volatility after the last bar, shape (path, step)."""
        sample = self._fitted()
        rng = np.random.default_rng(seed)
        blocks = -(-steps // BLOCK_HOURS)
        starts = rng.integers(0, len(sample.residuals) - BLOCK_HOURS, (paths, blocks, 1))
        shocks = sample.residuals[starts + np.arange(BLOCK_HOURS)].reshape(paths, -1)[:, :steps]
        shocks = _with_tail(shocks, sample, rng=rng)
        return np.ascontiguousarray(shocks * self.hourly_variance(history) ** 0.5)

    def hourly_variance(self, history: PriceHistory) -> float:
        """Return the variance forecast for the next hour."""
        sample = self._fitted()
        returns = hourly_returns(history, at_least=1)
        start = sample.long_run_variance
        return float(ewma_variance(returns, half_life=self.half_life_hours, start=start)[-1])

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
        sample = self._fitted()
        fields = {field.name: getattr(sample, field.name) for field in dataclass_fields(sample)}
        return state_bytes(self.name, {"half_life_hours": self.half_life_hours, **fields})

    def describe(self) -> dict[str, str]:
        """Return what a model card needs."""
        if self.sample is None:
            return {"model": "filtered historical simulation", "state": "not fitted"}
        return {
            "model": "filtered historical simulation, GPD tail",
            "half_life_hours": f"{self.half_life_hours:g}",
            "tail_threshold": f"{self.sample.threshold:.3f}",
            "tail_shape": f"{self.sample.shape:.3f}",
            "observations": str(len(self.sample.residuals)),
        }

    def _fitted(self) -> TailSample:
        if self.sample is None:
            raise ModelError("filtered-history was asked before it was fitted", hint="call fit first")
        return self.sample


def _fit_tail(residuals: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return threshold, shape and scale of the losses' tail (peaks over threshold)."""
    from scipy.stats import genpareto

    losses = -residuals
    threshold = float(np.quantile(losses, 1 - TAIL_SHARE))
    shape, _, scale = genpareto.fit(losses[losses > threshold] - threshold, floc=0.0)
    return threshold, float(min(max(shape, 0.0), LARGEST_SHAPE)), float(scale)


def _with_tail(
    shocks: NDArray[np.float64], sample: TailSample, *, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Replace each shock below the threshold by a draw from the fitted tail."""
    uniform = rng.random(shocks.shape)
    if sample.shape > 1e-9:
        excess = sample.scale / sample.shape * ((1 - uniform) ** -sample.shape - 1)
    else:
        excess = -sample.scale * np.log1p(-uniform)
    return np.where(shocks < -sample.threshold, -(sample.threshold + excess), shocks)
