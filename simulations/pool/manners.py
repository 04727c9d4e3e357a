"""What borrowers do: leave, top up, repay, loop, as ``core/pool/borrowers.py`` specifies it."""

from __future__ import annotations

from numba import njit

from simulations.pool.arrays import (
    ADDED,
    BORROW_CAP,
    BORROWED,
    CEILING,
    ISOLATED,
    KIND,
    LEAVERS,
    LEFT,
    LTV,
    MODE,
    NOW,
    ORACLE,
    OWED_PRICE,
    REPAID_BY_BORROWERS,
    SUPPLY_CAP,
    THRESHOLD,
    TOTAL_COLLATERAL,
    TOTAL_DEBT,
    Floats,
    Rules,
    Whole,
)
from simulations.pool.holdings import empty, isolated_asset, largest, release, worth_of

PASSIVE, TOPS_UP, REPAYS, LOOPS = 0, 1, 2, 3


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
    release(coins, debt, by_asset, now)
    empty(coins, owed, now)
    return False


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
    seized, lent = largest(coins, now[ORACLE]), largest(owed, now[OWED_PRICE])
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
        release(coins, usd, by_asset, now)
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
