"""A DAO's file (one example per protocol in ``deploy/``), checked key by key."""

from __future__ import annotations

from typing import Annotated, Literal

from eth_utils.address import is_checksum_address
from pydantic import AfterValidator, Field

from governance.founding.dao import TIMELOCK_SECONDS
from tribunate.config import MandateConfig, Name, Share, Strict

CATEGORIES = 255


def _checksummed(address: str) -> str:
    if not is_checksum_address(address):
        raise ValueError("not a checksummed address")
    return address


Address = Annotated[
    str, AfterValidator(_checksummed), Field(description="a checksummed address (EIP-55), 0x and 40 digits")
]
BaseUnits = Annotated[
    str, Field(pattern=r"^[0-9]{1,60}$", description="base units, decimal digits between quotes")
]
Small = Annotated[int, Field(ge=0, le=2**32 - 1)]
ShortText = Annotated[str, Field(pattern=r"^[ -~]{1,31}$", description="1 to 31 ASCII characters")]
BlockMilliseconds = Annotated[int, Field(ge=100, le=600_000, description="100 to 600000 milliseconds")]


class VetoConfig(Strict):
    """How holders stop a proposal."""

    threshold_bps: Annotated[int, Field(ge=1, le=10_00)]
    treasuries: list[Address] = Field(default_factory=list, max_length=8)


class HolderConfig(Strict):
    """Receives governance tokens of a new token."""

    address: Address
    votes: BaseUnits


class TokenConfig(Strict):
    """The token that votes: one that stands already, or a new one."""

    kind: Literal["erc20votes", "comp", "aave", "escrow"] = "erc20votes"
    block_milliseconds: BlockMilliseconds | None = None
    address: Address | None = None
    total_votes: BaseUnits | None = None
    holders: list[HolderConfig] = Field(default_factory=list)


class HolderVoteConfig(Strict):
    """The full holder vote."""

    proposal_votes: BaseUnits
    quorum_percent: Annotated[int, Field(ge=1, le=100)]


class MandateHashConfig(Strict):
    """A mandate that is published elsewhere."""

    hash: Annotated[str, Field(pattern=r"^0x[0-9a-f]{64}$", description="0x and 64 hexadecimal digits")]
    spread_limit_bps: Share


class BondsConfig(Strict):
    """What is put at stake, in one token."""

    token: Address | None = None
    challenge: BaseUnits
    score: BaseUnits


class BorrowerConfig(Strict):
    """A position of the demo market."""

    account: Address
    collateral: BaseUnits
    debt: BaseUnits


class DemoMarketFile(Strict):
    """The demo market's start."""

    ltv_bps: Share
    liquidation_threshold_bps: Share
    liquidation_bonus_bps: Share
    supply_cap: BaseUnits
    borrow_cap: BaseUnits
    close_factor_bps: Share
    oracle_price: BaseUnits
    reporter: Address
    liquidity: BaseUnits
    reserves: BaseUnits
    borrowers: list[BorrowerConfig] = Field(default_factory=list)


class AaveConfig(Strict):
    """The Aave V3 market to govern."""

    addresses_provider: Address


class CometConfig(Strict):
    """The Compound III market to govern, by its three proxies."""

    comet: Address
    configurator: Address
    proxy_admin: Address


class ComptrollerConfig(Strict):
    """The pool of Compound V2's kind to govern."""

    comptroller: Address
    zero_borrow_cap: Literal["no_cap", "no_borrowing"]


class BandsConfig(Strict):
    """How far the chain may have moved, on the risky side, since the agents' snapshot."""

    price_fall_bps: Share
    utilisation_rise_bps: Share
    supply_rise_bps: Share
    borrow_rise_bps: Share


class FieldLimitsConfig(Strict):
    """Limits of one field, where they are not the default."""

    enabled: bool | None = None
    floor: BaseUnits | None = None
    ceiling: BaseUnits | None = None
    step_up: Small | None = None
    step_down: Small | None = None
    min_delay_seconds: Small | None = None
    relative_up: bool | None = None
    relative_down: bool | None = None
    unit_decimals: Annotated[int, Field(ge=0, le=38)] | None = None
    budget_up: Small | None = None
    budget_down: Small | None = None


class LimitsConfig(Strict):
    """Fields whose limits are not the default."""

    ltv_bps: FieldLimitsConfig | None = None
    liquidation_threshold_bps: FieldLimitsConfig | None = None
    liquidation_bonus_bps: FieldLimitsConfig | None = None
    supply_cap: FieldLimitsConfig | None = None
    borrow_cap: FieldLimitsConfig | None = None
    is_open: FieldLimitsConfig | None = None


class MarketConfig(Strict):
    """One governed market."""

    asset: Address | None = None
    debt_asset: Address | None = None
    emode_category: Annotated[int, Field(ge=1, le=CATEGORIES)] | None = None
    margin_bps: Share
    newly_liquidatable_bps: Share
    bands: BandsConfig
    limits: LimitsConfig = LimitsConfig()


class SeatConfig(Strict):
    """One seat; the wallet is that of the identity, so that nobody else's registration is seated."""

    agent_id: Annotated[int, Field(ge=1)]
    wallet: Address
    operator: ShortText
    family: ShortText
    data_source: ShortText


class DaoConfig(Strict):
    """The whole file."""

    chain_id: Annotated[int, Field(ge=1)]
    market_name: Name
    guardian: Address
    delegate: Address | None = None
    timelock_delay_seconds: Annotated[
        int, Field(ge=TIMELOCK_SECONDS, le=TIMELOCK_SECONDS, description="86400, 24 hours: it is fixed")
    ]
    veto: VetoConfig
    token: TokenConfig
    holder_vote: HolderVoteConfig
    bonds: BondsConfig
    mandate: MandateConfig | None = None
    mandate_by_hash: MandateHashConfig | None = None
    demo_market: DemoMarketFile | None = None
    aave: AaveConfig | None = None
    comet: CometConfig | None = None
    comptroller: ComptrollerConfig | None = None
    markets: Annotated[list[MarketConfig], Field(min_length=1, max_length=32)]
    seats: list[SeatConfig] = Field(default_factory=list, max_length=32)
