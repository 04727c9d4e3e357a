"""A pool's terms, book and state as arrays, in the order that the kernels read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.errors import SimulationError
from core.pool.account import PoolAccount
from core.pool.terms import SECONDS_PER_YEAR, PoolTerms
from core.units import BPS_ONE, WAD

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

LIQUIDATIONS, PASSED_OVER, TOXIC, FROZEN_STEPS, LEAVERS = range(5)
REPAID, LIQUIDATED_VALUE, FEES, REFUNDS, BAD_DEBT, UNCOVERED, INTEREST, GAS = range(5, 13)
ADDED, REPAID_BY_BORROWERS, BORROWED, LEFT, CHECKED = range(13, 18)
TOTALS = 18
"""After these totals come those by asset: seized, then bad debt."""


FEE, PENALTY, DISCOUNT, SUPPLY, PER_SUPPLY, SUPPLY_CAP, BORROW_CAP, CEILING = range(8)
DEEP, DEVIATION, HEARTBEAT, BASE, BELOW, ABOVE, KINK = range(8, 15)
THRESHOLD, LTV, BONUS = range(3)

ORACLE, QUOTE, MARKET, INDEX, IMPACT, SLIPPAGE, TOTAL_DEBT, TOTAL_COLLATERAL = range(8)
ISOLATED, HAZARD, DEPTH, WRITTEN, SEIZABLE, TIED, OWED_PRICE, LATE_OWED_PRICE = range(8, 16)
STATE = 16
NOW, LATE = range(2)


class Rules(NamedTuple):
    """The terms that are one number each: shares, not basis points.

    Kernels pass arrays one by one: a tuple of arrays counts references in every step.
    """

    rule: int
    close_factor: float
    full_below: float
    resilience: float
    gas: float
    delay: int
    capital: float
    recycled: float
    attention: int
    alert: float
    restored: float
    loop_above: float
    looped: float
    leave: float
    rate_leave: float
    tolerated_rate: float
    fall: float
    window: int
    drought_depth: float
    freeze_at: float
    years: float


class Tables(NamedTuple):
    """The terms by asset: rows ``FEE`` to ``KINK``; and (``THRESHOLD`` to ``BONUS``, mode, asset)."""

    by_asset: Floats
    by_mode: Floats


class People(NamedTuple):
    """What does not change of the accounts: rows ``MODE`` to ``MAIN_DEBT`` by account, and patience."""

    rows: Whole
    patience: Floats


MODE, KIND, PHASE, MAIN_DEBT = range(4)


@dataclass(frozen=True, slots=True, eq=False)
class PoolBook:
    """Accounts as arrays: tokens, shape (account, asset); the rest by account, as in ``PoolAccount``."""

    collateral: Floats
    debt: Floats
    mode: Whole
    kind: Whole
    phase: Whole
    means_usd: Floats
    patience: Floats

    def __post_init__(self) -> None:
        shape = self.collateral.shape
        if len(shape) != 2 or shape != self.debt.shape or 0 in shape:
            raise SimulationError(
                f"pool book had collateral {shape} and debt {self.debt.shape}",
                allowed="two equal shapes (account, asset), none of them 0",
            )
        for name in ("mode", "kind", "phase", "means_usd", "patience"):
            if getattr(self, name).shape != shape[:1]:
                raise SimulationError(f"{name} had shape {getattr(self, name).shape}", allowed=f"{shape[:1]}")
        for name in ("collateral", "debt"):
            amounts = getattr(self, name)
            if not (amounts.min() >= 0 and amounts.max() < np.inf):
                raise SimulationError(f"{name} was negative or not finite", allowed="finite, from 0")
        if not (self.means_usd.min() >= 0 and self.patience.min() > 0):
            raise SimulationError("means were negative, or patience was not above zero")


def book_of(accounts: Sequence[PoolAccount]) -> PoolBook:
    """Return accounts of the specification as arrays."""
    return PoolBook(
        collateral=np.array([[float(amount) for amount in a.collateral] for a in accounts]),
        debt=np.array([[float(amount) for amount in a.debt] for a in accounts]),
        mode=np.array([a.mode for a in accounts], dtype=np.int64),
        kind=np.array([int(a.kind) for a in accounts], dtype=np.int64),
        phase=np.array([a.phase for a in accounts], dtype=np.int64),
        means_usd=np.array([float(a.means_usd) for a in accounts]),
        patience=np.array([float(a.patience) for a in accounts]),
    )


def plain_book(collateral: Floats, debt: Floats) -> PoolBook:
    """Return accounts that do nothing, in no e-mode; tokens, shape (account, asset)."""
    count = len(collateral)
    mode, kind, phase = np.zeros((3, count), dtype=np.int64)
    return PoolBook(collateral, debt, mode, kind, phase, np.zeros(count), np.full(count, np.inf))


def rules_of(terms: PoolTerms) -> Rules:
    """Return the terms that are one number each."""
    people, crowd, drought = terms.borrowers, terms.liquidators, terms.drought
    return Rules(
        rule=int(terms.rule),
        close_factor=terms.close_factor_bps / BPS_ONE,
        full_below=terms.full_close_below_bps / BPS_ONE,
        resilience=terms.resilience / WAD,
        gas=float(crowd.gas_usd),
        delay=crowd.delay_steps,
        capital=float(crowd.capital_usd),
        recycled=crowd.recycled_bps / BPS_ONE,
        attention=people.attention_steps,
        alert=float(people.alert),
        restored=float(people.restored),
        loop_above=float(people.loop_above),
        looped=float(people.looped),
        leave=float(people.leave_per_year),
        rate_leave=float(people.rate_leave),
        tolerated_rate=float(people.tolerated_rate),
        fall=drought.fall_bps / BPS_ONE,
        window=drought.window_steps,
        drought_depth=drought.depth_bps / BPS_ONE,
        freeze_at=terms.freeze_at_bps / BPS_ONE,
        years=terms.step_seconds / SECONDS_PER_YEAR,
    )


def tables_of(terms: PoolTerms) -> Tables:
    """Return the terms by asset."""

    def table(name: str) -> Floats:
        return np.array(terms.table(name), dtype=np.float64) / BPS_ONE

    def shares(name: str) -> Floats:
        return np.array([getattr(asset, name) / BPS_ONE for asset in terms.assets])

    def sizes(name: str) -> Floats:
        return np.array([float(getattr(asset, name)) for asset in terms.assets])

    def curve(name: str) -> Floats:
        return np.array([getattr(asset.rates, name) / WAD for asset in terms.assets])

    kink, supply = curve("kink"), sizes("supply")
    with np.errstate(divide="ignore", invalid="ignore"):
        below = np.where(kink > 0, curve("slope_below") / kink, 0.0)
        above = np.where(kink < 1, curve("slope_above") / (1.0 - kink), 0.0)
    rows = [
        shares("fee_bps"),
        shares("penalty_bps"),
        shares("discount_bps"),
        supply,
        1.0 / supply,
        sizes("supply_cap"),
        sizes("borrow_cap"),
        sizes("isolation_ceiling_usd"),
        sizes("depth_usd"),
        shares("deviation_bps"),
        sizes("heartbeat_steps"),
        curve("base"),
        below,
        above,
        kink,
    ]
    modes = [table("threshold_bps"), table("ltv_bps"), table("bonus_bps")]
    return Tables(np.stack(rows), np.stack(modes))


def people_of(book: PoolBook, first_prices: Floats) -> People:
    """Return what does not change; the main debt is the largest at ``first_prices``, -1 without debt."""
    worths = book.debt * first_prices
    main = np.where(worths.max(axis=1) > 0, worths.argmax(axis=1), -1)
    return People(np.stack([book.mode, book.kind, book.phase, main]).astype(np.int64), book.patience)
