"""A lending market: its governed parameters and what an agent may read of it.

One volatile collateral asset, one debt asset worth one USD (WETH against USDC).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from core.errors import ConfigError, DataError
from core.units import BPS_ONE, Bps

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Scalar(StrEnum):
    """The one field of a market that an epoch changes (MECHANISM.md, Parameters).

    ``IS_OPEN`` is not negotiated: a quorum may freeze, a SLOW update thaws.
    """

    LIQUIDATION_THRESHOLD = "liquidation_threshold_bps"
    LTV = "ltv_bps"
    LIQUIDATION_BONUS = "liquidation_bonus_bps"
    SUPPLY_CAP = "supply_cap"
    BORROW_CAP = "borrow_cap"
    IS_OPEN = "is_open"


@dataclass(frozen=True, slots=True)
class Parameters:
    """The governed fields of one market.

    ``liquidation_bonus_bps`` is the excess only (Aave's 105 00 is 5_00 here).  ``supply_cap`` is in
    base units of the collateral, ``borrow_cap`` in base units of the debt asset.  ``is_open`` is 1 while new
    supply and new borrowing of the asset are open, 0 when it is frozen: the ladder NONE, LTV 0, FREEZE.
    """

    ltv_bps: Bps
    liquidation_threshold_bps: Bps
    liquidation_bonus_bps: Bps
    supply_cap: int
    borrow_cap: int
    is_open: int = 1

    def field(self, scalar: Scalar) -> int:
        """Return one field as a plain integer."""
        return int(getattr(self, scalar.value))

    def as_dict(self) -> dict[str, int]:
        """Return the fields as plain integers, in the order of the digest."""
        return {scalar: self.field(Scalar(scalar)) for scalar in PARAMETER_FIELDS}


PARAMETER_FIELDS = (
    "ltv_bps",
    "liquidation_threshold_bps",
    "liquidation_bonus_bps",
    "supply_cap",
    "borrow_cap",
    "is_open",
)


def parameters_from(values: dict[str, int]) -> Parameters:
    """Return :class:`Parameters` from plain integers, the inverse of ``as_dict``."""
    return Parameters(
        ltv_bps=Bps(values["ltv_bps"]),
        liquidation_threshold_bps=Bps(values["liquidation_threshold_bps"]),
        liquidation_bonus_bps=Bps(values["liquidation_bonus_bps"]),
        supply_cap=values["supply_cap"],
        borrow_cap=values["borrow_cap"],
        is_open=values["is_open"],
    )


def validate_parameters(parameters: Parameters) -> None:
    """Refuse parameters under which a liquidation could not make a position healthier (INV-1, INV-2).

    Raises:
        ConfigError: LTV is not below the threshold, or threshold x (1 + bonus) is not below one.

    >>> validate_parameters(Parameters(Bps(80_00), Bps(75_00), Bps(5_00), 0, 0))
    Traceback (most recent call last):
    core.errors.ConfigError: LTV 80.00 % is not below the liquidation threshold 75.00 %
    """
    ltv, threshold = parameters.ltv_bps, parameters.liquidation_threshold_bps
    if ltv >= threshold:
        raise ConfigError(
            f"LTV {ltv} is not below the liquidation threshold {threshold}",
            allowed="LTV < liquidation threshold",
            hint="lower the LTV or raise the threshold",
        )
    if int(threshold) * (BPS_ONE + parameters.liquidation_bonus_bps) >= BPS_ONE * BPS_ONE:
        raise ConfigError(
            f"threshold {threshold} with bonus {parameters.liquidation_bonus_bps} leaves no debt covered",
            allowed="threshold x (1 + bonus) < 100.00 %",
            hint="lower the threshold or the bonus",
        )


def with_scalar(current: Parameters, scalar: Scalar, value: int, *, margin_bps: Bps) -> Parameters:
    """Return the whole vector that follows from moving one scalar (coupled fields move as one unit).

    Moving the threshold moves the LTV by the same basis points if the LTV stands at the market's
    margin; otherwise the LTV stays, and is lowered where the new margin demands it.  A freeze takes the LTV
    to zero; a thaw leaves it there.

    Source: MECHANISM.md, Parameters and Lanes (freeze ladder).

    >>> now = Parameters(Bps(70_00), Bps(75_00), Bps(5_00), 0, 0)
    >>> with_scalar(now, Scalar.LIQUIDATION_THRESHOLD, 75_50, margin_bps=Bps(5_00)).ltv_bps
    Bps(70_50)
    """
    if scalar is Scalar.IS_OPEN and not value:
        return replace(current, ltv_bps=Bps(0), is_open=0)
    if scalar is not Scalar.LIQUIDATION_THRESHOLD:
        return parameters_from({**current.as_dict(), scalar.value: value})
    highest_ltv = max(0, value - margin_bps)
    at_margin = current.liquidation_threshold_bps - current.ltv_bps == margin_bps
    ltv = highest_ltv if at_margin else min(int(current.ltv_bps), highest_ltv)
    return replace(current, liquidation_threshold_bps=Bps(value), ltv_bps=Bps(ltv))


@dataclass(frozen=True, slots=True)
class MarketSnapshot:
    """What the chain says of a market at one block.

    ``oracle_price`` has eight decimals (USD for one whole collateral token).  Utilisation is borrow
    over debt-asset supply.  ``positions_root`` commits to (account, collateral, debt) of all borrowers.
    """

    market: str
    block_number: int
    timestamp: int
    parameters: Parameters
    oracle_price: int
    total_collateral: int
    total_debt_supply: int
    total_borrow: int
    reserves: int
    positions_root: bytes

    @property
    def utilisation_bps(self) -> int:
        """Borrow over supply of the debt asset, rounded up."""
        if self.total_debt_supply == 0:
            return 0
        return -(-self.total_borrow * BPS_ONE // self.total_debt_supply)


ROUNDS = 0
"""The bar length of prices that are no bars: an oracle's rounds, at irregular times."""


@dataclass(frozen=True, slots=True, eq=False)
class PriceHistory:
    """Closing prices of one asset from one source, strictly ascending; what an agent may look at.

    ``times`` are closes in UTC seconds (a bar is known only when it has closed), ``closes_e8`` prices
    at 1e-8 USD; both ``int64`` of shape (bar,).  A missing bar is absent, never filled.  With
    ``bar_seconds`` of ``ROUNDS`` the times are those of an oracle's rounds.
    """

    asset: str
    source: str
    bar_seconds: int
    times: NDArray[np.int64]
    closes_e8: NDArray[np.int64]

    def __post_init__(self) -> None:
        if len(self.times) != len(self.closes_e8):
            raise DataError(f"{self.asset} has {len(self.times)} times and {len(self.closes_e8)} closes")

    def __len__(self) -> int:
        return len(self.times)

    @property
    def last_time(self) -> int:
        """Close of the last bar, UTC seconds."""
        return int(self.times[-1])

    def until(self, time: int) -> PriceHistory:
        """Return the bars that had closed at ``time`` (the only way to look at less)."""
        count = int(self.times.searchsorted(time, side="right"))
        return replace(self, times=self.times[:count], closes_e8=self.closes_e8[:count])
