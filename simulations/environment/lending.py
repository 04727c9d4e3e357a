"""The market as a Gymnasium environment, alone and many at once.

Observation: the features of ``market.features``.  Action: one of ``Rules.moves_bps``; what guardrails forbid
is masked (``info["action_mask"]``); a masked action keeps the value and is told (``info["was_masked"]``),
without a penalty: nobody learns from wandering outside.  Reward: revenue less weighted bad debt and harm, in
basis points of supply.

The price path of an episode is drawn from the environment's own generator; ``reset(options={"path": n})``
names it.

Source: Gymnasium 1.x API; invalid-action masking of Huang and Ontanon 2022.
"""

from __future__ import annotations

import copy
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from core.errors import SimulationError
from simulations.environment.market import (
    FEATURES,
    LARGEST_FEATURE,
    BlockOutcome,
    Rules,
    State,
    advance,
    features,
    first_state,
    mask,
)

LARGEST_PATH = 2**31 - 1


class LendingEnv(gym.Env[NDArray[np.float32], np.int64]):
    """One market; ``fork`` gives another that goes on from here, on the same prices."""

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.action_space = gym.spaces.Discrete(len(rules.moves_bps))
        bound = LARGEST_FEATURE
        self.observation_space = gym.spaces.Box(-bound, bound, (FEATURES,), np.float32)
        self._state: State | None = None

    @property
    def state(self) -> State:
        """The market as it stands.

        Raises:
            SimulationError: before the first reset.
        """
        if self._state is None:
            raise SimulationError("the environment was asked before it was reset", hint="call reset first")
        return self._state

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin an episode; ``options={"path": n}`` names its prices."""
        super().reset(seed=seed)
        drawn = int(self.np_random.integers(LARGEST_PATH))
        path = int((options or {}).get("path", drawn))
        self._state = first_state(self.rules, path=path)
        return features(self.rules, self.state), self._info(path=path)

    def step(self, action: np.int64) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Decide, and live through the next block; the episode is truncated at its end, never terminated.

        Raises:
            SimulationError: the episode is over, or it has not begun.
        """
        was_masked = not self.action_masks()[int(action)]
        move = self.rules.moves_bps.index(0) if was_masked else int(action)
        self._state, outcome = advance(self.rules, self.state, move)
        over = self.state.block >= self.rules.blocks
        told = self._info(outcome=outcome) | {"was_masked": was_masked}
        return features(self.rules, self.state), outcome.reward, False, over, told

    def action_masks(self) -> NDArray[np.int8]:
        """Return 1 for every action that guardrails allow now."""
        return mask(self.rules, self.state)

    def fork(self) -> LendingEnv:
        """Return an environment in the same state, with the same generator; neither touches the other."""
        other = LendingEnv(self.rules)
        other._state = self._state
        other.np_random = copy.deepcopy(self.np_random)
        return other

    def _info(self, *, outcome: BlockOutcome | None = None, path: int | None = None) -> dict[str, Any]:
        told: dict[str, Any] = {"action_mask": self.action_masks(), "threshold_bps": self.state.threshold_bps}
        if outcome is not None:
            told |= {"bad_debt": outcome.bad_debt, "interest": outcome.interest}
            told["borrowers_loss"] = outcome.borrowers_loss
        if path is not None:
            told["path"] = path
        return told


def vector_of(rules: Rules, count: int) -> gym.vector.SyncVectorEnv:
    """Return so many markets that are stepped together; they begin a new episode when theirs is over.

    Raises:
        SimulationError: the count is below one.
    """
    if count < 1:
        raise SimulationError(f"{count} environments", allowed="at least 1")
    return gym.vector.SyncVectorEnv([lambda: LendingEnv(rules)] * count)
