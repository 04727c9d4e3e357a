"""Tribunate: agents propose lending parameters, people keep the veto.

The public API for authors of strategies; everything is loaded when it is first used.

>>> from tribunate import Recommendation, Strategy
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.mandate import Mandate, SimulatedOutcome
    from core.market import Parameters, PriceHistory, Scalar
    from core.ports import STRATEGY_API_VERSION, RiskModel, Strategy, TrainingProgress
    from core.recommendation import ForecastQuantile, Observation, Recommendation, Wanted
    from core.units import Bps

__version__ = "0.1.0"

_HOMES = {
    "Bps": "core.units",
    "ForecastQuantile": "core.recommendation",
    "Mandate": "core.mandate",
    "Observation": "core.recommendation",
    "Parameters": "core.market",
    "PriceHistory": "core.market",
    "Recommendation": "core.recommendation",
    "RiskModel": "core.ports",
    "STRATEGY_API_VERSION": "core.ports",
    "Scalar": "core.market",
    "SimulatedOutcome": "core.mandate",
    "Strategy": "core.ports",
    "TrainingProgress": "core.ports",
    "Wanted": "core.recommendation",
}

__all__ = [
    "STRATEGY_API_VERSION",
    "Bps",
    "ForecastQuantile",
    "Mandate",
    "Observation",
    "Parameters",
    "PriceHistory",
    "Recommendation",
    "RiskModel",
    "Scalar",
    "SimulatedOutcome",
    "Strategy",
    "TrainingProgress",
    "Wanted",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tribunate' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
