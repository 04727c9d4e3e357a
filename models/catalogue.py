"""The forecast models by name, for commands and benchmarks."""

from __future__ import annotations

from collections.abc import Callable

from core.ports import RiskModel
from models.empirical import FilteredHistory
from models.quantile_model import QuantileModel
from models.volatility import Ewma, GarchT

MODELS: dict[str, Callable[[], RiskModel]] = {
    "ewma": Ewma,
    "garch-t": GarchT,
    "filtered-history": FilteredHistory,
    "quantile-network": QuantileModel,
}
