"""How much debt a sudden fall brings within reach, and how much collateral can be sold at once at a gain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.pool.terms import PoolTerms
from core.units import BPS_ONE
from simulations.pool.arrays import BONUS, DEEP, THRESHOLD, Floats, PoolBook, Whole, tables_of

FALLS_BPS = np.arange(0, 60_01, 5_00)
STILL_DAILY_VOLATILITY = 0.005
"""An asset that moves less than this a day does not fall with the others."""


@dataclass(frozen=True, slots=True, eq=False)
class Ladder:
    """By fall, USD: debt of the unhealthy, and what sells before slippage eats the bonus (may be ``inf``)."""

    falls_bps: Whole
    debt_usd: Floats
    sold_usd: Floats
    falling: tuple[str, ...]
    still: tuple[str, ...]

    @property
    def passed_bps(self) -> int | None:
        """The first fall that strikes more than can be sold at once, ``None`` for none."""
        beyond = np.flatnonzero(self.debt_usd > self.sold_usd)
        return int(self.falls_bps[beyond[0]]) if beyond.size else None


def ladder_of(book: PoolBook, prices: Floats, terms: PoolTerms) -> Ladder:
    """Return the ladder at the paths' first prices; which assets fall is read from how their prices move.

    Nobody reacts, and no oracle is late.  What sells is summed over the falling assets: each until slippage,
    linear in what is sold, comes to bonus / (1 + bonus); depth is that of a drought where the fall is one.

    Args:
        book: Accounts, tokens by asset.
        prices: USD, shape (path, step, asset).
        terms: The pool's terms.
    """
    falls = daily_volatility(prices, terms.step_seconds) >= STILL_DAILY_VOLATILITY
    tables = tables_of(terms)
    thresholds = tables.by_mode[THRESHOLD][book.mode]
    bonus, depth = tables.by_mode[BONUS][0], tables.by_asset[DEEP]
    room = float((depth * bonus / (1 + bonus))[falls & (bonus > 0)].sum())
    struck, sold = [], []
    for fall_bps in FALLS_BPS.tolist():
        now = prices[0, 0] * np.where(falls, 1 - fall_bps / BPS_ONE, 1.0)
        owed = (book.debt * now).sum(axis=1)
        weighted = (book.collateral * now * thresholds).sum(axis=1)
        struck.append(float(owed[weighted < owed].sum()))
        is_drought = fall_bps > terms.drought.fall_bps
        sold.append(room * (terms.drought.depth_bps / BPS_ONE if is_drought else 1.0))
    names = [asset.name for asset in terms.assets]
    return Ladder(
        FALLS_BPS.astype(np.int64),
        np.array(struck),
        np.array(sold),
        tuple(name for name, is_falling in zip(names, falls, strict=True) if is_falling),
        tuple(name for name, is_falling in zip(names, falls, strict=True) if not is_falling),
    )


def daily_volatility(prices: Floats, step_seconds: int) -> Floats:
    """Return the deviation of log prices over the horizon, by asset, as of one day."""
    days = prices.shape[1] * step_seconds / 86_400
    return np.asarray(np.log(prices[:, -1]).std(axis=0) / np.sqrt(days))
