"""The market as a mesa model: a borrower is an agent, a step goes through them by ``AgentSet``.

As mesa's documentation has it: ``create_agents``, ``agents.do``, ``agents.select`` and ``sort``, ``agg``.
"""

from __future__ import annotations

import mesa
import numpy as np
from rules import Array, Terms


class Borrower(mesa.Agent):
    """One position."""

    def __init__(self, model: Market, coins: float, debt: float) -> None:
        super().__init__(model)
        self.coins = coins
        self.debt = debt
        self.debt_per_coin = 0.0

    def accrue(self) -> None:
        """Add one step's interest."""
        self.debt *= 1 + self.model.growth

    def is_unhealthy(self) -> bool:
        """Return whether one liquidation call is allowed."""
        return self.coins * self.model.price * self.model.terms.threshold < self.debt

    def be_liquidated(self) -> None:
        """Take one liquidation call, unless slippage has eaten the bonus."""
        market, terms = self.model, self.model.terms
        if market.slippage >= terms.break_even:
            return
        health = self.coins * market.price * terms.threshold / self.debt
        repaid = terms.close_factor * self.debt if health >= terms.full_below else self.debt
        seized = repaid * (1 + terms.bonus) / market.price
        written_off = 0.0
        if seized >= self.coins:
            seized = self.coins
            repaid = min(self.debt, self.coins * market.price / (1 + terms.bonus))
            written_off = self.debt - repaid
        self.coins -= seized
        self.debt -= repaid + written_off
        market.slippage += seized * market.price / terms.depth
        market.totals[:4] += (1, repaid, seized, written_off)


class Market(mesa.Model):
    """One path."""

    def __init__(self, coins: Array, debt: Array, *, terms: Terms) -> None:
        super().__init__(seed=0)
        self.terms = terms
        self.impact = self.growth = self.price = self.slippage = 0.0
        self.totals = np.zeros(5)
        Borrower.create_agents(self, len(coins), coins.tolist(), debt.tolist())

    def step_at(self, quote: float) -> None:
        """Do one step at the path's price."""
        total = self.agents.agg("debt", sum)
        self.growth = self.terms.growth(total)
        self.totals[4] += total * self.growth
        self.agents.do("accrue")
        self.price = self.terms.price(quote, self.impact)
        self.slippage = self.impact
        struck = self.agents.select(Borrower.is_unhealthy)
        if len(struck) > 0:
            for borrower in struck:
                borrower.debt_per_coin = borrower.debt / borrower.coins
            struck.sort("debt_per_coin", ascending=False).do("be_liquidated")
        self.impact = min(self.slippage, 0.99) * self.terms.resilience


def run(coins: Array, debt: Array, prices: Array, *, terms: Terms) -> Array:
    """Return totals, shape (path, total)."""
    totals = []
    for quotes in prices.tolist():
        market = Market(coins, debt, terms=terms)
        for quote in quotes:
            market.step_at(quote)
        totals.append(market.totals)
    return np.array(totals)
