"""``deep-quantile``: a network for the distribution of returns at several horizons.

Without its trained checkpoint it abstains: there is no substitute model behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from agents.strategies.judge import abstain, judge
from core.market import PriceHistory
from core.ports import STRATEGY_API_VERSION, TrainingProgress
from core.recommendation import Observation, Recommendation

if TYPE_CHECKING:
    from models.quantile_model import QuantileModel


class DeepQuantile:
    """Neural family: conditional quantiles, learned."""

    name = "deep-quantile"
    family = "neural"
    api_version = STRATEGY_API_VERSION

    def __init__(self) -> None:
        self._model: QuantileModel | None = None

    def fit(
        self, history: PriceHistory, *, seed: int, report: Callable[[TrainingProgress], None] | None = None
    ) -> None:
        """Train on ``history``; ``report`` hears of every epoch."""
        from models.quantile_model import QuantileModel

        model = QuantileModel()
        model.fit(history, seed=seed, report=report)
        self._model = model

    def save_checkpoint(self, folder: Path) -> Path | None:
        """Write the trained checkpoint under its content hash; ``None`` if there is none."""
        return None if self._model is None else self._model.save(folder)

    def load_checkpoint(self, path: Path) -> None:
        """Take a checkpoint that was saved before.

        Raises:
            ModelError: the file is missing or does not match its hash.
        """
        from models.quantile_model import QuantileModel

        model = QuantileModel()
        model.load(path)
        self._model = model

    def drop_checkpoint(self) -> None:
        """Forget the trained network; the strategy abstains from here on."""
        self._model = None

    def fitted_state(self) -> bytes | None:
        """Return the fitted model as canonical bytes; ``None`` before it is fitted."""
        return None if self._model is None else self._model.fitted_state()

    def recommend(self, observation: Observation) -> Recommendation:
        """Return the largest value that is safe under paths with the network's quantiles."""
        if self._model is None:
            return abstain(observation, "deep-quantile abstains: it has no trained checkpoint", {})
        return judge(observation, self._model)
