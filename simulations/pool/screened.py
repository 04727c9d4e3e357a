"""Only those are looked at who might be struck, and nobody who might be is missed.

Two routes.  An account with one collateral asset and one debt asset has a trigger, debt per coin: everything
that varies of its health is one number, q = price x threshold / (price of the debt x index).  Such accounts
stand in groups (collateral, debt, e-mode), sorted once for all paths; a path keeps a pointer into each.

All others, and those that a pointer has passed, are watched (Verlet 1967).  At an anchor an account's room is
its health over the level at which something can happen to it.  While prices have moved against each other by
less than that, nothing can; so accounts are kept in shelves by their room, and a step looks at the shelves
that the movement since the anchor has reached, and at those that were struck since.  At a movement of
``INNER`` there is a new anchor; the accounts for it come from a wider list, made anew at ``OUTER``.

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
    worth_of,
)

INNER, OUTER = 1.10, 1.40
SHELVES = 24


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
    ``anchors`` has shape (inner or outer, price or price of debt, asset).
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
    if watch.is_struck[account] == 0:
        watch.is_struck[account] = 1
        watch.struck[watch.counts[STRUCK]] = account
        watch.counts[STRUCK] += 1


@njit(cache=True, nogil=True, error_model="numpy")
def _admit(groups: Groups, watch: Watch, state: State, level: float) -> None:
    """Move whoever a group's pointer passes to the lists."""
    for group in range(groups.keys.shape[0]):
        place, end = watch.pointers[group], groups.begins[group + 1]
        if place == end:
            continue
        held, lent, mode = groups.keys[group, 0], groups.keys[group, 1], groups.keys[group, 2]
        q = state.weights[NOW, mode, held] / state.now[OWED_PRICE, lent]
        screen = q / level * (1.0 - MARGIN)
        while place < end and groups.triggers[place] > screen:
            account = groups.members[place]
            watch.universe[watch.counts[UNIVERSE]] = account
            watch.near[watch.counts[NEAR]] = account
            watch.counts[UNIVERSE] += 1
            watch.counts[NEAR] += 1
            _keep_in_sight(account, watch)
            place += 1
        watch.pointers[group] = place


@njit(cache=True, nogil=True, error_model="numpy")
def _movement(groups: Groups, watch: Watch, state: State, which: int, both_ways: int) -> float:
    """Return by what factor any account's health may have changed since an anchor, downwards or both ways."""
    least, most, least_debt, most_debt = np.inf, 0.0, np.inf, 0.0
    for asset in range(state.now.shape[1]):
        if groups.is_collateral[asset] == 1:
            moved = state.now[ORACLE, asset] / watch.anchors[which, 0, asset]
            least, most = min(least, moved), max(most, moved)
        if groups.is_debt[asset] == 1:
            moved = state.now[OWED_PRICE, asset] / watch.anchors[which, 1, asset]
            least_debt, most_debt = min(least_debt, moved), max(most_debt, moved)
    down = most_debt / least
    return float(max(down, most / least_debt) if both_ways == 1 else down) * (1.0 + MARGIN)


@njit(cache=True, nogil=True, error_model="numpy")
def _room_of(
    account: int,
    coins: Floats,
    owed: Floats,
    people: People,
    rules: Rules,
    state: State,
    level: float,
) -> float:
    """Return the factor by which health must change before something can happen; below 0 without debt."""
    debt = worth_of(owed[account], state.now[OWED_PRICE])
    if debt <= 0.0:
        return -1.0
    weighted = worth_of(coins[account], state.weights[NOW, people.mode[account]])
    room = weighted / (debt * level)
    if people.kind[account] == LOOPS and rules.attention > 0:
        room = min(room, debt * rules.loop_above / weighted) if weighted > 0.0 else room
    return float(room)


@njit(cache=True, nogil=True, error_model="numpy")
def _anchor_outer(
    coins: Floats, owed: Floats, people: People, rules: Rules, watch: Watch, state: State, level: float
) -> None:
    """Make the wider list anew; accounts without debt are forgotten."""
    kept, near = 0, 0
    for place in range(watch.counts[UNIVERSE]):
        account = watch.universe[place]
        room = _room_of(account, coins, owed, people, rules, state, level)
        if room < 0.0:
            continue
        watch.universe[kept] = account
        kept += 1
        if room < OUTER:
            watch.near[near] = account
            near += 1
    watch.counts[UNIVERSE], watch.counts[NEAR] = kept, near
    watch.anchors[AT_OUTER, 0] = state.now[ORACLE]
    watch.anchors[AT_OUTER, 1] = state.now[OWED_PRICE]


@njit(cache=True, nogil=True, error_model="numpy")
def _anchor_inner(
    coins: Floats, owed: Floats, people: People, rules: Rules, watch: Watch, state: State, level: float
) -> None:
    """Put the near ones on their shelves; nobody is struck any more."""
    for place in range(watch.counts[STRUCK]):
        watch.is_struck[watch.struck[place]] = 0
    watch.counts[STRUCK] = 0
    watch.ends[:] = 0
    per_shelf = SHELVES / (INNER - 1.0)
    for place in range(watch.counts[NEAR]):
        room = _room_of(watch.near[place], coins, owed, people, rules, state, level)
        shelf = -1 if room < 0.0 or room >= INNER else max(0, int((room - 1.0) * per_shelf))
        watch.shelf[place] = shelf
        if shelf >= 0:
            watch.ends[shelf + 1] += 1
    for shelf in range(SHELVES):
        watch.ends[shelf + 1] += watch.ends[shelf]
    for place in range(watch.counts[NEAR]):
        shelf = watch.shelf[place]
        if shelf >= 0:
            watch.shelved[watch.ends[shelf]] = watch.near[place]
            watch.ends[shelf] += 1
    watch.anchors[AT_INNER, 0] = state.now[ORACLE]
    watch.anchors[AT_INNER, 1] = state.now[OWED_PRICE]


@njit(cache=True, nogil=True, error_model="numpy")
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
    is_outer_due = is_first == 1 or _movement(groups, watch, state, AT_OUTER, both_ways) >= OUTER
    if is_outer_due:
        sums[CHECKED] += float(watch.counts[UNIVERSE])
        _anchor_outer(coins, owed, people, rules, watch, state, level)
    moved = 1.0 if is_outer_due else _movement(groups, watch, state, AT_INNER, both_ways)
    if is_outer_due or moved >= INNER:
        sums[CHECKED] += float(watch.counts[NEAR])
        _anchor_inner(coins, owed, people, rules, watch, state, level)
        moved = 1.0
    _admit(groups, watch, state, level)
    shelf = min(SHELVES - 1, int((moved - 1.0) * (1.0 + 1e-9) * (SHELVES / (INNER - 1.0))))
    count = watch.counts[STRUCK]
    watch.seen[:count] = watch.struck[:count]
    for place in range(watch.ends[shelf]):
        account = watch.shelved[place]
        if watch.is_struck[account] == 0:
            watch.seen[count] = account
            count += 1
    sums[CHECKED] += float(count)
    return count


@njit(cache=True, nogil=True, error_model="numpy")
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
    count = watch.counts[WAITING]
    for asset in range(state.now[HAZARD].size):
        place = watch.leaver_pointers[asset]
        while place < groups.leaver_begins[asset + 1]:
            account = groups.leavers[place]
            if state.now[HAZARD, asset] < people.patience[account]:
                break
            watch.waiting[count] = account
            count += 1
            place += 1
        watch.leaver_pointers[asset] = place
    if count == 0:
        return
    watch.waiting[:count].sort()
    stay = 0
    for place in range(count):
        account = watch.waiting[place]
        if let_go(coins[account], owed[account], rules, state, sums):
            watch.waiting[stay] = account
            stay += 1
    watch.counts[WAITING] = stay


@njit(cache=True, nogil=True, error_model="numpy")
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
    count = 0
    for place in range(seen):
        account = watch.seen[place]
        if people.kind[account] > 0 and (step + people.phase[account]) % rules.attention == 0:
            slots[count] = account
            count += 1
    slots[:count].sort()
    for place in range(count):
        account = slots[place]
        look(account, coins[account], owed[account], means, people, rules, state, sums)
        _keep_in_sight(account, watch)


@njit(cache=True, nogil=True, error_model="numpy")
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
    count = 0
    for place in range(seen):
        account = watch.seen[place]
        weighted = worth_of(coins[account], state.weights[NOW, people.mode[account]])
        debt = worth_of(owed[account], state.now[OWED_PRICE])
        if weighted < debt:
            slots[count] = account
            ratios[account] = debt / weighted if weighted > 0.0 else np.inf
            count += 1
    sort_worst_first(slots, count, ratios, numbers)
    for place in range(count):
        account = slots[place]
        visit(coins[account], owed[account], people.mode[account], rules, state, sums)
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
    watch.counts[:] = 0
    watch.is_struck[:] = 0
    watch.counts[UNIVERSE] = groups.watched.size
    watch.universe[: groups.watched.size] = groups.watched
    watch.pointers[:] = groups.begins[:-1]
    watch.leaver_pointers[:] = groups.leaver_begins[:-1]


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
    leaves = rules.leave > 0.0 or rules.rate_leave > 0.0
    looks = rules.attention > 0
    level = max(1.0, rules.alert) if looks else 1.0
    both_ways = 1 if looks and (people.kind == LOOPS).any() else 0
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
    accounts, assets = collateral.shape
    coins, owed, means = np.empty((accounts, assets)), np.empty((accounts, assets)), np.empty(accounts)
    ratios, slots, numbers = np.empty(accounts), np.empty(accounts, np.int64), np.arange(accounts)
    state = fresh_state(assets, rules.tables.shape[1], rules.delay)
    totals_before, isolated = sum_up(collateral, debt, rules)
    watch = _new_watch(accounts, assets, groups.keys.shape[0])
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
