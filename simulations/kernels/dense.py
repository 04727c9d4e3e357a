"""Kernels that look at every position in every step.

``follow_paths`` recomputes every health factor: the measure for the others, and the one to read first.
``scan_paths`` compares one float32 per position, its trigger rounded up, with one number; whoever
passes is judged by the rule itself, in float64, so that the two agree to the last bit.
``follow_book`` carries a book that somebody else changes between calls (``simulations/backtest/books.py``).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulations.kernels.rules import (
    BAD_DEBT,
    DEPTH,
    INTEREST,
    LIQUIDATED_VALUE,
    LIQUIDATIONS,
    MARGIN,
    REPAID,
    RESILIENCE,
    SEIZED,
    UNCOVERED,
    curve_of,
    growth_of,
    impact_after,
    price_after,
    slippage_of,
    sort_worst_first,
    strike,
    trigger_of,
)

SCREEN_MARGIN = 4e-7
"""More than two roundings to float32 lose, 2 ** -24 each: the trigger's and the price's."""


@njit(cache=True, nogil=True, error_model="numpy")
def _count_struck(coins: NDArray[np.float64], owed: NDArray[np.float64], level: float, index: float) -> int:
    """Return how many positions are unhealthy; a count in int32 becomes vector code."""
    count = np.int32(0)
    for number in range(owed.size):
        count += np.int32(coins[number] * level < owed[number] * index)
    return int(count)


@njit(cache=True, nogil=True, error_model="numpy")
def _list_struck(
    coins: NDArray[np.float64],
    owed: NDArray[np.float64],
    level: float,
    index: float,
    slots: NDArray[np.int64],
) -> int:
    count = 0
    for number in range(owed.size):
        if coins[number] * level < owed[number] * index:
            slots[count] = number
            count += 1
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def count_above(triggers: NDArray[np.float32], level: np.float32) -> int:
    """Return how many triggers are above ``level``."""
    count = np.int32(0)
    for number in range(triggers.size):
        count += np.int32(triggers[number] > level)
    return int(count)


@njit(cache=True, nogil=True, error_model="numpy")
def _list_screened(
    triggers: NDArray[np.float32],
    screen: np.float32,
    coins: NDArray[np.float64],
    owed: NDArray[np.float64],
    level: float,
    index: float,
    slots: NDArray[np.int64],
) -> int:
    count = 0
    for number in range(triggers.size):
        if triggers[number] > screen and coins[number] * level < owed[number] * index:
            slots[count] = number
            count += 1
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def _visit(
    slots: NDArray[np.int64],
    count: int,
    numbers: NDArray[np.int64],
    ratios: NDArray[np.float64],
    coins: NDArray[np.float64],
    owed: NDArray[np.float64],
    price: float,
    threshold: float,
    bonus: float,
    index: float,
    slippage: float,
    scalars: NDArray[np.float64],
    totals: NDArray[np.float64],
    path: int,
) -> tuple[int, float, float]:
    """Visit the unhealthy, worst first; return how many were struck, the slippage, the debt gone.

    Where all of them together cannot eat the bonus, no order shows and none is made.
    """
    break_even, cleared = bonus / (1.0 + bonus), 0.0
    per_depth, per_index = 1.0 / scalars[DEPTH], 1.0 / index
    most = 0.0
    for place in range(count):
        most += owed[slots[place]] * index * (1.0 + bonus)
    if slippage + most * per_depth * (1.0 + MARGIN) >= break_even:
        for place in range(count):
            ratios[slots[place]] = trigger_of(coins[slots[place]], owed[slots[place]])
        sort_worst_first(slots, count, ratios, numbers)
    for place in range(count):
        if slippage >= break_even:
            return place, slippage, cleared
        slot = slots[place]
        before = owed[slot] * index
        repaid, seized, lost, left = strike(coins[slot], before, price, threshold, bonus, scalars)
        coins[slot] -= seized
        owed[slot] = left * per_index
        sold = seized * price
        totals[path, LIQUIDATIONS] += 1.0
        totals[path, REPAID] += repaid
        totals[path, SEIZED] += seized
        totals[path, BAD_DEBT] += lost
        totals[path, LIQUIDATED_VALUE] += sold
        cleared += before - left
        slippage += slippage_of(sold, per_depth)
    return count, slippage, cleared


@njit(cache=True, nogil=True, error_model="numpy")
def _round_up(trigger: float) -> np.float32:
    return np.float32(trigger * (1.0 + SCREEN_MARGIN))


@njit(cache=True, nogil=True, error_model="numpy")
def _uncovered(coins: NDArray[np.float64], owed: NDArray[np.float64], last: float, index: float) -> float:
    gaps = 0.0
    for number in range(owed.size):
        gaps += max(owed[number] * index - coins[number] * last, 0.0)
    return gaps


@njit(cache=True, nogil=True, error_model="numpy")
def _follow(
    coins: NDArray[np.float64],
    owed: NDArray[np.float64],
    total: float,
    quotes: NDArray[np.float64],
    threshold: float,
    bonus: float,
    scalars: NDArray[np.float64],
    triggers: NDArray[np.float32],
    slots: NDArray[np.int64],
    numbers: NDArray[np.int64],
    ratios: NDArray[np.float64],
    totals: NDArray[np.float64],
    path: int,
) -> float:
    """Carry one path to its end; return the index.  Without triggers every health factor is computed."""
    curve = curve_of(scalars)
    break_even = bonus / (1.0 + bonus)
    impact, index = 0.0, 1.0
    for step in range(quotes.size):
        growth = growth_of(total, curve)
        paid = total * growth
        totals[path, INTEREST] += paid
        total += paid
        index *= 1.0 + growth
        price = price_after(quotes[step], impact)
        slippage = impact
        if impact < break_even:
            level = price * threshold
            count = 0
            if triggers.size == 0:
                if _count_struck(coins, owed, level, index) > 0:
                    count = _list_struck(coins, owed, level, index, slots)
            else:
                screen = np.float32(level / index)
                if count_above(triggers, screen) > 0:
                    count = _list_screened(triggers, screen, coins, owed, level, index, slots)
            if count > 0:
                struck, slippage, cleared = _visit(
                    slots, count, numbers, ratios, coins, owed, price, threshold, bonus, index, slippage,
                    scalars, totals, path,
                )  # fmt: skip
                total = max(total - cleared, 0.0)
                if triggers.size > 0:
                    for place in range(struck):
                        slot = slots[place]
                        triggers[slot] = _round_up(trigger_of(coins[slot], owed[slot]))
        impact = impact_after(slippage, scalars[RESILIENCE])
    totals[path, UNCOVERED] += _uncovered(coins, owed, quotes[quotes.size - 1], index)
    return index


@njit(cache=True, nogil=True, error_model="numpy")
def _follow_all(
    collateral: NDArray[np.float64],
    debt: NDArray[np.float64],
    total: float,
    prices: NDArray[np.float64],
    threshold: float,
    bonus: float,
    scalars: NDArray[np.float64],
    first_triggers: NDArray[np.float32],
    totals: NDArray[np.float64],
) -> None:
    size = debt.size
    coins, owed, ratios = np.empty(size), np.empty(size), np.empty(size)
    slots, numbers = np.empty(size, np.int64), np.arange(size)
    triggers = np.empty_like(first_triggers)
    for path in range(prices.shape[0]):
        coins[:] = collateral
        owed[:] = debt
        triggers[:] = first_triggers
        _follow(
            coins, owed, total, prices[path], threshold, bonus, scalars, triggers, slots, numbers, ratios,
            totals, path,
        )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def follow_paths(
    collateral: NDArray[np.float64],
    debt: NDArray[np.float64],
    total: float,
    prices: NDArray[np.float64],
    threshold: float,
    bonus: float,
    scalars: NDArray[np.float64],
    totals: NDArray[np.float64],
) -> None:
    """Fill ``totals`` (path, total) for ``prices`` (path, step) and one book (position,)."""
    none = np.empty(0, np.float32)
    _follow_all(collateral, debt, total, prices, threshold, bonus, scalars, none, totals)


@njit(cache=True, nogil=True, error_model="numpy")
def scan_paths(
    collateral: NDArray[np.float64],
    debt: NDArray[np.float64],
    total: float,
    prices: NDArray[np.float64],
    threshold: float,
    bonus: float,
    scalars: NDArray[np.float64],
    totals: NDArray[np.float64],
) -> None:
    """Do what :func:`follow_paths` does, by comparing triggers in float32 before anything else."""
    triggers = np.empty(debt.size, np.float32)
    for number in range(debt.size):
        triggers[number] = _round_up(trigger_of(collateral[number], debt[number]))
    _follow_all(collateral, debt, total, prices, threshold, bonus, scalars, triggers, totals)


@njit(cache=True, nogil=True, error_model="numpy")
def _highest_trigger(coins: NDArray[np.float64], owed: NDArray[np.float64]) -> float:
    highest = 0.0
    for number in range(owed.size):
        highest = max(highest, trigger_of(coins[number], owed[number]))
    return highest


@njit(cache=True, nogil=True, error_model="numpy")
def follow_book(
    coins: NDArray[np.float64],
    owed: NDArray[np.float64],
    quotes: NDArray[np.float64],
    threshold: float,
    bonus: float,
    scalars: NDArray[np.float64],
    sums: NDArray[np.float64],
) -> None:
    """Run one path; ``coins`` and ``owed`` are this path's own and end as it leaves them.

    While the price stays above the highest trigger, a step is one comparison.
    """
    curve = curve_of(scalars)
    break_even = bonus / (1.0 + bonus)
    total, impact, index = owed.sum(), 0.0, 1.0
    rows = sums.reshape(1, sums.size)
    highest = _highest_trigger(coins, owed)
    slots, numbers, ratios = np.empty(owed.size, np.int64), np.arange(owed.size), np.empty(owed.size)
    for step in range(quotes.size):
        growth = growth_of(total, curve)
        paid = total * growth
        sums[INTEREST] += paid
        total += paid
        index *= 1.0 + growth
        price = price_after(quotes[step], impact)
        slippage = impact
        level = price * threshold
        if impact < break_even and level * (1.0 - MARGIN) < highest * index:
            count = _list_struck(coins, owed, level, index, slots)
            _, slippage, _ = _visit(
                slots, count, numbers, ratios, coins, owed, price, threshold, bonus, index, slippage,
                scalars, rows, 0,
            )  # fmt: skip
            total = owed.sum() * index
            highest = _highest_trigger(coins, owed)
        impact = impact_after(slippage, scalars[RESILIENCE])
    sums[UNCOVERED] += _uncovered(coins, owed, quotes[quotes.size - 1], index)
    for number in range(owed.size):
        owed[number] *= index
