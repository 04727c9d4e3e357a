"""The outside world of a demo: time passes, bars close, and the oracle follows them.

Agents see prices only as far as the chain's clock has come; moving the clock reveals bars, and the
oracle's reporter puts each revealed bar on chain at its own time.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.market import PriceHistory
from governance.client import ChainClient, TransactionSigner
from governance.deploy import report_price
from governance.deployment import Deployment


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
        """Move the clock to ``time``; every bar that closes on the way is reported at its close."""
        now = self.now()
        first = int(self.prices.times.searchsorted(now, side="right"))
        last = int(self.prices.times.searchsorted(time, side="right"))
        for bar in range(first, last):
            close = int(self.prices.times[bar])
            self._set_next(close)
            price = int(self.prices.closes_e8[bar])
            report_price(self.client, self.deployment, self.reporter, price=price, observed_at=close)
        if self.now() < time:
            self._set_next(time)
            self.client.request("evm_mine")

    def _set_next(self, time: int) -> None:
        self.client.request("evm_setNextBlockTimestamp", max(time, self.now() + 1))

    @property
    def end(self) -> int:
        """Close of the last bar that there is."""
        return self.prices.last_time
