"""The event-driven kernel: the cost of a path is its steps plus its liquidations, not its positions.

With one volatile collateral and one debt asset, everything that varies is one number,
q = price x threshold / index, and everything that a position brings is another, its trigger
k = debt / coins.  A position is unhealthy exactly when k > q.  So the book is sorted once by k, and the
sorted copy is shared by all paths::

    sorted book   k0 >= k1 >= k2 >= ... >= kn     read only; untouched from ``pointer`` on
                              ^ pointer
    touched       struck, but not closed, in blocks of 32 with the largest k of each block

The largest k of all, ``peak``, is the pointer's or a block's.  While q stays above it, a step is one
comparison, done for up to 64 paths at once.  When q falls below it, the unhealthy are taken worst first
from the touched and from the pointer on, until none is left or slippage has eaten the bonus: this is the
order of ``core/cascade.py``, so the result is exact.  Where all of them together cannot eat the bonus, no
order shows and none is made.  A screen leaves ``MARGIN`` of room; who passes it is
judged by the rule itself.
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
    comes_before,
    curve_of,
    drop_worst,
    growth_of,
    heap_worst_first,
    impact_after,
    price_after,
    slippage_of,
    strike,
    trigger_of,
)

TRIGGER, COINS, OWED = range(3)
"""Rows of a sorted book, and of the touched."""

LANES = 64
"""Paths in lockstep."""

TILE = 32
"""Steps whose prices are turned to (step, lane) at a time."""

BLOCK = 32
WORKSPACE_BYTES = 64 * 2**20

TOTAL, INDEX, PAID, IMPACT, PEAK, TOP, PRICE, SLIPPAGE = range(8)
STATE = 8
"""Rows of the lanes' state; each row is contiguous, so that a step is vector code."""


@njit(cache=True, nogil=True, error_model="numpy")
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


@njit(cache=True, nogil=True, error_model="numpy")
def _price(
    tile: NDArray[np.float64],
    row: int,
    impact: NDArray[np.float64],
    slippage: NDArray[np.float64],
    price: NDArray[np.float64],
    resilience: float,
) -> None:
    """Set the step's price and the slippage it begins with; let the impact decay."""
    for lane in range(price.size):
        begun = impact[lane]
        price[lane] = price_after(tile[row, lane], begun)
        slippage[lane] = begun
        impact[lane] = impact_after(begun, resilience)


@njit(cache=True, nogil=True, error_model="numpy")
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


@njit(cache=True, nogil=True, error_model="numpy")
def _collect(
    touched: NDArray[np.float64],
    blocks: NDArray[np.float64],
    lane: int,
    count: int,
    screen: float,
    slots: NDArray[np.int64],
) -> int:
    """List the touched whose trigger is above ``screen``; return how many."""
    found = 0
    for block in range((count + BLOCK - 1) // BLOCK):
        if blocks[lane, block] > screen:
            for slot in range(block * BLOCK, min(block * BLOCK + BLOCK, count)):
                if touched[lane, TRIGGER, slot] > screen:
                    slots[found] = slot
                    found += 1
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def _most_sold(
    book: NDArray[np.float64],
    pointer: int,
    touched: NDArray[np.float64],
    lane: int,
    slots: NDArray[np.int64],
    found: int,
    screen: float,
    enough: float,
) -> float:
    """Return the kept debt of all who may be struck: the most that can be repaid in this step.

    What lies beyond ``enough`` changes nothing and is not added.
    """
    most = 0.0
    while pointer < book.shape[1] and book[TRIGGER, pointer] > screen and most < enough:
        most += book[OWED, pointer]
        pointer += 1
    for place in range(found):
        if most >= enough:
            break
        most += touched[lane, OWED, slots[place]]
    return most


@njit(cache=True, nogil=True, error_model="numpy")
def _refresh(
    touched: NDArray[np.float64],
    blocks: NDArray[np.float64],
    lane: int,
    before: int,
    count: int,
    screen: float,
) -> float:
    """Renew the largest trigger of each block that may have changed; return the largest of all."""
    largest = 0.0
    for block in range((count + BLOCK - 1) // BLOCK):
        begin, end = block * BLOCK, min(block * BLOCK + BLOCK, count)
        if end > before or blocks[lane, block] > screen:
            top = 0.0
            for slot in range(begin, end):
                if touched[lane, TRIGGER, slot] > top:
                    top = touched[lane, TRIGGER, slot]
            blocks[lane, block] = top
        if blocks[lane, block] > largest:
            largest = blocks[lane, block]
    return largest


@njit(cache=True, nogil=True, error_model="numpy")
def _serve(
    book: NDArray[np.float64],
    numbers: NDArray[np.int64],
    touched: NDArray[np.float64],
    who: NDArray[np.int64],
    blocks: NDArray[np.float64],
    slots: NDArray[np.int64],
    places: NDArray[np.int64],
    state: NDArray[np.float64],
    lane: int,
    threshold: float,
    bonus: float,
    scalars: NDArray[np.float64],
    totals: NDArray[np.float64],
    path: int,
) -> None:
    """Liquidate on one path in one step; ``places`` holds the pointer and the number of touched."""
    price, index, slippage = state[PRICE, lane], state[INDEX, lane], state[SLIPPAGE, lane]
    pointer, count, size = places[lane, 0], places[lane, 1], numbers.size
    before, cleared, taken, found = count, 0.0, 0, 0
    struck, repaid, seized, written_off = 0.0, 0.0, 0.0, 0.0
    level, break_even = price * threshold, bonus / (1.0 + bonus)
    per_depth, per_index = 1.0 / scalars[DEPTH], 1.0 / index
    screen = level / index * (1.0 - MARGIN)
    if state[TOP, lane] > screen:
        found = _collect(touched, blocks, lane, count, screen, slots)
    enough = (break_even - slippage) * (1.0 - MARGIN) / (index * (1.0 + bonus) * per_depth)
    ordered = _most_sold(book, pointer, touched, lane, slots, found, screen, enough) >= enough
    if ordered:
        heap_worst_first(slots, found, touched[lane, TRIGGER], who[lane])
    while slippage < break_even:
        fresh = pointer < size and book[TRIGGER, pointer] > screen
        if taken < found and not ordered:
            fresh = False
        elif fresh and taken < found:
            slot = slots[0]
            fresh = comes_before(
                book[TRIGGER, pointer], numbers[pointer], touched[lane, TRIGGER, slot], who[lane, slot]
            )
        if fresh:
            slot, number = count, numbers[pointer]
            coins, kept = book[COINS, pointer], book[OWED, pointer]
            pointer += 1
        elif taken < found:
            slot = slots[0] if ordered else slots[taken]
            number, coins, kept = who[lane, slot], touched[lane, COINS, slot], touched[lane, OWED, slot]
            taken += 1
            if ordered:
                drop_worst(slots, found - taken, touched[lane, TRIGGER], who[lane])
        else:
            break
        owed = kept * index
        if coins * level < owed:
            gone, sold_coins, lost, left = strike(coins, owed, price, threshold, bonus, scalars)
            coins -= sold_coins
            kept = left * per_index
            struck += 1.0
            repaid += gone
            seized += sold_coins
            written_off += lost
            cleared += owed - left
            slippage += slippage_of(sold_coins * price, per_depth)
        if fresh and kept > 0.0:
            count += 1
        if kept > 0.0 or not fresh:
            touched[lane, TRIGGER, slot] = trigger_of(coins, kept)
            touched[lane, COINS, slot], touched[lane, OWED, slot] = coins, kept
            who[lane, slot] = number
    totals[path, LIQUIDATIONS] += struck
    totals[path, REPAID] += repaid
    totals[path, SEIZED] += seized
    totals[path, BAD_DEBT] += written_off
    totals[path, LIQUIDATED_VALUE] += seized * price
    if taken > 0 or count > before:
        state[TOP, lane] = _refresh(touched, blocks, lane, before, count, screen)
    peak = state[TOP, lane]
    if pointer < size and book[TRIGGER, pointer] > peak:
        peak = book[TRIGGER, pointer]
    state[PEAK, lane] = peak * (1.0 + MARGIN)
    state[TOTAL, lane] = max(state[TOTAL, lane] - cleared, 0.0)
    state[IMPACT, lane] = impact_after(slippage, scalars[RESILIENCE])
    places[lane, 0], places[lane, 1] = pointer, count


@njit(cache=True, nogil=True, error_model="numpy")
def _uncovered(
    book: NDArray[np.float64],
    touched: NDArray[np.float64],
    blocks: NDArray[np.float64],
    places: NDArray[np.int64],
    lane: int,
    last: float,
    index: float,
) -> float:
    """Return debt above the worth of its collateral; in a sorted book only the first can have any."""
    gaps, count = 0.0, places[lane, 1]
    for block in range((count + BLOCK - 1) // BLOCK):
        if blocks[lane, block] * index * (1.0 + MARGIN) > last:
            for slot in range(block * BLOCK, min(block * BLOCK + BLOCK, count)):
                gaps += max(touched[lane, OWED, slot] * index - touched[lane, COINS, slot] * last, 0.0)
    for number in range(places[lane, 0], book.shape[1]):
        gap = book[OWED, number] * index - book[COINS, number] * last
        if gap <= 0.0:
            break
        gaps += gap
    return gaps


@njit(cache=True, nogil=True, error_model="numpy")
def lanes_for(positions: int) -> int:
    """Return how many paths go in lockstep, so that their touched positions stay within 64 MiB."""
    return int(max(1, min(LANES, WORKSPACE_BYTES // (positions * 40))))


@njit(cache=True, nogil=True, error_model="numpy")
def _turn(prices: NDArray[np.float64], first: int, step: int, tile: NDArray[np.float64], width: int) -> None:
    """Copy the next steps' prices to (step, lane)."""
    for lane in range(width):
        for ahead in range(min(TILE, prices.shape[1] - step)):
            tile[ahead, lane] = prices[first + lane, step + ahead]


@njit(cache=True, nogil=True, error_model="numpy")
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
    below, tile = np.empty(lanes, np.int32), np.empty((TILE, lanes))
    for first in range(0, paths, lanes):
        width = min(lanes, paths - first)
        places, state = np.zeros((width, 2), np.int64), np.zeros((STATE, width))
        state[TOTAL] = total
        state[INDEX] = 1.0
        state[PEAK] = book[TRIGGER, 0] * (1.0 + MARGIN)
        debts, index, paid, impact = state[TOTAL], state[INDEX], state[PAID], state[IMPACT]
        peak, price, slippage = state[PEAK], state[PRICE], state[SLIPPAGE]
        for step in range(steps):
            row = step % TILE
            if row == 0:
                _turn(prices, first, step, tile, width)
            _accrue(debts, index, paid, curve)
            _price(tile, row, impact, slippage, price, scalars[RESILIENCE])
            if _count_below(price, peak, index, threshold, below) == 0:
                continue
            for lane in range(width):
                if below[lane] != 0 and slippage[lane] < break_even:
                    _serve(
                        book, numbers, touched, who, blocks, slots, places, state, lane, threshold, bonus,
                        scalars, totals, first + lane,
                    )  # fmt: skip
        for lane in range(width):
            last = prices[first + lane, steps - 1]
            totals[first + lane, INTEREST] += paid[lane]
            totals[first + lane, UNCOVERED] += _uncovered(
                book, touched, blocks, places, lane, last, index[lane]
            )
