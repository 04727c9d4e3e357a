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

from simulations.kernels.rules import sort_worst_first
from simulations.pool.arrays import (
    CHECKED,
    HAZARD,
    KIND,
    MODE,
    PHASE,
    STATE,
    Floats,
    People,
    Rules,
    Tables,
    Whole,
)
from simulations.pool.calls import visit
from simulations.pool.manners import LOOPS, let_go, look
from simulations.pool.step import begin_step, close_path, end_step, mark_seizable, open_path, sum_up
from simulations.pool.watch import (
    AT_INNER,
    AT_OUTER,
    INNER,
    IS_STRUCK,
    LISTS,
    NEAR,
    OUTER,
    SEEN,
    SHELVES,
    UNIVERSE,
    WAITING,
    admit,
    anchor_inner,
    anchor_outer,
    debt_of,
    keep_in_sight,
    movement,
    sight,
    weighted_of,
)


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
        keep_in_sight(account, lists, counts)


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
        weighted = weighted_of(account, coins, weights, people[MODE, account])
        debt = debt_of(account, owed, now)
        if weighted < debt:
            slots[count] = account
            ratios[account] = debt / weighted if weighted > 0.0 else np.inf
            count += 1
    sort_worst_first(slots, count, ratios, numbers)
    for place in range(count):
        account = slots[place]
        mode = people[MODE, account]
        visit(coins[account], owed[account], mode, by_asset, by_mode, rules, now, weights, sums)
        keep_in_sight(account, lists, counts)


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
        moved = INNER if step == 0 else movement(used, anchors, AT_INNER, now, both_ways)
        if moved >= INNER:
            wide = OUTER if step == 0 else movement(used, anchors, AT_OUTER, now, both_ways)
            if wide * INNER >= OUTER:
                sums[CHECKED] += float(counts[UNIVERSE])
                anchor_outer(
                    coins, owed, people, now, weights, lists, counts, anchors, level, loop_above
                )  # fmt: skip
            sums[CHECKED] += float(counts[NEAR])
            anchor_inner(
                coins, owed, people, now, weights, lists, counts, ends, anchors, level, loop_above
            )  # fmt: skip
            moved = 1.0
        admit(members, triggers, begins, keys, pointers, lists, counts, now, weights, level)
        seen = sight(moved, lists, counts, ends, sums)
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
