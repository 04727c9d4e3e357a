"""Synthetic books along one price history, week by week, under parameters that change on the way.

At the start of a week each borrower's collateral has its fitted worth, its debt per coin has moved the
assumed share of the way back to its own health factor under the threshold of that hour, and borrowers
that were closed are replaced.  Within the week the engine's rules apply, hour by hour; where the
threshold changes, the week is cut.  Debt that ends a week above its collateral's worth is bad debt and
its borrower is closed.  An hour without a bar has no liquidation step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulations.engine import BAD_DEBT, LIQUIDATED_VALUE, TOTALS, UNCOVERED, _one_path

BAD_DEBT_USD, LIQUIDATED_USD, POWER_USD, SUPPLY_USD = range(4)
METRICS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """One price history cut into weeks, and the parameters of every hour.

    ``prices``, ``thresholds``, ``ltvs``, ``bonuses`` have shape (hour,); week w holds the hours
    ``week_begins[w]`` to before ``week_begins[w + 1]``.
    """

    prices: NDArray[np.float64]
    week_begins: NDArray[np.int64]
    thresholds: NDArray[np.float64]
    ltvs: NDArray[np.float64]
    bonuses: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class BookTerms:
    """Borrowers, shape (borrower,); sizes and repaid share per week, shape (week,); scalars."""

    size_draws: NDArray[np.float64]
    health: NDArray[np.float64]
    log_means: NDArray[np.float64]
    log_deviations: NDArray[np.float64]
    repaid_shares: NDArray[np.float64]
    reference_threshold: float
    return_share: float
    depth_share: float
    utilisation: float


def replay_books(timeline: Timeline, terms: BookTerms, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return totals in USD, shape (book, week, metric).

    Args:
        timeline: Prices and parameters.
        terms: The borrowers that books are resampled from.
        rows: Borrower numbers of each book, shape (book, borrower).
    """
    scalars = np.array([terms.reference_threshold, terms.return_share, terms.depth_share, terms.utilisation])
    weekly = np.stack([terms.log_means, terms.log_deviations, terms.repaid_shares])
    hourly = np.stack([timeline.prices, timeline.thresholds, timeline.ltvs, timeline.bonuses])
    totals = np.zeros((len(rows), len(timeline.week_begins) - 1, METRICS))
    for book, row in enumerate(rows):
        _replay(
            terms.size_draws[row],
            terms.health[row],
            weekly,
            hourly,
            timeline.week_begins,
            scalars,
            totals[book],
        )
    return totals


@njit(cache=True, nogil=True)
def _open_week(
    ratio: NDArray[np.float64],
    reference_debt: NDArray[np.float64],
    health: NDArray[np.float64],
    collateral: NDArray[np.float64],
    debt: NDArray[np.float64],
    price: float,
    threshold: float,
    reference: float,
    returning: float,
) -> float:
    """Set collateral and debt for the week; return the collateral's worth."""
    worth = 0.0
    for number in range(debt.size):
        value = reference_debt[number] * health[number] / reference
        worth += value
        collateral[number] = value / price
        own = price * threshold / health[number]
        if ratio[number] > 0.0:
            own = ratio[number] ** (1.0 - returning) * own**returning
        debt[number] = own * collateral[number]
    return worth


@njit(cache=True, nogil=True)
def _close_week(
    ratio: NDArray[np.float64], collateral: NDArray[np.float64], debt: NDArray[np.float64], price: float
) -> None:
    """Keep each borrower's debt per coin; 0 marks one that is closed and will be replaced."""
    for number in range(debt.size):
        alive = debt[number] > 0.0 and collateral[number] * price > debt[number]
        ratio[number] = debt[number] / collateral[number] if alive else 0.0


@njit(cache=True, nogil=True)
def _replay(
    size_draws: NDArray[np.float64],
    health: NDArray[np.float64],
    weekly: NDArray[np.float64],
    hourly: NDArray[np.float64],
    week_begins: NDArray[np.int64],
    scalars: NDArray[np.float64],
    totals: NDArray[np.float64],
) -> None:
    count = health.size
    ratio, collateral, debt = np.zeros(count), np.empty(count), np.empty(count)
    engine_scalars = np.array([0.5, 0.95, 1.0, 0.8, 1.0, 1.0 / 8760.0, 0.0, 0.04, 0.75, 0.9])
    sums = np.empty(TOTALS)
    for week in range(week_begins.size - 1):
        first, end = week_begins[week], week_begins[week + 1]
        if end <= first:
            continue
        reference_debt = np.exp(weekly[0, week] + weekly[1, week] * size_draws)
        market_debt = reference_debt.sum()
        worth = _open_week(
            ratio,
            reference_debt,
            health,
            collateral,
            debt,
            hourly[0, first],
            hourly[1, first],
            scalars[0],
            scalars[1],
        )
        engine_scalars[0] = weekly[2, week]
        engine_scalars[2] = market_debt * scalars[2]
        engine_scalars[4] = market_debt / scalars[3]
        sums[:] = 0.0
        begin = first
        for hour in range(first + 1, end + 1):
            if hour == end or hourly[1, hour] != hourly[1, begin] or hourly[3, hour] != hourly[3, begin]:
                sums[UNCOVERED] = 0.0
                _one_path(
                    collateral,
                    debt,
                    hourly[0, begin:hour],
                    hourly[1, begin],
                    hourly[3, begin],
                    engine_scalars,
                    sums,
                )
                begin = hour
        _close_week(ratio, collateral, debt, hourly[0, end - 1])
        totals[week, BAD_DEBT_USD] = sums[BAD_DEBT] + sums[UNCOVERED]
        totals[week, LIQUIDATED_USD] = sums[LIQUIDATED_VALUE]
        totals[week, POWER_USD] = worth * hourly[2, first:end].mean()
        totals[week, SUPPLY_USD] = market_debt / scalars[3]
