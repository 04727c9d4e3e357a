"""``tail-empirical``: past shocks at today's volatility, with a fitted lower tail."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from agents.strategies.judge import abstain, judge
from core.market import PriceHistory
from core.ports import STRATEGY_API_VERSION, TrainingProgress
from core.recommendation import Observation, Recommendation

if TYPE_CHECKING:
    from models.empirical import FilteredHistory


class TailEmpirical:
    """Empirical family: what has happened, rescaled; the tail by extreme value theory."""

    name = "tail-empirical"
    family = "empirical"
    api_version = STRATEGY_API_VERSION

    def __init__(self) -> None:
        self._model: FilteredHistory | None = None

    def fit(
        self, history: PriceHistory, *, seed: int, report: Callable[[TrainingProgress], None] | None = None
    ) -> None:
        """Standardise ``history`` and fit its tail."""
        from models.empirical import FilteredHistory

        model = FilteredHistory()
        model.fit(history, seed=seed, report=report)
        self._model = model

    def fitted_state(self) -> bytes | None:
        """Return the fitted model as canonical bytes; ``None`` before it is fitted."""
        return None if self._model is None else self._model.fitted_state()

    def recommend(self, observation: Observation) -> Recommendation:
        """Return the largest value that is safe under resampled shocks."""
        if self._model is None:
            return abstain(observation, "tail-empirical abstains: it has not been fitted", {})
        return judge(observation, self._model)
