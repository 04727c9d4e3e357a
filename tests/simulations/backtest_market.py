"""What the tests of the backtest share: a moment, first parameters, calls, record rows, a strategy."""

from __future__ import annotations

import numpy as np

from core.mandate import Limit, SimulatedOutcome
from core.market import Parameters, PriceHistory
from core.ports import STRATEGY_API_VERSION
from core.recommendation import Observation, Recommendation
from core.units import Bps
from models.data.liquidations import Liquidations
from models.data.timeline import TimelineRow

HOUR, DAY = 3600, 24 * 3600
START = 1_600_000_000 // HOUR * HOUR
FIRST = Parameters(Bps(75_00), Bps(80_00), Bps(5_00), 2**128 - 1, 2**128 - 1)


def calls(count: int, *, usd: float = 500.0, share: float = 0.5) -> Liquidations:
    times = START + HOUR * np.arange(count, dtype=np.int64)
    return Liquidations(times, np.full(count, usd), times, np.full(count, share), dust=0)


def row(
    time: int, market: str, symbol: str, *, ltv: int, threshold: int, bonus: int | None = 5_00
) -> TimelineRow:
    return TimelineRow(time, market, symbol, ltv, threshold, bonus)


def prices_of(closes: list[float]) -> PriceHistory:
    times = START + HOUR * np.arange(len(closes), dtype=np.int64)
    return PriceHistory("ETH", "exchange", HOUR, times, np.rint(np.array(closes) * 1e8).astype(np.int64))


class Says:
    """A strategy that always gives one bound, and notes what it was shown."""

    family = "test"
    api_version = STRATEGY_API_VERSION

    def __init__(self, bound: int | None, name: str = "says", *, answers: int = 1) -> None:
        self.bound, self.name, self.answers = bound, name, answers
        self.seen: list[Observation] = []
        self.fits: list[int] = []

    def fit(self, history: PriceHistory, *, seed: int, report: object = None) -> None:
        self.fits.append(history.last_time)

    def recommend(self, observation: Observation) -> Recommendation:
        self.seen.append(observation)
        outcomes = (SimulatedOutcome(80_00, 0, 0, 0, 0, 0),) * self.answers
        return Recommendation(observation.scalar, self.bound, (), outcomes, (Limit.STRESS,), "says")
