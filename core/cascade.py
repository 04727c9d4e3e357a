"""A book of positions along one price path: the specification of the simulation engine.

Every amount is a whole number in wad (18 decimals, for both tokens), prices have eight decimals.
``simulations/kernels/`` does the same in float64 for many paths; liquidation counts are equal and
amounts agree to 1e-12 relative (tests/simulations/test_kernels_agree.py).

One step, in this order:

1. interest: ``index`` grows by the kinked rate at the utilisation of the step's beginning;
2. the price of the step is the path's price less the impact that earlier sales left;
3. positions are visited worst first: by debt per coin as it stands after the interest of this step, in
   units of the oracle's price (eight decimals), the largest first, ties in the book's order; each
   unhealthy one gets one liquidation call, unless the sales of this step have already pushed the
   liquidator's price below break-even ``bonus / (1 + bonus)``: then nobody liquidates any more in this
   step;
4. what was seized is sold, which adds ``sold value / depth`` to the impact; at the end of the step
   the impact shrinks by ``resilience``.

Worst first is the order of liquidators who choose for themselves, and it makes a sorted book exact: all
that varies (price, threshold, interest) is common to every position, so that the order of untouched
positions never changes (``simulations/kernels/event.py``).

Sources: Kao et al., "An Analysis of the Market Risk to Participants in the Compound Protocol"
(slippage-limited liquidators); Obizhaeva and Wang 2013 (linear impact with exponential resilience).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.lending import Decimals, LiquidationRules, liquidate
from core.position import Position
from core.units import BPS_ONE, PRICE_ONE, WAD

WAD_DECIMALS = Decimals(collateral=18, debt=18)
SECONDS_PER_YEAR = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class RateCurve:
    """Kinked borrow rate per year, in wad (Aave V2 interest rate strategy).

    >>> RateCurve().per_year(45 * WAD // 100) == 2 * WAD // 100
    True
    """

    base: int = 0
    slope_below: int = 4 * WAD // 100
    slope_above: int = 75 * WAD // 100
    kink: int = 90 * WAD // 100

    def per_year(self, utilisation: int) -> int:
        """Return the rate at ``utilisation`` (wad, at most one), rounded down."""
        if utilisation <= self.kink:
            return self.base + self.slope_below * utilisation // self.kink
        above = self.slope_above * (utilisation - self.kink) // (WAD - self.kink)
        return self.base + self.slope_below + above


@dataclass(frozen=True, slots=True)
class Liquidity:
    """How much a market absorbs.

    ``depth`` is the sold value (wad USD) that moves the price by 100 %, linearly; ``resilience`` the
    share of the impact (wad) that is left after one step.
    """

    depth: int
    resilience: int = 8 * WAD // 10


@dataclass(frozen=True, slots=True)
class CascadeTerms:
    """Everything but the book and the path."""

    rules: LiquidationRules
    liquidity: Liquidity
    debt_supply: int
    step_seconds: int = 3600
    rates: RateCurve = RateCurve()


@dataclass(frozen=True, slots=True)
class CascadeResult:
    """Totals over the path, in wad USD (``seized`` in wad collateral)."""

    liquidations: int
    repaid: int
    seized: int
    bad_debt: int
    interest: int
    positions: tuple[Position, ...]


def replay(book: Sequence[Position], prices: Sequence[int], terms: CascadeTerms) -> CascadeResult:
    """Return what happens to ``book`` along ``prices`` (eight decimals, one per step)."""
    positions = list(book)
    impact = liquidations = repaid = seized = bad_debt = interest = 0
    bonus = terms.rules.liquidation_bonus_bps
    break_even = WAD * bonus // (BPS_ONE + bonus)
    for path_price in prices:
        paid = _accrue(positions, terms)
        interest += paid
        price = path_price * (WAD - impact) // WAD
        slippage = impact
        for number in _worst_first(positions):
            if slippage >= break_even:
                break
            call = liquidate(positions[number], price=price, rules=terms.rules)
            if call is None:
                continue
            positions[number] = call.position
            liquidations += 1
            repaid += call.repaid
            seized += call.seized
            bad_debt += call.bad_debt
            slippage += call.seized * price // PRICE_ONE * WAD // (terms.liquidity.depth)
        impact = min(slippage, WAD * 99 // 100) * terms.liquidity.resilience // WAD
    return CascadeResult(liquidations, repaid, seized, bad_debt, interest, tuple(positions))


def _worst_first(positions: Sequence[Position]) -> list[int]:
    """Return the numbers of those who owe, largest debt per coin first, ties in the book's order."""
    owing = [number for number, position in enumerate(positions) if position.debt]
    return sorted(owing, key=lambda number: _debt_per_coin(positions[number]), reverse=True)


def _debt_per_coin(position: Position) -> float:
    """Return debt over collateral in units of the oracle's price, rounded down; endless without coins."""
    if position.collateral == 0:
        return math.inf
    return position.debt * PRICE_ONE // position.collateral


def _accrue(positions: list[Position], terms: CascadeTerms) -> int:
    """Add one step's interest to every debt in place; return the total."""
    total = sum(position.debt for position in positions)
    utilisation = min(WAD, total * WAD // terms.debt_supply)
    rate = terms.rates.per_year(utilisation)
    paid = 0
    for number, position in enumerate(positions):
        growth = position.debt * rate * terms.step_seconds // (WAD * SECONDS_PER_YEAR)
        positions[number] = Position(position.account, position.collateral, position.debt + growth)
        paid += growth
    return paid
