"""What a pool, its liquidators and its borrowers obey.

Every mechanic has a setting at which it does nothing; that setting is its default.  Shares that no source
gives (attention, hazards) are to be swept, with both ends printed.

Sources: Aave V3 technical paper, sections 2 to 4 (e-mode, isolation, caps); Aave V3.3 release notes (small
positions, leftovers, deficit); Compound III ``Comet.sol`` (absorb, buyCollateral); Chainlink data feeds
(heartbeat and deviation threshold); Kao et al. 2020 (liquidators who count slippage and gas); Obizhaeva and
Wang 2013 (linear impact with exponential resilience).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum

from core.cascade import RateCurve
from core.errors import SimulationError
from core.units import BPS_ONE, WAD

ENDLESS = Decimal("Infinity")
NO_INTEREST = RateCurve(0, 0, 0)
SECONDS_PER_YEAR = 365 * 24 * 3600


class LiquidationRule(IntEnum):
    """Whose liquidation calls: the order is that of the kernels."""

    AAVE_3_0 = 0
    AAVE_3_3 = 1
    COMET = 2


@dataclass(frozen=True, slots=True)
class PoolAsset:
    """One reserve; caps and supply in whole tokens, depth and ceiling in USD.

    ``bonus_bps`` is the liquidator's excess, of which the protocol keeps ``fee_bps``.  Under Compound's rule
    an absorbed account is credited its collateral less ``penalty_bps``, and buyers pay the oracle's price
    less ``discount_bps``.  The oracle writes the market's price when it has moved by ``deviation_bps`` or
    ``heartbeat_steps`` have passed; one step and nought mean that it never lags.
    """

    name: str
    threshold_bps: int
    ltv_bps: int
    bonus_bps: int
    fee_bps: int = 0
    penalty_bps: int = 0
    discount_bps: int = 0
    supply: Decimal = ENDLESS
    supply_cap: Decimal = ENDLESS
    borrow_cap: Decimal = ENDLESS
    isolation_ceiling_usd: Decimal = ENDLESS
    rates: RateCurve = NO_INTEREST
    depth_usd: Decimal = ENDLESS
    heartbeat_steps: int = 1
    deviation_bps: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.ltv_bps <= self.threshold_bps and self.threshold_bps < BPS_ONE):
            raise SimulationError(
                f"{self.name} had LTV {self.ltv_bps} and threshold {self.threshold_bps}",
                allowed="0 <= LTV <= threshold < 100_00, basis points",
            )
        shares = (self.bonus_bps, self.fee_bps, self.penalty_bps, self.discount_bps, self.deviation_bps)
        if min(shares) < 0 or max(shares) > BPS_ONE or self.heartbeat_steps < 1:
            raise SimulationError(
                f"{self.name}: shares from {min(shares)} to {max(shares)}, heartbeat {self.heartbeat_steps}",
                allowed="shares from 0 to 100_00 basis points, a heartbeat of at least one step",
            )
        sizes = (self.supply, self.supply_cap, self.borrow_cap, self.isolation_ceiling_usd, self.depth_usd)
        if min(sizes) < 0 or not self.supply or not self.depth_usd:
            raise SimulationError(
                f"{self.name} had a negative size, or no supply or depth", allowed="above zero"
            )


@dataclass(frozen=True, slots=True)
class EMode:
    """A category: for its assets as collateral, these take the place of the assets' own (Aave e-mode)."""

    assets: frozenset[int]
    threshold_bps: int
    ltv_bps: int
    bonus_bps: int


@dataclass(frozen=True, slots=True)
class Liquidators:
    """Who liquidates: at a profit after slippage and gas, late, and with so much capital.

    A position must have been unhealthy at the prices of ``delay_steps`` ago as well.  Of the capital that is
    tied up, ``recycled_bps`` are free again at the next step.
    """

    gas_usd: Decimal = Decimal(0)
    delay_steps: int = 0
    capital_usd: Decimal = ENDLESS
    recycled_bps: int = BPS_ONE


@dataclass(frozen=True, slots=True)
class Borrowers:
    """What borrowers do when they look, every ``attention_steps`` (0: they never look).

    Below a health factor of ``alert``, those who defend go back to ``restored``; above ``loop_above``, those
    who loop borrow down to ``looped``.  Each step a borrower leaves with hazard ``leave_per_year``, plus
    ``rate_leave`` for each whole point (1.00) of borrow rate above ``tolerated_rate``.
    """

    attention_steps: int = 0
    alert: Decimal = Decimal("1.1")
    restored: Decimal = Decimal("1.3")
    loop_above: Decimal = Decimal("1.6")
    looped: Decimal = Decimal("1.3")
    leave_per_year: Decimal = Decimal(0)
    rate_leave: Decimal = Decimal(0)
    tolerated_rate: Decimal = Decimal("0.1")

    def __post_init__(self) -> None:
        if not (1 <= self.alert <= self.restored and 1 < self.looped <= self.loop_above):
            raise SimulationError(
                f"alert {self.alert}, restored {self.restored}, loop {self.looped} to {self.loop_above}",
                allowed="1 <= alert <= restored, 1 < looped <= loop_above",
            )
        if self.attention_steps < 0 or min(self.leave_per_year, self.rate_leave) < 0:
            raise SimulationError("attention or a hazard was negative", allowed="from 0")


@dataclass(frozen=True, slots=True)
class Drought:
    """Depth shrinks to ``depth_bps`` while a price stands ``fall_bps`` below that of ``window_steps`` ago."""

    fall_bps: int = BPS_ONE
    window_steps: int = 1
    depth_bps: int = BPS_ONE

    def __post_init__(self) -> None:
        if not (0 < self.depth_bps <= BPS_ONE and self.window_steps >= 1 and 0 <= self.fall_bps <= BPS_ONE):
            raise SimulationError(
                f"drought of depth {self.depth_bps} after {self.fall_bps} in {self.window_steps} steps",
                allowed="depth above 0 and fall from 0, at most 100_00 basis points; at least one step",
            )


@dataclass(frozen=True, slots=True)
class PoolTerms:
    """Everything but the accounts and the path.

    ``freeze_at_bps`` is the utilisation of a collateral's own pool from which on it cannot be withdrawn, and
    so is not seized (Aave: a liquidator is paid in what the pool still holds).
    """

    assets: tuple[PoolAsset, ...]
    step_seconds: int
    rule: LiquidationRule = LiquidationRule.AAVE_3_0
    close_factor_bps: int = 50_00
    full_close_below_bps: int = 95_00
    resilience: int = 8 * WAD // 10
    modes: tuple[EMode, ...] = ()
    liquidators: Liquidators = Liquidators()
    borrowers: Borrowers = Borrowers()
    drought: Drought = Drought()
    freeze_at_bps: int = BPS_ONE

    def __post_init__(self) -> None:
        if not self.assets:
            raise SimulationError("the pool had no assets", allowed="at least one")
        for name in ("threshold_bps", "bonus_bps"):
            for row in self.table(name):
                if min(row) < 0:
                    raise SimulationError(f"{name} was {min(row)}", allowed="from 0")

    def table(self, name: str) -> tuple[tuple[int, ...], ...]:
        """Return one of ``threshold_bps``, ``ltv_bps``, ``bonus_bps`` by (mode, asset); mode 0 is no mode.

        >>> eth = PoolAsset("ETH", 80_00, 75_00, 5_00)
        >>> pool = PoolTerms((eth,), 3600, modes=(EMode(frozenset({0}), 93_00, 90_00, 1_00),))
        >>> pool.table("threshold_bps")
        ((8000,), (9300,))
        """
        own = tuple(int(getattr(asset, name)) for asset in self.assets)
        rows = [own]
        for mode in self.modes:
            value = int(getattr(mode, name))
            rows.append(tuple(value if number in mode.assets else own[number] for number in range(len(own))))
        return tuple(rows)


def share(bps: int) -> Decimal:
    """Return basis points as a share.

    >>> share(12_50)
    Decimal('0.125')
    """
    return Decimal(bps) / BPS_ONE


def of_wad(value: int) -> Decimal:
    """Return a wad as a plain number.

    >>> of_wad(WAD // 2)
    Decimal('0.5')
    """
    return Decimal(value) / WAD


def yearly_rate(curve: RateCurve, utilisation: Decimal) -> Decimal:
    """Return the kinked borrow rate per year at ``utilisation`` (0 to 1).

    >>> yearly_rate(RateCurve(), Decimal("0.45")) == Decimal("0.02")
    True
    """
    base, below, above = of_wad(curve.base), of_wad(curve.slope_below), of_wad(curve.slope_above)
    kink = of_wad(curve.kink)
    if utilisation <= kink:
        return base + (below * utilisation / kink if kink else Decimal(0))
    return base + below + above * (utilisation - kink) / (1 - kink)


def worth(amounts: Sequence[Decimal], prices: Sequence[Decimal]) -> Decimal:
    """Return the worth of ``amounts`` (tokens by asset) at ``prices``, USD."""
    return sum((amount * price for amount, price in zip(amounts, prices, strict=True)), Decimal(0))
