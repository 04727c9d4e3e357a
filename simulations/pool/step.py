"""One step of a pool, as both kernels take it: ``core/pool`` is the specification.

Debts are kept scaled: what is owed now is the kept amount times the asset's index.  ``weights`` are price x
threshold by (mode, asset), ``prices_of_debt`` price x index by asset; the late ones are those at which
liquidators noticed.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from simulations.pool.arrays import (
    ADDED,
    BAD_DEBT,
    BORROWED,
    FEES,
    FROZEN_STEPS,
    GAS,
    INTEREST,
    LEAVERS,
    LEFT,
    LIQUIDATED_VALUE,
    LIQUIDATIONS,
    PASSED_OVER,
    REFUNDS,
    REPAID,
    REPAID_BY_BORROWERS,
    TOTALS,
    TOXIC,
    UNCOVERED,
    Floats,
    People,
    Rules,
    State,
    Whole,
)

AAVE_3_0, AAVE_3_3, COMET = 0, 1, 2
PASSIVE, TOPS_UP, REPAYS, LOOPS = 0, 1, 2, 3
SMALL_POSITION, LEAST_LEFTOVER, LEAST_CALL = 2_000.0, 1_000.0, 0.01
LARGEST_IMPACT = 0.99


@njit(cache=True, nogil=True, error_model="numpy")
def open_path(coins: Floats, owed: Floats, first: Floats, rules: Rules, state: State) -> None:
    """Set the state for a book, shape (account, asset), before the first step."""
    assets = first.size
    state.index[:] = 1.0
    state.impact[:] = 0.0
    state.hazard[:] = 0.0
    state.isolated[:] = 0.0
    state.tied[0] = 0.0
    state.total_debt[:] = 0.0
    state.total_collateral[:] = 0.0
    for account in range(coins.shape[0]):
        debt = 0.0
        for asset in range(assets):
            state.total_debt[asset] += owed[account, asset]
            state.total_collateral[asset] += coins[account, asset]
            debt += owed[account, asset] * first[asset]
        held = isolated_asset(coins[account], rules)
        if held >= 0:
            state.isolated[held] += debt


@njit(cache=True, nogil=True, error_model="numpy")
def begin_step(step: int, prices: Floats, rules: Rules, state: State, sums: Floats) -> None:
    """Add interest, move prices; ``prices`` has shape (step, asset)."""
    assets = prices.shape[1]
    for asset in range(assets):
        used = min(state.total_debt[asset] / rules.supply[asset], 1.0)
        kink = rules.kink[asset]
        rate = rules.base[asset] + rules.below[asset] * min(used, kink)
        rate += rules.above[asset] * (max(used, kink) - kink)
        growth = rate * rules.years
        paid = state.total_debt[asset] * growth
        sums[INTEREST] += paid * prices[step, asset]
        state.total_debt[asset] += paid
        state.index[asset] *= 1.0 + growth
        dear = max(rate - rules.tolerated_rate, 0.0)
        state.hazard[asset] += (rules.leave + rules.rate_leave * dear) * rules.years
        _quote(asset, step, prices, rules, state)
    late = max(step - rules.delay, 0) % (rules.delay + 1)
    for asset in range(assets):
        state.prices_of_debt[asset] = state.oracle[asset] * state.index[asset]
        state.late_prices_of_debt[asset] = state.seen[late, asset] * state.index[asset]
        for mode in range(rules.threshold.shape[0]):
            state.weights[mode, asset] = state.oracle[asset] * rules.threshold[mode, asset]
            state.late_weights[mode, asset] = state.seen[late, asset] * rules.threshold[mode, asset]


@njit(cache=True, nogil=True, error_model="numpy")
def _quote(asset: int, step: int, prices: Floats, rules: Rules, state: State) -> None:
    quote = prices[step, asset]
    state.quote[asset] = quote
    state.slippage[asset] = state.impact[asset]
    state.market[asset] = quote * (1.0 - state.impact[asset])
    moved = abs(state.market[asset] - state.oracle[asset])
    is_due = step - state.written[asset] >= rules.heartbeat[asset]
    if step == 0 or is_due or moved > state.oracle[asset] * rules.deviation[asset]:
        state.oracle[asset] = state.market[asset]
        state.written[asset] = step
    state.seen[step % (rules.delay + 1), asset] = state.oracle[asset]
    before = prices[max(0, step - rules.window), asset]
    dry = quote < before * (1.0 - rules.fall)
    state.depth[asset] = rules.depth[asset] * (rules.drought_depth if dry else 1.0)


@njit(cache=True, nogil=True, error_model="numpy")
def end_step(rules: Rules, state: State) -> None:
    """Let the impact shrink and capital come back."""
    for asset in range(state.impact.size):
        state.impact[asset] = min(state.slippage[asset], LARGEST_IMPACT) * rules.resilience
    state.tied[0] -= state.tied[0] * rules.recycled


@njit(cache=True, nogil=True, error_model="numpy")
def mark_seizable(rules: Rules, state: State, sums: Floats) -> None:
    """Say which collateral can be seized: not that of a pool that is lent out."""
    for asset in range(state.seizable.size):
        is_lent_out = state.total_debt[asset] >= rules.supply[asset] * rules.freeze_at
        sums[FROZEN_STEPS] += 1.0 if is_lent_out else 0.0
        state.seizable[asset] = 1 if rules.threshold[0, asset] > 0.0 and not is_lent_out else 0


@njit(cache=True, nogil=True, error_model="numpy")
def worth_of(amounts: Floats, prices: Floats) -> float:
    """Return the sum of amounts times prices."""
    total = 0.0
    for asset in range(amounts.size):
        total += amounts[asset] * prices[asset]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def isolated_asset(coins: Floats, rules: Rules) -> int:
    """Return the asset with a ceiling that is the only collateral; -1 if there is none."""
    held, count = -1, 0
    for asset in range(coins.size):
        if coins[asset] > 0.0:
            held = asset
            count += 1
    return held if count == 1 and rules.ceiling[held] < np.inf else -1


@njit(cache=True, nogil=True, error_model="numpy")
def _release(coins: Floats, usd: float, rules: Rules, state: State) -> None:
    asset = isolated_asset(coins, rules)
    if asset >= 0:
        state.isolated[asset] = max(0.0, state.isolated[asset] - usd)


@njit(cache=True, nogil=True, error_model="numpy")
def _largest(amounts: Floats, prices: Floats) -> int:
    best, most = -1, 0.0
    for asset in range(amounts.size):
        if amounts[asset] * prices[asset] > most:
            best, most = asset, amounts[asset] * prices[asset]
    return best


@njit(cache=True, nogil=True, error_model="numpy")
def _largest_seizable(coins: Floats, state: State) -> int:
    best, most = -1, 0.0
    for asset in range(coins.size):
        if state.seizable[asset] == 1 and coins[asset] * state.oracle[asset] > most:
            best, most = asset, coins[asset] * state.oracle[asset]
    return best


@njit(cache=True, nogil=True, error_model="numpy")
def let_go(coins: Floats, owed: Floats, rules: Rules, state: State, sums: Floats) -> bool:
    """Let an account that wants to leave do so; return whether it stays, owing more than it has."""
    debt = worth_of(owed, state.prices_of_debt)
    if debt <= 0.0:
        return False
    if worth_of(coins, state.oracle) <= debt:
        return True
    sums[LEAVERS] += 1.0
    sums[LEFT] += debt
    _release(coins, debt, rules, state)
    _empty(coins, owed, state)
    return False


@njit(cache=True, nogil=True, error_model="numpy")
def _empty(coins: Floats, owed: Floats, state: State) -> None:
    for asset in range(coins.size):
        state.total_debt[asset] = max(state.total_debt[asset] - owed[asset] * state.index[asset], 0.0)
        state.total_collateral[asset] = max(state.total_collateral[asset] - coins[asset], 0.0)
        coins[asset] = 0.0
        owed[asset] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def look(
    number: int,
    coins: Floats,
    owed: Floats,
    means: Floats,
    people: People,
    rules: Rules,
    state: State,
    sums: Floats,
) -> None:
    """Let one account look at its position and react."""
    kind, mode = people.kind[number], people.mode[number]
    debt = worth_of(owed, state.prices_of_debt)
    if kind == PASSIVE or debt <= 0.0:
        return
    seized, lent = _largest(coins, state.oracle), _largest(owed, state.prices_of_debt)
    if seized < 0:
        return
    weighted = worth_of(coins, state.weights[mode])
    threshold = rules.threshold[mode, seized]
    if kind == LOOPS:
        _loop(coins, owed, mode, seized, lent, debt, weighted, rules, state, sums)
        return
    if weighted >= rules.alert * debt or threshold == 0.0:
        return
    if kind == TOPS_UP:
        room = max(0.0, rules.supply_cap[seized] - state.total_collateral[seized]) * state.oracle[seized]
        usd = min((rules.restored * debt - weighted) / threshold, means[number], room)
        if usd > 0.0:
            coins[seized] += usd / state.oracle[seized]
            state.total_collateral[seized] += usd / state.oracle[seized]
            means[number] -= usd
            sums[ADDED] += usd
        return
    owed_most = owed[lent] * state.prices_of_debt[lent]
    usd = min(debt - weighted / rules.restored, means[number], owed_most)
    if usd > 0.0:
        _release(coins, usd, rules, state)
        state.total_debt[lent] = max(state.total_debt[lent] - usd / state.oracle[lent], 0.0)
        owed[lent] = 0.0 if usd == owed_most else owed[lent] - usd / state.prices_of_debt[lent]
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
    rules: Rules,
    state: State,
    sums: Floats,
) -> None:
    if weighted <= rules.loop_above * debt:
        return
    borrowable = 0.0
    for asset in range(coins.size):
        borrowable += coins[asset] * (state.oracle[asset] * rules.ltv[mode, asset])
    usd = (weighted - rules.looped * debt) / (rules.looped - rules.threshold[mode, seized])
    usd = min(usd, (borrowable - debt) / (1.0 - rules.ltv[mode, seized]))
    usd = min(usd, max(0.0, rules.borrow_cap[lent] - state.total_debt[lent]) * state.oracle[lent])
    usd = min(usd, max(0.0, rules.supply_cap[seized] - state.total_collateral[seized]) * state.oracle[seized])
    usd = min(usd, max(0.0, rules.ceiling[seized] - state.isolated[seized]))
    if usd <= 0.0:
        return
    held = isolated_asset(coins, rules)
    if held >= 0:
        state.isolated[held] += usd
    coins[seized] += usd / state.oracle[seized]
    state.total_collateral[seized] += usd / state.oracle[seized]
    owed[lent] += usd / state.prices_of_debt[lent]
    state.total_debt[lent] += usd / state.oracle[lent]
    sums[BORROWED] += usd


@njit(cache=True, nogil=True, error_model="numpy")
def visit(coins: Floats, owed: Floats, mode: int, rules: Rules, state: State, sums: Floats) -> None:
    """Visit one unhealthy account: one call, or none if it was not noticed or does not pay."""
    if worth_of(coins, state.late_weights[mode]) >= worth_of(owed, state.late_prices_of_debt):
        return
    if rules.rule == COMET:
        _absorb(coins, owed, rules, state, sums)
    else:
        _call(coins, owed, mode, rules, state, sums)


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
def _call(coins: Floats, owed: Floats, mode: int, rules: Rules, state: State, sums: Floats) -> None:
    seized, lent = _largest_seizable(coins, state), _largest(owed, state.prices_of_debt)
    if seized < 0 or lent < 0:
        sums[PASSED_OVER] += 1.0
        return
    price = state.oracle[seized]
    value, most = coins[seized] * price, owed[lent] * state.prices_of_debt[lent]
    debt, weighted = worth_of(owed, state.prices_of_debt), worth_of(coins, state.weights[mode])
    bonus = rules.bonus[mode, seized]
    repaid = min(_closable(value, most, debt, weighted, rules), rules.capital - state.tied[0])
    is_all = repaid * (1.0 + bonus) >= value
    taken = value if is_all else repaid * (1.0 + bonus)
    repaid = value / (1.0 + bonus) if is_all else repaid
    least = min(value - taken, most - repaid)
    if rules.rule == AAVE_3_3 and least > 0.0 and least < LEAST_LEFTOVER:
        repaid = min(min(most - LEAST_LEFTOVER, (value - LEAST_LEFTOVER) / (1.0 + bonus)), repaid)
        taken = repaid * (1.0 + bonus)
    fee = (taken - taken / (1.0 + bonus)) * rules.fee[seized]
    sold = (taken - fee) / price
    proceeds = sold * state.quote[seized] * (1.0 - state.slippage[seized])
    if repaid < LEAST_CALL or proceeds <= repaid + rules.gas:
        sums[PASSED_OVER] += 1.0
        return
    if weighted < (1.0 + bonus) * rules.threshold[mode, seized] * debt:
        sums[TOXIC] += 1.0
    held = isolated_asset(coins, rules)
    coins[seized] = 0.0 if is_all else coins[seized] - taken / price
    state.total_collateral[seized] = max(state.total_collateral[seized] - taken / price, 0.0)
    owed[lent] = 0.0 if repaid == most else owed[lent] - repaid / state.prices_of_debt[lent]
    state.total_debt[lent] = max(state.total_debt[lent] - repaid / state.oracle[lent], 0.0)
    lost = 0.0
    if is_all and worth_of(coins, state.oracle) == 0.0:
        lost = debt - repaid
        _empty(coins, owed, state)
    if held >= 0:
        state.isolated[held] = max(0.0, state.isolated[held] - (repaid + lost))
    state.tied[0] += repaid
    state.slippage[seized] += sold * state.market[seized] / state.depth[seized]
    sums[LIQUIDATIONS] += 1.0
    sums[REPAID] += repaid
    sums[LIQUIDATED_VALUE] += taken
    sums[FEES] += fee
    sums[BAD_DEBT] += lost
    sums[GAS] += rules.gas
    sums[TOTALS + seized] += taken
    sums[TOTALS + coins.size + seized] += lost


@njit(cache=True, nogil=True, error_model="numpy")
def _absorb(coins: Floats, owed: Floats, rules: Rules, state: State, sums: Floats) -> None:
    debt = worth_of(owed, state.prices_of_debt)
    credit, paid, proceeds, value, main, most = 0.0, 0.0, 0.0, 0.0, 0, -1.0
    for asset in range(coins.size):
        worth = coins[asset] * state.oracle[asset]
        credit += worth * (1.0 - rules.penalty[asset])
        paid += worth * (1.0 - rules.discount[asset])
        proceeds += coins[asset] * state.quote[asset] * (1.0 - state.slippage[asset])
        value += worth
        if worth > most:
            main, most = asset, worth
    if paid > rules.capital - state.tied[0] or debt <= 0.0 or proceeds <= paid + rules.gas:
        sums[PASSED_OVER] += 1.0
        return
    refund = max(0.0, credit - debt)
    lost = max(0.0, debt + refund - paid)
    for asset in range(coins.size):
        sums[TOTALS + asset] += coins[asset] * state.oracle[asset]
        state.slippage[asset] += coins[asset] * state.market[asset] / state.depth[asset]
    _release(coins, debt + lost, rules, state)
    _empty(coins, owed, state)
    state.tied[0] += paid
    sums[LIQUIDATIONS] += 1.0
    sums[REPAID] += paid
    sums[LIQUIDATED_VALUE] += value
    sums[FEES] += max(0.0, paid - debt - refund)
    sums[REFUNDS] += refund
    sums[BAD_DEBT] += lost
    sums[GAS] += rules.gas
    sums[TOTALS + coins.size + main] += lost


@njit(cache=True, nogil=True, error_model="numpy")
def close_path(coins: Floats, owed: Floats, last: Floats, state: State, sums: Floats) -> None:
    """Add debt above its collateral's worth at the last prices; arrays have shape (account, asset)."""
    for account in range(coins.shape[0]):
        gap = 0.0
        for asset in range(last.size):
            gap += (owed[account, asset] * state.index[asset] - coins[account, asset]) * last[asset]
        sums[UNCOVERED] += max(gap, 0.0)
