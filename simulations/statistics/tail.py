"""Tail figures of a sample of losses, each with its Monte Carlo interval.

A loss is positive when money is lost.  ``weights`` are likelihood ratios of importance sampling, one in
expectation; without them every path counts the same.

A loss that is never negative has no interval that reaches below zero: that of an expected shortfall is laid
over its logarithm then, that of a mean is cut off at zero.

Sources: the interval of a quantile from order statistics (David and Nagaraja 2003, section 7.1; weighted: by
the right tail, Glynn 1996); expected shortfall and its standard error by the excess over the quantile
(Rockafellar and Uryasev 2000; Manistre and Hancock 2005; weighted: Hong, Hu and Liu 2014); Student's t where
few paths carry a mean (Satterthwaite 1946); the interval of a probability from Wilson 1927.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from core.errors import SimulationError

CONFIDENCE = 0.95
LARGEST_LOG = 50.0
Weights: TypeAlias = NDArray[np.float64] | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and the ends of its 95 % Monte Carlo interval, in the unit of the losses."""

    value: float
    low: float
    high: float

    @property
    def holds_zero(self) -> bool:
        """Whether zero lies inside the interval: then nothing is known of the sign."""
        return self.low <= 0 <= self.high


def value_at_risk(losses: NDArray[np.float64], level: float, *, weights: Weights = None) -> Estimate:
    """Return the ``level`` quantile of losses, shape (path,).

    >>> value_at_risk(np.arange(1.0, 101.0), 0.95).value
    95.0

    Raises:
        SimulationError: losses are empty or not finite, the level is not inside (0, 1), weights do not fit.
    """
    ordered, shares = _ordered(losses, weights)
    _require_level(level)
    share = 1 - level
    if weights is None:
        count = len(ordered)
        low, high = stats.binom.interval(CONFIDENCE, count, level)
        below, above = (float(ordered[int(np.clip(rank, 0, count - 1))]) for rank in (low - 1, high))
        return Estimate(_quantile(ordered, shares, share), below, above)
    in_tail = _beyond(shares) < share
    half = _z() * float(np.sqrt(max(0.0, np.sum(shares[in_tail] ** 2) - share**2 / len(shares))))
    shares_above = (share, share + half, max(0.0, share - half))
    return Estimate(*(_quantile(ordered, shares, above) for above in shares_above))


def expected_shortfall(losses: NDArray[np.float64], level: float, *, weights: Weights = None) -> Estimate:
    """Return the mean of losses beyond the ``level`` quantile.

    >>> round(expected_shortfall(np.array([0.0] * 38 + [1.0, 3.0]), 0.95).value, 9)
    2.0
    """
    value, excess = _shortfall(losses, level, weights)
    half = _half_width(excess, CONFIDENCE)
    if value > 0 and losses.min() >= 0:
        factor = float(np.exp(min(half / value, LARGEST_LOG)))
        return Estimate(value, value / factor, value * factor)
    return Estimate(value, value - half, value + half)


def shortfall_and_error(
    losses: NDArray[np.float64], level: float, *, weights: Weights = None
) -> tuple[float, float]:
    """Return expected shortfall and its standard error; arguments and errors as :func:`value_at_risk`."""
    value, excess = _shortfall(losses, level, weights)
    return value, float(excess.std() / np.sqrt(excess.size))


def tail_scores(losses: NDArray[np.float64], level: float, *, weights: Weights = None) -> NDArray[np.float64]:
    """Return one number per path whose (weighted) mean is the expected shortfall.

    The difference of two candidates' scores on common paths has the paired error of their shortfalls: that
    of the quantile does not enter to first order (Hong, Hu and Liu 2014).
    """
    ordered, shares = _ordered(losses, weights)
    _require_level(level)
    quantile = _quantile(ordered, shares, 1 - level)
    return np.asarray(quantile + np.maximum(losses - quantile, 0.0) / (1 - level))


def mean(values: NDArray[np.float64], *, weights: Weights = None, confidence: float = CONFIDENCE) -> Estimate:
    """Return the mean and its interval, by Student's t where few paths carry it."""
    ordered, shares = _ordered(values, weights)
    weighted = len(shares) * shares * ordered
    value = float(weighted.mean())
    half = _half_width(weighted, confidence)
    low = max(0.0, value - half) if values.min() >= 0 else value - half
    return Estimate(value, low, value + half)


def effective_paths(weights: NDArray[np.float64]) -> float:
    """Return how many plain paths the weights are worth, the square of their sum over the sum of squares.

    >>> effective_paths(np.array([1.0, 1.0, 0.0]))
    2.0
    """
    return float(weights.sum() ** 2 / (weights**2).sum())


def probability(events: NDArray[np.bool_], *, weights: Weights = None) -> Estimate:
    """Return how likely an event is; without weights by Wilson's interval, which is right at 0 events too.

    >>> round(probability(np.zeros(100, dtype=bool)).high, 4)
    0.037
    """
    if weights is not None:
        estimate = mean(events.astype(np.float64), weights=weights)
        return Estimate(estimate.value, max(0.0, estimate.low), min(1.0, estimate.high))
    if events.size == 0:
        raise SimulationError("no path", allowed="at least one")
    found = stats.binomtest(int(events.sum()), events.size)
    interval = found.proportion_ci(CONFIDENCE, method="wilson")
    return Estimate(float(events.mean()), float(interval.low), float(interval.high))


def paths_for(half_width: float, losses: NDArray[np.float64], level: float) -> int:
    """Return how many paths bring the interval of expected shortfall to ``half_width`` on either side."""
    now = _half_width(_shortfall(losses, level, None)[1], CONFIDENCE)
    if half_width <= 0:
        raise SimulationError(f"half width was {half_width}", allowed="above zero")
    return int(np.ceil(len(losses) * (now / half_width) ** 2))


def _shortfall(
    losses: NDArray[np.float64], level: float, weights: Weights
) -> tuple[float, NDArray[np.float64]]:
    """Return expected shortfall, and each path's contribution to it beyond the quantile."""
    ordered, shares = _ordered(losses, weights)
    _require_level(level)
    share = 1 - level
    quantile = _quantile(ordered, shares, share)
    excess = len(shares) * shares * np.maximum(ordered - quantile, 0.0) / share
    return quantile + float(excess.mean()), excess


def _half_width(values: NDArray[np.float64], confidence: float) -> float:
    """Return half the interval of a mean.

    The variance is itself an estimate, and a poor one where a handful of paths carries it: its degrees of
    freedom are 2 n / (kurtosis - 1) (Satterthwaite 1946), about n for normal values and 2 when one path of
    many differs from the rest.
    """
    centred = values - values.mean()
    variance = float((centred**2).mean())
    if variance == 0 or values.size < 2:
        return 0.0
    scaled = centred / np.sqrt(variance)
    kurtosis = float((scaled**4).mean())
    degrees = 2 * values.size / max(kurtosis - 1, 1e-9)
    quantile = float(stats.t.ppf((1 + confidence) / 2, degrees))
    return quantile * float(np.sqrt(variance / values.size))


def _ordered(
    losses: NDArray[np.float64], weights: Weights
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if losses.ndim != 1 or losses.size == 0:
        raise SimulationError(f"losses had shape {losses.shape}", allowed="(path,), at least one path")
    if not np.isfinite(losses).all():
        raise SimulationError("a loss is not a finite number", allowed="finite losses only")
    order = np.argsort(losses, kind="stable")
    if weights is None:
        return losses[order], np.full(losses.size, 1.0 / losses.size)
    if weights.shape != losses.shape or not np.isfinite(weights).all() or weights.min() < 0:
        raise SimulationError(
            f"weights had shape {weights.shape}", allowed=f"{losses.shape}, finite and not negative"
        )
    if weights.sum() <= 0:
        raise SimulationError("all weights are zero", allowed="some weight above zero")
    return losses[order], weights[order] / weights.size


def _beyond(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much probability lies above each of the ascending losses."""
    return np.asarray(np.cumsum(shares[::-1])[::-1] - shares)


def _quantile(ordered: NDArray[np.float64], shares: NDArray[np.float64], above: float) -> float:
    """Return the smallest loss that is exceeded with at most this probability.

    Raises:
        SimulationError: all weights together do not come to that probability.
    """
    reached = float(shares.sum())
    if reached <= above:
        raise SimulationError(
            f"the weights add up to {reached:.3g}, which does not reach level {1 - above:g}",
            allowed=f"more than {above:.3g}",
            hint="tilt less, or draw more paths",
        )
    return float(ordered[int(np.argmax(_beyond(shares) <= above + 1e-12))])


def _require_level(level: float) -> None:
    if not 0 < level < 1:
        raise SimulationError(f"level was {level}", allowed="inside (0, 1), such as 0.99")


def _z() -> float:
    return float(stats.norm.ppf((1 + CONFIDENCE) / 2))
