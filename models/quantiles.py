"""Quantiles of simulated paths: what every model reports of its forecast."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from core.recommendation import ForecastQuantile
from core.units import BPS_ONE, Bps

HORIZONS = (1, 4, 12, 24)
LEVELS_BPS = (1_00, 2_50, 5_00, 10_00, 25_00, 50_00, 75_00, 90_00, 95_00, 97_50, 99_00)
E8 = 10**8


def path_quantiles(
    log_returns: NDArray[np.float64], *, horizons: Sequence[int], levels_bps: Sequence[int]
) -> tuple[ForecastQuantile, ...]:
    """Return quantiles of the summed return over each horizon; ``log_returns`` is (path, step)."""
    check_levels(levels_bps)
    sums = np.cumsum(log_returns, axis=1)
    found = []
    for horizon in horizons:
        values = np.quantile(sums[:, horizon - 1], np.asarray(levels_bps) / BPS_ONE)
        found.extend(forecast_quantiles(horizon, levels_bps, values))
    return tuple(found)


def forecast_quantiles(
    horizon: int, levels_bps: Sequence[int], values: NDArray[np.float64]
) -> list[ForecastQuantile]:
    """Return values of one horizon as integers at 1e-8."""
    pairs = zip(levels_bps, values, strict=True)
    return [ForecastQuantile(horizon, Bps(level), round(float(value) * E8)) for level, value in pairs]


def check_levels(levels_bps: Sequence[int]) -> None:
    """Refuse levels that do not ascend strictly inside (0, 100 %)."""
    if list(levels_bps) != sorted(set(levels_bps)) or not all(0 < level < BPS_ONE for level in levels_bps):
        raise ModelError(f"levels were {list(levels_bps)}", allowed="ascending, between 0 and 10000")
