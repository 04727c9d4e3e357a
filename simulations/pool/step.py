"""One step of a pool, as both kernels take it: ``core/pool`` is the specification.

Debts are kept scaled: what is owed now is the kept amount times the asset's index.  ``weights`` are price x
threshold by (mode, asset), ``prices_of_debt`` price x index by asset; the late ones are those at which
liquidators noticed.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from simulations.pool.arrays import (
    ABOVE,
    ADDED,
    BAD_DEBT,
    BASE,
    BELOW,
    BONUS,
    BORROW_CAP,
    BORROWED,
    CEILING,
    DEEP,
    DEPTH,
    DEVIATION,
    DISCOUNT,
    FEE,
    FEES,
    FROZEN_STEPS,
    GAS,
    HAZARD,
    HEARTBEAT,
    IMPACT,
    INDEX,
    INTEREST,
    ISOLATED,
    KIND,
    KINK,
    LATE,
    LATE_OWED_PRICE,
    LEAVERS,
    LEFT,
    LIQUIDATED_VALUE,
    LIQUIDATIONS,
    LTV,
    MARKET,
    MODE,
    NOW,
    ORACLE,
    OWED_PRICE,
    PASSED_OVER,
    PENALTY,
    PER_SUPPLY,
    QUOTE,
    REFUNDS,
    REPAID,
    REPAID_BY_BORROWERS,
    SEIZABLE,
    SLIPPAGE,
    SUPPLY,
    SUPPLY_CAP,
    THRESHOLD,
    TIED,
    TOTAL_COLLATERAL,
    TOTAL_DEBT,
    TOTALS,
    TOXIC,
    UNCOVERED,
    WRITTEN,
    Floats,
    Rules,
    Whole,
)

AAVE_3_0, AAVE_3_3, COMET = 0, 1, 2
PASSIVE, TOPS_UP, REPAYS, LOOPS = 0, 1, 2, 3
SMALL_POSITION, LEAST_LEFTOVER, LEAST_CALL = 2_000.0, 1_000.0, 0.01
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
    return totals, np.where(held >= 0, held, -1)


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
def worth_of(amounts: Floats, prices: Floats) -> float:
    """Return the sum of amounts times prices."""
    total = 0.0
    for asset in range(amounts.size):
        total += amounts[asset] * prices[asset]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def isolated_asset(coins: Floats, by_asset: Floats) -> int:
    """Return the asset with a ceiling that is the only collateral; -1 if there is none."""
    held, count = -1, 0
    for asset in range(coins.size):
        if coins[asset] > 0.0:
            held = asset
            count += 1
    return held if count == 1 and by_asset[CEILING, held] < np.inf else -1


@njit(cache=True, nogil=True, error_model="numpy")
def _release(coins: Floats, usd: float, by_asset: Floats, now: Floats) -> None:
    asset = isolated_asset(coins, by_asset)
    if asset >= 0:
        now[ISOLATED, asset] = max(0.0, now[ISOLATED, asset] - usd)


@njit(cache=True, nogil=True, error_model="numpy")
def _largest(amounts: Floats, prices: Floats) -> int:
    best, most = -1, 0.0
    for asset in range(amounts.size):
        if amounts[asset] * prices[asset] > most:
            best, most = asset, amounts[asset] * prices[asset]
    return best


@njit(cache=True, nogil=True, error_model="numpy")
def _survey(
    coins: Floats, owed: Floats, mode: int, now: Floats, weights: Floats
) -> tuple[int, int, float, float]:
    """Return the largest collateral that can be seized, the largest debt (-1: none), debt, weighted worth."""
    seized, lent, value, most, debt, weighted = -1, -1, 0.0, 0.0, 0.0, 0.0
    for asset in range(coins.size):
        worth, due = coins[asset] * now[ORACLE, asset], owed[asset] * now[OWED_PRICE, asset]
        debt += due
        weighted += coins[asset] * weights[NOW, mode, asset]
        if worth > value and now[SEIZABLE, asset] == 1.0:
            seized, value = asset, worth
        if due > most:
            lent, most = asset, due
    return seized, lent, debt, weighted


@njit(cache=True, nogil=True, error_model="numpy")
def let_go(coins: Floats, owed: Floats, by_asset: Floats, now: Floats, sums: Floats) -> bool:
    """Let an account that wants to leave do so; return whether it stays, owing more than it has."""
    debt = worth_of(owed, now[OWED_PRICE])
    if debt <= 0.0:
        return False
    if worth_of(coins, now[ORACLE]) <= debt:
        return True
    sums[LEAVERS] += 1.0
    sums[LEFT] += debt
    _release(coins, debt, by_asset, now)
    _empty(coins, owed, now)
    return False


@njit(cache=True, nogil=True, error_model="numpy")
def _empty(coins: Floats, owed: Floats, now: Floats) -> None:
    for asset in range(coins.size):
        now[TOTAL_DEBT, asset] = max(now[TOTAL_DEBT, asset] - owed[asset] * now[INDEX, asset], 0.0)
        now[TOTAL_COLLATERAL, asset] = max(now[TOTAL_COLLATERAL, asset] - coins[asset], 0.0)
        coins[asset] = 0.0
        owed[asset] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def look(
    number: int,
    coins: Floats,
    owed: Floats,
    means: Floats,
    people: Whole,
    by_asset: Floats,
    by_mode: Floats,
    rules: Rules,
    now: Floats,
    weights: Floats,
    sums: Floats,
) -> None:
    """Let one account look at its position and react."""
    kind, mode = people[KIND, number], people[MODE, number]
    debt = worth_of(owed, now[OWED_PRICE])
    if kind == PASSIVE or debt <= 0.0:
        return
    seized, lent = _largest(coins, now[ORACLE]), _largest(owed, now[OWED_PRICE])
    if seized < 0:
        return
    weighted = worth_of(coins, weights[NOW, mode])
    threshold = by_mode[THRESHOLD, mode, seized]
    if kind == LOOPS:
        _loop(coins, owed, mode, seized, lent, debt, weighted, by_asset, by_mode, rules, now, sums)
        return
    if weighted >= rules.alert * debt or threshold == 0.0:
        return
    if kind == TOPS_UP:
        room = max(0.0, by_asset[SUPPLY_CAP, seized] - now[TOTAL_COLLATERAL, seized]) * now[ORACLE, seized]
        usd = min((rules.restored * debt - weighted) / threshold, means[number], room)
        if usd > 0.0:
            coins[seized] += usd / now[ORACLE, seized]
            now[TOTAL_COLLATERAL, seized] += usd / now[ORACLE, seized]
            means[number] -= usd
            sums[ADDED] += usd
        return
    owed_most = owed[lent] * now[OWED_PRICE, lent]
    usd = min(debt - weighted / rules.restored, means[number], owed_most)
    if usd > 0.0:
        _release(coins, usd, by_asset, now)
        now[TOTAL_DEBT, lent] = max(now[TOTAL_DEBT, lent] - usd / now[ORACLE, lent], 0.0)
        owed[lent] = 0.0 if usd == owed_most else owed[lent] - usd / now[OWED_PRICE, lent]
        means[number] -= usd
        sums[REPAID_BY_BORROWERS] += usd


@njit(cache=True, nogil=True, error_model="numpy")
def _loop(
    coins: Floats,
    owed: Floats,
    mode: int,
    seized: int,
    lent: int,
    debt: float,
    weighted: float,
    by_asset: Floats,
    by_mode: Floats,
    rules: Rules,
    now: Floats,
    sums: Floats,
) -> None:
    if weighted <= rules.loop_above * debt:
        return
    borrowable = 0.0
    for asset in range(coins.size):
        borrowable += coins[asset] * (now[ORACLE, asset] * by_mode[LTV, mode, asset])
    usd = (weighted - rules.looped * debt) / (rules.looped - by_mode[THRESHOLD, mode, seized])
    usd = min(usd, (borrowable - debt) / (1.0 - by_mode[LTV, mode, seized]))
    usd = min(
        usd,
        max(0.0, by_asset[BORROW_CAP, lent] - now[TOTAL_DEBT, lent]) * now[ORACLE, lent],
    )
    usd = min(
        usd,
        max(0.0, by_asset[SUPPLY_CAP, seized] - now[TOTAL_COLLATERAL, seized]) * now[ORACLE, seized],
    )
    usd = min(usd, max(0.0, by_asset[CEILING, seized] - now[ISOLATED, seized]))
    if usd <= 0.0:
        return
    held = isolated_asset(coins, by_asset)
    if held >= 0:
        now[ISOLATED, held] += usd
    coins[seized] += usd / now[ORACLE, seized]
    now[TOTAL_COLLATERAL, seized] += usd / now[ORACLE, seized]
    owed[lent] += usd / now[OWED_PRICE, lent]
    now[TOTAL_DEBT, lent] += usd / now[ORACLE, lent]
    sums[BORROWED] += usd


@njit(cache=True, nogil=True, error_model="numpy")
def visit(
    coins: Floats,
    owed: Floats,
    mode: int,
    by_asset: Floats,
    by_mode: Floats,
    rules: Rules,
    now: Floats,
    weights: Floats,
    sums: Floats,
) -> None:
    """Visit one unhealthy account: one call, or none if it was not noticed or does not pay."""
    if rules.delay > 0 and worth_of(coins, weights[LATE, mode]) >= worth_of(owed, now[LATE_OWED_PRICE]):
        return
    if rules.rule == COMET:
        _absorb(coins, owed, by_asset, rules, now, sums)
    else:
        _call(coins, owed, mode, by_asset, by_mode, rules, now, weights, sums)


@njit(cache=True, nogil=True, error_model="numpy")
def _closable(value: float, most: float, debt: float, weighted: float, rules: Rules) -> float:
    """Return the most of the chosen debt that one call may repay, USD."""
    if weighted < debt * rules.full_below:
        return most
    if rules.rule == AAVE_3_0:
        return most * rules.close_factor
    if min(value, most) < SMALL_POSITION:
        return most
    return min(most, debt * rules.close_factor)


@njit(cache=True, nogil=True, error_model="numpy")
def _call(
    coins: Floats,
    owed: Floats,
    mode: int,
    by_asset: Floats,
    by_mode: Floats,
    rules: Rules,
    now: Floats,
    weights: Floats,
    sums: Floats,
) -> None:
    seized, lent, debt, weighted = _survey(coins, owed, mode, now, weights)
    if seized < 0 or lent < 0:
        sums[PASSED_OVER] += 1.0
        return
    price = now[ORACLE, seized]
    value, most = coins[seized] * price, owed[lent] * now[OWED_PRICE, lent]
    bonus = by_mode[BONUS, mode, seized]
    repaid = min(_closable(value, most, debt, weighted, rules), rules.capital - now[TIED, 0])
    is_all = repaid * (1.0 + bonus) >= value
    taken = value if is_all else repaid * (1.0 + bonus)
    repaid = value / (1.0 + bonus) if is_all else repaid
    least = min(value - taken, most - repaid)
    if rules.rule == AAVE_3_3 and least > 0.0 and least < LEAST_LEFTOVER:
        repaid = min(min(most - LEAST_LEFTOVER, (value - LEAST_LEFTOVER) / (1.0 + bonus)), repaid)
        taken = repaid * (1.0 + bonus)
    fee = (taken - taken / (1.0 + bonus)) * by_asset[FEE, seized]
    sold = (taken - fee) / price
    proceeds = sold * now[QUOTE, seized] * (1.0 - now[SLIPPAGE, seized])
    if repaid < LEAST_CALL or proceeds <= repaid + rules.gas:
        sums[PASSED_OVER] += 1.0
        return
    if weighted < (1.0 + bonus) * by_mode[THRESHOLD, mode, seized] * debt:
        sums[TOXIC] += 1.0
    held = isolated_asset(coins, by_asset)
    coins[seized] = 0.0 if is_all else coins[seized] - taken / price
    now[TOTAL_COLLATERAL, seized] = max(now[TOTAL_COLLATERAL, seized] - taken / price, 0.0)
    owed[lent] = 0.0 if repaid == most else owed[lent] - repaid / now[OWED_PRICE, lent]
    now[TOTAL_DEBT, lent] = max(now[TOTAL_DEBT, lent] - repaid / now[ORACLE, lent], 0.0)
    lost = 0.0
    if is_all and worth_of(coins, now[ORACLE]) == 0.0:
        lost = debt - repaid
        _empty(coins, owed, now)
    if held >= 0:
        now[ISOLATED, held] = max(0.0, now[ISOLATED, held] - (repaid + lost))
    now[TIED, 0] += repaid
    now[SLIPPAGE, seized] += sold * now[MARKET, seized] / now[DEPTH, seized]
    sums[LIQUIDATIONS] += 1.0
    sums[REPAID] += repaid
    sums[LIQUIDATED_VALUE] += taken
    sums[FEES] += fee
    sums[BAD_DEBT] += lost
    sums[GAS] += rules.gas
    sums[TOTALS + seized] += taken
    sums[TOTALS + coins.size + seized] += lost


@njit(cache=True, nogil=True, error_model="numpy")
def _absorb(coins: Floats, owed: Floats, by_asset: Floats, rules: Rules, now: Floats, sums: Floats) -> None:
    debt = worth_of(owed, now[OWED_PRICE])
    credit, paid, proceeds, value, main, most = 0.0, 0.0, 0.0, 0.0, 0, -1.0
    for asset in range(coins.size):
        worth = coins[asset] * now[ORACLE, asset]
        credit += worth * (1.0 - by_asset[PENALTY, asset])
        paid += worth * (1.0 - by_asset[DISCOUNT, asset])
        proceeds += coins[asset] * now[QUOTE, asset] * (1.0 - now[SLIPPAGE, asset])
        value += worth
        if worth > most:
            main, most = asset, worth
    if paid > rules.capital - now[TIED, 0] or debt <= 0.0 or proceeds <= paid + rules.gas:
        sums[PASSED_OVER] += 1.0
        return
    refund = max(0.0, credit - debt)
    lost = max(0.0, debt + refund - paid)
    for asset in range(coins.size):
        sums[TOTALS + asset] += coins[asset] * now[ORACLE, asset]
        now[SLIPPAGE, asset] += coins[asset] * now[MARKET, asset] / now[DEPTH, asset]
    _release(coins, debt + lost, by_asset, now)
    _empty(coins, owed, now)
    now[TIED, 0] += paid
    sums[LIQUIDATIONS] += 1.0
    sums[REPAID] += paid
    sums[LIQUIDATED_VALUE] += value
    sums[FEES] += max(0.0, paid - debt - refund)
    sums[REFUNDS] += refund
    sums[BAD_DEBT] += lost
    sums[GAS] += rules.gas
    sums[TOTALS + coins.size + main] += lost


@njit(cache=True, nogil=True, error_model="numpy")
def close_path(coins: Floats, owed: Floats, last: Floats, now: Floats, sums: Floats) -> None:
    """Add debt above its collateral's worth at the last prices; arrays have shape (account, asset)."""
    for account in range(coins.shape[0]):
        gap = 0.0
        for asset in range(last.size):
            gap += (owed[account, asset] * now[INDEX, asset] - coins[account, asset]) * last[asset]
        sums[UNCOVERED] += max(gap, 0.0)
