"""Only those are looked at who might be struck, and nobody who might be is missed.

Two routes.  An account with one collateral asset and one debt asset has a trigger, debt per coin: everything
that varies of its health is one number, q = price x threshold / (price of the debt x index).  Such accounts
stand in groups (collateral, debt, e-mode), sorted once for all paths; a path keeps a pointer into each.
All others, and those that a pointer has passed, are watched by a list (Verlet 1967): at an anchor everybody
goes on it whose health is within a factor ``SKIN`` of a level at which something can happen; nobody else can
reach that level until prices have moved, against each other, by that factor.  Then a new anchor is set.

Both screens leave room for rounding; whoever passes is judged by the rule itself, in the same order as in
the dense kernel, so that the two agree to the last bit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from simulations.kernels.rules import MARGIN, sort_worst_first
from simulations.pool.arrays import CHECKED, Floats, People, Rules, State, Whole, fresh_state
from simulations.pool.step import (
    LOOPS,
    begin_step,
    close_path,
    end_step,
    let_go,
    look,
    mark_seizable,
    open_path,
    visit,
    worth_of,
)

SKIN = 1.05


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
    """One path's list: ``counts`` holds how many are in the universe, on the list, and waiting to leave."""

    universe: Whole
    listed: Whole
    waiting: Whole
    counts: Whole
    pointers: Whole
    leaver_pointers: Whole
    anchor: Floats
    debt_anchor: Floats


UNIVERSE, LISTED, WAITING, UNSORTED = range(4)


@njit(cache=True, nogil=True, error_model="numpy")
def _admit(groups: Groups, watch: Watch, state: State, level: float) -> None:
    """Move whoever a group's pointer passes to the list."""
    for group in range(groups.keys.shape[0]):
        place, end = watch.pointers[group], groups.begins[group + 1]
        if place == end:
            continue
        held, lent, mode = groups.keys[group]
        screen = state.weights[mode, held] / state.prices_of_debt[lent] / level * (1.0 - MARGIN)
        while place < end and groups.triggers[place] > screen:
            watch.universe[watch.counts[UNIVERSE]] = groups.members[place]
            watch.listed[watch.counts[LISTED]] = groups.members[place]
            watch.counts[UNIVERSE] += 1
            watch.counts[LISTED] += 1
            watch.counts[UNSORTED] = 1
            place += 1
        watch.pointers[group] = place


@njit(cache=True, nogil=True, error_model="numpy")
def _must_anchor(groups: Groups, watch: Watch, state: State) -> bool:
    """Return whether prices have moved so far that somebody off the list could have reached a level."""
    least, most = np.inf, 0.0
    least_debt, most_debt = np.inf, 0.0
    for asset in range(state.oracle.size):
        if groups.is_collateral[asset] == 1:
            moved = state.oracle[asset] / watch.anchor[asset]
            least, most = min(least, moved), max(most, moved)
        if groups.is_debt[asset] == 1:
            moved = state.prices_of_debt[asset] / watch.debt_anchor[asset]
            least_debt, most_debt = min(least_debt, moved), max(most_debt, moved)
    room = SKIN * (1.0 - MARGIN)
    return bool(most_debt >= least * room or most >= least_debt * room)


@njit(cache=True, nogil=True, error_model="numpy")
def _set_anchor(
    coins: Floats, owed: Floats, people: People, rules: Rules, watch: Watch, state: State, level: float
) -> None:
    """Make the list anew; accounts without debt are forgotten."""
    kept, listed = 0, 0
    for place in range(watch.counts[UNIVERSE]):
        account = watch.universe[place]
        debt = worth_of(owed[account], state.prices_of_debt)
        if debt <= 0.0:
            continue
        watch.universe[kept] = account
        kept += 1
        weighted = worth_of(coins[account], state.weights[people.mode[account]])
        is_near = weighted < debt * level * SKIN
        if people.kind[account] == LOOPS and weighted * SKIN > debt * rules.loop_above:
            is_near = True
        if is_near:
            watch.listed[listed] = account
            listed += 1
    watch.counts[UNIVERSE], watch.counts[LISTED], watch.counts[UNSORTED] = kept, listed, 1
    watch.anchor[:] = state.oracle
    watch.debt_anchor[:] = state.prices_of_debt


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
    for asset in range(state.hazard.size):
        place = watch.leaver_pointers[asset]
        while place < groups.leaver_begins[asset + 1]:
            account = groups.leavers[place]
            if state.hazard[asset] < people.patience[account]:
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
def _serve(
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
    """Visit the unhealthy of the list, worst first."""
    count = 0
    for place in range(watch.counts[LISTED]):
        account = watch.listed[place]
        weighted = worth_of(coins[account], state.weights[people.mode[account]])
        debt = worth_of(owed[account], state.prices_of_debt)
        if weighted < debt:
            slots[count] = account
            ratios[account] = debt / weighted if weighted > 0.0 else np.inf
            count += 1
    if count == 0:
        return
    sort_worst_first(slots, count, ratios, numbers)
    for place in range(count):
        account = slots[place]
        visit(coins[account], owed[account], people.mode[account], rules, state, sums)


@njit(cache=True, nogil=True, error_model="numpy")
def _open_watch(groups: Groups, watch: Watch) -> None:
    watch.counts[:] = 0
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
    level = max(1.0, rules.alert) if rules.attention > 0 else 1.0
    for step in range(prices.shape[0]):
        begin_step(step, prices, rules, state, sums)
        if leaves:
            _let_go(coins, owed, people, groups, watch, rules, state, sums)
        if step == 0 or _must_anchor(groups, watch, state):
            _set_anchor(coins, owed, people, rules, watch, state, level)
            sums[CHECKED] += float(watch.counts[UNIVERSE])
        _admit(groups, watch, state, level)
        if rules.attention > 0:
            if watch.counts[UNSORTED] == 1:
                watch.listed[: watch.counts[LISTED]].sort()
                watch.counts[UNSORTED] = 0
            for place in range(watch.counts[LISTED]):
                account = watch.listed[place]
                if people.kind[account] > 0 and (step + people.phase[account]) % rules.attention == 0:
                    look(account, coins[account], owed[account], means, people, rules, state, sums)
        mark_seizable(rules, state, sums)
        sums[CHECKED] += float(watch.counts[LISTED])
        if step >= rules.delay:
            _serve(coins, owed, people, watch, rules, state, slots, ratios, numbers, sums)
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
    state = fresh_state(assets, rules.threshold.shape[0], rules.delay)
    watch = Watch(
        np.empty(accounts, np.int64),
        np.empty(accounts, np.int64),
        np.empty(accounts, np.int64),
        np.zeros(4, np.int64),
        np.empty(groups.keys.shape[0], np.int64),
        np.empty(assets, np.int64),
        np.ones(assets),
        np.ones(assets),
    )
    for path in range(prices.shape[0]):
        coins[:] = collateral
        owed[:] = debt
        means[:] = means_usd
        open_path(collateral, debt, prices[path, 0], rules, state)
        _open_watch(groups, watch)
        _follow(
            coins, owed, means, prices[path], people, rules, groups, watch, state, slots, ratios, numbers,
            totals[path],
        )  # fmt: skip
        close_path(coins, owed, prices[path, -1], state, totals[path])
