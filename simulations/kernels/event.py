"""The event-driven kernel: the cost of a path is its steps plus its liquidations, not its positions.

With one volatile collateral and one debt asset, everything that varies is one number,
q = price x threshold / index, and everything that a position brings is another, its trigger
k = debt / coins.  A position is unhealthy exactly when k > q.  So the book is sorted once by k, and the
sorted copy is shared by all paths::

    sorted book   k0 >= k1 >= k2 >= ... >= kn     read only; untouched from ``pointer`` on
                              ^ pointer
    touched       struck, but not closed, in blocks of 32 with the largest k of each block

The largest k of all, ``peak``, is the pointer's or a block's.  While q stays above it, a step is one
comparison, done for up to 128 paths at once.  When q falls below it, the unhealthy are taken worst first
from the touched and from the pointer on, until none is left or slippage has eaten the bonus: this is the
order of ``core/cascade.py``, so the result is exact.  A screen leaves ``MARGIN`` of room; who passes it is
judged by the rule itself.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulations.kernels.rules import (
    DEPTH,
    INTEREST,
    MARGIN,
    RESILIENCE,
    SMALLEST_IMPACT,
    UNCOVERED,
    comes_before,
    curve_of,
    growth_of,
    impact_after,
    price_after,
    sort_worst_first,
    strike,
    trigger_of,
)

TRIGGER, COINS, OWED = range(3)
"""Rows of a sorted book, and of the touched."""

LANES = 128
"""Paths in lockstep."""

TILE = 32
"""Steps whose prices are turned to (step, lane) at a time."""

BLOCK = 32
WORKSPACE_BYTES = 64 * 2**20

TOTAL, INDEX, PAID, IMPACT, PEAK, PRICE, SLIPPAGE = range(7)
STATE = 7
"""Rows of the lanes' state; each row is contiguous, so that a step is vector code."""


@njit(cache=True, nogil=True)
def _accrue(
    total: NDArray[np.float64],
    index: NDArray[np.float64],
    interest: NDArray[np.float64],
    curve: tuple[float, float, float, float, float],
) -> None:
    for lane in range(total.size):
        growth = growth_of(total[lane], curve)
        paid = total[lane] * growth
        interest[lane] += paid
        total[lane] += paid
        index[lane] *= 1.0 + growth


@njit(cache=True, nogil=True)
def _price(
    quotes: NDArray[np.float64],
    impact: NDArray[np.float64],
    slippage: NDArray[np.float64],
    price: NDArray[np.float64],
    resilience: float,
) -> None:
    """Set the step's price and the slippage it begins with; let the impact decay."""
    for lane in range(quotes.size):
        begun = impact[lane]
        price[lane] = price_after(quotes[lane], begun)
        slippage[lane] = begun
        left = begun * resilience
        impact[lane] = left if left >= SMALLEST_IMPACT else 0.0


@njit(cache=True, nogil=True)
def _count_below(
    price: NDArray[np.float64],
    peak: NDArray[np.float64],
    index: NDArray[np.float64],
    threshold: float,
    below: NDArray[np.int32],
) -> int:
    """Mark the lanes whose price has reached the highest trigger; return how many."""
    count = np.int32(0)
    for lane in range(price.size):
        event = np.int32(price[lane] * threshold < peak[lane] * index[lane])
        below[lane] = event
        count += event
    return int(count)


@njit(cache=True, nogil=True)
def _collect(
    triggers: NDArray[np.float64],
    blocks: NDArray[np.float64],
    count: int,
    screen: float,
    slots: NDArray[np.int64],
) -> int:
    """List the touched whose trigger is above ``screen``; return how many."""
    found = 0
    for block in range((count + BLOCK - 1) // BLOCK):
        if blocks[block] > screen:
            for slot in range(block * BLOCK, min(block * BLOCK + BLOCK, count)):
                if triggers[slot] > screen:
                    slots[found] = slot
                    found += 1
    return found


@njit(cache=True, nogil=True)
def _refresh(
    triggers: NDArray[np.float64], blocks: NDArray[np.float64], before: int, count: int, screen: float
) -> float:
    """Renew the largest trigger of each block that may have changed; return the largest of all."""
    largest = 0.0
    for block in range((count + BLOCK - 1) // BLOCK):
        begin, end = block * BLOCK, min(block * BLOCK + BLOCK, count)
        if end > before or blocks[block] > screen:
            top = 0.0
            for slot in range(begin, end):
                top = max(top, triggers[slot])
            blocks[block] = top
        largest = max(largest, blocks[block])
    return largest


@njit(cache=True, nogil=True)
def _serve(
    book: NDArray[np.float64],
    numbers: NDArray[np.int64],
    touched: NDArray[np.float64],
    who: NDArray[np.int64],
    blocks: NDArray[np.float64],
    slots: NDArray[np.int64],
    places: NDArray[np.int64],
    state: NDArray[np.float64],
    threshold: float,
    bonus: float,
    scalars: NDArray[np.float64],
    sums: NDArray[np.float64],
) -> None:
    """Liquidate on one path in one step; ``places`` holds the pointer and the number of touched."""
    price, index, slippage = state[PRICE], state[INDEX], state[SLIPPAGE]
    pointer, count, size = places[0], places[1], numbers.size
    before, cleared, taken = count, 0.0, 0
    level, break_even = price * threshold, bonus / (1.0 + bonus)
    screen = level / index * (1.0 - MARGIN)
    found = _collect(touched[TRIGGER], blocks, count, screen, slots)
    sort_worst_first(slots, found, touched[TRIGGER], who)
    while slippage < break_even:
        fresh = pointer < size and book[TRIGGER, pointer] > screen
        if fresh and taken < found:
            slot = slots[taken]
            fresh = comes_before(book[TRIGGER, pointer], numbers[pointer], touched[TRIGGER, slot], who[slot])
        if fresh:
            slot = count
            for row in range(3):
                touched[row, slot] = book[row, pointer]
            who[slot] = numbers[pointer]
            pointer += 1
            count += 1
        elif taken < found:
            slot = slots[taken]
            taken += 1
        else:
            break
        owed = touched[OWED, slot] * index
        if touched[COINS, slot] * level >= owed:
            continue
        coins, left, sold = strike(touched[COINS, slot], owed, price, threshold, bonus, scalars, sums)
        touched[COINS, slot] = coins
        touched[OWED, slot] = left / index
        touched[TRIGGER, slot] = trigger_of(coins, touched[OWED, slot])
        cleared += owed - left
        slippage += sold / scalars[DEPTH]
        if fresh and left <= 0.0:
            count -= 1
    peak = _refresh(touched[TRIGGER], blocks, before, count, screen)
    if pointer < size:
        peak = max(peak, book[TRIGGER, pointer])
    state[PEAK] = peak * (1.0 + MARGIN)
    state[TOTAL] = max(state[TOTAL] - cleared, 0.0)
    state[IMPACT] = impact_after(slippage, scalars[RESILIENCE])
    places[0], places[1] = pointer, count


@njit(cache=True, nogil=True)
def _uncovered(
    book: NDArray[np.float64],
    touched: NDArray[np.float64],
    places: NDArray[np.int64],
    last: float,
    index: float,
) -> float:
    """Return debt above the worth of its collateral; in a sorted book only the first can have any."""
    gaps = 0.0
    for slot in range(places[1]):
        gaps += max(touched[OWED, slot] * index - touched[COINS, slot] * last, 0.0)
    for number in range(places[0], book.shape[1]):
        gap = book[OWED, number] * index - book[COINS, number] * last
        if gap <= 0.0:
            break
        gaps += gap
    return gaps


@njit(cache=True, nogil=True)
def lanes_for(positions: int) -> int:
    """Return how many paths go in lockstep, so that their touched positions stay within 64 MiB."""
    return int(max(1, min(LANES, WORKSPACE_BYTES // (positions * 40))))


@njit(cache=True, nogil=True)
def follow_paths(
    book: NDArray[np.float64],
    numbers: NDArray[np.int64],
    total: float,
    prices: NDArray[np.float64],
    threshold: float,
    bonus: float,
    scalars: NDArray[np.float64],
    totals: NDArray[np.float64],
) -> None:
    """Fill ``totals`` (path, total) for ``prices`` (path, step) and one sorted book (row, position).

    ``numbers`` are the places of the sorted positions in the book as it was given, ``total`` its debt.
    """
    paths, steps, size = prices.shape[0], prices.shape[1], numbers.size
    lanes = min(lanes_for(size), paths)
    curve, break_even = curve_of(scalars), bonus / (1.0 + bonus)
    touched, who = np.empty((lanes, 3, size)), np.empty((lanes, size), np.int64)
    blocks, slots = np.empty((lanes, size // BLOCK + 1)), np.empty(size, np.int64)
    states, own = np.empty((STATE, lanes)), np.empty(STATE)
    below, tile = np.empty(lanes, np.int32), np.empty((TILE, lanes))
    for first in range(0, paths, lanes):
        width = min(lanes, paths - first)
        places = np.zeros((width, 2), np.int64)
        state = states[:, :width]
        state[:] = 0.0
        state[TOTAL] = total
        state[INDEX] = 1.0
        state[PEAK] = book[TRIGGER, 0] * (1.0 + MARGIN)
        for step in range(steps):
            row = step % TILE
            if row == 0:
                for lane in range(width):
                    for ahead in range(min(TILE, steps - step)):
                        tile[ahead, lane] = prices[first + lane, step + ahead]
            _accrue(state[TOTAL], state[INDEX], state[PAID], curve)
            _price(tile[row, :width], state[IMPACT], state[SLIPPAGE], state[PRICE], scalars[RESILIENCE])
            if _count_below(state[PRICE], state[PEAK], state[INDEX], threshold, below) == 0:
                continue
            for lane in range(width):
                if below[lane] == 0 or state[SLIPPAGE, lane] >= break_even:
                    continue
                for entry in range(STATE):
                    own[entry] = state[entry, lane]
                _serve(
                    book, numbers, touched[lane], who[lane], blocks[lane], slots, places[lane], own,
                    threshold, bonus, scalars, totals[first + lane],
                )  # fmt: skip
                for entry in range(STATE):
                    state[entry, lane] = own[entry]
        for lane in range(width):
            sums = totals[first + lane]
            sums[INTEREST] += state[PAID, lane]
            last = prices[first + lane, steps - 1]
            sums[UNCOVERED] += _uncovered(book, touched[lane], places[lane], last, state[INDEX, lane])
