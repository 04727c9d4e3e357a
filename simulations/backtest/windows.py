"""Weeks that are reported together: the whole span, what the DAO's record covers, and the bad months."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from simulations.backtest.parameters import LAST_KNOWN_FROM, V3_BEGINS

HALF_A_WEEK_SECONDS = 84 * 3600
WHOLE_SPAN = "whole span"
STRESS_MONTHS = {
    "March 2020 (12 March: ETH -45 %)": (2020, 3),
    "May 2021 (19 May)": (2021, 5),
    "June 2022 (stETH, Celsius)": (2022, 6),
    "November 2022 (FTX)": (2022, 11),
    "March 2023 (11 March: USDC)": (2023, 3),
    "August 2024": (2024, 8),
    "October 2025": (2025, 10),
}
"""Calendar months; one that the prices do not reach is not reported."""


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Weeks that are reported together, shape (week,); ``marked`` if the DAO's record is last-known there."""

    name: str
    weeks: NDArray[np.bool_]
    marked: bool


def month(year: int, number: int) -> tuple[int, int]:
    """Return where a calendar month begins and ends, UTC seconds."""
    begin = datetime(year, number, 1, tzinfo=UTC)
    end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return int(begin.timestamp()), int(end.timestamp())


def windows_of(starts: Sequence[int]) -> tuple[Window, ...]:
    """Return the windows that hold a week; a week belongs where most of it lies."""
    middles = np.array(starts) + HALF_A_WEEK_SECONDS
    silent = (middles >= LAST_KNOWN_FROM) & (middles < V3_BEGINS)
    found = [
        Window(WHOLE_SPAN, np.ones(len(middles), dtype=np.bool_), marked=bool(silent.any())),
        Window("without last-known spans", ~silent, marked=False),
    ]
    for name, (year, number) in STRESS_MONTHS.items():
        begin, end = month(year, number)
        inside = (middles >= begin) & (middles < end)
        found.append(Window(name, inside, marked=bool((inside & silent).any())))
    return tuple(window for window in found if window.weeks.any())
