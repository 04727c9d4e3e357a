"""``garch-stress``: GARCH(1,1) with Student-t shocks under the mandate's limits and stress scenarios."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from agents.strategies.judge import abstain, judge
from core.market import PriceHistory
from core.ports import STRATEGY_API_VERSION, TrainingProgress
from core.recommendation import Observation, Recommendation

if TYPE_CHECKING:
    from models.volatility import GarchT


class GarchStress:
    """Parametric family: volatility clusters, shocks are Student-t."""

    name = "garch-stress"
    family = "parametric"
    api_version = STRATEGY_API_VERSION

    def __init__(self) -> None:
        self._model: GarchT | None = None

    def fit(
        self, history: PriceHistory, *, seed: int, report: Callable[[TrainingProgress], None] | None = None
    ) -> None:
        """Estimate the model on ``history``."""
        from models.volatility import GarchT

        model = GarchT()
        model.fit(history, seed=seed, report=report)
        self._model = model

    def fitted_state(self) -> bytes | None:
        """Return the fitted model as canonical bytes; ``None`` before it is fitted."""
        return None if self._model is None else self._model.fitted_state()

    def recommend(self, observation: Observation) -> Recommendation:
        """Return the largest value that is safe under the model's paths."""
        if self._model is None:
            return abstain(observation, "garch-stress abstains: it has not been fitted", {})
        return judge(observation, self._model)
