"""The market in plain numpy: one path at a time, all positions at once."""

from __future__ import annotations

import numpy as np
from rules import Array, Terms, step


def run(coins: Array, debt: Array, prices: Array, *, terms: Terms) -> Array:
    """Return totals, shape (path, total)."""
    totals = np.zeros((len(prices), 5))
    for path, quotes in enumerate(prices.tolist()):
        held, owed, impact = coins, debt, 0.0
        for quote in quotes:
            after = step(held, owed, quote, impact=impact, terms=terms)
            held, owed, impact = after.coins, after.debt, after.impact
            totals[path] += after.added
    return totals
