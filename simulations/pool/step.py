"""One step's interest and prices, as both kernels take it: ``core/pool`` is the specification.

``weights`` hold price x threshold by (now or late, mode, asset), the row ``OWED_PRICE`` of ``now`` price x
index by asset; the late ones are those at which liquidators noticed.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from simulations.pool.arrays import (
    ABOVE,
    BASE,
    BELOW,
    CEILING,
    DEEP,
    DEPTH,
    DEVIATION,
    FROZEN_STEPS,
    HAZARD,
    HEARTBEAT,
    IMPACT,
    INDEX,
    INTEREST,
    ISOLATED,
    KINK,
    LATE,
    LATE_OWED_PRICE,
    MARKET,
    NOW,
    ORACLE,
    OWED_PRICE,
    PER_SUPPLY,
    QUOTE,
    SEIZABLE,
    SLIPPAGE,
    SUPPLY,
    THRESHOLD,
    TIED,
    TOTAL_COLLATERAL,
    TOTAL_DEBT,
    UNCOVERED,
    WRITTEN,
    Floats,
    Rules,
    Whole,
)
from simulations.pool.holdings import isolated_asset, worth_of

LARGEST_IMPACT = 0.99


@njit(cache=True, nogil=True, error_model="numpy")
def sum_up(coins: Floats, owed: Floats, by_asset: Floats) -> tuple[Floats, Whole]:
    """Return what every path begins with: totals (2, asset), and by which asset accounts are isolated."""
    totals, held = np.zeros((2, coins.shape[1])), np.full(coins.shape[0], -1)
    for account in range(coins.shape[0]):
        for asset in range(coins.shape[1]):
            totals[0, asset] += owed[account, asset]
            totals[1, asset] += coins[account, asset]
        held[account] = isolated_asset(coins[account], by_asset)
    return totals, held


@njit(cache=True, nogil=True, error_model="numpy")
def open_path(
    owed: Floats, first: Floats, totals: Floats, isolated: Whole, by_asset: Floats, now: Floats
) -> None:
    """Set the state for a book, shape (account, asset), before the first step."""
    now[INDEX] = 1.0
    now[IMPACT] = 0.0
    now[HAZARD] = 0.0
    now[ISOLATED] = 0.0
    now[TIED, 0] = 0.0
    now[TOTAL_DEBT] = totals[0]
    now[TOTAL_COLLATERAL] = totals[1]
    if by_asset[CEILING].min() < np.inf:
        for account in range(isolated.size):
            if isolated[account] >= 0:
                now[ISOLATED, isolated[account]] += worth_of(owed[account], first)


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def begin_step(
    step: int,
    prices: Floats,
    by_asset: Floats,
    by_mode: Floats,
    rules: Rules,
    now: Floats,
    weights: Floats,
    oracles: Floats,
    sums: Floats,
) -> None:
    """Add interest, move prices; ``prices`` has shape (step, asset)."""
    ring = step % (rules.delay + 1)
    late = (step + 1) % (rules.delay + 1) if step >= rules.delay else 0
    quotes, before = prices[step], prices[max(0, step - rules.window)]
    for asset in range(quotes.size):
        _accrue(asset, quotes[asset], now, by_asset, rules, sums)
        _quote(asset, step, quotes[asset], before[asset], now, by_asset, rules)
        price = now[ORACLE, asset]
        now[OWED_PRICE, asset] = price * now[INDEX, asset]
        for mode in range(by_mode.shape[1]):
            weights[NOW, mode, asset] = price * by_mode[THRESHOLD, mode, asset]
        if rules.delay > 0:
            oracles[ring, asset] = price
            seen = oracles[late, asset]
            now[LATE_OWED_PRICE, asset] = seen * now[INDEX, asset]
            for mode in range(by_mode.shape[1]):
                weights[LATE, mode, asset] = seen * by_mode[THRESHOLD, mode, asset]


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _accrue(asset: int, quote: float, now: Floats, by_asset: Floats, rules: Rules, sums: Floats) -> None:
    used = min(now[TOTAL_DEBT, asset] * by_asset[PER_SUPPLY, asset], 1.0)
    kink = by_asset[KINK, asset]
    rate = by_asset[BASE, asset] + by_asset[BELOW, asset] * min(used, kink)
    rate += by_asset[ABOVE, asset] * (max(used, kink) - kink)
    growth = rate * rules.years
    paid = now[TOTAL_DEBT, asset] * growth
    sums[INTEREST] += paid * quote
    now[TOTAL_DEBT, asset] += paid
    now[INDEX, asset] *= 1.0 + growth
    dear = max(rate - rules.tolerated_rate, 0.0)
    now[HAZARD, asset] += (rules.leave + rules.rate_leave * dear) * rules.years


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _quote(
    asset: int, step: int, quote: float, before: float, now: Floats, by_asset: Floats, rules: Rules
) -> None:
    impact = now[IMPACT, asset]
    market = quote * (1.0 - impact)
    now[QUOTE, asset], now[SLIPPAGE, asset], now[MARKET, asset] = quote, impact, market
    moved = abs(market - now[ORACLE, asset])
    is_due = step - now[WRITTEN, asset] >= by_asset[HEARTBEAT, asset]
    if step == 0 or is_due or moved > now[ORACLE, asset] * by_asset[DEVIATION, asset]:
        now[ORACLE, asset] = market
        now[WRITTEN, asset] = step
    dry = quote < before * (1.0 - rules.fall)
    now[DEPTH, asset] = by_asset[DEEP, asset] * (rules.drought_depth if dry else 1.0)


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def end_step(rules: Rules, now: Floats) -> None:
    """Let the impact shrink and capital come back."""
    for asset in range(now[IMPACT].size):
        now[IMPACT, asset] = min(now[SLIPPAGE, asset], LARGEST_IMPACT) * rules.resilience
    now[TIED, 0] -= now[TIED, 0] * rules.recycled


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def mark_seizable(by_asset: Floats, by_mode: Floats, rules: Rules, now: Floats, sums: Floats) -> None:
    """Say which collateral can be seized: not that of a pool that is lent out."""
    for asset in range(now[SEIZABLE].size):
        is_lent_out = now[TOTAL_DEBT, asset] >= by_asset[SUPPLY, asset] * rules.freeze_at
        sums[FROZEN_STEPS] += 1.0 if is_lent_out else 0.0
        now[SEIZABLE, asset] = 1 if by_mode[THRESHOLD, 0, asset] > 0.0 and not is_lent_out else 0


@njit(cache=True, nogil=True, error_model="numpy")
def close_path(coins: Floats, owed: Floats, last: Floats, now: Floats, sums: Floats) -> None:
    """Add debt above its collateral's worth at the last prices; arrays have shape (account, asset)."""
    for account in range(coins.shape[0]):
        gap = 0.0
        for asset in range(last.size):
            gap += (owed[account, asset] * now[INDEX, asset] - coins[account, asset]) * last[asset]
        sums[UNCOVERED] += max(gap, 0.0)
