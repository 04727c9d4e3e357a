"""One step of the market in plain numpy, over all positions at once; numpy is all it needs.

The rules are those of ``core/cascade.py``.  The numpy peer and the radCAD model use this; the mesa model
has the same rules agent by agent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
NAMES = ("liquidations", "repaid", "seized", "bad_debt", "interest")
ORACLE_UNITS = 1e8


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything but book and path; shares as fractions, amounts in USD, rates per year."""

    threshold: float
    bonus: float
    close_factor: float
    full_below: float
    depth: float
    resilience: float
    supply: float
    years: float
    base: float
    below: float
    above: float
    kink: float

    @property
    def break_even(self) -> float:
        """Slippage at which a liquidator earns nothing."""
        return self.bonus / (1 + self.bonus)

    def growth(self, total: float) -> float:
        """Return one step's interest as a share of debt."""
        used = min(1.0, total / self.supply)
        rate = self.base + self.below * min(used, self.kink) / self.kink
        return (rate + self.above * max(used - self.kink, 0.0) / (1 - self.kink)) * self.years

    def price(self, quote: float, impact: float) -> float:
        """Return the price after impact, rounded down to eight decimals."""
        return float(np.floor(quote * ORACLE_UNITS * (1 - impact)) / ORACLE_UNITS) if impact > 0 else quote


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """A book after one step, the impact that is left, and what was added to the totals."""

    coins: Array
    debt: Array
    impact: float
    added: Array


def step(coins: Array, debt: Array, quote: float, *, impact: float, terms: Terms) -> Outcome:
    """Return the book after one step; neither array is changed."""
    total = float(debt.sum())
    growth = terms.growth(total)
    debt = debt * (1 + growth)
    added = np.array([0.0, 0.0, 0.0, 0.0, total * growth])
    price = terms.price(quote, impact)
    struck = np.flatnonzero(coins * price * terms.threshold < debt)
    slippage = impact
    if struck.size and impact < terms.break_even:
        coins = coins.copy()
        slippage += _liquidate(coins, debt, struck, price=price, impact=impact, terms=terms, added=added)
    return Outcome(coins, debt, min(slippage, 0.99) * terms.resilience, added)


def _liquidate(
    coins: Array,
    debt: Array,
    struck: NDArray[np.int64],
    *,
    price: float,
    impact: float,
    terms: Terms,
    added: Array,
) -> float:
    """Liquidate in place, worst first, until slippage eats the bonus; return the slippage added."""
    struck = struck[np.argsort(-debt[struck] / coins[struck], kind="stable")]
    owed, held = debt[struck], coins[struck]
    healthy_enough = held * price * terms.threshold >= terms.full_below * owed
    repaid = np.where(healthy_enough, terms.close_factor * owed, owed)
    seized = repaid * (1 + terms.bonus) / price
    whole = seized >= held
    seized = np.where(whole, held, seized)
    repaid = np.where(whole, np.minimum(owed, held * price / (1 + terms.bonus)), repaid)
    slippage = np.cumsum(seized * price / terms.depth)
    before = impact + np.concatenate([[0.0], slippage[:-1]])
    done = before < terms.break_even
    written_off = np.where(whole, owed - repaid, 0.0)
    places = struck[done]
    debt[places] = (owed - repaid - written_off)[done]
    coins[places] = (held - seized)[done]
    added[:4] = done.sum(), repaid[done].sum(), seized[done].sum(), written_off[done].sum()
    return float(slippage[done][-1])
