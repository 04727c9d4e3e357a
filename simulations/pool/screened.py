"""Only those are looked at who might be struck, and nobody who might be is missed.

Two routes.  An account with one collateral asset and one debt asset has a trigger, debt per coin: everything
that varies of its health is one number, q = price x threshold / (price of the debt x index).  Such accounts
stand in groups (collateral, debt, e-mode), sorted once for all paths; a path keeps a pointer into each.

All others, and those that a pointer has passed, are watched (Verlet 1967).  At an anchor an account's room is
its health over the level at which something can happen to it.  While prices have moved against each other by
less than that, nothing can; so accounts are kept in shelves by their room, and a step looks at the shelves
that the movement since the anchor has reached, and at those that were struck since.  At a movement of
``INNER`` there is a new anchor; the accounts for it come from a wider list, of those with room below
``OUTER``, which is made anew when others could by now have come within ``INNER``.

The screens leave room for rounding; whoever passes is judged by the rule itself, in the same order as in the
dense kernel, so that the two agree to the last bit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from simulations.kernels.rules import MARGIN, sort_worst_first
from simulations.pool.arrays import (
    CHECKED,
    HAZARD,
    KIND,
    MODE,
    NOW,
    ORACLE,
    OWED_PRICE,
    PHASE,
    STATE,
    Floats,
    People,
    Rules,
    Tables,
    Whole,
)
from simulations.pool.step import (
    LOOPS,
    begin_step,
    close_path,
    end_step,
    let_go,
    look,
    mark_seizable,
    open_path,
    sum_up,
    visit,
)

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


class Groups(NamedTuple):
    """Sorted accounts of the first route, and the accounts of the second.

    ``members`` and ``triggers`` lie group after group, largest trigger first; group g holds the places
    ``begins[g]`` to before ``begins[g + 1]`` and is of ``keys[g]``: collateral, debt, mode.  ``watched`` are
    the accounts of the second route; ``leavers`` all accounts with patience, by main debt and patience, in
    the places ``leaver_begins[asset]`` to before the next; ``used`` says which assets are collateral (row 0)
    and debt (row 1) of anybody.
    """

    members: Whole
    triggers: Floats
    begins: Whole
    keys: Whole
    watched: Whole
    leavers: Whole
    leaver_begins: Whole
    used: Whole


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _keep_in_sight(account: int, lists: Whole, counts: Whole) -> None:
    """Look at an account in every step until the next anchor."""
    if lists[IS_STRUCK, account] == 0:
        lists[IS_STRUCK, account] = 1
        lists[STRUCK, counts[STRUCK]] = account
        counts[STRUCK] += 1


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _admit(
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
            _keep_in_sight(account, lists, counts)
            place += 1
        pointers[group] = place


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _movement(used: Whole, anchors: Floats, which: int, now: Floats, both_ways: int) -> float:
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
def _debt_of(account: int, owed: Floats, now: Floats) -> float:
    total = 0.0
    for asset in range(owed.shape[1]):
        total += owed[account, asset] * now[OWED_PRICE, asset]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _weighted_of(account: int, coins: Floats, weights: Floats, mode: int) -> float:
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
def _anchor_outer(
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
        weighted = _weighted_of(account, coins, weights, people[MODE, account])
        debt = _debt_of(account, owed, now)
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
def _anchor_inner(
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
        weighted = _weighted_of(account, coins, weights, people[MODE, account])
        debt = _debt_of(account, owed, now)
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
def _sight(moved: float, lists: Whole, counts: Whole, ends: Whole, sums: Floats) -> int:
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


@njit(cache=True, nogil=True, error_model="numpy")
def _let_go(
    coins: Floats,
    owed: Floats,
    leavers: Whole,
    begins: Whole,
    patience: Floats,
    pointers: Whole,
    by_asset: Floats,
    now: Floats,
    lists: Whole,
    counts: Whole,
    sums: Floats,
) -> None:
    """Let those leave whose patience the hazard has reached, in the accounts' order."""
    count = counts[WAITING]
    for asset in range(pointers.size):
        place = pointers[asset]
        while place < begins[asset + 1] and now[HAZARD, asset] >= patience[leavers[place]]:
            lists[WAITING, count] = leavers[place]
            count += 1
            place += 1
        pointers[asset] = place
    lists[WAITING, :count].sort()
    stay = 0
    for place in range(count):
        account = lists[WAITING, place]
        if let_go(coins[account], owed[account], by_asset, now, sums):
            lists[WAITING, stay] = account
            stay += 1
    counts[WAITING] = stay


@njit(cache=True, nogil=True, error_model="numpy")
def _look(
    step: int,
    seen: int,
    coins: Floats,
    owed: Floats,
    means: Floats,
    people: Whole,
    by_asset: Floats,
    by_mode: Floats,
    rules: Rules,
    now: Floats,
    weights: Floats,
    lists: Whole,
    counts: Whole,
    slots: Whole,
    sums: Floats,
) -> None:
    """Let those in sight whose turn it is look at their positions, in the accounts' order."""
    count = 0
    for place in range(seen):
        account = lists[SEEN, place]
        if people[KIND, account] > 0 and (step + people[PHASE, account]) % rules.attention == 0:
            slots[count] = account
            count += 1
    slots[:count].sort()
    for place in range(count):
        account = slots[place]
        look(
            account, coins[account], owed[account], means, people, by_asset, by_mode, rules, now, weights,
            sums,
        )  # fmt: skip
        _keep_in_sight(account, lists, counts)


@njit(cache=True, nogil=True, error_model="numpy")
def _serve(
    seen: int,
    coins: Floats,
    owed: Floats,
    people: Whole,
    by_asset: Floats,
    by_mode: Floats,
    rules: Rules,
    now: Floats,
    weights: Floats,
    lists: Whole,
    counts: Whole,
    slots: Whole,
    ratios: Floats,
    numbers: Whole,
    sums: Floats,
) -> None:
    """Visit the unhealthy among those in sight, worst first."""
    count = 0
    for place in range(seen):
        account = lists[SEEN, place]
        weighted = _weighted_of(account, coins, weights, people[MODE, account])
        debt = _debt_of(account, owed, now)
        if weighted < debt:
            slots[count] = account
            ratios[account] = debt / weighted if weighted > 0.0 else np.inf
            count += 1
    sort_worst_first(slots, count, ratios, numbers)
    for place in range(count):
        account = slots[place]
        mode = people[MODE, account]
        visit(coins[account], owed[account], mode, by_asset, by_mode, rules, now, weights, sums)
        _keep_in_sight(account, lists, counts)


@njit(cache=True, nogil=True, error_model="numpy")
def _follow(
    coins: Floats,
    owed: Floats,
    means: Floats,
    prices: Floats,
    people: Whole,
    patience: Floats,
    by_asset: Floats,
    by_mode: Floats,
    rules: Rules,
    now: Floats,
    weights: Floats,
    oracles: Floats,
    members: Whole,
    triggers: Floats,
    begins: Whole,
    keys: Whole,
    pointers: Whole,
    leavers: Whole,
    leaver_begins: Whole,
    leaver_pointers: Whole,
    used: Whole,
    lists: Whole,
    counts: Whole,
    ends: Whole,
    anchors: Floats,
    slots: Whole,
    ratios: Floats,
    numbers: Whole,
    sums: Floats,
) -> None:
    """Carry one path; ``coins`` and ``owed`` have shape (account, asset) and are changed."""
    leaves = rules.leave > 0.0 or rules.rate_leave > 0.0
    looks = rules.attention > 0
    level = max(1.0, rules.alert) if looks else 1.0
    loop_above = rules.loop_above if looks else np.inf
    both_ways = 1 if looks and (people[KIND] == LOOPS).any() else 0
    for step in range(prices.shape[0]):
        begin_step(step, prices, by_asset, by_mode, rules, now, weights, oracles, sums)
        if leaves:
            _let_go(
                coins, owed, leavers, leaver_begins, patience, leaver_pointers, by_asset, now, lists, counts,
                sums,
            )  # fmt: skip
        moved = INNER if step == 0 else _movement(used, anchors, AT_INNER, now, both_ways)
        if moved >= INNER:
            wide = OUTER if step == 0 else _movement(used, anchors, AT_OUTER, now, both_ways)
            if wide * INNER >= OUTER:
                sums[CHECKED] += float(counts[UNIVERSE])
                _anchor_outer(
                    coins, owed, people, now, weights, lists, counts, anchors, level, loop_above
                )  # fmt: skip
            sums[CHECKED] += float(counts[NEAR])
            _anchor_inner(
                coins, owed, people, now, weights, lists, counts, ends, anchors, level, loop_above
            )  # fmt: skip
            moved = 1.0
        _admit(members, triggers, begins, keys, pointers, lists, counts, now, weights, level)
        seen = _sight(moved, lists, counts, ends, sums)
        if looks and seen > 0:
            _look(
                step, seen, coins, owed, means, people, by_asset, by_mode, rules, now, weights, lists, counts,
                slots, sums,
            )  # fmt: skip
        mark_seizable(by_asset, by_mode, rules, now, sums)
        if step >= rules.delay and seen > 0:
            _serve(
                seen, coins, owed, people, by_asset, by_mode, rules, now, weights, lists, counts, slots,
                ratios, numbers, sums,
            )  # fmt: skip
        end_step(rules, now)


@njit(cache=True, nogil=True, error_model="numpy")
def follow_paths(
    collateral: Floats,
    debt: Floats,
    means_usd: Floats,
    people: People,
    tables: Tables,
    rules: Rules,
    groups: Groups,
    prices: Floats,
    totals: Floats,
) -> None:
    """Fill ``totals`` (path, total) for ``prices`` (path, step, asset) and one book (account, asset)."""
    accounts, assets = collateral.shape
    coins, owed, means = np.empty((accounts, assets)), np.empty((accounts, assets)), np.empty(accounts)
    ratios, slots, numbers = np.empty(accounts), np.empty(accounts, np.int64), np.arange(accounts)
    now, oracles = np.zeros((STATE, assets)), np.zeros((rules.delay + 1, assets))
    weights = np.zeros((2, tables.by_mode.shape[1], assets))
    lists, counts = np.zeros((LISTS, accounts), np.int64), np.zeros(LISTS, np.int64)
    ends, anchors = np.zeros(SHELVES + 1, np.int64), np.ones((2, 2, assets))
    before, isolated = sum_up(collateral, debt, tables.by_asset)
    for path in range(prices.shape[0]):
        coins[:] = collateral
        owed[:] = debt
        means[:] = means_usd
        now[:] = 0.0
        open_path(debt, prices[path, 0], before, isolated, tables.by_asset, now)
        counts[:] = 0
        lists[IS_STRUCK] = 0
        counts[UNIVERSE] = groups.watched.size
        lists[UNIVERSE, : groups.watched.size] = groups.watched
        _follow(
            coins, owed, means, prices[path], people.rows, people.patience, tables.by_asset, tables.by_mode,
            rules, now, weights, oracles, groups.members, groups.triggers, groups.begins, groups.keys,
            groups.begins[:-1].copy(), groups.leavers, groups.leaver_begins, groups.leaver_begins[:-1].copy(),
            groups.used, lists, counts, ends, anchors, slots, ratios, numbers, totals[path],
        )  # fmt: skip
        close_path(coins, owed, prices[path, -1], now, totals[path])
