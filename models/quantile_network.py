"""A network for the distribution of returns at several horizons, with quantiles that cannot cross.

Inputs (feature): logarithms of volatility over several windows relative to one of them, and the last
day's return in units of it.  Output: for each horizon the median and the distances between neighbouring
levels, each the sample's own distance times a positive factor, in units of the recent volatility times
the root of the horizon.

Beyond the outermost levels the tail is exponential with the slope of the last two levels.

Sources: Koenker and Bassett 1978 (pinball loss); Gasthaus et al. 2019, section 3 (monotone by
construction); Schefzik et al. 2013 (ensemble copula coupling: quantiles imposed on resampled paths).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.features import ewma_variance

if TYPE_CHECKING:
    from torch import Tensor

HORIZONS = (1, 4, 12, 24)
LEVELS = (0.005, 0.01, 0.025, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.975, 0.99, 0.995)
MEDIAN = LEVELS.index(0.50)
HALF_LIVES_HOURS = (6.0, 24.0, 72.0, 168.0, 504.0)
REFERENCE = HALF_LIVES_HOURS.index(72.0)
FEATURES = len(HALF_LIVES_HOURS)
WARM_UP_BARS = 168
SMALLEST_STEP = 1e-3


class QuantileNetwork(nn.Module):
    """Features to quantiles in units of recent volatility, shape (batch, horizon, level).

    It starts from the sample's own quantiles (``base_median`` and ``base_steps``, buffers) and learns
    how features stretch or shrink each distance: at most by ``e`` either way.
    """

    base_median: Tensor
    base_steps: Tensor

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        outputs = len(HORIZONS) * len(LEVELS)
        self.width = width
        last = nn.Linear(width, outputs)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(
            nn.Linear(FEATURES, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), last
        )
        self.register_buffer("base_median", torch.zeros(len(HORIZONS), 1))
        self.register_buffer("base_steps", torch.ones(len(HORIZONS), len(LEVELS)))

    def start_from(self, targets: Tensor) -> None:
        """Set the base to the quantiles of ``targets``, shape (batch, horizon)."""
        quantiles = torch.quantile(targets, torch.tensor(LEVELS), dim=0).T  # (horizon, level)
        steps = torch.ones_like(quantiles)
        steps[:, :MEDIAN] = quantiles[:, 1 : MEDIAN + 1] - quantiles[:, :MEDIAN]
        steps[:, MEDIAN + 1 :] = quantiles[:, MEDIAN + 1 :] - quantiles[:, MEDIAN:-1]
        self.base_median = quantiles[:, MEDIAN : MEDIAN + 1].clone()
        self.base_steps = steps.clamp(min=SMALLEST_STEP)

    def forward(self, features: Tensor) -> Tensor:
        """Return quantiles that ascend strictly along the last axis."""
        raw = torch.tanh(self.layers(features)).reshape(-1, len(HORIZONS), len(LEVELS))
        median = self.base_median + 0.2 * raw[..., MEDIAN : MEDIAN + 1]
        steps = self.base_steps * raw.exp()
        below = median - steps[..., :MEDIAN].flip(-1).cumsum(-1).flip(-1)
        above = median + steps[..., MEDIAN + 1 :].cumsum(-1)
        return torch.cat([below, median, above], dim=-1)


def features_of(
    returns: NDArray[np.float64], *, long_run: float
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return features (bar, feature) and hourly volatility (bar,), both known after each bar."""
    variances = np.stack(
        [ewma_variance(returns, half_life=h, start=long_run) for h in HALF_LIVES_HOURS], axis=1
    )  # (bar, window)
    unit = np.sqrt(variances[:, REFERENCE])
    ratios = 0.5 * np.log(
        np.maximum(variances, 1e-14) / np.maximum(variances[:, REFERENCE : REFERENCE + 1], 1e-14)
    )
    day = np.cumsum(np.concatenate([np.zeros(24), returns]))
    momentum = (day[24:] - day[:-24]) / (unit * 24**0.5)
    columns = [ratios[:, :REFERENCE], ratios[:, REFERENCE + 1 :], momentum[:, None]]
    return np.concatenate(columns, axis=1).astype(np.float32), unit


def targets_of(returns: NDArray[np.float64], unit: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the sums after each bar but the last 24, in units of volatility, shape (bar, horizon)."""
    total = np.concatenate([[0.0], np.cumsum(returns)])
    count = len(returns) - max(HORIZONS)
    columns = [
        (total[1 + h : 1 + h + count] - total[1 : 1 + count]) / (unit[:count] * h**0.5) for h in HORIZONS
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def pinball(quantiles: Tensor, targets: Tensor) -> Tensor:
    """Return the mean pinball loss; ``quantiles`` (batch, horizon, level), ``targets`` (batch, horizon)."""
    levels = torch.tensor(LEVELS, dtype=quantiles.dtype)
    error = targets.unsqueeze(-1) - quantiles
    return torch.maximum(levels * error, (levels - 1) * error).mean()


def quantile_function(
    levels: NDArray[np.float64], values: NDArray[np.float64], at: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the quantiles at probabilities ``at``: linear between levels, exponential beyond them."""
    inner = np.interp(at, levels, values)
    low_rate = (values[1] - values[0]) / np.log(levels[1] / levels[0])
    high_rate = (values[-1] - values[-2]) / np.log((1 - levels[-2]) / (1 - levels[-1]))
    low = values[0] + low_rate * np.log(np.maximum(at, 1e-12) / levels[0])
    high = values[-1] - high_rate * np.log(np.maximum(1 - at, 1e-12) / (1 - levels[-1]))
    return np.where(at < levels[0], low, np.where(at > levels[-1], high, inner))


def impose_quantiles(shocks: NDArray[np.float64], quantiles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return paths whose cumulative sums at each horizon have the given quantiles.

    Args:
        shocks: Resampled hourly returns, shape (path, step), at least 24 steps: they give the order of
            the paths and the shape inside each stretch.
        quantiles: Of the cumulative return, shape (horizon, level).
    """
    paths = shocks.copy()
    probabilities = (np.arange(len(paths)) + 0.5) / len(paths)
    levels = np.asarray(LEVELS)
    begin = 0
    for row, end in enumerate(HORIZONS):
        reached = paths[:, :end].sum(axis=1)
        order = np.argsort(reached, kind="stable")
        wanted = np.empty(len(paths))
        wanted[order] = quantile_function(levels, quantiles[row], probabilities)
        paths[:, begin:end] += ((wanted - reached) / (end - begin))[:, None]
        begin = end
    return paths
