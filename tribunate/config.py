"""What people write, checked with pydantic, and mapped to the frozen dataclasses of the other folders."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from core.cascade import Liquidity
from core.errors import ConfigError
from core.mandate import FreshnessBands, Mandate, PhaseSeconds, StressScenario
from core.market import Scalar
from core.units import BPS_ONE, Bps

Share = Annotated[int, Field(ge=0, le=BPS_ONE)]
Seconds = Annotated[int, Field(gt=0, le=366 * 24 * 3600)]
Name = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$",
        description="1 to 64 letters, digits, dots, dashes and underscores",
    ),
]

ScalarName = Annotated[str, Field(pattern=f"^({'|'.join(Scalar)})$")]


class Strict(BaseModel):
    """Unknown keys are refused; types are not coerced."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class StressConfig(Strict):
    """One named stress scenario."""

    name: Name
    price_fall_bps: Share
    depth_bps: Share


class PhasesConfig(Strict):
    """Seconds of each phase of an epoch."""

    announce: Seconds = 600
    commit: Seconds = 600
    reveal: Seconds = 600
    certificate: Seconds = 600
    counter: Seconds = 600
    agree: Seconds = 600
    submit: Seconds = 600


class FreshnessConfig(Strict):
    """Bands on the risky side since the snapshot."""

    price_fall_bps: Share = 10_00
    utilisation_rise_bps: Share = 10_00
    supply_rise_bps: Share = 30_00
    borrow_rise_bps: Share = 30_00
    max_data_age_seconds: Seconds = 6 * 3600


class MandateConfig(Strict):
    """The DAO's request; field names and defaults are those of ``core.mandate.Mandate``."""

    market: Name
    schedule: Annotated[list[ScalarName], Field(min_length=1)]
    epoch_seconds: Seconds
    horizon_hours: Annotated[int, Field(gt=0, le=720)]
    bad_debt_es_975_bps: Share
    reserve_breach_probability_bps: Share
    newly_liquidatable_bps: Share
    borrowing_power_loss_bps: Share
    margin_bps: Share
    spread_limit_bps: Share
    stress: list[StressConfig]
    data_sources: list[Name]
    phases: PhasesConfig
    freshness: FreshnessConfig
    fast_price_fall_bps: Share
    fast_phases: PhasesConfig


class LiquidityConfig(Strict):
    """Depth and resilience, wad as decimal strings (they exceed 64 bits)."""

    depth: Annotated[str, Field(pattern=r"^[0-9]{1,40}$")]
    resilience: Annotated[str, Field(pattern=r"^[0-9]{1,20}$")]


class NetworkConfig(Strict):
    """``network.json``: what all agents of one market share besides the chain."""

    mandate: MandateConfig
    first_start: int
    liquidity: LiquidityConfig
    close_factor_bps: Share
    paths: Annotated[int, Field(ge=100, le=1_000_000)]

    def to_mandate(self) -> Mandate:
        """Return the mandate as ``core`` knows it."""
        return mandate_of(self.mandate)

    def to_liquidity(self) -> Liquidity:
        """Return the liquidity as ``core`` knows it."""
        return Liquidity(depth=int(self.liquidity.depth), resilience=int(self.liquidity.resilience))


def mandate_of(given: MandateConfig) -> Mandate:
    """Return a mandate as ``core`` knows it."""
    shares = {name: Bps(getattr(given, name)) for name in MandateConfig.model_fields if name.endswith("_bps")}
    return Mandate(
        market=given.market,
        schedule=tuple(Scalar(name) for name in given.schedule),
        epoch_seconds=given.epoch_seconds,
        horizon_hours=given.horizon_hours,
        stress=tuple(StressScenario(s.name, Bps(s.price_fall_bps), Bps(s.depth_bps)) for s in given.stress),
        data_sources=tuple(given.data_sources),
        phases=PhaseSeconds(**given.phases.model_dump()),
        freshness=_freshness(given.freshness),
        fast_phases=PhaseSeconds(**given.fast_phases.model_dump()),
        **shares,
    )


def _freshness(given: FreshnessConfig) -> FreshnessBands:
    return FreshnessBands(
        price_fall_bps=Bps(given.price_fall_bps),
        utilisation_rise_bps=Bps(given.utilisation_rise_bps),
        supply_rise_bps=Bps(given.supply_rise_bps),
        borrow_rise_bps=Bps(given.borrow_rise_bps),
        max_data_age_seconds=given.max_data_age_seconds,
    )


class AgentConfig(Strict):
    """``agent.toml``: one agent, one seat."""

    name: Name
    strategy: Name
    operator: Name
    data_source: Name
    rpc_url: Annotated[
        str, Field(pattern=r"^https?://[^\s/]+(/\S*)?$", description="http:// or https:// and a host")
    ]
    deployment: str
    network: str
    prices: str
    home: str
    port: Annotated[int, Field(ge=0, le=65_535)] = 0
    poll_seconds: Annotated[float, Field(gt=0.01, le=60)] = 0.5
    chat_model: str = ""
    chat_base_url: str = ""


Config = TypeVar("Config", bound=Strict)


def parse(model: type[Config], value: dict[str, Any], *, source: str) -> Config:
    """Return the checked configuration.

    Raises:
        ConfigError: names the first key that is wrong, what it was, and the nearest known key.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_url=False)
        # a key that is misspelt is missing too: say the first
        first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
        raise _explain(first, model, source=source) from error


def _explain(first: Any, model: type[BaseModel], *, source: str) -> ConfigError:
    where = ".".join(str(part) for part in first["loc"]) or "the file"
    if first["type"] == "extra_forbidden":
        known = _keys(model, first["loc"][:-1])
        near = difflib.get_close_matches(str(first["loc"][-1]), known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else ""
        return ConfigError(f"{source}: unknown key {where}", allowed=", ".join(sorted(known)), hint=hint)
    if first["type"] == "missing":
        return ConfigError(f"{source}: {where} is missing", hint="add it; see docs/configuration.md")
    found = repr(first.get("input"))[:80]
    allowed = _description(model, first["loc"]) or str(first["msg"])
    return ConfigError(f"{source}: {where} was {found}", allowed=allowed)


def _description(model: type[BaseModel], path: tuple[Any, ...]) -> str:
    """Return what a field says of itself, where its check would speak in patterns."""
    field = _fields_at(model, path[:-1]).get(str(path[-1])) if path else None
    return (field.description or "") if field is not None else ""


def _keys(model: type[BaseModel], path: Iterable[Any]) -> list[str]:
    return list(_fields_at(model, path))


def _fields_at(model: type[BaseModel], path: Iterable[Any]) -> dict[str, FieldInfo]:
    fields = model.model_fields
    for part in path:
        if not isinstance(part, str) or part not in fields:
            continue  # a place in a list, whose model has been entered already
        annotation = fields[part].annotation
        for inner in (annotation, *get_args(annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                fields = inner.model_fields
    return fields


def read_toml(path: Path) -> dict[str, Any]:
    """Return a TOML file as a dictionary.

    Raises:
        ConfigError: no such file, not text, or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", hint="check the path") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}", hint="see docs/configuration.md") from error
