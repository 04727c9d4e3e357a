"""One path's lists of whom to look at: who may be struck, by room, and nobody else (Verlet 1967).

``screened.py`` says why nobody who might be struck is missed.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from simulations.kernels.rules import MARGIN
from simulations.pool.arrays import (
    CHECKED,
    KIND,
    MODE,
    NOW,
    ORACLE,
    OWED_PRICE,
    Floats,
    Whole,
)
from simulations.pool.manners import LOOPS

INNER, OUTER = 1.04, 1.2
SHELVES = 16

UNIVERSE, NEAR, SHELVED, SHELF, STRUCK, IS_STRUCK, SEEN, WAITING = range(8)
LISTS = 8
"""One path's lists, each a row with room for all accounts; how long they are stands in ``counts``.

``UNIVERSE`` holds ``NEAR``, and that ``SHELVED``, which lies shelf after shelf (``ends`` behind each).
``STRUCK`` are looked at in every step, and marked in ``IS_STRUCK``; ``SEEN`` is who is looked at now.
"""

AT_INNER, AT_OUTER = range(2)
"""Rows of ``anchors`` (anchor, of price or of price of debt, asset), which holds one over each price."""


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def keep_in_sight(account: int, lists: Whole, counts: Whole) -> None:
    """Look at an account in every step until the next anchor."""
    if lists[IS_STRUCK, account] == 0:
        lists[IS_STRUCK, account] = 1
        lists[STRUCK, counts[STRUCK]] = account
        counts[STRUCK] += 1


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def admit(
    members: Whole,
    triggers: Floats,
    begins: Whole,
    keys: Whole,
    pointers: Whole,
    lists: Whole,
    counts: Whole,
    now: Floats,
    weights: Floats,
    level: float,
) -> None:
    """Move whoever a group's pointer passes to the lists."""
    for group in range(keys.shape[0]):
        place, end = pointers[group], begins[group + 1]
        if place == end:
            continue
        weight = weights[NOW, keys[group, 2], keys[group, 0]] * (1.0 - MARGIN)
        owed_price = now[OWED_PRICE, keys[group, 1]] * level
        while place < end and triggers[place] * owed_price > weight:
            account = members[place]
            lists[UNIVERSE, counts[UNIVERSE]] = account
            lists[NEAR, counts[NEAR]] = account
            counts[UNIVERSE] += 1
            counts[NEAR] += 1
            keep_in_sight(account, lists, counts)
            place += 1
        pointers[group] = place


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def movement(used: Whole, anchors: Floats, which: int, now: Floats, both_ways: int) -> float:
    """Return by what factor any account's health may have changed since an anchor, downwards or both ways.

    ``used`` says which assets are collateral (row 0) and which are owed (row 1).
    """
    least, most, least_debt, most_debt = np.inf, 0.0, np.inf, 0.0
    for asset in range(now.shape[1]):
        if used[0, asset] == 1:
            moved = now[ORACLE, asset] * anchors[which, 0, asset]
            least, most = min(least, moved), max(most, moved)
        if used[1, asset] == 1:
            moved = now[OWED_PRICE, asset] * anchors[which, 1, asset]
            least_debt, most_debt = min(least_debt, moved), max(most_debt, moved)
    down = most_debt / least
    return float(max(down, most / least_debt) if both_ways == 1 else down) * (1.0 + MARGIN)


@njit(cache=True, nogil=True, error_model="numpy")
def debt_of(account: int, owed: Floats, now: Floats) -> float:
    """Return what an account of the book owes now, USD."""
    total = 0.0
    for asset in range(owed.shape[1]):
        total += owed[account, asset] * now[OWED_PRICE, asset]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def weighted_of(account: int, coins: Floats, weights: Floats, mode: int) -> float:
    """Return the worth of an account's collateral times its thresholds, USD."""
    total = 0.0
    for asset in range(coins.shape[1]):
        total += coins[account, asset] * weights[NOW, mode, asset]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _room_of(weighted: float, debt: float, level: float, kind: int, loop_above: float) -> float:
    """Return the factor by which health must change before something can happen; below 0 without debt.

    ``loop_above`` is endless where nobody looks.
    """
    if debt <= 0.0:
        return -1.0
    room = weighted / (debt * level)
    if kind == LOOPS and weighted > 0.0:
        room = min(room, debt * loop_above / weighted)
    return room


@njit(cache=True, nogil=True, error_model="numpy")
def anchor_outer(
    coins: Floats,
    owed: Floats,
    people: Whole,
    now: Floats,
    weights: Floats,
    lists: Whole,
    counts: Whole,
    anchors: Floats,
    level: float,
    loop_above: float,
) -> None:
    """Make the wider list anew; accounts without debt are forgotten."""
    kept, near = 0, 0
    for place in range(counts[UNIVERSE]):
        account = lists[UNIVERSE, place]
        weighted = weighted_of(account, coins, weights, people[MODE, account])
        debt = debt_of(account, owed, now)
        room = _room_of(weighted, debt, level, people[KIND, account], loop_above)
        if room < 0.0:
            continue
        lists[UNIVERSE, kept] = account
        kept += 1
        if room < OUTER:
            lists[NEAR, near] = account
            near += 1
    counts[UNIVERSE], counts[NEAR] = kept, near
    anchors[AT_OUTER, 0] = 1.0 / now[ORACLE]
    anchors[AT_OUTER, 1] = 1.0 / now[OWED_PRICE]


@njit(cache=True, nogil=True, error_model="numpy")
def anchor_inner(
    coins: Floats,
    owed: Floats,
    people: Whole,
    now: Floats,
    weights: Floats,
    lists: Whole,
    counts: Whole,
    ends: Whole,
    anchors: Floats,
    level: float,
    loop_above: float,
) -> None:
    """Put the near ones on their shelves; nobody is struck any more."""
    for place in range(counts[STRUCK]):
        lists[IS_STRUCK, lists[STRUCK, place]] = 0
    counts[STRUCK] = 0
    ends[:] = 0
    per_shelf = SHELVES / (INNER - 1.0)
    for place in range(counts[NEAR]):
        account = lists[NEAR, place]
        weighted = weighted_of(account, coins, weights, people[MODE, account])
        debt = debt_of(account, owed, now)
        room = _room_of(weighted, debt, level, people[KIND, account], loop_above)
        shelf = -1 if room < 0.0 or room >= INNER else max(0, int((room - 1.0) * per_shelf))
        lists[SHELF, place] = shelf
        if shelf >= 0:
            ends[shelf + 1] += 1
    for shelf in range(SHELVES):
        ends[shelf + 1] += ends[shelf]
    for place in range(counts[NEAR]):
        shelf = lists[SHELF, place]
        if shelf >= 0:
            lists[SHELVED, ends[shelf]] = lists[NEAR, place]
            ends[shelf] += 1
    anchors[AT_INNER, 0] = 1.0 / now[ORACLE]
    anchors[AT_INNER, 1] = 1.0 / now[OWED_PRICE]


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def sight(moved: float, lists: Whole, counts: Whole, ends: Whole, sums: Floats) -> int:
    """Fill ``SEEN`` with those to look at in this step; return how many."""
    reached = max(0.0, (moved - 1.0) * (1.0 + 1e-9) * (SHELVES / (INNER - 1.0)))
    shelf = min(SHELVES - 1, int(reached))
    count = int(counts[STRUCK])
    for place in range(count):
        lists[SEEN, place] = lists[STRUCK, place]
    for place in range(ends[shelf]):
        account = lists[SHELVED, place]
        if lists[IS_STRUCK, account] == 0:
            lists[SEEN, count] = account
            count += 1
    sums[CHECKED] += float(count)
    return count
