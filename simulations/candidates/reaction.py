"""How borrowers answer new parameters: the book of a candidate.

``elasticity`` is the share of the way that borrowers go.  No record says what it is, so both ends are
simulated: 0 leaves the book as it is, 1 is this.

    threshold or LTV up     debts grow in the larger of the two proportions, nobody beyond the LTV
    threshold down          debts shrink in its proportion; a lower LTV alone makes nobody repay
    supply cap up           as much new collateral comes as there is new room, with debts like the book's
    borrow cap              new debt stops there, and where the rate curve turns steep; new collateral that
                            may not borrow is left out: it risks nothing, and would hide who does
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.errors import SimulationError
from core.market import Parameters
from core.units import BPS_ONE
from simulations.engine import Book

Array = NDArray[np.float64]


def reacted(
    book: Book,
    current: Parameters,
    candidates: Sequence[Parameters],
    *,
    price: float,
    lendable_usd: float,
    elasticity: float,
) -> Book:
    """Return the book of each candidate, one row each.

    Args:
        book: One row, as it stands under ``current``.
        current: Caps in whole units: coins for supply, USD for borrowing.
        candidates: What borrowers answer to, caps in the same units.
        price: USD per coin.
        lendable_usd: Debt at which the borrow rate turns steep: nobody takes new debt beyond it.
        elasticity: From 0 (they do nothing) to 1.

    Raises:
        SimulationError: the elasticity is outside 0 to 1, or the book has several rows.
    """
    if not 0 <= elasticity <= 1:
        raise SimulationError(f"elasticity was {elasticity}", allowed="0 to 1", hint="simulate both ends")
    if len(book.debt) != 1:
        raise SimulationError(f"the book had {len(book.debt)} rows", allowed="one, as it stands now")
    standing = float(book.debt.sum())
    rows = []
    for one in candidates:
        room = max(standing, min(float(one.borrow_cap), lendable_usd))
        rows.append(_row(book, current, one, price=price, room=room, elasticity=elasticity))
    return Book(np.stack([coins for coins, _ in rows]), np.stack([debt for _, debt in rows]))


def borrowing_power(book: Book, candidates: Sequence[Parameters], *, price: float) -> Array:
    """Return what borrowers may owe in all under each candidate, USD, shape (candidate,).

    The LTV's share of all collateral, at most the borrow cap; ``book`` has one row, or a row each.
    """
    worth = book.collateral.sum(axis=1) * price
    allowed = worth * np.array([one.ltv_bps / BPS_ONE for one in candidates])
    return np.asarray(np.minimum(allowed, [float(one.borrow_cap) for one in candidates]))


def _row(
    book: Book, current: Parameters, candidate: Parameters, *, price: float, room: float, elasticity: float
) -> tuple[Array, Array]:
    standing = float(book.debt.sum())
    entered = min(1.0 + elasticity * _new_supply(book, current, candidate), room / standing)
    coins, debt = book.collateral[0] * entered, book.debt[0] * entered
    wanted = debt * _move(current, candidate)
    allowed = coins * (price * candidate.ltv_bps / BPS_ONE)
    wanted = np.minimum(wanted, np.maximum(debt, allowed))
    return np.asarray(coins), _within(debt, debt + elasticity * (wanted - debt), room=room)


def _move(current: Parameters, candidate: Parameters) -> float:
    """Return the proportion in which borrowers would change their debts."""
    threshold = candidate.liquidation_threshold_bps / current.liquidation_threshold_bps
    ltv = candidate.ltv_bps / current.ltv_bps if current.ltv_bps else 1.0
    return max(threshold, ltv) if max(threshold, ltv) > 1 else threshold


def _new_supply(book: Book, current: Parameters, candidate: Parameters) -> float:
    """Return the new room under the supply cap, as a share of what is supplied."""
    supplied = float(book.collateral.sum())
    return max(0.0, candidate.supply_cap - max(float(current.supply_cap), supplied)) / supplied


def _within(before: Array, reached: Array, *, room: float) -> Array:
    """Cut new debt back in one proportion where all debts together exceed the room."""
    grown = np.maximum(reached - before, 0.0)
    rest = np.minimum(reached, before)
    if reached.sum() <= room or not grown.any():
        return reached
    return np.asarray(rest + grown * max(0.0, (room - float(rest.sum())) / float(grown.sum())))
