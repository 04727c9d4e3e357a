"""Borrowers who borrow more when a threshold rises.

An account keeps its health factor to the extent of ``elasticity``: 0 leaves debts as they are, 1 lifts them
until health is what it was.  No source measures it; results are printed for both ends.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.errors import SimulationError
from core.pool.terms import PoolTerms
from simulations.pool.arrays import LTV, THRESHOLD, Floats, PoolBook, tables_of


def re_levered(
    book: PoolBook, prices: Floats, *, before: PoolTerms, after: PoolTerms, elasticity: float
) -> PoolBook:
    """Return the book after thresholds have changed from ``before`` to ``after``.

    Debts grow by (new weighted worth / old) ** elasticity where that is above one, and no further than the
    new LTV allows; nobody repays because a threshold has fallen.  ``prices`` has shape (asset,), USD.

    Raises:
        SimulationError: elasticity is outside 0 to 1, or the terms have other assets or modes.
    """
    if not 0 <= elasticity <= 1:
        raise SimulationError(f"elasticity was {elasticity}", allowed="0 to 1")
    old, new = tables_of(before).by_mode, tables_of(after).by_mode
    if old.shape != new.shape:
        raise SimulationError("terms before and after differ in assets or modes")
    worth = book.collateral * prices
    was = (worth * old[THRESHOLD][book.mode]).sum(axis=1)
    now = (worth * new[THRESHOLD][book.mode]).sum(axis=1)
    owed = (book.debt * prices).sum(axis=1)
    growth = np.where(was > 0, now / np.where(was > 0, was, 1.0), 1.0) ** elasticity
    most = (worth * new[LTV][book.mode]).sum(axis=1) / np.where(owed > 0, owed, 1.0)
    factor = np.maximum(1.0, np.minimum(growth, most))
    return replace(book, debt=book.debt * factor[:, None])
