"""Whether value-at-risk forecasts were exceeded as often, and as independently, as they claimed.

``exceeded`` is one flag per period, oldest first; ``rate`` what the forecast claims (0.05 for 95 %).  A test
that does not reject says little on a short history: the table carries its power against a stated alternative.

Sources: Kupiec 1995 (proportion of failures); Christoffersen 1998 (independence, conditional coverage); Basel
Committee 1996 (traffic light); examples that the tests hold: Jorion, Value at Risk, 3rd ed., chapter 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import xlogy

from core.errors import SimulationError

SIZE = 0.05
GREEN_BELOW, YELLOW_BELOW = 0.95, 0.9999
Counts: TypeAlias = int | NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CoverageTest:
    """A likelihood ratio, its degrees of freedom and its p-value."""

    name: str
    statistic: float
    degrees: int
    p_value: float

    @property
    def is_rejected(self) -> bool:
        """Whether the claim falls at 5 %."""
        return self.p_value < SIZE


@dataclass(frozen=True, slots=True)
class Coverage:
    """Everything that a coverage table says of one forecast.

    ``power`` is that of Kupiec's test if the true rate were twice the claimed one.
    """

    periods: int
    exceedances: int
    expected: float
    kupiec: CoverageTest
    independence: CoverageTest
    conditional: CoverageTest
    light: str
    power: float


def coverage(exceeded: NDArray[np.bool_], rate: float) -> Coverage:
    """Return the coverage table of one forecast.

    Raises:
        SimulationError: fewer than two periods, or a rate outside (0, 1).
    """
    _require(exceeded, rate)
    periods, count = exceeded.size, int(exceeded.sum())
    return Coverage(
        periods,
        count,
        periods * rate,
        kupiec(periods, count, rate),
        independence(exceeded),
        conditional_coverage(exceeded, rate),
        traffic_light(periods, count, rate),
        kupiec_power(periods, rate, true_rate=min(2 * rate, 0.5)),
    )


def kupiec(periods: int, exceedances: int, rate: float) -> CoverageTest:
    """Return Kupiec's test of the proportion of failures.

    >>> round(kupiec(252, 20, 0.05).statistic, 2)
    3.91
    """
    return _test("kupiec", float(_kupiec_ratio(periods, np.array([exceedances]), rate)[0]), 1)


def independence(exceeded: NDArray[np.bool_]) -> CoverageTest:
    """Return Christoffersen's test that an exceedance makes the next no likelier."""
    (calm_calm, calm_hit), (hit_calm, hit_hit) = _transitions(exceeded)
    after_calm = calm_hit / max(calm_calm + calm_hit, 1)
    after_hit = hit_hit / max(hit_calm + hit_hit, 1)
    either = (calm_hit + hit_hit) / max(calm_calm + calm_hit + hit_calm + hit_hit, 1)
    apart = _likelihood(calm_calm, calm_hit, after_calm) + _likelihood(hit_calm, hit_hit, after_hit)
    together = _likelihood(calm_calm + hit_calm, calm_hit + hit_hit, either)
    return _test("independence", max(0.0, 2 * float(apart - together)), 1)


def conditional_coverage(exceeded: NDArray[np.bool_], rate: float) -> CoverageTest:
    """Return Christoffersen's joint test: the right rate, and independent."""
    _require(exceeded, rate)
    unconditional = kupiec(exceeded.size, int(exceeded.sum()), rate)
    return _test("conditional", unconditional.statistic + independence(exceeded).statistic, 2)


def traffic_light(periods: int, exceedances: int, rate: float) -> str:
    """Return the Basel zone by the probability of at most so many exceedances.

    >>> traffic_light(250, 4, 0.01), traffic_light(250, 5, 0.01), traffic_light(250, 10, 0.01)
    ('green', 'yellow', 'red')
    """
    at_most = stats.binom.cdf(exceedances, periods, rate)
    if at_most < GREEN_BELOW:
        return "green"
    return "yellow" if at_most < YELLOW_BELOW else "red"


def kupiec_power(periods: int, rate: float, *, true_rate: float) -> float:
    """Return how often Kupiec's test rejects ``rate`` when ``true_rate`` is true: exact, no simulation.

    >>> round(kupiec_power(1_000, 0.01, true_rate=0.02), 2)
    0.78
    """
    counts = np.arange(periods + 1)
    rejected = stats.chi2.sf(_kupiec_ratio(periods, counts, rate), 1) < SIZE
    return float(stats.binom.pmf(counts[rejected], periods, true_rate).sum())


def _kupiec_ratio(periods: int, exceedances: NDArray[np.int64], rate: float) -> NDArray[np.float64]:
    found = exceedances / periods
    claimed = _likelihood(periods - exceedances, exceedances, rate)
    return np.asarray(2 * (_likelihood(periods - exceedances, exceedances, found) - claimed))


def _likelihood(misses: Counts, hits: Counts, rate: float | NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(xlogy(misses, 1 - rate) + xlogy(hits, rate))


def _transitions(exceeded: NDArray[np.bool_]) -> NDArray[np.int64]:
    counts = np.zeros((2, 2), dtype=np.int64)
    np.add.at(counts, (exceeded[:-1].astype(np.int64), exceeded[1:].astype(np.int64)), 1)
    return counts


def _test(name: str, statistic: float, degrees: int) -> CoverageTest:
    return CoverageTest(name, statistic, degrees, float(stats.chi2.sf(statistic, degrees)))


def _require(exceeded: NDArray[np.bool_], rate: float) -> None:
    if exceeded.ndim != 1 or exceeded.size < 2:
        raise SimulationError(f"exceedances had shape {exceeded.shape}", allowed="(period,), at least two")
    if not 0 < rate < 1:
        raise SimulationError(f"rate was {rate}", allowed="inside (0, 1), such as 0.05")
