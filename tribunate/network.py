"""``network.json``: what the agents of one market share besides the chain."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.desk import MarketAssumptions
from agents.scheduler import EpochCalendar
from core.units import Bps
from tribunate.config import NetworkConfig, parse
from tribunate.run_folder import read_json

if TYPE_CHECKING:
    from core.mandate import Mandate
    from simulations.demo_market import DemoMarket


def describe(market: DemoMarket, *, mandate: Mandate, first_start: int, paths: int) -> dict[str, Any]:
    """Return the file's content for a market."""
    plain = asdict(mandate)
    plain["schedule"] = [scalar.value for scalar in mandate.schedule]
    plain["stress"] = [{k: v if k == "name" else int(v) for k, v in s.items()} for s in plain["stress"]]
    plain["data_sources"] = list(mandate.data_sources)
    liquidity = {"depth": str(market.liquidity.depth), "resilience": str(market.liquidity.resilience)}
    return {
        "mandate": plain,
        "first_start": first_start,
        "liquidity": liquidity,
        "close_factor_bps": int(market.close_factor_bps),
        "paths": paths,
    }


def load(path: Path) -> NetworkConfig:
    """Return the checked file."""
    return parse(NetworkConfig, read_json(path), source=path.name)


def calendar_of(network: NetworkConfig) -> EpochCalendar:
    """Return when epochs start."""
    mandate = network.to_mandate()
    return EpochCalendar(
        network.first_start, mandate.epoch_seconds, mandate.phases, fast_phases=mandate.fast_phases
    )


def assumptions_of(network: NetworkConfig) -> MarketAssumptions:
    """Return what the chain does not say of the market."""
    return MarketAssumptions(network.to_liquidity(), Bps(network.close_factor_bps), network.paths)
