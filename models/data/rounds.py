"""Oracle rounds as hourly bars: what the oracle said at each full hour.

A round stands until the next one, so an hour's value is that of the newest round at or before it: known at
that hour, never later.  An hour whose newest round is older than ``STALE_SECONDS`` is absent, as a missing
bar is: the oracle was silent, and nothing is filled.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.market import ROUNDS, PriceHistory

HOUR = 3600
STALE_SECONDS = 2 * HOUR
"""Twice the heartbeat of the feeds in use (Chainlink ETH/USD: one hour)."""


def known_bars(feed: PriceHistory, time: int) -> PriceHistory:
    """Return what ``feed`` had published at ``time`` as bars: rounds by the hour, bars as they are.

    >>> feed = PriceHistory("A", "oracle", ROUNDS, np.array([3500, 7100, 7300]), np.array([5, 6, 7]))
    >>> known_bars(feed, 10_900).closes_e8.tolist()
    [5, 6, 7]
    """
    if feed.bar_seconds != ROUNDS:
        return feed.until(time)
    if len(feed) == 0:
        return replace(feed, bar_seconds=HOUR)
    first = -(-int(feed.times[0]) // HOUR) * HOUR
    hours = np.arange(first, time + 1, HOUR, dtype=np.int64)
    newest = feed.times.searchsorted(hours, side="right") - 1
    fresh = hours - feed.times[newest] <= STALE_SECONDS
    closes = feed.closes_e8[newest][fresh]
    return replace(feed, bar_seconds=HOUR, times=hours[fresh], closes_e8=closes)
