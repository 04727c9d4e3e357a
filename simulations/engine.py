"""Many paths x many candidates x many positions, in float64: ``core.cascade`` made fast.

The semantics are those of ``core/cascade.py``, step by step; tests/simulations/test_engine_equals_core.py
holds both to equal liquidation counts and amounts within 1e-12 relative.  Every path is a computation of
its own, so results do not depend on how paths are split into calls.

Speed comes from skipping: as long as the price stays above the highest liquidation price of the book,
a step is one comparison, and a path that never falls below it touches no position at all; only below it
are positions visited, in the book's order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.cascade import SECONDS_PER_YEAR, WAD_DECIMALS, CascadeTerms, Liquidity
from core.errors import SimulationError
from core.lending import FULL_CLOSE_BELOW_WAD, LiquidationRules
from core.position import Position
from core.units import BPS_ONE, PRICE_ONE, WAD, Bps

LIQUIDATIONS, REPAID, SEIZED, BAD_DEBT, INTEREST, UNCOVERED, LIQUIDATED_VALUE = range(7)
TOTALS = 7

ORACLE_UNITS = float(PRICE_ONE)
"""A price after impact is rounded down to eight decimals, as the specification has it."""

NEARLY_ONE_MORE = 1.0 + 1e-9
"""Room for rounding in the test that lets a step be skipped: who might be struck is visited."""


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """Positions of one candidate, or one row per candidate: shape (candidate, position).

    ``collateral`` in whole tokens, ``debt`` in USD.
    """

    collateral: NDArray[np.float64]
    debt: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.collateral.shape != self.debt.shape or self.debt.ndim != 2:
            raise SimulationError(
                f"book had collateral {self.collateral.shape} and debt {self.debt.shape}",
                allowed="two equal shapes (candidate, position)",
            )


@dataclass(frozen=True, slots=True, eq=False)
class EngineResult:
    """Totals per candidate and path, shape (candidate, path); amounts in USD, ``seized`` in tokens.

    ``uncovered`` is debt above the worth of its collateral at the path's last price, among the
    positions that are left: bad debt that nobody has written off yet.
    """

    liquidations: NDArray[np.int64]
    repaid: NDArray[np.float64]
    seized: NDArray[np.float64]
    bad_debt: NDArray[np.float64]
    interest: NDArray[np.float64]
    uncovered: NDArray[np.float64]
    liquidated_value: NDArray[np.float64]


def book_from(positions: Sequence[Position]) -> Book:
    """Return positions in wad as one row of floats."""
    collateral = np.array([[position.collateral / WAD for position in positions]])
    debt = np.array([[position.debt / WAD for position in positions]])
    return Book(collateral, debt)


def run(
    book: Book,
    prices: NDArray[np.float64],
    *,
    thresholds_bps: NDArray[np.int64],
    bonuses_bps: NDArray[np.int64],
    terms: CascadeTerms,
) -> EngineResult:
    """Return the totals of every candidate along every path.

    Args:
        book: One row for all candidates, or a row each.
        prices: USD, shape (path, step).
        thresholds_bps: Shape (candidate,).
        bonuses_bps: Shape (candidate,).
        terms: Close factor, liquidity, supply, step and rates; its threshold and bonus are not used.

    Raises:
        SimulationError: shapes do not fit, or a price is not a finite number above zero.
    """
    candidates = len(thresholds_bps)
    _check(book, prices, candidates=candidates)
    shape = (candidates, book.debt.shape[1])
    totals = np.zeros((candidates, len(prices), TOTALS))
    _run(
        np.ascontiguousarray(np.broadcast_to(book.collateral, shape)),
        np.ascontiguousarray(np.broadcast_to(book.debt, shape)),
        np.ascontiguousarray(prices, dtype=np.float64),
        thresholds_bps / BPS_ONE,
        bonuses_bps / BPS_ONE,
        _scalars(terms),
        totals,
    )
    amounts = [np.ascontiguousarray(totals[:, :, column]) for column in range(TOTALS)]
    return EngineResult(amounts[LIQUIDATIONS].astype(np.int64), *amounts[1:])


def warm_up() -> None:
    """Compile the engine, or load what was compiled before.

    The first call on a machine takes some seconds; whoever starts several agents at once calls this
    first, so that they find the compiled engine on disk.
    """
    rules = LiquidationRules(Bps(75_00), Bps(5_00), decimals=WAD_DECIMALS)
    run(
        Book(np.ones((1, 1)), np.ones((1, 1))),
        np.ones((1, 1)),
        thresholds_bps=np.array([75_00]),
        bonuses_bps=np.array([5_00]),
        terms=CascadeTerms(rules, Liquidity(WAD), WAD),
    )


def _check(book: Book, prices: NDArray[np.float64], *, candidates: int) -> None:
    if prices.ndim != 2 or prices.shape[1] == 0:
        raise SimulationError(f"prices had shape {prices.shape}", allowed="(path, step), at least one step")
    if not np.isfinite(prices).all() or not (prices > 0).all():
        raise SimulationError("a path holds a price that is not finite and above zero")
    if book.debt.shape[0] not in (1, candidates):
        raise SimulationError(
            f"book had {book.debt.shape[0]} rows for {candidates} candidates",
            allowed="one row for all, or one row for each",
        )


def _scalars(terms: CascadeTerms) -> NDArray[np.float64]:
    rates = terms.rates
    return np.array(
        [
            terms.rules.close_factor_bps / BPS_ONE,
            FULL_CLOSE_BELOW_WAD / WAD,
            terms.liquidity.depth / WAD,
            terms.liquidity.resilience / WAD,
            terms.debt_supply / WAD,
            terms.step_seconds / SECONDS_PER_YEAR,
            rates.base / WAD,
            rates.slope_below / WAD,
            rates.slope_above / WAD,
            rates.kink / WAD,
        ]
    )


@njit(cache=True, nogil=True)
def _growth(total: float, scalars: NDArray[np.float64]) -> float:
    supply, years = scalars[4], scalars[5]
    base, below, above, kink = scalars[6], scalars[7], scalars[8], scalars[9]
    utilisation = min(1.0, total / supply)
    if utilisation <= kink:
        return float((base + below * utilisation / kink) * years)
    return float((base + below + above * (utilisation - kink) / (1.0 - kink)) * years)


@njit(cache=True, nogil=True)
def _visit(
    collateral: NDArray[np.float64],
    debt: NDArray[np.float64],
    price: float,
    slippage: float,
    threshold: float,
    bonus: float,
    scalars: NDArray[np.float64],
    totals: NDArray[np.float64],
) -> float:
    """Visit every position once, in the book's order; return the slippage after the last sale."""
    close_factor, full_below, depth = scalars[0], scalars[1], scalars[2]
    break_even = bonus / (1.0 + bonus)
    for number in range(debt.size):
        if slippage >= break_even:
            break
        owed = debt[number]
        if owed <= 0.0:
            continue
        value = collateral[number] * price
        if value * threshold >= owed:
            continue
        health = value * threshold / owed
        repaid = owed * close_factor if health >= full_below else owed
        seized = repaid * (1.0 + bonus) / price
        if seized < collateral[number]:
            collateral[number] -= seized
            debt[number] = owed - repaid
        else:
            seized = collateral[number]
            repaid = min(owed, value / (1.0 + bonus))
            totals[3] += owed - repaid
            collateral[number] = 0.0
            debt[number] = 0.0
        totals[0] += 1.0
        totals[1] += repaid
        totals[2] += seized
        totals[6] += seized * price
        slippage += seized * price / depth
    return slippage


@njit(cache=True, nogil=True)
def _total_and_trigger(collateral: NDArray[np.float64], debt: NDArray[np.float64]) -> tuple[float, float]:
    """Return the sum of debts, and the largest debt per coin: the first price x threshold that strikes."""
    total = 0.0
    trigger = 0.0
    for number in range(debt.size):
        total += debt[number]
        if debt[number] > 0.0 and debt[number] > trigger * collateral[number]:
            trigger = debt[number] / max(collateral[number], 1e-300)
    return total, trigger


@njit(cache=True, nogil=True)
def _calm_interest(
    prices: NDArray[np.float64], total: float, trigger: float, threshold: float, scalars: NDArray[np.float64]
) -> float:
    """Return the interest of a path on which nobody is struck, or -1 if somebody may be."""
    index = 1.0
    interest = 0.0
    for step in range(prices.size):
        growth = _growth(total, scalars)
        interest += total * growth
        total *= 1.0 + growth
        index *= 1.0 + growth
        if prices[step] * threshold < trigger * index * NEARLY_ONE_MORE:
            return -1.0
    return interest


@njit(cache=True, nogil=True)
def follow_path(
    collateral: NDArray[np.float64],
    debt: NDArray[np.float64],
    prices: NDArray[np.float64],
    threshold: float,
    bonus: float,
    scalars: NDArray[np.float64],
    totals: NDArray[np.float64],
) -> None:
    """Run one path; ``collateral`` and ``debt`` are this path's own and end as it leaves them."""
    impact = 0.0
    index = 1.0
    break_even = bonus / (1.0 + bonus)
    total, trigger = _total_and_trigger(collateral, debt)
    for step in range(prices.size):
        growth = _growth(total, scalars)
        totals[4] += total * growth
        total *= 1.0 + growth
        index *= 1.0 + growth
        price = prices[step]
        if impact > 0.0:
            price = np.floor(price * ORACLE_UNITS * (1.0 - impact)) / ORACLE_UNITS
        slippage = impact
        if impact < break_even and price * threshold < trigger * index * NEARLY_ONE_MORE:
            for number in range(debt.size):
                debt[number] *= index
            index = 1.0
            slippage = _visit(collateral, debt, price, impact, threshold, bonus, scalars, totals)
            total, trigger = _total_and_trigger(collateral, debt)
        impact = min(slippage, 0.99) * scalars[3]
    last = prices[prices.size - 1]
    for number in range(debt.size):
        debt[number] *= index
        gap = debt[number] - collateral[number] * last
        if gap > 0.0:
            totals[5] += gap


@njit(cache=True, nogil=True)
def _run(
    collateral: NDArray[np.float64],
    debt: NDArray[np.float64],
    prices: NDArray[np.float64],
    thresholds: NDArray[np.float64],
    bonuses: NDArray[np.float64],
    scalars: NDArray[np.float64],
    totals: NDArray[np.float64],
) -> None:
    own_collateral = np.empty(debt.shape[1])
    own_debt = np.empty(debt.shape[1])
    for candidate in range(thresholds.size):
        threshold = thresholds[candidate]
        total, trigger = _total_and_trigger(collateral[candidate], debt[candidate])
        for path in range(prices.shape[0]):
            interest = _calm_interest(prices[path], total, trigger, threshold, scalars)
            if interest >= 0.0 and threshold < 1.0:
                totals[candidate, path, 4] = interest
                continue
            own_collateral[:] = collateral[candidate]
            own_debt[:] = debt[candidate]
            follow_path(
                own_collateral,
                own_debt,
                prices[path],
                threshold,
                bonuses[candidate],
                scalars,
                totals[candidate, path],
            )
