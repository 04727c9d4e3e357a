"""The demo's market: bundled and seeded, or real prices under the same book."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import DataError
from core.market import PriceHistory

if TYPE_CHECKING:
    from simulations.demo_market import DemoMarket

HOUR = 3600
HISTORY_HOURS = 4_320
AHEAD_HOURS = 40 * 24
SOURCES = ("exchange", "oracle")


def bundled(seed: int, *, volatility_scale: float = 1.0) -> DemoMarket:
    """Return the generated market of ``seed``."""
    from simulations.demo_market import demo_market

    return demo_market(seed, volatility_scale)


def from_data(path: Path, seed: int) -> DemoMarket:
    """Return the demo's book and mandate over real prices: the last 180 days but 40, then those 40.

    The chain's genesis is 40 days before the end of the shorter source, so that a window, a timelock and
    a second epoch fit into what the files still hold.  One file stands for both sources.

    Raises:
        DataError: the files are unusable or hold fewer than 220 days.
    """
    from models.data.archive import load_history
    from simulations.demo_market import over_prices

    if path.is_file():
        one = load_history(path, "WETH", source="exchange")
        histories = {"exchange": one, "oracle": replace(one, source="oracle")}
    else:
        histories = {source: load_history(path, "WETH", source=source) for source in SOURCES}
    genesis = min(history.last_time for history in histories.values()) - AHEAD_HOURS * HOUR
    feeds = {source: _window(history, genesis) for source, history in histories.items()}
    return over_prices(bundled(seed), feeds, genesis_time=genesis)


def _window(history: PriceHistory, genesis: int) -> PriceHistory:
    """Return the bars from 180 days before ``genesis`` to 40 days after it."""
    first = genesis - HISTORY_HOURS * HOUR
    wanted = history.until(genesis + AHEAD_HOURS * HOUR)
    start = int(wanted.times.searchsorted(first))
    if len(wanted) == 0 or int(wanted.times[0]) > first + HOUR:
        days = (history.last_time - int(history.times[0])) // (24 * HOUR)
        raise DataError(
            f"{history.source} prices span {days} days",
            allowed="at least 220 days of hourly bars",
            hint="pass more data, or run the demo without --data",
        )
    return replace(wanted, times=wanted.times[start:], closes_e8=wanted.closes_e8[start:])
