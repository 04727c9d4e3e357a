"""From data to a recommendation for one market, without a chain: ``tribunate run``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agents.desk import recommendation_event
from agents.explanation import ChatSettings, explain, figures_of
from agents.plugins import load_strategy
from core.errors import ConfigError
from core.ports import TrainingProgress
from core.recommendation import Observation, Recommendation
from models.data.snapshots import data_root
from tribunate.demo.market import SOURCES, bundled, from_data

FIT_SEED = 1


@dataclass(frozen=True, slots=True)
class Judged:
    """What one strategy recommends, and what it looked at."""

    strategy: str
    observation: Observation
    recommendation: Recommendation
    explanation: str

    def record(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        event = recommendation_event(0, self.recommendation, self.observation.snapshot)
        del event["type"], event["epoch"]
        history = self.observation.history
        return {
            "strategy": self.strategy,
            "source": history.source,
            "bars": len(history),
            "data_root": data_root(history).hex(),
            "seed": self.observation.seed,
            "explanation": self.explanation,
            **event,
        }


def judge_market(
    strategy_name: str,
    *,
    data: Path | None,
    source: str,
    seed: int,
    paths: int,
    report: Callable[[TrainingProgress], None] | None = None,
) -> Judged:
    """Return one strategy's recommendation for the bundled market, or over real prices.

    Raises:
        ConfigError: the source or the strategy is unknown.
        DataError: the prices are unusable.
    """
    if source not in SOURCES:
        raise ConfigError(f"--source was {source!r}", allowed=", ".join(SOURCES), hint="choose one of them")
    strategy = load_strategy(strategy_name)
    market = bundled(seed) if data is None else from_data(data, seed)
    observation = replace(market.observation(source, seed=seed), paths=paths)
    strategy.fit(observation.history, seed=FIT_SEED, report=report)
    recommendation = strategy.recommend(observation)
    words = explain(figures_of(observation, recommendation), ChatSettings())
    return Judged(strategy_name, observation, recommendation, words.text)
