"""One liquidation call on one account, as ``core/pool/liquidation.py`` specifies it."""

from __future__ import annotations

from numba import njit

from simulations.pool.arrays import (
    BAD_DEBT,
    BONUS,
    DEPTH,
    DISCOUNT,
    FEE,
    FEES,
    GAS,
    ISOLATED,
    LATE,
    LATE_OWED_PRICE,
    LIQUIDATED_VALUE,
    LIQUIDATIONS,
    MARKET,
    NOW,
    ORACLE,
    OWED_PRICE,
    PASSED_OVER,
    PENALTY,
    QUOTE,
    REFUNDS,
    REPAID,
    SEIZABLE,
    SLIPPAGE,
    THRESHOLD,
    TIED,
    TOTAL_COLLATERAL,
    TOTAL_DEBT,
    TOTALS,
    TOXIC,
    Floats,
    Rules,
)
from simulations.pool.holdings import empty, isolated_asset, release, worth_of

AAVE_3_0, AAVE_3_3, COMET = 0, 1, 2
SMALL_POSITION, LEAST_LEFTOVER, LEAST_CALL = 2_000.0, 1_000.0, 0.01


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
        empty(coins, owed, now)
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
    release(coins, debt + lost, by_asset, now)
    empty(coins, owed, now)
    now[TIED, 0] += paid
    sums[LIQUIDATIONS] += 1.0
    sums[REPAID] += paid
    sums[LIQUIDATED_VALUE] += value
    sums[FEES] += max(0.0, paid - debt - refund)
    sums[REFUNDS] += refund
    sums[BAD_DEBT] += lost
    sums[GAS] += rules.gas
    sums[TOTALS + coins.size + main] += lost
