"""The network's decision as one policy: the k-th largest bound of several strategies.

It stands for an epoch without messages: the same rule (``core.epoch.candidate_value``), no faults.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from core.epoch import candidate_value, quorum
from core.errors import SimulationError
from core.market import PriceHistory
from core.ports import STRATEGY_API_VERSION, Strategy, TrainingProgress
from core.recommendation import Observation, Recommendation


class QuorumPolicy:
    """At least four strategies behind the interface of one."""

    family = "network"
    api_version = STRATEGY_API_VERSION

    def __init__(self, members: Sequence[Strategy]) -> None:
        if len(members) < 4:
            raise SimulationError(f"there were {len(members)} strategies", allowed="at least 4")
        self.members = tuple(members)
        self.name = f"network, {quorum(len(members))} of {len(members)}"

    def fit(
        self, history: PriceHistory, *, seed: int, report: Callable[[TrainingProgress], None] | None = None
    ) -> None:
        """Fit every member on the same history."""
        for member in self.members:
            member.fit(history, seed=seed, report=report)

    def recommend(self, observation: Observation) -> Recommendation:
        """Return the largest value that at least k members call safe.

        A member that finds no safe value stands at the floor of the search; one that abstains is absent.
        """
        answers = [member.recommend(observation) for member in self.members]
        bounds = [observation.floor if a.bound is None else a.bound for a in answers if a.outcomes]
        value = candidate_value(bounds, quorum(len(self.members)))
        if value is None:
            return Recommendation(observation.scalar, None, (), (), (), "fewer than k members answered")
        deciding = min((a for a in answers if a.outcomes), key=lambda a: a.bound != value)
        return replace(deciding, bound=value, reason=f"{quorum(len(self.members))} members call it safe")
