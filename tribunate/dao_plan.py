"""From a DAO's file to governance's plan, with what must fit together."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eth_utils.address import to_checksum_address

from core.errors import ConfigError
from core.guardrails import DEFAULT_LIMITS, EMODE_LIMITS, FieldLimits
from core.mandate import FreshnessBands
from core.market import Parameters, Scalar
from core.position import Position
from core.units import Bps
from governance.founding.aave import AaveProtocol
from governance.founding.comet import CometProtocol
from governance.founding.comptroller import ComptrollerProtocol, ZeroBorrowCap
from governance.founding.dao import Charter, GovernedMarket
from governance.founding.demo import DemoStart, SeatAttestation
from governance.founding.from_plan import DeploymentPlan, NamedSeat
from governance.founding.live_protocol import LiveProtocol
from governance.founding.voting_power import COUNTS_BLOCKS, TokenKind, VotingPower
from governance.signing import keccak
from tribunate.config import mandate_of, parse, read_toml
from tribunate.config_dao import DaoConfig, LimitsConfig, MarketConfig, SeatConfig, TokenConfig

PROTOCOLS = ("demo_market", "aave", "comet", "comptroller")
_NO_LTV_MARGIN_BPS = 100_00
_BOTH = ("both, of reserves of the pool", "both, cTokens or vTokens that the comptroller lists")


def read_plan(path: Path) -> DeploymentPlan:
    """Return what the file says.

    Raises:
        ConfigError: the file cannot be read, a value is wrong, or values do not fit together.
    """
    config = parse(DaoConfig, read_toml(path), source=str(path))
    try:
        return to_plan(config)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error.found}", allowed=error.allowed, hint=error.hint) from error


def to_plan(config: DaoConfig) -> DeploymentPlan:
    """Return the plan.

    Raises:
        ConfigError: values do not fit together.
    """
    _require_one("[mandate]", config.mandate, "[mandate_by_hash]", config.mandate_by_hash)
    content = json.dumps(config.model_dump(), sort_keys=True, separators=(",", ":"))
    protocol = _protocol(config)
    if not isinstance(protocol, DemoStart) and config.bonds.token is None:
        raise ConfigError(
            "bonds.token is missing", allowed="an ERC-20 token", hint="only a demo market has one"
        )
    return DeploymentPlan(
        chain_id=config.chain_id,
        market_name=config.market_name,
        charter=_charter(config),
        protocol=protocol,
        markets=_markets(config),
        bond_token=config.bonds.token,
        holders=tuple((holder.address, int(holder.votes)) for holder in config.token.holders),
        seats=tuple(_seat(seat) for seat in config.seats),
        digest=hashlib.sha256(content.encode()).digest(),
    )


def _require_one(first: str, one: object, second: str, other: object) -> None:
    if (one is None) == (other is None):
        found = "neither" if one is None else "both"
        raise ConfigError(f"{found} of {first} and {second} were given", allowed="exactly one")


def _protocol(config: DaoConfig) -> DemoStart | LiveProtocol:
    """Return what is governed: exactly one."""
    given = [name for name in PROTOCOLS if getattr(config, name) is not None]
    if len(given) != 1:
        found = {0: "none", 2: "both"}.get(len(given), "all")
        names = " and ".join(f"[{name}]" for name in given or PROTOCOLS)
        raise ConfigError(f"{found} of {names} were given", allowed="exactly one")
    if config.aave is not None:
        return AaveProtocol(config.aave.addresses_provider)
    if config.comet is not None:
        return CometProtocol(config.comet.comet, config.comet.configurator, config.comet.proxy_admin)
    if config.comptroller is not None:
        meaning = ZeroBorrowCap[config.comptroller.zero_borrow_cap.upper()]
        return ComptrollerProtocol(config.comptroller.comptroller, meaning)
    return _start(config)


def _charter(config: DaoConfig) -> Charter:
    _require_token(config.token)
    if config.mandate_by_hash is not None:
        digest = bytes.fromhex(config.mandate_by_hash.hash[2:])
        spread = config.mandate_by_hash.spread_limit_bps
    elif config.mandate is not None:
        digest = keccak(mandate_of(config.mandate).canonical())
        spread = config.mandate.spread_limit_bps
    else:
        raise ConfigError("neither of [mandate] and [mandate_by_hash] were given", allowed="exactly one")
    return Charter(
        mandate_hash=digest,
        spread_limit_bps=Bps(spread),
        guardian=config.guardian,
        veto_threshold_bps=Bps(config.veto.threshold_bps),
        holder_proposal_votes=int(config.holder_vote.proposal_votes),
        holder_quorum_percent=config.holder_vote.quorum_percent,
        challenge_bond=int(config.bonds.challenge),
        score_bond=int(config.bonds.score),
        treasuries=tuple(config.veto.treasuries),
        token=config.token.address,
        total_votes=int(config.token.total_votes or 0),
        delegate=config.delegate,
        power=_power(config.token),
    )


def _power(token: TokenConfig) -> VotingPower:
    kind = TokenKind(token.kind)
    if kind is not TokenKind.ERC20VOTES and token.address is None:
        raise ConfigError(
            f"token.kind was {kind} for a new token",
            allowed="erc20votes, or a token.address that stands already",
        )
    if (kind in COUNTS_BLOCKS) != (token.block_milliseconds is not None):
        raise ConfigError(
            f"token.block_milliseconds was {token.block_milliseconds} for token.kind {kind}",
            allowed="milliseconds for comp and aave, left out for the others",
        )
    return VotingPower(kind, token.block_milliseconds)


def _require_token(token: TokenConfig) -> None:
    """Refuse a deployer who would keep votes."""
    _require_one("token.address", token.address, "token.total_votes", token.total_votes)
    given = sum(int(holder.votes) for holder in token.holders)
    if token.total_votes is not None and given != int(token.total_votes):
        raise ConfigError(
            f"token.holders receive {given} votes of {token.total_votes}",
            allowed="all of them",
            hint="what is not given away stays with the deployer's key, which would rule the DAO",
        )
    if token.address is not None and token.holders:
        raise ConfigError("token.holders were given for a token that stands already", allowed="none")


def _start(config: DaoConfig) -> DemoStart:
    given = config.demo_market
    if given is None:
        raise ConfigError("[demo_market] is missing", allowed="what the demo market starts with")
    return DemoStart(
        parameters=Parameters(
            Bps(given.ltv_bps),
            Bps(given.liquidation_threshold_bps),
            Bps(given.liquidation_bonus_bps),
            int(given.supply_cap),
            int(given.borrow_cap),
        ),
        oracle_price=int(given.oracle_price),
        oracle_time=0,
        reporter=given.reporter,
        liquidity=int(given.liquidity),
        reserves=int(given.reserves),
        borrowers=tuple(Position(b.account, int(b.collateral), int(b.debt)) for b in given.borrowers),
        close_factor_bps=Bps(given.close_factor_bps),
    )


def _markets(config: DaoConfig) -> tuple[GovernedMarket, ...]:
    made = tuple(_market(number, given, config) for number, given in enumerate(config.markets, 1))
    keys = [market.key for market in made]
    if len(set(keys)) != len(keys):
        raise ConfigError("a market is named twice in [[markets]]", allowed="each asset and category once")
    return made


def _require_names(where: str, number: int, given: MarketConfig, config: DaoConfig) -> None:
    """Check that a market names what its protocol needs, and nothing that it does not know."""
    named = (given.asset, given.debt_asset, given.emode_category)
    if config.demo_market is not None:
        if any(named) or number > 1:
            raise ConfigError(
                f"{where} of the demo market names assets", allowed="one market, without assets"
            )
        return
    if config.comet is not None:
        if given.asset is None or given.debt_asset is not None:
            raise ConfigError(
                f"{where} lacks asset, or names a debt_asset",
                allowed="asset alone, a collateral: what is borrowed is the Comet's base token",
            )
    elif given.asset is None or given.debt_asset is None:
        raise ConfigError(f"{where} lacks asset or debt_asset", allowed=_BOTH[config.comptroller is not None])
    if config.aave is None and given.emode_category is not None:
        raise ConfigError(f"{where} names an e-mode category", allowed="e-mode categories of Aave only")
    if config.comptroller is not None and given.margin_bps != _NO_LTV_MARGIN_BPS:
        raise ConfigError(
            f"{where}: margin_bps was {given.margin_bps}",
            allowed=f"{_NO_LTV_MARGIN_BPS}: such a pool has one factor, and no LTV that could move",
        )


def _market(number: int, given: MarketConfig, config: DaoConfig) -> GovernedMarket:
    where = f"market {number}"
    _require_names(where, number, given, config)
    is_emode = given.emode_category is not None
    key = to_checksum_address(f"0x{given.emode_category:040x}") if is_emode else given.asset or ""
    watched = None if given.asset is None or given.debt_asset is None else (given.asset, given.debt_asset)
    bands = {name: Bps(value) for name, value in given.bands.model_dump().items()}
    return GovernedMarket(
        key=key,
        margin_bps=Bps(given.margin_bps),
        newly_liquidatable_bps=Bps(given.newly_liquidatable_bps),
        bands=FreshnessBands(**bands),
        limits=_limits(given.limits, EMODE_LIMITS if is_emode else DEFAULT_LIMITS),
        is_emode=is_emode,
        watched=watched,
    )


def _limits(given: LimitsConfig, defaults: dict[Scalar, FieldLimits]) -> dict[Scalar, FieldLimits]:
    chosen = {}
    for name, fields in given.model_dump(exclude_none=True).items():
        parts = {part: _number(value) for part, value in fields.items()}
        chosen[Scalar(name)] = FieldLimits(**{**asdict(defaults[Scalar(name)]), **parts})
    return chosen


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, str) else value


def _seat(given: SeatConfig) -> NamedSeat:
    attested = SeatAttestation(given.agent_id, given.operator, given.family, given.data_source)
    return NamedSeat(attested, given.wallet)
