"""Every account looked at in every step: the measure of the other kernel, and the one to read first.

Amounts lie by (asset, account), so that the health of all accounts is vector code.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from simulations.kernels.rules import sort_worst_first
from simulations.pool.arrays import (
    CHECKED,
    HAZARD,
    NOW,
    OWED_PRICE,
    Floats,
    People,
    Rules,
    State,
    Whole,
    fresh_state,
)
from simulations.pool.step import (
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


@njit(cache=True, nogil=True, error_model="numpy")
def _weigh(coins: Floats, owed: Floats, mode: Whole, state: State, weighted: Floats, debt: Floats) -> int:
    """Set weighted worth and debt of every account; return how many are unhealthy."""
    now, weights = state.now, state.weights
    assets, accounts = coins.shape
    weighted[:] = 0.0
    debt[:] = 0.0
    for asset in range(assets):
        held, lent, price = coins[asset], owed[asset], now[OWED_PRICE, asset]
        if weights.shape[1] == 1:
            weight = weights[NOW, 0, asset]
            for account in range(accounts):
                weighted[account] += held[account] * weight
                debt[account] += lent[account] * price
        else:
            for account in range(accounts):
                weighted[account] += held[account] * weights[NOW, mode[account], asset]
                debt[account] += lent[account] * price
    count = np.int32(0)
    for account in range(accounts):
        count += np.int32(weighted[account] < debt[account])
    return int(count)


@njit(cache=True, nogil=True, error_model="numpy")
def _follow(
    coins: Floats,
    owed: Floats,
    means: Floats,
    prices: Floats,
    people: People,
    rules: Rules,
    state: State,
    weighted: Floats,
    debt: Floats,
    slots: Whole,
    numbers: Whole,
    sums: Floats,
) -> None:
    """Carry one path; ``coins`` and ``owed`` have shape (asset, account) and are changed."""
    now = state.now
    mode_of, kind_of, phase_of, patience_of, main_of = (
        people.mode,
        people.kind,
        people.phase,
        people.patience,
        people.main_debt,
    )
    accounts = coins.shape[1]
    leaves = rules.leave > 0.0 or rules.rate_leave > 0.0
    for step in range(prices.shape[0]):
        begin_step(step, prices, rules, state, sums)
        if leaves:
            for account in range(accounts):
                main = main_of[account]
                if main >= 0 and now[HAZARD, main] >= patience_of[account]:
                    let_go(coins[:, account], owed[:, account], rules, state, sums)
        if rules.attention > 0:
            for account in range(accounts):
                if kind_of[account] > 0 and (step + phase_of[account]) % rules.attention == 0:
                    look(
                        account, coins[:, account], owed[:, account], means, people, rules, state, sums
                    )  # fmt: skip
        mark_seizable(rules, state, sums)
        if step >= rules.delay and _weigh(coins, owed, mode_of, state, weighted, debt) > 0:
            count = 0
            for account in range(accounts):
                if weighted[account] < debt[account]:
                    slots[count] = account
                    count += 1
                    weighted[account] = (
                        debt[account] / weighted[account] if weighted[account] > 0.0 else np.inf
                    )
            sort_worst_first(slots, count, weighted, numbers)
            for place in range(count):
                account = slots[place]
                visit(coins[:, account], owed[:, account], mode_of[account], rules, state, sums)
        end_step(rules, state)
    sums[CHECKED] += float(accounts * prices.shape[0])


@njit(cache=True, nogil=True, error_model="numpy")
def follow_paths(
    collateral: Floats,
    debt: Floats,
    means_usd: Floats,
    people: People,
    rules: Rules,
    prices: Floats,
    totals: Floats,
) -> None:
    """Fill ``totals`` (path, total) for ``prices`` (path, step, asset) and one book (account, asset)."""
    tables = rules.tables
    accounts, assets = collateral.shape
    coins, owed = np.empty((assets, accounts)), np.empty((assets, accounts))
    weighted, debts, means = np.empty(accounts), np.empty(accounts), np.empty(accounts)
    slots, numbers = np.empty(accounts, np.int64), np.arange(accounts)
    state = fresh_state(assets, tables.shape[1], rules.delay)
    totals_before, isolated = sum_up(collateral, debt, rules)
    for path in range(prices.shape[0]):
        for asset in range(assets):
            coins[asset] = collateral[:, asset]
            owed[asset] = debt[:, asset]
        means[:] = means_usd
        open_path(debt, prices[path, 0], totals_before, isolated, rules, state)
        _follow(
            coins, owed, means, prices[path], people, rules, state, weighted, debts, slots, numbers,
            totals[path],
        )  # fmt: skip
        close_path(coins.T, owed.T, prices[path, -1], state, totals[path])
