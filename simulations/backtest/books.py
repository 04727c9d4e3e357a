"""Synthetic books along one price history, week by week, under parameters that change on the way.

At the start of a week each borrower's collateral has its fitted worth, and borrowers that were closed
are replaced.  Every day one seventh of the borrowers looks after its position: its debt per coin moves
the assumed share of the way (in logarithms) back to its own health factor under the threshold of that
hour.  In between the engine's rules apply, hour by hour.  Debt that ends a week above its collateral's
worth is bad debt and its borrower is closed.  An hour without a bar has no liquidation step.

``relever_share`` says how far borrowers follow a threshold that moves: 1, they keep their health factor
under whatever stands (the *re-levered* book); 0, they keep the debt per coin that they had under the
reference threshold (the *fixed* book), but never more than the market lends.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.cascade import SECONDS_PER_YEAR, Liquidity, RateCurve
from core.lending import FULL_CLOSE_BELOW_WAD
from core.units import WAD
from simulations.kernels.dense import follow_book
from simulations.kernels.rules import (
    BAD_DEBT,
    INTEREST,
    LIQUIDATED_VALUE,
    LIQUIDATIONS,
    REPAID,
    TOTALS,
    UNCOVERED,
)

BAD_DEBT_USD, LIQUIDATED_USD, POWER_USD, SUPPLY_USD, INTEREST_USD = range(5)
METRICS = 5
DAY_REPAID_USD, DAY_CALLS = range(2)
DAYS_PER_WEEK = 7
COHORTS = 7
PRICE, THRESHOLD, LTV, BONUS, DAY = range(5)
LOG_MEAN, LOG_DEVIATION, REPAID_SHARE = range(3)
REFERENCE, RETURNING, DEPTH_SHARE, UTILISATION, RELEVER, LOWEST_HEALTH = range(10, 16)
NO_DAYS = np.zeros((0, 0, 0))
"""Passed where nobody asks for single days."""


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """One price history cut into weeks, and the parameters of every hour.

    ``hours`` has shape (field, hour): price, threshold, LTV, bonus, day of the week (0 to 6); week w
    holds the hours ``week_begins[w]`` to before ``week_begins[w + 1]``.
    """

    hours: NDArray[np.float64]
    week_begins: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class BookTerms:
    """Borrowers, shape (borrower,); log mean, log deviation and repaid share, shape (field, week)."""

    size_draws: NDArray[np.float64]
    health: NDArray[np.float64]
    sizes: NDArray[np.float64]
    reference_threshold: float
    return_share: float
    depth_share: float
    utilisation: float
    relever_share: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class OpenBook:
    """A book as it stands at the start of a week: coins and USD, shape (borrower,)."""

    collateral: NDArray[np.float64]
    debt: NDArray[np.float64]


def replay_books(
    timeline: Timeline, terms: BookTerms, rows: NDArray[np.int64], *, threads: int = 1
) -> NDArray[np.float64]:
    """Return totals in USD, shape (book, week, metric); the same for any number of threads.

    Args:
        timeline: Prices and parameters.
        terms: The borrowers that books are resampled from.
        rows: Borrower numbers of each book, shape (book, borrower).
        threads: How many books are replayed at once.
    """
    totals = np.zeros((len(rows), len(timeline.week_begins) - 1, METRICS))

    def one(book: int) -> None:
        row = rows[book]
        _replay(
            np.zeros(len(row)),
            terms.size_draws[row],
            terms.health[row],
            terms.sizes,
            timeline.hours,
            timeline.week_begins,
            _scalars(terms),
            totals[book],
            NO_DAYS,
        )

    with ThreadPoolExecutor(max(1, threads)) as pool:
        list(pool.map(one, range(len(rows))))
    return totals


def replay_days(timeline: Timeline, terms: BookTerms, row: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return what one book's liquidations repaid (USD) and how many they were, shape (week, day, field)."""
    weeks = len(timeline.week_begins) - 1
    days = np.zeros((weeks, DAYS_PER_WEEK, 2))
    _replay(
        np.zeros(len(row)),
        terms.size_draws[row],
        terms.health[row],
        terms.sizes,
        timeline.hours,
        timeline.week_begins,
        _scalars(terms),
        np.zeros((weeks, METRICS)),
        days,
    )
    return days


def replay_week(
    ratio: NDArray[np.float64], terms: BookTerms, week: int, *, hours: NDArray[np.float64]
) -> None:
    """Carry ``ratio`` (debt per coin, 0 if closed; changed in place) through one week's hours."""
    ends = np.array([0, hours.shape[1]], dtype=np.int64)
    sizes = np.ascontiguousarray(terms.sizes[:, week : week + 1])
    totals = np.zeros((1, METRICS))
    _replay(ratio, terms.size_draws, terms.health, sizes, hours, ends, _scalars(terms), totals, NO_DAYS)


def open_book(
    ratio: NDArray[np.float64], terms: BookTerms, week: int, *, price: float, threshold: float
) -> OpenBook:
    """Return the book as it stands at the start of ``week``; ``ratio`` is not changed."""
    standing = ratio.copy()
    collateral, debt = np.empty(len(ratio)), np.empty(len(ratio))
    reference_debt = np.exp(terms.sizes[LOG_MEAN, week] + terms.sizes[LOG_DEVIATION, week] * terms.size_draws)
    _open_week(standing, reference_debt, terms.health, collateral, debt, price, threshold, _scalars(terms))
    return OpenBook(collateral, debt)


def _scalars(terms: BookTerms) -> NDArray[np.float64]:
    """Return the engine's scalars, followed by this module's own six (``REFERENCE`` and after)."""
    rates = RateCurve()
    engine_scalars = [
        0.5,
        FULL_CLOSE_BELOW_WAD / WAD,
        1.0,
        Liquidity(1).resilience / WAD,
        1.0,
        3600 / SECONDS_PER_YEAR,
        rates.base / WAD,
        rates.slope_below / WAD,
        rates.slope_above / WAD,
        rates.kink / WAD,
    ]
    own = [terms.reference_threshold, terms.return_share, terms.depth_share, terms.utilisation]
    return np.array([*engine_scalars, *own, terms.relever_share, float(terms.health.min())])


@njit(cache=True, nogil=True)
def _own_ratio(price: float, threshold: float, health: float, scalars: NDArray[np.float64]) -> float:
    """Return the debt per coin that a borrower wants, at most what the market lends."""
    followed = scalars[REFERENCE] + scalars[RELEVER] * (threshold - scalars[REFERENCE])
    return float(price * min(followed / health, threshold / scalars[LOWEST_HEALTH]))


@njit(cache=True, nogil=True)
def _open_week(
    ratio: NDArray[np.float64],
    reference_debt: NDArray[np.float64],
    health: NDArray[np.float64],
    collateral: NDArray[np.float64],
    debt: NDArray[np.float64],
    price: float,
    threshold: float,
    scalars: NDArray[np.float64],
) -> float:
    """Set collateral and debt for the week; return the collateral's worth."""
    worth = 0.0
    for number in range(debt.size):
        value = reference_debt[number] * health[number] / scalars[REFERENCE]
        worth += value
        collateral[number] = value / price
        if ratio[number] <= 0.0:
            ratio[number] = _own_ratio(price, threshold, health[number], scalars)
        debt[number] = ratio[number] * collateral[number]
    return worth


@njit(cache=True, nogil=True)
def _look_after(
    cohort: int,
    health: NDArray[np.float64],
    collateral: NDArray[np.float64],
    debt: NDArray[np.float64],
    price: float,
    threshold: float,
    scalars: NDArray[np.float64],
) -> None:
    """Move the cohort's debts towards what their borrowers want."""
    returning = scalars[RETURNING]
    for number in range(cohort, debt.size, COHORTS):
        if debt[number] > 0.0 and collateral[number] * price > debt[number]:
            own = _own_ratio(price, threshold, health[number], scalars) * collateral[number]
            debt[number] = debt[number] ** (1.0 - returning) * own**returning


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
    ratio: NDArray[np.float64],
    size_draws: NDArray[np.float64],
    health: NDArray[np.float64],
    sizes: NDArray[np.float64],
    hours: NDArray[np.float64],
    week_begins: NDArray[np.int64],
    scalars: NDArray[np.float64],
    totals: NDArray[np.float64],
    days: NDArray[np.float64],
) -> None:
    collateral, debt, sums = np.empty(health.size), np.empty(health.size), np.empty(TOTALS)
    engine_scalars = scalars[:10].copy()
    for week in range(week_begins.size - 1):
        first, end = week_begins[week], week_begins[week + 1]
        if end <= first:
            continue
        reference_debt = np.exp(sizes[0, week] + sizes[1, week] * size_draws)
        market_debt = reference_debt.sum()
        engine_scalars[0] = sizes[2, week]
        engine_scalars[2] = market_debt * scalars[DEPTH_SHARE]
        engine_scalars[4] = market_debt / scalars[UTILISATION]
        worth = _open_week(
            ratio, reference_debt, health, collateral, debt, hours[0, first], hours[1, first], scalars
        )
        sums[:] = 0.0
        begin = first
        while begin < end:
            _look_after(
                int(hours[4, begin]), health, collateral, debt, hours[0, begin], hours[1, begin], scalars
            )
            stop = begin + 1
            while stop < end and hours[4, stop] == hours[4, begin] and hours[1, stop] == hours[1, begin]:
                stop += 1
            sums[UNCOVERED] = 0.0
            repaid, calls = sums[REPAID], sums[LIQUIDATIONS]
            follow_book(
                collateral, debt, hours[0, begin:stop], hours[1, begin], hours[3, begin], engine_scalars, sums
            )
            if days.size > 0:
                days[week, int(hours[4, begin]), DAY_REPAID_USD] += sums[REPAID] - repaid
                days[week, int(hours[4, begin]), DAY_CALLS] += sums[LIQUIDATIONS] - calls
            begin = stop
        _close_week(ratio, collateral, debt, hours[0, end - 1])
        totals[week, BAD_DEBT_USD] = sums[BAD_DEBT] + sums[UNCOVERED]
        totals[week, LIQUIDATED_USD] = sums[LIQUIDATED_VALUE]
        totals[week, POWER_USD] = worth * hours[2, first:end].mean()
        totals[week, SUPPLY_USD] = market_debt / scalars[UTILISATION]
        totals[week, INTEREST_USD] = sums[INTEREST]
