"""Whether one policy is better than another, when several were tried and the periods depend on each other.

Sources: stationary bootstrap of Politis and Romano 1994 with the block length of Politis and White 2004 (both
from ``arch``); deflated Sharpe ratio of Bailey and Lopez de Prado 2014, whose example the tests hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from arch.bootstrap import StationaryBootstrap, optimal_block_length
from numpy.typing import NDArray
from scipy import stats

from core.errors import SimulationError
from simulations.statistics.tail import CONFIDENCE, Estimate

EULER = 0.5772156649015329


@dataclass(frozen=True, slots=True)
class Paired:
    """Mean difference of two policies over the same periods, with a bootstrap interval.

    ``decision`` says what follows: "no change" while the interval holds zero.
    """

    difference: Estimate
    block_length: int
    resamples: int

    @property
    def decision(self) -> str:
        """Return "better", "worse" or "no change", for a difference that is a gain when positive."""
        if self.difference.holds_zero:
            return "no change"
        return "better" if self.difference.value > 0 else "worse"


def paired_bootstrap(
    gains: NDArray[np.float64], rivals: NDArray[np.float64], *, seed: int, resamples: int = 2_000
) -> Paired:
    """Return the mean of ``gains - rivals``, shape (period,) each, under the stationary block bootstrap.

    Raises:
        SimulationError: shapes differ, fewer than eight periods, or a value that is not finite.
    """
    if gains.ndim != 1 or gains.shape != rivals.shape or gains.size < 8:
        raise SimulationError(
            f"shapes were {gains.shape} and {rivals.shape}", allowed="two of shape (period,), at least eight"
        )
    difference = gains - rivals
    if not np.isfinite(difference).all():
        raise SimulationError("a gain is not a finite number", allowed="finite gains only")
    value = float(difference.mean())
    if np.ptp(difference) == 0:
        return Paired(Estimate(value, value, value), 1, 0)
    length = max(1, ceil(optimal_block_length(difference)["stationary"].iloc[0]))
    bootstrap = StationaryBootstrap(length, difference, seed=np.random.default_rng(seed))
    means = np.array([float(data[0][0].mean()) for data in bootstrap.bootstrap(resamples)])
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Paired(Estimate(value, float(low), float(high)), length, resamples)


def best_of_nothing(trials: int, variance: float) -> float:
    """Return the Sharpe ratio that the best of so many worthless trials is expected to show.

    ``variance`` is that of the trials' Sharpe ratios, per period.

    >>> round(best_of_nothing(100, 0.5 / 250), 4)
    0.1132
    """
    if trials < 1 or variance < 0:
        raise SimulationError(
            f"trials were {trials}, variance {variance}", allowed="at least 1, not negative"
        )
    if trials == 1:
        return 0.0
    first, second = stats.norm.ppf(1 - 1 / trials), stats.norm.ppf(1 - 1 / (trials * np.e))
    return float(np.sqrt(variance) * ((1 - EULER) * first + EULER * second))


def deflated_sharpe(
    sharpe: float, *, periods: int, trials: int, variance: float, skewness: float, kurtosis: float
) -> float:
    """Return the probability that the true Sharpe ratio is above zero, given how many trials were made.

    ``sharpe`` and ``variance`` are per period; ``kurtosis`` is 3 for a normal.

    Raises:
        SimulationError: fewer than two periods, or moments that no distribution has.
    """
    if periods < 2:
        raise SimulationError(f"periods were {periods}", allowed="at least 2")
    scale = 1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe**2
    if scale <= 0:
        raise SimulationError(
            f"skewness {skewness} and kurtosis {kurtosis} do not go together",
            allowed="kurtosis >= 1 + skewness^2",
        )
    beyond = (sharpe - best_of_nothing(trials, variance)) * np.sqrt(periods - 1) / np.sqrt(scale)
    return float(stats.norm.cdf(beyond))


def trial_statistics(returns: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return Sharpe ratio, skewness and kurtosis per period of one policy's gains, shape (period,)."""
    spread = float(returns.std(ddof=1)) if returns.size > 1 else 0.0
    if spread == 0 or not np.isfinite(returns).all():
        raise SimulationError("gains do not vary, or are not finite", allowed="at least two different gains")
    kurtosis = float(stats.kurtosis(returns, fisher=False))
    return float(returns.mean()) / spread, float(stats.skew(returns)), kurtosis
