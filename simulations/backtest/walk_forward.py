"""What a decision may know: where training ends, and which labels count.

    ........ bars and labels to fit on ........| embargo |now ...... test block ......
                                          cut ─┘         └─ prices up to here may be looked at

Whatever is fitted or chosen for a decision at ``now`` rests on bars that closed, and on labels that were
complete, at ``now - embargo``.  A label whose horizon reaches beyond that is purged.  The decision itself
looks at prices up to ``now``: they move a forecast, and fit nothing.

Source: Lopez de Prado 2018, Advances in Financial Machine Learning, chapter 7.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.errors import SimulationError
from core.market import PriceHistory
from core.ports import Strategy
from simulations.backtest.quorum import QuorumPolicy

HOUR_SECONDS = 3600
DAY_SECONDS = 24 * HOUR_SECONDS


@dataclass(frozen=True, slots=True)
class WalkForward:
    """How the sample is walked through; a refit takes the newest ``fit_bars`` bars before the cut."""

    embargo_seconds: int = 7 * DAY_SECONDS
    fit_bars: int = 4_320
    refit_seconds: int = 30 * DAY_SECONDS

    def __post_init__(self) -> None:
        if self.embargo_seconds < 0 or self.fit_bars < 1 or self.refit_seconds < 1:
            raise SimulationError(
                f"embargo {self.embargo_seconds} s, fit {self.fit_bars} bars, refit {self.refit_seconds} s",
                allowed="an embargo of at least 0; the others above 0",
            )

    def cut(self, now: int) -> int:
        """Return the time at which everything that is fitted for ``now`` must have been known."""
        return now - self.embargo_seconds

    def training(self, prices: PriceHistory, now: int) -> PriceHistory:
        """Return the newest ``fit_bars`` bars that had closed at the cut."""
        return newest(prices.until(self.cut(now)), self.fit_bars)

    def shown(self, prices: PriceHistory, now: int) -> PriceHistory:
        """Return the newest ``fit_bars`` bars that had closed at ``now``."""
        return newest(prices.until(now), self.fit_bars)

    def complete(self, label_ends: NDArray[np.int64], now: int) -> NDArray[np.bool_]:
        """Return which labels count, given when each was complete, shape (label,); the others are purged."""
        return np.asarray(label_ends <= self.cut(now))

    def refits(self, prices: PriceHistory, decisions: Sequence[int]) -> tuple[int, ...]:
        """Return the decisions at which models are fitted anew, ``refit_seconds`` apart or more."""
        chosen: list[int] = []
        for now in decisions:
            due = not chosen or now - chosen[-1] >= self.refit_seconds
            if due and has_bar(prices, now):
                chosen.append(now)
        return tuple(chosen)


def newest(prices: PriceHistory, bars: int) -> PriceHistory:
    """Return the last ``bars`` bars, or all if they are fewer."""
    first = max(0, len(prices) - bars)
    return PriceHistory(
        prices.asset, prices.source, prices.bar_seconds, prices.times[first:], prices.closes_e8[first:]
    )


def has_bar(prices: PriceHistory, now: int) -> bool:
    """Return whether a bar closed within one bar's length before ``now``."""
    known = int(np.searchsorted(prices.times, now, side="right"))
    return known > 0 and int(prices.times[known - 1]) > now - prices.bar_seconds


@dataclass(frozen=True, slots=True)
class Contender:
    """One policy: a strategy by its name, or several as a quorum."""

    name: str
    members: tuple[str, ...]


@dataclass(slots=True, eq=False)
class Fits:
    """Strategies as fitted for each refit.

    A fit rests on prices alone, so that it is made once and shared by all books, mandates and quorums.
    Each is made on a fresh strategy.
    """

    makers: Mapping[str, Callable[[], Strategy]]
    prices: PriceHistory
    walk: WalkForward
    times: tuple[int, ...]
    seed: int
    _fitted: dict[tuple[str, int], Strategy] = field(default_factory=dict)

    def policy(self, contender: Contender, now: int) -> Strategy:
        """Return ``contender`` as it was fitted last at ``now``.

        Raises:
            SimulationError: nothing has been fitted by then.
        """
        place = bisect_right(self.times, now)
        if place == 0:
            raise SimulationError(f"no fit at {now}", allowed=f"from {self.times[:1]} on")
        members = [self._one(name, self.times[place - 1]) for name in contender.members]
        return members[0] if len(members) == 1 else QuorumPolicy(members)

    def _one(self, name: str, time: int) -> Strategy:
        found = self._fitted.get((name, time))
        if found is None:
            found = self.makers[name]()
            found.fit(self.walk.training(self.prices, time), seed=self.seed)
            self._fitted[name, time] = found
        return found
