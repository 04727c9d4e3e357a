"""The outside world of a demo: time passes, bars close, and the oracle writes its rounds.

Agents see prices only as far as the chain's clock has come; moving the clock reveals them, and the
oracle's reporter puts each round (or each bar, where there are no rounds) on chain at its own time.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.calls import CALL_LOOK_BACK_SECONDS, fall_bps
from core.market import PriceHistory
from governance.client import ChainClient, TransactionSigner
from governance.deployment import Deployment
from governance.founding.demo import report_price


@dataclass(slots=True)
class World:
    """Moves one embedded chain's clock."""

    client: ChainClient
    deployment: Deployment
    reporter: TransactionSigner
    prices: PriceHistory

    def now(self) -> int:
        """Return the newest block's time."""
        return self.client.timestamp()

    def advance_to(self, time: int) -> None:
        """Move the clock to ``time``; every round on the way is reported at its time."""
        while self.now() < time:
            self.step_towards(time)

    def step_towards(self, time: int) -> None:
        """Move the clock to the next round and report it, or to ``time`` if none comes before."""
        number = int(self.prices.times.searchsorted(self.now(), side="right"))
        if number < len(self.prices) and int(self.prices.times[number]) <= time:
            seen = int(self.prices.times[number])
            self._set_next(seen)
            price = int(self.prices.closes_e8[number])
            report_price(self.client, self.deployment, self.reporter, price=price, observed_at=seen)
        else:
            self._set_next(time)
            self.client.request("evm_mine")

    def _set_next(self, time: int) -> None:
        self.client.request("evm_setNextBlockTimestamp", max(time, self.now() + 1))

    def fall_bps(self, time: int) -> int:
        """Return how far the newest round is below the highest of the 24 h before ``time``."""
        known = self.prices.until(time)
        first = int(known.times.searchsorted(time - CALL_LOOK_BACK_SECONDS))
        return fall_bps(int(known.closes_e8[first:].max()), int(known.closes_e8[-1]))

    @property
    def end(self) -> int:
        """Close of the last bar that there is."""
        return self.prices.last_time
