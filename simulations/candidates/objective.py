"""What a candidate is worth: revenue and borrowing power against the tail of bad debt and borrowers' loss.

    revenue            interest x reserve factor, and the protocol's share of the bonus
    borrowing power    LTV x collateral, at most the borrow cap
    shortfall          ES 97.5 of bad debt (written off, and uncovered at the horizon)
    harm               bonus paid by borrowers, and what their sold coins are worth more at the horizon

The *score* against the current parameters is the sum of weight x change, each change as a share of a scale
that the current parameters set: with weights of one, a percent more revenue is worth a percent more
shortfall.  Being linear in paths, its interval is that of a mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigError
from simulations.statistics.tail import Weights as PathWeights
from simulations.statistics.tail import tail_scores

Array = NDArray[np.float64]

SHORTFALL_LEVEL = 0.975
RESERVE_FACTOR_BPS = 10_00
"""Share of interest that the protocol keeps: Aave V3 Ethereum, USDC (2023); an assumption elsewhere."""
PROTOCOL_FEE_BPS = 10_00
"""Share of the bonus that the protocol keeps: Aave V3 ``liquidationProtocolFee`` of WETH."""


@dataclass(frozen=True, slots=True)
class ScoreWeights:
    """What one scale of each counts; none below zero."""

    revenue: float = 1.0
    power: float = 1.0
    shortfall: float = 1.0
    harm: float = 1.0

    def __post_init__(self) -> None:
        values = [getattr(self, one.name) for one in fields(self)]
        if not all(0 <= value < np.inf for value in values) or not any(values):
            raise ConfigError(f"weights were {values}", allowed="finite, from 0, not all 0")

    def record(self) -> dict[str, str]:
        """Return the weights as hexadecimal floats, for hashes."""
        return {name: float(value).hex() for name, value in asdict(self).items()}


def weights_from(record: Mapping[str, str]) -> ScoreWeights:
    """Return the weights of a record, the inverse of ``ScoreWeights.record``."""
    return ScoreWeights(**{name: float.fromhex(value) for name, value in record.items()})


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One candidate along all paths, USD, shape (path,) each; ``power`` is one number for all paths.

    ``weights`` are likelihood ratios, or ``None``.
    """

    revenue: Array
    bad_debt: Array
    harm: Array
    power: float
    weights: PathWeights = None


@dataclass(frozen=True, slots=True)
class Scales:
    """What a change of each is a share of, USD."""

    revenue: float
    power: float
    shortfall: float
    harm: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """The four objectives, USD over the horizon: means, and ES 97.5 for ``shortfall``."""

    revenue: float
    power: float
    shortfall: float
    harm: float


def harm_of(
    repaid: Array, seized_usd: Array, *, coins: Array, last_price: Array, start_price: float
) -> Array:
    """Return what liquidations cost borrowers: the bonus, and the rebound of the coins that were sold.

    A rebound counts up to the price at the start: gains beyond it were never the borrowers' to lose, and
    under heavy tails the mean of a last price is carried by paths that no market has seen.
    """
    rebound = np.maximum(coins * np.minimum(last_price, start_price) - seized_usd, 0.0)
    return np.asarray(seized_usd - repaid + rebound)


def revenue_of(interest: Array, repaid: Array, seized_usd: Array) -> Array:
    """Return what the protocol earns, in the unit of its arguments."""
    bonus = seized_usd - repaid
    return np.asarray((interest * RESERVE_FACTOR_BPS + bonus * PROTOCOL_FEE_BPS) / 10_000)


def outcome_of(sample: Sample) -> Outcome:
    """Return the objectives of one candidate."""
    weights = np.ones(sample.revenue.size) if sample.weights is None else sample.weights
    return Outcome(
        revenue=float((weights * sample.revenue).mean()),
        power=sample.power,
        shortfall=float((weights * _tail(sample)).mean()),
        harm=float((weights * sample.harm).mean()),
    )


def scales_of(current: Outcome, *, supply_usd: float) -> Scales:
    """Return the current values, and where those are next to nothing a basis point of supply.

    A market without bad debt has no scale of its own: there a shortfall of one basis point counts as one.
    """
    least = supply_usd / 10_000
    return Scales(
        revenue=max(current.revenue, least / 100),
        power=max(current.power, least),
        shortfall=max(current.shortfall, least),
        harm=max(current.harm, least),
    )


def score(outcome: Outcome, current: Outcome, *, scales: Scales, weights: ScoreWeights) -> float:
    """Return how much better than ``current`` an outcome is; above zero is better.

    >>> now, then = Outcome(100.0, 100.0, 100.0, 100.0), Outcome(110.0, 100.0, 105.0, 100.0)
    >>> round(score(then, now, scales=Scales(100.0, 100.0, 100.0, 100.0), weights=ScoreWeights()), 9)
    0.05
    """
    return (
        weights.revenue * (outcome.revenue - current.revenue) / scales.revenue
        + weights.power * (outcome.power - current.power) / scales.power
        - weights.shortfall * (outcome.shortfall - current.shortfall) / scales.shortfall
        - weights.harm * (outcome.harm - current.harm) / scales.harm
    )


def score_per_path(sample: Sample, current: Sample, *, scales: Scales, weights: ScoreWeights) -> Array:
    """Return one number per path whose (weighted) mean is the score, for its interval."""
    parts = (
        weights.revenue * (sample.revenue - current.revenue) / scales.revenue
        - weights.shortfall * (_tail(sample) - _tail(current)) / scales.shortfall
        - weights.harm * (sample.harm - current.harm) / scales.harm
    )
    return np.asarray(parts + weights.power * (sample.power - current.power) / scales.power)


def _tail(sample: Sample) -> Array:
    return tail_scores(sample.bad_debt, SHORTFALL_LEVEL, weights=sample.weights)
