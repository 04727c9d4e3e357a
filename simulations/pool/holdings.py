"""What one account holds and owes, in the sums that every mechanic needs.

``coins`` and ``owed`` are one account's row, by asset.  Debts are kept scaled: what is owed now is the kept
amount times the asset's index.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from simulations.pool.arrays import (
    CEILING,
    INDEX,
    ISOLATED,
    TOTAL_COLLATERAL,
    TOTAL_DEBT,
    Floats,
)


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
def release(coins: Floats, usd: float, by_asset: Floats, now: Floats) -> None:
    """Give an isolated asset back the room that a repaid debt took."""
    asset = isolated_asset(coins, by_asset)
    if asset >= 0:
        now[ISOLATED, asset] = max(0.0, now[ISOLATED, asset] - usd)


@njit(cache=True, nogil=True, error_model="numpy")
def largest(amounts: Floats, prices: Floats) -> int:
    """Return the asset of the largest worth above zero; -1 if there is none."""
    best, most = -1, 0.0
    for asset in range(amounts.size):
        if amounts[asset] * prices[asset] > most:
            best, most = asset, amounts[asset] * prices[asset]
    return best


@njit(cache=True, nogil=True, error_model="numpy")
def empty(coins: Floats, owed: Floats, now: Floats) -> None:
    """Close an account."""
    for asset in range(coins.size):
        now[TOTAL_DEBT, asset] = max(now[TOTAL_DEBT, asset] - owed[asset] * now[INDEX, asset], 0.0)
        now[TOTAL_COLLATERAL, asset] = max(now[TOTAL_COLLATERAL, asset] - coins[asset], 0.0)
        coins[asset] = 0.0
        owed[asset] = 0.0
