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
    NOW,
    ORACLE,
    OWED_PRICE,
    Floats,
    People,
    Rules,
    State,
    Whole,
    fresh_state,
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

INNER, OUTER = 1.04, 1.15
SHELVES = 16


class Groups(NamedTuple):
    """Sorted accounts of the first route, and the accounts of the second.

    ``members`` and ``triggers`` lie group after group, largest trigger first; group g holds the places
    ``begins[g]`` to before ``begins[g + 1]`` and is of ``keys[g]``: collateral, debt, mode.  ``watched`` are
    the accounts of the second route; ``leavers`` all accounts with patience, by main debt and patience, in
    the places ``leaver_begins[asset]`` to before the next.
    """

    members: Whole
    triggers: Floats
    begins: Whole
    keys: Whole
    watched: Whole
    leavers: Whole
    leaver_begins: Whole
    is_collateral: Whole
    is_debt: Whole


class Watch(NamedTuple):
    """One path's lists, each with room for all accounts; ``counts`` says how long they are.

    ``universe`` ⊇ ``near`` ⊇ ``shelved``, which lies shelf after shelf, ``ends`` behind the last of each;
    ``struck`` are looked at in every step, and marked in ``is_struck``; ``seen`` is who is looked at now.
    ``anchors`` has shape (inner or outer, of price or of price of debt, asset), one over each.
    """

    universe: Whole
    near: Whole
    shelved: Whole
    ends: Whole
    shelf: Whole
    struck: Whole
    is_struck: Whole
    seen: Whole
    waiting: Whole
    counts: Whole
    pointers: Whole
    leaver_pointers: Whole
    anchors: Floats


UNIVERSE, NEAR, STRUCK, WAITING = range(4)
AT_INNER, AT_OUTER = range(2)


@njit(cache=True, nogil=True, error_model="numpy")
def _keep_in_sight(account: int, watch: Watch) -> None:
    """Look at an account in every step until the next anchor."""
    struck, is_struck, counts = watch.struck, watch.is_struck, watch.counts
    if is_struck[account] == 0:
        is_struck[account] = 1
        struck[counts[STRUCK]] = account
        counts[STRUCK] += 1


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _admit(groups: Groups, watch: Watch, state: State, level: float) -> None:
    """Move whoever a group's pointer passes to the lists."""
    now, weights = state.now, state.weights
    universe, near_ones, counts, pointers = watch.universe, watch.near, watch.counts, watch.pointers
    members, triggers, begins, keys = groups.members, groups.triggers, groups.begins, groups.keys
    for group in range(keys.shape[0]):
        place, end = pointers[group], begins[group + 1]
        if place == end:
            continue
        held, lent, mode = keys[group, 0], keys[group, 1], keys[group, 2]
        q = weights[NOW, mode, held] / now[OWED_PRICE, lent]
        screen = q / level * (1.0 - MARGIN)
        while place < end and triggers[place] > screen:
            account = members[place]
            universe[counts[UNIVERSE]] = account
            near_ones[counts[NEAR]] = account
            counts[UNIVERSE] += 1
            counts[NEAR] += 1
            _keep_in_sight(account, watch)
            place += 1
        pointers[group] = place


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _movement(groups: Groups, watch: Watch, state: State, which: int, both_ways: int) -> float:
    """Return by what factor any account's health may have changed since an anchor, downwards or both ways."""
    now = state.now
    anchors = watch.anchors
    is_collateral, is_debt = groups.is_collateral, groups.is_debt
    least, most, least_debt, most_debt = np.inf, 0.0, np.inf, 0.0
    for asset in range(now.shape[1]):
        if is_collateral[asset] == 1:
            moved = now[ORACLE, asset] * anchors[which, 0, asset]
            least, most = min(least, moved), max(most, moved)
        if is_debt[asset] == 1:
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
    coins: Floats, owed: Floats, people: People, rules: Rules, watch: Watch, state: State, level: float
) -> None:
    """Make the wider list anew; accounts without debt are forgotten."""
    now = state.now
    universe, near_ones, counts, anchors = watch.universe, watch.near, watch.counts, watch.anchors
    weights, mode_of, kind_of = state.weights, people.mode, people.kind
    loop_above = rules.loop_above if rules.attention > 0 else np.inf
    kept, near = 0, 0
    for place in range(counts[UNIVERSE]):
        account = universe[place]
        weighted = _weighted_of(account, coins, weights, mode_of[account])
        debt = _debt_of(account, owed, now)
        room = _room_of(weighted, debt, level, kind_of[account], loop_above)
        if room < 0.0:
            continue
        universe[kept] = account
        kept += 1
        if room < OUTER:
            near_ones[near] = account
            near += 1
    counts[UNIVERSE], counts[NEAR] = kept, near
    anchors[AT_OUTER, 0] = 1.0 / now[ORACLE]
    anchors[AT_OUTER, 1] = 1.0 / now[OWED_PRICE]


@njit(cache=True, nogil=True, error_model="numpy")
def _anchor_inner(
    coins: Floats, owed: Floats, people: People, rules: Rules, watch: Watch, state: State, level: float
) -> None:
    """Put the near ones on their shelves; nobody is struck any more."""
    now = state.now
    near_ones, shelved, ends, shelf_of, struck, is_struck, counts, anchors = (
        watch.near,
        watch.shelved,
        watch.ends,
        watch.shelf,
        watch.struck,
        watch.is_struck,
        watch.counts,
        watch.anchors,
    )
    weights, mode_of, kind_of = state.weights, people.mode, people.kind
    loop_above = rules.loop_above if rules.attention > 0 else np.inf
    for place in range(counts[STRUCK]):
        is_struck[struck[place]] = 0
    counts[STRUCK] = 0
    ends[:] = 0
    per_shelf = SHELVES / (INNER - 1.0)
    for place in range(counts[NEAR]):
        account = near_ones[place]
        weighted = _weighted_of(account, coins, weights, mode_of[account])
        debt = _debt_of(account, owed, now)
        room = _room_of(weighted, debt, level, kind_of[account], loop_above)
        shelf = -1 if room < 0.0 or room >= INNER else max(0, int((room - 1.0) * per_shelf))
        shelf_of[place] = shelf
        if shelf >= 0:
            ends[shelf + 1] += 1
    for shelf in range(SHELVES):
        ends[shelf + 1] += ends[shelf]
    for place in range(counts[NEAR]):
        shelf = shelf_of[place]
        if shelf >= 0:
            shelved[ends[shelf]] = near_ones[place]
            ends[shelf] += 1
    anchors[AT_INNER, 0] = 1.0 / now[ORACLE]
    anchors[AT_INNER, 1] = 1.0 / now[OWED_PRICE]


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _sight(
    coins: Floats,
    owed: Floats,
    people: People,
    groups: Groups,
    watch: Watch,
    rules: Rules,
    state: State,
    level: float,
    is_first: int,
    both_ways: int,
    sums: Floats,
) -> int:
    """Set anchors where they are due; fill ``seen`` with those to look at in this step; return how many."""
    shelved, ends, struck, is_struck, in_sight, counts = (
        watch.shelved,
        watch.ends,
        watch.struck,
        watch.is_struck,
        watch.seen,
        watch.counts,
    )
    moved = INNER if is_first == 1 else _movement(groups, watch, state, AT_INNER, both_ways)
    if moved >= INNER:
        wide = OUTER if is_first == 1 else _movement(groups, watch, state, AT_OUTER, both_ways)
        if wide * INNER >= OUTER:
            sums[CHECKED] += float(counts[UNIVERSE])
            _anchor_outer(coins, owed, people, rules, watch, state, level)
        sums[CHECKED] += float(counts[NEAR])
        _anchor_inner(coins, owed, people, rules, watch, state, level)
        moved = 1.0
    _admit(groups, watch, state, level)
    shelf = min(SHELVES - 1, int((moved - 1.0) * (1.0 + 1e-9) * (SHELVES / (INNER - 1.0))))
    count = counts[STRUCK]
    in_sight[:count] = struck[:count]
    for place in range(ends[shelf]):
        account = shelved[place]
        if is_struck[account] == 0:
            in_sight[count] = account
            count += 1
    sums[CHECKED] += float(count)
    return count


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _let_go(
    coins: Floats,
    owed: Floats,
    people: People,
    groups: Groups,
    watch: Watch,
    rules: Rules,
    state: State,
    sums: Floats,
) -> None:
    """Let those leave whose patience the hazard has reached, in the accounts' order."""
    now = state.now
    patience_of = people.patience
    waiting, counts, leaver_pointers = watch.waiting, watch.counts, watch.leaver_pointers
    leavers, leaver_begins = groups.leavers, groups.leaver_begins
    count = counts[WAITING]
    for asset in range(now[HAZARD].size):
        place = leaver_pointers[asset]
        while place < leaver_begins[asset + 1]:
            account = leavers[place]
            if now[HAZARD, asset] < patience_of[account]:
                break
            waiting[count] = account
            count += 1
            place += 1
        leaver_pointers[asset] = place
    if count == 0:
        return
    waiting[:count].sort()
    stay = 0
    for place in range(count):
        account = waiting[place]
        if let_go(coins[account], owed[account], rules, state, sums):
            waiting[stay] = account
            stay += 1
    counts[WAITING] = stay


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _look(
    step: int,
    seen: int,
    coins: Floats,
    owed: Floats,
    means: Floats,
    people: People,
    watch: Watch,
    rules: Rules,
    state: State,
    slots: Whole,
    sums: Floats,
) -> None:
    """Let those in sight whose turn it is look at their positions, in the accounts' order."""
    kind_of, phase_of = people.kind, people.phase
    in_sight = watch.seen
    count = 0
    for place in range(seen):
        account = in_sight[place]
        if kind_of[account] > 0 and (step + phase_of[account]) % rules.attention == 0:
            slots[count] = account
            count += 1
    slots[:count].sort()
    for place in range(count):
        account = slots[place]
        look(account, coins[account], owed[account], means, people, rules, state, sums)
        _keep_in_sight(account, watch)


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _serve(
    seen: int,
    coins: Floats,
    owed: Floats,
    people: People,
    watch: Watch,
    rules: Rules,
    state: State,
    slots: Whole,
    ratios: Floats,
    numbers: Whole,
    sums: Floats,
) -> None:
    """Visit the unhealthy among those in sight, worst first."""
    now, weights = state.now, state.weights
    mode_of = people.mode
    in_sight = watch.seen
    count = 0
    for place in range(seen):
        account = in_sight[place]
        weighted = _weighted_of(account, coins, weights, mode_of[account])
        debt = _debt_of(account, owed, now)
        if weighted < debt:
            slots[count] = account
            ratios[account] = debt / weighted if weighted > 0.0 else np.inf
            count += 1
    sort_worst_first(slots, count, ratios, numbers)
    for place in range(count):
        account = slots[place]
        visit(coins[account], owed[account], mode_of[account], rules, state, sums)
        _keep_in_sight(account, watch)


@njit(cache=True, nogil=True, error_model="numpy")
def _new_watch(accounts: int, assets: int, groups: int) -> Watch:
    lists = np.zeros((7, accounts), np.int64)
    return Watch(
        lists[0],
        lists[1],
        lists[2],
        np.zeros(SHELVES + 1, np.int64),
        lists[3],
        lists[4],
        np.zeros(accounts, np.int64),
        lists[5],
        lists[6],
        np.zeros(4, np.int64),
        np.zeros(groups, np.int64),
        np.zeros(assets, np.int64),
        np.ones((2, 2, assets)),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _open_watch(groups: Groups, watch: Watch) -> None:
    universe, is_struck, counts, pointers, leaver_pointers = (
        watch.universe,
        watch.is_struck,
        watch.counts,
        watch.pointers,
        watch.leaver_pointers,
    )
    begins, leaver_begins, watched = groups.begins, groups.leaver_begins, groups.watched
    counts[:] = 0
    is_struck[:] = 0
    counts[UNIVERSE] = watched.size
    universe[: watched.size] = watched
    pointers[:] = begins[:-1]
    leaver_pointers[:] = leaver_begins[:-1]


@njit(cache=True, nogil=True, error_model="numpy")
def _follow(
    coins: Floats,
    owed: Floats,
    means: Floats,
    prices: Floats,
    people: People,
    rules: Rules,
    groups: Groups,
    watch: Watch,
    state: State,
    slots: Whole,
    ratios: Floats,
    numbers: Whole,
    sums: Floats,
) -> None:
    """Carry one path; ``coins`` and ``owed`` have shape (account, asset) and are changed."""
    kind_of = people.kind
    leaves = rules.leave > 0.0 or rules.rate_leave > 0.0
    looks = rules.attention > 0
    level = max(1.0, rules.alert) if looks else 1.0
    both_ways = 1 if looks and (kind_of == LOOPS).any() else 0
    for step in range(prices.shape[0]):
        begin_step(step, prices, rules, state, sums)
        if leaves:
            _let_go(coins, owed, people, groups, watch, rules, state, sums)
        is_first = 1 if step == 0 else 0
        seen = _sight(
            coins, owed, people, groups, watch, rules, state, level, is_first, both_ways, sums
        )  # fmt: skip
        if looks and seen > 0:
            _look(step, seen, coins, owed, means, people, watch, rules, state, slots, sums)
        mark_seizable(rules, state, sums)
        if step >= rules.delay and seen > 0:
            _serve(seen, coins, owed, people, watch, rules, state, slots, ratios, numbers, sums)
        end_step(rules, state)


@njit(cache=True, nogil=True, error_model="numpy")
def follow_paths(
    collateral: Floats,
    debt: Floats,
    means_usd: Floats,
    people: People,
    rules: Rules,
    groups: Groups,
    prices: Floats,
    totals: Floats,
) -> None:
    """Fill ``totals`` (path, total) for ``prices`` (path, step, asset) and one book (account, asset)."""
    tables = rules.tables
    keys = groups.keys
    accounts, assets = collateral.shape
    coins, owed, means = np.empty((accounts, assets)), np.empty((accounts, assets)), np.empty(accounts)
    ratios, slots, numbers = np.empty(accounts), np.empty(accounts, np.int64), np.arange(accounts)
    state = fresh_state(assets, tables.shape[1], rules.delay)
    totals_before, isolated = sum_up(collateral, debt, rules)
    watch = _new_watch(accounts, assets, keys.shape[0])
    for path in range(prices.shape[0]):
        coins[:] = collateral
        owed[:] = debt
        means[:] = means_usd
        open_path(debt, prices[path, 0], totals_before, isolated, rules, state)
        _open_watch(groups, watch)
        _follow(
            coins, owed, means, prices[path], people, rules, groups, watch, state, slots, ratios, numbers,
            totals[path],
        )  # fmt: skip
        close_path(coins, owed, prices[path, -1], state, totals[path])
