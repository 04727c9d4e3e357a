"""What a strategy is shown, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from core.cascade import Liquidity
from core.mandate import Limit, Mandate, SimulatedOutcome
from core.market import MarketSnapshot, PriceHistory, Scalar
from core.position import Position
from core.units import Bps


@dataclass(frozen=True, slots=True)
class ForecastQuantile:
    """One quantile of the log return over ``horizon_hours``: ``value_e8`` at 1e-8."""

    horizon_hours: int
    level_bps: Bps
    value_e8: int


class Wanted(StrEnum):
    """What an answer must carry: all that evidence is made of, or the bound alone (a backtest)."""

    EVIDENCE = "evidence"
    BOUND = "bound"


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """All that a strategy may look at when it decides.

    ``history`` ends before the decision; ``positions`` in wad for both tokens; ``seed`` drives every
    random draw, so that the same observation gives the same recommendation.  The bound must not depend on
    what is ``wanted``; whoever is asked for the bound alone may leave out the forecast and those outcomes
    that the bound can be found without.
    """

    snapshot: MarketSnapshot
    scalar: Scalar
    mandate: Mandate
    history: PriceHistory
    positions: Sequence[Position]
    liquidity: Liquidity
    close_factor_bps: Bps
    floor: int
    ceiling: int
    seed: int
    paths: int = 2_000
    wanted: Wanted = Wanted.EVIDENCE


@dataclass(frozen=True, slots=True)
class Recommendation:
    """An agent's answer: the largest value that it calls safe, and why.

    ``bound`` is ``None`` when the strategy abstains or finds no value safe (``reason`` says which).
    ``outcomes`` are the simulated candidates in ascending order; ``binding`` names the limit that stops
    the next one.
    """

    scalar: Scalar
    bound: int | None
    forecast: tuple[ForecastQuantile, ...]
    outcomes: tuple[SimulatedOutcome, ...]
    binding: tuple[Limit, ...]
    reason: str
    model: Mapping[str, str] = field(default_factory=dict)

    @property
    def revealed_bound(self) -> int | None:
        """What the agent reveals: 0, below every value, where it simulated and found nothing safe."""
        return 0 if self.bound is None and self.outcomes else self.bound
