"""What to draw: one record for the whole model of prices, checked where it is made.

    PathModel
    ├── process       GarchProcess | FilteredHistory | BlockBootstrap       the driven assets
    ├── dependence    OneFactor | Copula, with GARCH only                   the past brings its own
    ├── jumps         own and market                                        the driven assets
    ├── pegged        stables and staked tokens, after the driven assets
    └── antithetic    paths 2i and 2i + 1 are opposite, with GARCH only

Common random numbers need no switch: the same seed draws the same innovations for any parameters.  Who
wants independent numbers takes another seed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np

from core.errors import SimulationError
from core.evidence import canonical_json, sha256
from simulations.paths.depeg import Pegged
from simulations.paths.dependence import Dependence
from simulations.paths.garch import GarchProcess
from simulations.paths.jumps import Jumps
from simulations.paths.resample import BlockBootstrap, FilteredHistory

Process = GarchProcess | FilteredHistory | BlockBootstrap

CANONICAL_VERSION = 1


@dataclass(frozen=True, slots=True, eq=False)
class PathModel:
    """Everything but numbers of paths and steps, and the seed.

    ``assets`` and ``start_prices`` (USD) are those that ``process`` drives; ``pegged`` come after them.
    """

    assets: tuple[str, ...]
    start_prices: tuple[float, ...]
    step_seconds: int
    process: Process
    dependence: Dependence | None = None
    jumps: Jumps | None = None
    pegged: tuple[Pegged, ...] = ()
    antithetic: bool = False

    def __post_init__(self) -> None:
        _check_assets(self)
        _check_sizes(self)
        _check_pegged(self)
        if isinstance(self.process, GarchProcess):
            return
        if self.dependence is not None:
            raise SimulationError(
                "a dependence was laid over paths made of the past",
                allowed="none: a date is drawn for all assets at once",
                hint="use GarchProcess with a copula",
            )
        if self.antithetic:
            raise SimulationError(
                "antithetic paths were asked of the past", allowed="antithetic with GarchProcess only"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """All assets in the order of the prices' last axis."""
        return (*self.assets, *(pegged.name for pegged in self.pegged))


def canonical(model: PathModel) -> dict[str, Any]:
    """Return the model as plain values for hashing: no floats, arrays by the SHA-256 of their bytes."""
    return {"version": CANONICAL_VERSION, "model": _plain(model)}


def model_hash(model: PathModel) -> bytes:
    """Return the SHA-256 of the canonical form."""
    return sha256(canonical_json(canonical(model)))


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int | float):
        return float(value).hex()
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if isinstance(value, np.ndarray):
        content = np.ascontiguousarray(value, dtype="<f8").tobytes()
        return {"shape": list(value.shape), "sha256": sha256(content).hex()}
    if is_dataclass(value):
        named = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        return {"kind": type(value).__name__, **named}
    raise SimulationError(f"a {type(value).__name__} has no canonical form", allowed="numbers, names, arrays")


def _check_assets(model: PathModel) -> None:
    if not model.assets or len(set(model.names)) != len(model.names):
        raise SimulationError(f"assets were {model.names}", allowed="one at least, each once")
    if len(model.start_prices) != len(model.assets):
        raise SimulationError(
            f"{len(model.assets)} assets had {len(model.start_prices)} start prices", allowed="one each"
        )
    for name, price in zip(model.assets, model.start_prices, strict=True):
        if not 0 < price < math.inf:
            raise SimulationError(f"the start price of {name} was {price}", allowed="finite, above 0")
    if model.step_seconds < 1:
        raise SimulationError(f"step_seconds was {model.step_seconds}", allowed="1 at least")


def _check_sizes(model: PathModel) -> None:
    parts = {"process": model.process.size}
    if model.dependence is not None:
        parts["dependence"] = model.dependence.size
    if model.jumps is not None:
        parts["jumps"] = len(model.jumps.own)
    for name, size in parts.items():
        if size != len(model.assets):
            raise SimulationError(
                f"{name} was for {size} assets", allowed=f"the model's {len(model.assets)}: {model.assets}"
            )


def _check_pegged(model: PathModel) -> None:
    has_market = model.jumps is not None and model.jumps.market is not None
    for pegged in model.pegged:
        if pegged.anchor is not None and pegged.anchor not in model.assets:
            raise SimulationError(f"{pegged.name} was anchored to {pegged.anchor}", allowed=f"{model.assets}")
        if pegged.market_entry_share > 0 and not has_market:
            raise SimulationError(
                f"{pegged.name} breaks with falls of the market, and the model has none",
                allowed="market_entry_share 0 without a market jump",
            )
