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
    KIND,
    MAIN_DEBT,
    MODE,
    NOW,
    OWED_PRICE,
    PHASE,
    STATE,
    Floats,
    People,
    Rules,
    Tables,
    Whole,
)
from simulations.pool.calls import visit
from simulations.pool.manners import let_go, look
from simulations.pool.step import begin_step, close_path, end_step, mark_seizable, open_path, sum_up


@njit(cache=True, nogil=True, error_model="numpy")
def _weigh(
    coins: Floats,
    owed: Floats,
    modes: Whole,
    now: Floats,
    weights: Floats,
    weighted: Floats,
    debt: Floats,
) -> int:
    """Set weighted worth and debt of every account; return how many are unhealthy."""
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
                weighted[account] += held[account] * weights[NOW, modes[account], asset]
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
    people: Whole,
    patience: Floats,
    by_asset: Floats,
    by_mode: Floats,
    rules: Rules,
    now: Floats,
    weights: Floats,
    oracles: Floats,
    weighted: Floats,
    debt: Floats,
    slots: Whole,
    numbers: Whole,
    sums: Floats,
) -> None:
    """Carry one path; ``coins`` and ``owed`` have shape (asset, account) and are changed."""
    accounts = coins.shape[1]
    leaves = rules.leave > 0.0 or rules.rate_leave > 0.0
    for step in range(prices.shape[0]):
        begin_step(step, prices, by_asset, by_mode, rules, now, weights, oracles, sums)
        if leaves:
            for account in range(accounts):
                main = people[MAIN_DEBT, account]
                if main >= 0 and now[HAZARD, main] >= patience[account]:
                    let_go(coins[:, account], owed[:, account], by_asset, now, sums)
        if rules.attention > 0:
            for account in range(accounts):
                if people[KIND, account] > 0 and (step + people[PHASE, account]) % rules.attention == 0:
                    look(
                        account, coins[:, account], owed[:, account], means, people, by_asset, by_mode,
                        rules, now, weights, sums,
                    )  # fmt: skip
        mark_seizable(by_asset, by_mode, rules, now, sums)
        if step >= rules.delay and _weigh(coins, owed, people[MODE], now, weights, weighted, debt) > 0:
            count = 0
            for account in range(accounts):
                if weighted[account] < debt[account]:
                    slots[count] = account
                    count += 1
                    is_worth = weighted[account] > 0.0
                    weighted[account] = debt[account] / weighted[account] if is_worth else np.inf
            sort_worst_first(slots, count, weighted, numbers)
            for place in range(count):
                account = slots[place]
                visit(
                    coins[:, account], owed[:, account], people[MODE, account], by_asset, by_mode, rules,
                    now, weights, sums,
                )  # fmt: skip
        end_step(rules, now)
    sums[CHECKED] += float(accounts * prices.shape[0])


@njit(cache=True, nogil=True, error_model="numpy")
def follow_paths(
    collateral: Floats,
    debt: Floats,
    means_usd: Floats,
    people: People,
    tables: Tables,
    rules: Rules,
    prices: Floats,
    totals: Floats,
) -> None:
    """Fill ``totals`` (path, total) for ``prices`` (path, step, asset) and one book (account, asset)."""
    accounts, assets = collateral.shape
    coins, owed = np.empty((assets, accounts)), np.empty((assets, accounts))
    weighted, debts, means = np.empty(accounts), np.empty(accounts), np.empty(accounts)
    slots, numbers = np.empty(accounts, np.int64), np.arange(accounts)
    now, oracles = np.zeros((STATE, assets)), np.zeros((rules.delay + 1, assets))
    weights = np.zeros((2, tables.by_mode.shape[1], assets))
    before, isolated = sum_up(collateral, debt, tables.by_asset)
    for path in range(prices.shape[0]):
        for asset in range(assets):
            coins[asset] = collateral[:, asset]
            owed[asset] = debt[:, asset]
        means[:] = means_usd
        now[:] = 0.0
        open_path(debt, prices[path, 0], before, isolated, tables.by_asset, now)
        _follow(
            coins, owed, means, prices[path], people.rows, people.patience, tables.by_asset, tables.by_mode,
            rules, now, weights, oracles, weighted, debts, slots, numbers, totals[path],
        )  # fmt: skip
        close_path(coins.T, owed.T, prices[path, -1], now, totals[path])
