"""The closed form LTV = exp(-c * sigma / sqrt(liquidity / debt)) - beta.

``sigma`` is the volatility of one day, ``liquidity`` what the market absorbs at a slippage of
``beta``, ``debt`` what may have to be sold, ``beta`` the liquidation bonus, and ``c`` the DAO's
appetite: how many daily standard deviations liquidators need for the whole debt.

Source: B.Protocol / RiskDAO, SmartLTV.  It leaves ``c`` to the DAO; 2 is this project's declared choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, sqrt

from core.cascade import Liquidity
from core.errors import ModelError
from core.units import BPS_ONE, WAD, Bps

DEFAULT_RISK_LEVEL = 2.0
HOURS_PER_DAY = 24


@dataclass(frozen=True, slots=True)
class FormulaInputs:
    """What the formula reads; ``daily_volatility`` is a share, liquidity and debt are in one unit."""

    daily_volatility: float
    liquidity_usd: float
    debt_usd: float
    bonus_bps: Bps
    risk_level: float = DEFAULT_RISK_LEVEL

    def __post_init__(self) -> None:
        for name in ("daily_volatility", "liquidity_usd", "debt_usd", "risk_level"):
            if not getattr(self, name) > 0:
                raise ModelError(f"{name} was {getattr(self, name)}", allowed="numbers above 0")


def formula_ltv_bps(inputs: FormulaInputs) -> Bps:
    """Return the formula's LTV, rounded down; 0 where it would be negative.

    >>> formula_ltv_bps(FormulaInputs(0.05, 100.0, 100.0, Bps(5_00)))
    Bps(85_48)
    """
    exponent = -inputs.risk_level * inputs.daily_volatility / sqrt(inputs.liquidity_usd / inputs.debt_usd)
    ltv = exp(exponent) - inputs.bonus_bps / BPS_ONE
    return Bps(max(0, int(ltv * BPS_ONE)))


def absorbed_usd(liquidity: Liquidity, bonus_bps: Bps) -> float:
    """Return what the market absorbs in a day at a slippage of the liquidation bonus.

    In the first hour the depth up to break-even, in every further one the share of it that has come
    back.  A day, as the formula's volatility is a day's, whatever the mandate's horizon.
    """
    at_once = liquidity.depth / WAD * bonus_bps / (BPS_ONE + bonus_bps)
    recovered = 1 - liquidity.resilience / WAD
    return at_once * (1 + recovered * (HOURS_PER_DAY - 1))
