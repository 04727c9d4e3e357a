"""An observation as canonical JSON and back: the configuration that a re-run starts from.

The price history is not in it; it is a part of its own (``models.data.snapshots``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from itertools import pairwise
from typing import Any

from core.cascade import Liquidity
from core.errors import SimulationError
from core.evidence import canonical_json
from core.mandate import FreshnessBands, Limit, Mandate, PhaseSeconds, SimulatedOutcome, StressScenario
from core.market import MarketSnapshot, PriceHistory, Scalar, parameters_from
from core.position import Position
from core.recommendation import ForecastQuantile, Observation, Recommendation
from core.units import Bps


def observation_record(observation: Observation) -> dict[str, Any]:
    """Return everything in ``observation`` but its history, as plain integers and text."""
    snapshot = asdict(observation.snapshot)
    snapshot["parameters"] = observation.snapshot.parameters.as_dict()
    snapshot["positions_root"] = observation.snapshot.positions_root.hex()
    return {
        "snapshot": snapshot,
        "scalar": observation.scalar.value,
        "mandate": asdict(observation.mandate),
        "positions": [[p.account, str(p.collateral), str(p.debt)] for p in observation.positions],
        "liquidity": {
            "depth": str(observation.liquidity.depth),
            "resilience": str(observation.liquidity.resilience),
        },
        "close_factor_bps": int(observation.close_factor_bps),
        "floor": observation.floor,
        "ceiling": observation.ceiling,
        "seed": observation.seed,
        "paths": observation.paths,
    }


def observation_from(record: Mapping[str, Any], history: PriceHistory) -> Observation:
    """Return the observation that ``record`` and ``history`` stand for.

    Raises:
        SimulationError: the record lacks a field or holds a wrong one.
    """
    try:
        return Observation(
            snapshot=_snapshot(record["snapshot"]),
            scalar=Scalar(record["scalar"]),
            mandate=_mandate(record["mandate"]),
            history=history,
            positions=tuple(Position(a, int(c), int(d)) for a, c, d in record["positions"]),
            liquidity=Liquidity(int(record["liquidity"]["depth"]), int(record["liquidity"]["resilience"])),
            close_factor_bps=Bps(record["close_factor_bps"]),
            floor=record["floor"],
            ceiling=record["ceiling"],
            seed=record["seed"],
            paths=record["paths"],
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise SimulationError(f"the configuration is not usable: {problem!r}") from problem


def outcomes_record(outcomes: tuple[SimulatedOutcome, ...]) -> list[dict[str, Any]]:
    """Return simulated outcomes as plain integers and text."""
    return [{**asdict(o), "stress_failures": list(o.stress_failures)} for o in outcomes]


def outcomes_from(records: list[dict[str, Any]]) -> tuple[SimulatedOutcome, ...]:
    """Return the outcomes that ``records`` stand for."""
    return tuple(SimulatedOutcome(**{**r, "stress_failures": tuple(r["stress_failures"])}) for r in records)


def forecast_record(forecast: tuple[ForecastQuantile, ...]) -> list[list[int]]:
    """Return quantiles as rows of horizon, level and value."""
    return [[q.horizon_hours, int(q.level_bps), q.value_e8] for q in forecast]


def decision_record(recommendation: Recommendation) -> dict[str, Any]:
    """Return what was decided."""
    return {
        "scalar": recommendation.scalar.value,
        "bound": recommendation.bound,
        "binding": [Limit(limit).value for limit in recommendation.binding],
    }


def features_record(history: PriceHistory) -> list[int]:
    """Return hourly price ratios at 1e-12, rounded down: the integer features that follow from the data.

    >>> import numpy as np
    >>> history = PriceHistory("A", "s", 3600, np.array([0, 3600]), np.array([200, 201]))
    >>> features_record(history)
    [1005000000000]
    """
    closes = [int(close) for close in history.closes_e8]
    return [after * 10**12 // before for before, after in pairwise(closes)]


def canonical(record: Any) -> bytes:
    """Return canonical JSON with a final newline, the bytes of a file in a bundle."""
    return canonical_json(record) + b"\n"


def _snapshot(record: Mapping[str, Any]) -> MarketSnapshot:
    fields = dict(record)
    fields["parameters"] = parameters_from(fields["parameters"])
    fields["positions_root"] = bytes.fromhex(fields["positions_root"])
    return MarketSnapshot(**fields)


def _mandate(record: Mapping[str, Any]) -> Mandate:
    fields: dict[str, Any] = {k: Bps(v) if k.endswith("_bps") else v for k, v in record.items()}
    fields["schedule"] = tuple(Scalar(value) for value in record["schedule"])
    fields["data_sources"] = tuple(record["data_sources"])
    fields["stress"] = tuple(
        StressScenario(s["name"], Bps(s["price_fall_bps"]), Bps(s["depth_bps"])) for s in record["stress"]
    )
    fields["phases"] = PhaseSeconds(**record["phases"])
    fields["fast_phases"] = PhaseSeconds(**record["fast_phases"])
    fields["freshness"] = FreshnessBands(
        **{k: Bps(v) if k.endswith("_bps") else v for k, v in record["freshness"].items()}
    )
    return Mandate(**fields)
