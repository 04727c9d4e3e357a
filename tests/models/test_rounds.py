"""Oracle rounds as hourly bars: the last known value, and nothing where the oracle was silent."""

from __future__ import annotations

import numpy as np
import pytest

from core.market import ROUNDS, PriceHistory
from models.data.rounds import STALE_SECONDS, known_bars

HOUR = 3600


def rounds(*pairs: tuple[int, int]) -> PriceHistory:
    times, prices = np.array(pairs, dtype=np.int64).T
    return PriceHistory("WETH", "oracle", ROUNDS, times, prices)


def bars(feed: PriceHistory, time: int) -> dict[int, int]:
    found = known_bars(feed, time)
    assert found.bar_seconds == HOUR
    return dict(zip((found.times // HOUR).tolist(), found.closes_e8.tolist(), strict=True))


FEED = rounds((HOUR - 10, 10), (HOUR + 5, 11), (HOUR + 900, 12), (2 * HOUR, 13), (2 * HOUR + 1, 14))


def test_an_hour_has_the_newest_round_at_or_before_it() -> None:
    assert bars(FEED, 3 * HOUR) == {1: 10, 2: 13, 3: 14}


@pytest.mark.parametrize("time", [HOUR, 2 * HOUR - 1])
def test_nothing_is_known_before_its_time(time: int) -> None:
    assert bars(FEED, time) == {1: 10}
    assert bars(FEED, HOUR - 1) == {}


def test_what_is_known_at_a_time_does_not_depend_on_what_comes_later() -> None:
    later = rounds(*zip(FEED.times.tolist(), FEED.closes_e8.tolist(), strict=True), (2 * HOUR + 9, 99))
    assert bars(FEED, 2 * HOUR) == bars(later, 2 * HOUR)


def test_a_silent_oracle_leaves_hours_out() -> None:
    feed = rounds((HOUR, 10), (6 * HOUR, 11))
    assert STALE_SECONDS == 2 * HOUR
    assert bars(feed, 7 * HOUR) == {1: 10, 2: 10, 3: 10, 6: 11, 7: 11}


def test_bars_stay_bars() -> None:
    feed = PriceHistory("WETH", "exchange", HOUR, np.array([HOUR, 2 * HOUR]), np.array([1, 2]))
    assert bars(feed, 2 * HOUR - 1) == {1: 1}


def test_no_round_is_no_bar() -> None:
    empty = PriceHistory("WETH", "oracle", ROUNDS, np.array([], dtype=np.int64), np.array([], dtype=np.int64))
    assert bars(empty, 10 * HOUR) == {}
