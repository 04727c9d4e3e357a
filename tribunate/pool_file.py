"""A pool as people write it: a TOML file with its terms, a CSV file with its accounts."""

from __future__ import annotations

import tomllib
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from core.cascade import RateCurve
from core.errors import ConfigError, TribunateError
from core.pool.account import Kind
from core.pool.terms import (
    ENDLESS,
    Borrowers,
    Drought,
    EMode,
    LiquidationRule,
    Liquidators,
    PoolAsset,
    PoolTerms,
)
from core.units import BPS_ONE, WAD
from tribunate.config import Name, Share, Strict

Positive = Annotated[float, Field(gt=0)]
RULES = {
    "aave-3.0": LiquidationRule.AAVE_3_0,
    "aave-3.3": LiquidationRule.AAVE_3_3,
    "comet": LiquidationRule.COMET,
}
KINDS = {"passive": Kind.PASSIVE, "tops-up": Kind.TOPS_UP, "repays": Kind.REPAYS, "loops": Kind.LOOPS}
ACCOUNT_COLUMNS = ("account", "kind", "mode", "phase", "means_usd", "patience")


class RatesConfig(Strict):
    """A kinked curve, basis points a year."""

    base_bps: Share = 0
    slope_below_bps: Share = 4_00
    slope_above_bps: Annotated[int, Field(ge=0, le=1_000_00)] = 75_00
    kink_bps: Annotated[int, Field(gt=0, lt=BPS_ONE)] = 90_00


class AssetConfig(Strict):
    """One asset: parameters, sizes (tokens; depth and ceiling in USD), and how its price moves."""

    name: Name
    price_usd: Positive
    daily_volatility: Positive
    market_loading: Annotated[float, Field(ge=-1, le=1)] = 0.0
    threshold_bps: Share
    ltv_bps: Share
    bonus_bps: Share
    fee_bps: Share = 0
    penalty_bps: Share = 0
    discount_bps: Share = 0
    supply: Positive | None = None
    supply_cap: Positive | None = None
    borrow_cap: Positive | None = None
    isolation_ceiling_usd: Positive | None = None
    depth_usd: Positive | None = None
    heartbeat_steps: Annotated[int, Field(ge=1)] = 1
    deviation_bps: Share = 0
    rates: RatesConfig | None = None


class ModeConfig(Strict):
    """An e-mode category; accounts name it by its place, from 1."""

    assets: Annotated[list[Name], Field(min_length=1)]
    threshold_bps: Share
    ltv_bps: Share
    bonus_bps: Share


class LiquidatorsConfig(Strict):
    """Who liquidates."""

    gas_usd: Annotated[float, Field(ge=0)] = 0.0
    delay_steps: Annotated[int, Field(ge=0, le=10_000)] = 0
    capital_usd: Positive | None = None
    recycled_bps: Share = BPS_ONE


class BorrowersConfig(Strict):
    """What borrowers do."""

    attention_steps: Annotated[int, Field(ge=0)] = 0
    alert: Positive = 1.1
    restored: Positive = 1.3
    loop_above: Positive = 1.6
    looped: Positive = 1.3
    leave_per_year: Annotated[float, Field(ge=0)] = 0.0
    rate_leave: Annotated[float, Field(ge=0)] = 0.0
    tolerated_rate: Annotated[float, Field(ge=0)] = 0.1


class DroughtConfig(Strict):
    """When depth shrinks."""

    fall_bps: Share = BPS_ONE
    window_steps: Annotated[int, Field(ge=1)] = 1
    depth_bps: Annotated[int, Field(gt=0, le=BPS_ONE)] = BPS_ONE


class MarketConfig(Strict):
    """The whole file."""

    step_seconds: Annotated[int, Field(gt=0, le=30 * 24 * 3600)] = 3600
    rule: Literal["aave-3.0", "aave-3.3", "comet"] = "aave-3.3"
    close_factor_bps: Share = 50_00
    resilience_bps: Share = 80_00
    tail_degrees: Annotated[float, Field(gt=2, le=1_000)] = 4.0
    assets: Annotated[list[AssetConfig], Field(min_length=1)]
    modes: list[ModeConfig] = Field(default_factory=list)
    liquidators: LiquidatorsConfig = LiquidatorsConfig()
    borrowers: BorrowersConfig = BorrowersConfig()
    drought: DroughtConfig = DroughtConfig()


def read_market(market: Path, accounts: Path) -> Any:
    """Return the ``simulations.pool.sample.PoolMarket`` of two files.

    Raises:
        ConfigError: a file is missing, cannot be read, or holds what no pool may have; names the place.
    """
    from simulations.pool.sample import PoolMarket

    config = _read_toml(market)
    try:
        terms = terms_of(config)
        return PoolMarket(read_accounts(accounts, config), terms, _model_of(config), _names_in(accounts))
    except ConfigError:
        raise
    except TribunateError as problem:
        raise ConfigError(f"{market.name}: {problem}") from problem


def _read_toml(path: Path) -> MarketConfig:
    try:
        return MarketConfig.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as problem:
        raise ConfigError(f"{path} cannot be read: {problem.strerror}") from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ConfigError(f"{path.name} is not TOML: {problem}") from problem
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{path.name}: {place}: {first['msg']}", hint="docs/pool.md has an example") from (
            problem
        )


def terms_of(config: MarketConfig) -> PoolTerms:
    """Return the terms of a checked file."""
    names = [asset.name for asset in config.assets]
    if len(set(names)) != len(names):
        raise ConfigError("two assets have one name", allowed="each name once")
    return PoolTerms(
        tuple(_asset_of(asset) for asset in config.assets),
        config.step_seconds,
        rule=RULES[config.rule],
        close_factor_bps=config.close_factor_bps,
        resilience=config.resilience_bps * WAD // BPS_ONE,
        modes=tuple(_mode_of(mode, names) for mode in config.modes),
        liquidators=Liquidators(
            _decimal(config.liquidators.gas_usd),
            config.liquidators.delay_steps,
            _size(config.liquidators.capital_usd),
            config.liquidators.recycled_bps,
        ),
        borrowers=_borrowers_of(config.borrowers),
        drought=Drought(**config.drought.model_dump()),
    )


def _asset_of(given: AssetConfig) -> PoolAsset:
    rates = RatesConfig(slope_below_bps=0, slope_above_bps=0) if given.rates is None else given.rates
    wad = WAD // BPS_ONE
    return PoolAsset(
        given.name,
        given.threshold_bps,
        given.ltv_bps,
        given.bonus_bps,
        fee_bps=given.fee_bps,
        penalty_bps=given.penalty_bps,
        discount_bps=given.discount_bps,
        supply=_size(given.supply),
        supply_cap=_size(given.supply_cap),
        borrow_cap=_size(given.borrow_cap),
        isolation_ceiling_usd=_size(given.isolation_ceiling_usd),
        rates=RateCurve(
            rates.base_bps * wad,
            rates.slope_below_bps * wad,
            rates.slope_above_bps * wad,
            rates.kink_bps * wad,
        ),
        depth_usd=_size(given.depth_usd),
        heartbeat_steps=given.heartbeat_steps,
        deviation_bps=given.deviation_bps,
    )


def _mode_of(given: ModeConfig, names: list[str]) -> EMode:
    unknown = [name for name in given.assets if name not in names]
    if unknown:
        raise ConfigError(f"an e-mode names {unknown[0]}", allowed=", ".join(names))
    places = frozenset(names.index(name) for name in given.assets)
    return EMode(places, given.threshold_bps, given.ltv_bps, given.bonus_bps)


def _borrowers_of(given: BorrowersConfig) -> Borrowers:
    fields = given.model_dump()
    attention = fields.pop("attention_steps")
    return Borrowers(attention, **{name: _decimal(value) for name, value in fields.items()})


def _model_of(config: MarketConfig) -> Any:
    from simulations.paths.dependence import OneFactor
    from simulations.paths.garch import Garch, GarchProcess
    from simulations.paths.scenario import PathModel

    share = config.step_seconds / 86_400
    terms = [
        Garch(asset.daily_volatility**2 * share * 0.02, 0.06, 0.92, degrees=config.tail_degrees)
        for asset in config.assets
    ]
    loadings = tuple(asset.market_loading for asset in config.assets)
    return PathModel(
        tuple(asset.name for asset in config.assets),
        tuple(asset.price_usd for asset in config.assets),
        config.step_seconds,
        GarchProcess(tuple(terms)),
        OneFactor(loadings, config.tail_degrees),
    )


def read_accounts(path: Path, config: MarketConfig) -> Any:
    """Return the ``PoolBook`` of a CSV file: a row an account, ``collateral:NAME``, ``debt:NAME`` in tokens.

    Columns that are left out are nought; ``kind`` is passive, tops-up, repays or loops; ``patience`` endless.
    """
    import numpy as np
    import pandas as pd  # type: ignore[import-untyped]

    from simulations.pool.arrays import PoolBook

    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as problem:
        raise ConfigError(f"{path.name} cannot be read as CSV: {problem}") from problem
    names = [asset.name for asset in config.assets]
    known = {*ACCOUNT_COLUMNS, *(f"{side}:{name}" for side in ("collateral", "debt") for name in names)}
    unknown = [column for column in table.columns if column not in known]
    if unknown:
        raise ConfigError(f"{path.name} has a column {unknown[0]!r}", allowed=", ".join(sorted(known)))
    if table.empty:
        raise ConfigError(f"{path.name} has no accounts", allowed="at least one row")

    def column(name: str, otherwise: float) -> Any:
        if name not in table:
            return np.full(len(table), otherwise)
        values = pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=np.float64)
        if np.isnan(values).any():
            row = int(np.flatnonzero(np.isnan(values))[0]) + 2
            raise ConfigError(f"{path.name}, line {row}: {name} is no number", allowed="a number")
        return values

    kinds = table["kind"].tolist() if "kind" in table else ["passive"] * len(table)
    strange = [kind for kind in kinds if kind not in KINDS]
    if strange:
        raise ConfigError(f"{path.name}: kind {strange[0]!r}", allowed=", ".join(KINDS))
    return PoolBook(
        np.stack([column(f"collateral:{name}", 0.0) for name in names], axis=1),
        np.stack([column(f"debt:{name}", 0.0) for name in names], axis=1),
        mode=column("mode", 0).astype(np.int64),
        kind=np.array([int(KINDS[kind]) for kind in kinds], dtype=np.int64),
        phase=column("phase", 0).astype(np.int64),
        means_usd=column("means_usd", 0.0),
        patience=column("patience", np.inf),
    )


def _names_in(path: Path) -> tuple[str, ...]:
    """Return the column ``account`` of a file that has been read before; empty without one."""
    import pandas as pd

    table = pd.read_csv(path, dtype=str)
    return tuple(table["account"].fillna("unnamed")) if "account" in table else ()


def _size(value: float | None) -> Decimal:
    return ENDLESS if value is None else _decimal(value)


def _decimal(value: float) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation as problem:
        raise ConfigError(f"{value} is no number") from problem
