"""The arithmetic that every kernel shares: interest, price after impact, one liquidation call.

``core/cascade.py`` is the specification.  Debts are kept scaled: what is owed now is the kept amount
times ``index``, so that interest touches one number and no position.  One expression per rule, used by
all kernels, makes their results equal to the last bit wherever they add in the same order.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.cascade import SECONDS_PER_YEAR, CascadeTerms
from core.lending import FULL_CLOSE_BELOW_WAD
from core.units import BPS_ONE, PRICE_ONE, WAD

LIQUIDATIONS, REPAID, SEIZED, BAD_DEBT, INTEREST, UNCOVERED, LIQUIDATED_VALUE = range(7)
TOTALS = 7

CLOSE_FACTOR, FULL_BELOW, DEPTH, RESILIENCE, SUPPLY, YEARS, BASE, SLOPE_BELOW, SLOPE_ABOVE, KINK = range(10)

ORACLE_UNITS = float(PRICE_ONE)
"""A price after impact is rounded down to eight decimals, as the specification has it."""

LARGEST_IMPACT = 0.99
MARGIN = 1e-12
"""Room for rounding in a screen: whoever might be struck is looked at, with the rule itself."""


def scalars_of(terms: CascadeTerms) -> NDArray[np.float64]:
    """Return the terms as floats, in the order of ``CLOSE_FACTOR`` to ``KINK``."""
    rates = terms.rates
    return np.array(
        [
            terms.rules.close_factor_bps / BPS_ONE,
            FULL_CLOSE_BELOW_WAD / WAD,
            terms.liquidity.depth / WAD,
            terms.liquidity.resilience / WAD,
            terms.debt_supply / WAD,
            terms.step_seconds / SECONDS_PER_YEAR,
            rates.base / WAD,
            rates.slope_below / WAD,
            rates.slope_above / WAD,
            rates.kink / WAD,
        ]
    )


@njit(cache=True, nogil=True, error_model="numpy")
def curve_of(scalars: NDArray[np.float64]) -> tuple[float, float, float, float, float]:
    """Return 1 / supply, and per step: base rate, slope below the kink, slope above it, the kink."""
    years, kink = scalars[YEARS], scalars[KINK]
    below = scalars[SLOPE_BELOW] / kink if kink > 0.0 else 0.0
    above = scalars[SLOPE_ABOVE] / (1.0 - kink) if kink < 1.0 else 0.0
    return 1.0 / scalars[SUPPLY], scalars[BASE] * years, below * years, above * years, kink


@njit(cache=True, nogil=True, error_model="numpy")
def growth_of(total: float, curve: tuple[float, float, float, float, float]) -> float:
    """Return the interest of one step as a share of debt, at the utilisation that ``total`` makes."""
    per_supply, base, below, above, kink = curve
    used = min(total * per_supply, 1.0)
    return float(base + below * min(used, kink) + above * (max(used, kink) - kink))


@njit(cache=True, nogil=True, error_model="numpy")
def price_after(quote: float, impact: float) -> float:
    """Return the path's price less the impact that is left, rounded down to the oracle's units."""
    moved = np.floor(quote * ORACLE_UNITS * (1.0 - impact)) / ORACLE_UNITS
    return float(moved if impact > 0.0 else quote)


@njit(cache=True, nogil=True, error_model="numpy")
def _counted(share: float) -> float:
    """Return a share of depth in whole 2 ** -52, so that the order of adding does not show."""
    return float((share + 1.0) - 1.0)


@njit(cache=True, nogil=True, error_model="numpy")
def slippage_of(sold: float, per_depth: float) -> float:
    """Return what one sale adds to the slippage; ``per_depth`` is 1 / depth."""
    return float(_counted(sold * per_depth))


@njit(cache=True, nogil=True, error_model="numpy")
def impact_after(slippage: float, resilience: float) -> float:
    """Return what is left of the impact when the next step begins."""
    return _counted(min(slippage, LARGEST_IMPACT) * resilience)


@njit(cache=True, nogil=True, error_model="numpy")
def trigger_of(coins: float, owed: float) -> float:
    """Return debt per coin; 0 without debt, endless without coins."""
    if owed <= 0.0:
        return 0.0
    return owed / coins if coins > 0.0 else np.inf


@njit(cache=True, nogil=True, error_model="numpy")
def strike(
    coins: float,
    owed: float,
    price: float,
    threshold: float,
    bonus: float,
    scalars: NDArray[np.float64],
) -> tuple[float, float, float, float]:
    """Do one liquidation call on an unhealthy position; return repaid, seized, written off, debt left.

    A call that takes all the collateral writes off the debt that is left.
    """
    partly = coins * (price * threshold) >= owed * scalars[FULL_BELOW]
    repaid = owed * scalars[CLOSE_FACTOR] if partly else owed
    seized = repaid * ((1.0 + bonus) / price)
    if seized < coins:
        return repaid, seized, 0.0, owed - repaid
    repaid = min(owed, coins * price / (1.0 + bonus))
    return repaid, coins, owed - repaid, 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def comes_before(trigger: float, number: int, other_trigger: float, other_number: int) -> bool:
    """Return whether a position is visited before another: worse first, ties in the book's order."""
    return bool(trigger > other_trigger or (trigger == other_trigger and number < other_number))


@njit(cache=True, nogil=True, error_model="numpy")
def sort_worst_first(
    slots: NDArray[np.int64], count: int, triggers: NDArray[np.float64], numbers: NDArray[np.int64]
) -> None:
    """Sort ``slots[:count]`` in place (Shell 1959): few and nearly sorted, as a rule."""
    gap = 1
    while gap < count // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for begin in range(gap, count):
            slot = slots[begin]
            place = begin
            while place >= gap:
                ahead = slots[place - gap]
                if not comes_before(triggers[slot], numbers[slot], triggers[ahead], numbers[ahead]):
                    break
                slots[place] = ahead
                place -= gap
            slots[place] = slot
        gap //= 3


@njit(cache=True, nogil=True, error_model="numpy")
def heap_worst_first(
    slots: NDArray[np.int64], count: int, triggers: NDArray[np.float64], numbers: NDArray[np.int64]
) -> None:
    """Make ``slots[:count]`` a heap (Williams 1964) with the worst at 0: where few of many are taken."""
    for place in range(count // 2 - 1, -1, -1):
        _sink(slots, place, count, triggers, numbers)


@njit(cache=True, nogil=True, error_model="numpy")
def drop_worst(
    slots: NDArray[np.int64], left: int, triggers: NDArray[np.float64], numbers: NDArray[np.int64]
) -> None:
    """Take the worst out of a heap of which ``left`` are left."""
    slots[0] = slots[left]
    _sink(slots, 0, left, triggers, numbers)


@njit(cache=True, nogil=True, error_model="numpy")
def _sink(
    slots: NDArray[np.int64],
    place: int,
    count: int,
    triggers: NDArray[np.float64],
    numbers: NDArray[np.int64],
) -> None:
    """Move one slot down until it is worse than both below it."""
    slot = slots[place]
    while 2 * place + 1 < count:
        below = 2 * place + 1
        one = slots[below]
        if below + 1 < count:
            other = slots[below + 1]
            if comes_before(triggers[other], numbers[other], triggers[one], numbers[one]):
                below, one = below + 1, other
        if not comes_before(triggers[one], numbers[one], triggers[slot], numbers[slot]):
            break
        slots[place] = one
        place = below
    slots[place] = slot
