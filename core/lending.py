"""The lending rules, in integers, as ``contracts/src/DemoLendingMarket.sol`` has them.

Rounding is always against the borrower's claim on the pool: values down, seizures down (the
liquidator's claim), required repayments up.  ``price`` has eight decimals; the debt asset is one USD.

Source: Aave V3 technical paper, sections 2 and 4 (health factor, close factor); Aave Risk docs.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.position import Position
from core.units import BPS_ONE, PRICE_ONE, WAD, Bps

FULL_CLOSE_BELOW_WAD = 95 * WAD // 100
"""Health factor below which one liquidation may close the whole debt (Aave V3: 0.95)."""


@dataclass(frozen=True, slots=True)
class Decimals:
    """Decimals of the two tokens of a market."""

    collateral: int = 18
    debt: int = 6


@dataclass(frozen=True, slots=True)
class LiquidationRules:
    """What one liquidation call obeys.

    ``close_factor_bps`` is the share of the debt that one call may repay while the health factor is
    at least 0.95; below that, all of it.
    """

    liquidation_threshold_bps: Bps
    liquidation_bonus_bps: Bps
    close_factor_bps: Bps = Bps(50_00)
    decimals: Decimals = Decimals()


def collateral_value(collateral: int, *, price: int, decimals: Decimals) -> int:
    """Return the worth of ``collateral`` in base units of the debt asset, rounded down.

    >>> collateral_value(10**18, price=2_000 * PRICE_ONE, decimals=Decimals())
    2000000000
    """
    debt_one: int = 10**decimals.debt
    collateral_one: int = 10**decimals.collateral
    return collateral * price * debt_one // (PRICE_ONE * collateral_one)


def health_factor_wad(position: Position, *, price: int, rules: LiquidationRules) -> int | None:
    """Return value x threshold / debt in wad, rounded down; ``None`` without debt.

    >>> p = Position("0x1", 10**18, 1_500 * 10**6)
    >>> health_factor_wad(p, price=2_000 * PRICE_ONE, rules=LiquidationRules(Bps(75_00), Bps(5_00))) == WAD
    True
    """
    if position.debt == 0:
        return None
    value = collateral_value(position.collateral, price=price, decimals=rules.decimals)
    return value * rules.liquidation_threshold_bps * WAD // (BPS_ONE * position.debt)


def max_borrow(collateral: int, *, price: int, ltv_bps: Bps, decimals: Decimals) -> int:
    """Return the largest debt that ``collateral`` may carry when it is taken, rounded down."""
    return collateral_value(collateral, price=price, decimals=decimals) * ltv_bps // BPS_ONE


def close_amount(debt: int, *, close_factor: Bps) -> int:
    """Return the largest part of ``debt`` that one liquidation may repay, rounded down.

    >>> close_amount(101, close_factor=Bps(50_00))
    50
    """
    return debt * int(close_factor) // BPS_ONE


@dataclass(frozen=True, slots=True)
class Liquidation:
    """One liquidation call: what was repaid, seized and written off, and what is left."""

    position: Position
    repaid: int
    seized: int
    bad_debt: int


def liquidate(position: Position, *, price: int, rules: LiquidationRules) -> Liquidation | None:
    """Return the effect of one liquidation call, or ``None`` if the position is healthy.

    Repays the close amount and seizes its worth times (1 + bonus), rounded down.  If that takes all
    the collateral, all is seized, its worth over (1 + bonus) is repaid, and the rest is bad debt.
    """
    health = health_factor_wad(position, price=price, rules=rules)
    if health is None or health >= WAD:
        return None
    close_factor = rules.close_factor_bps if health >= FULL_CLOSE_BELOW_WAD else Bps(BPS_ONE)
    repaid = close_amount(position.debt, close_factor=close_factor)
    decimals = rules.decimals
    scale = PRICE_ONE * 10**decimals.collateral * (BPS_ONE + rules.liquidation_bonus_bps)
    seized = repaid * scale // (price * 10**decimals.debt * BPS_ONE)
    if seized < position.collateral:
        left = Position(position.account, position.collateral - seized, position.debt - repaid)
        return Liquidation(left, repaid, seized, 0)
    value = collateral_value(position.collateral, price=price, decimals=decimals)
    repaid = min(position.debt, value * BPS_ONE // (BPS_ONE + rules.liquidation_bonus_bps))
    closed = Position(position.account, 0, 0)
    return Liquidation(closed, repaid, position.collateral, position.debt - repaid)
