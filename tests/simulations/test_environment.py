"""The market as an environment: Gymnasium's own checks, masks by guardrails, forks that do not touch."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from core.errors import SimulationError
from core.market import Parameters
from core.units import Bps
from simulations.environment.lending import LendingEnv, vector_of
from simulations.environment.market import Rules, advance, features, first_state, mask
from simulations.paths.garch import Garch
from simulations.studies.lending import Candidate, LendingStudy
from simulations.studies.price_terms import PriceTerms

MARKET = Parameters(Bps(70_00), Bps(75_00), Bps(5_00), 100_000, 120_000_000)
PRICES = PriceTerms("garch-t", Garch(omega=2e-6, alpha=0.08, beta=0.90, degrees=4.0))
STUDY = LendingStudy("ETH", 2_000.0, (PRICES,), (Candidate("now", MARKET),), steps=1, borrowers=100)
RULES = Rules(STUDY, blocks=6)
KEEP = RULES.moves_bps.index(0)
UP = RULES.moves_bps.index(50)


def played(env: LendingEnv, actions: list[int]) -> list[tuple[float, ...]]:
    return [tuple(env.step(np.int64(action))[0]) for action in actions]


def test_gymnasium_finds_nothing_wrong() -> None:
    check_env(LendingEnv(RULES), skip_render_check=True)


def test_the_same_seed_is_the_same_episode() -> None:
    one, two = LendingEnv(RULES), LendingEnv(RULES)
    assert np.array_equal(one.reset(seed=5)[0], two.reset(seed=5)[0])
    assert played(one, [UP, KEEP, UP]) == played(two, [UP, KEEP, UP])
    assert played(one, [KEEP]) == played(two, [KEEP])
    assert one.reset(seed=6)[1]["path"] != two.reset(seed=7)[1]["path"]


def test_budgets_close_the_mask_and_a_masked_action_keeps_the_value() -> None:
    """150 bps in 30 days: three steps of 50 in three weeks, then none."""
    env = LendingEnv(RULES)
    env.reset(seed=1)
    for _ in range(3):
        told = env.step(np.int64(UP))[-1]
    assert told["threshold_bps"] == 76_50
    assert not told["action_mask"][UP]
    assert told["action_mask"][KEEP]
    told = env.step(np.int64(UP))[-1]
    assert (told["was_masked"], told["threshold_bps"]) == (True, 76_50)


def test_forks_go_their_own_ways_on_the_same_prices() -> None:
    env = LendingEnv(RULES)
    env.reset(seed=2)
    env.step(np.int64(KEEP))
    before = env.state
    fork = env.fork()
    raised, kept = fork.step(np.int64(UP))[0], env.step(np.int64(KEEP))[0]
    assert raised[0] > kept[0]
    assert np.array_equal(fork.state.prices, env.state.prices)
    again, _ = advance(RULES, before, UP)
    assert np.array_equal(features(RULES, again), raised)


def test_a_decision_waits_for_the_veto() -> None:
    """With the whole block as delay nothing of the decision shows in the block's outcome."""
    late = replace(RULES, delay_steps=RULES.block_steps - 1)
    state = first_state(late, path=3)
    kept, raised = advance(late, state, KEEP)[1], advance(late, state, UP)[1]
    assert raised.interest == pytest.approx(kept.interest, rel=1e-3)


def test_features_know_nothing_of_the_future() -> None:
    state = first_state(RULES, path=4)
    other = replace(state, prices=state.prices * np.linspace(1, 0.5, state.prices.size))
    assert np.array_equal(features(RULES, state), features(RULES, other))


def test_a_crash_costs_and_the_reward_says_so() -> None:
    state = first_state(RULES, path=5)
    crash = replace(state, prices=np.where(np.arange(state.prices.size) < 24, state.prices, 600.0))
    calm = replace(state, prices=np.full(state.prices.size, 2_000.0))
    assert advance(RULES, crash, KEEP)[1].bad_debt > 0
    assert advance(RULES, crash, KEEP)[1].reward < 0 < advance(RULES, calm, KEEP)[1].reward


def test_many_markets_are_stepped_together() -> None:
    env = vector_of(RULES, 3)
    env.reset(seed=9)
    observed, rewards, _, _, told = env.step(np.array([KEEP, UP, KEEP]))
    assert observed.shape == (3, env.single_observation_space.shape[0])
    assert rewards.shape == (3,)
    assert told["threshold_bps"].tolist() == [75_00, 75_50, 75_00]


def test_an_episode_is_truncated_at_its_end_and_then_refuses() -> None:
    env = LendingEnv(RULES)
    env.reset(seed=1)
    flags = [env.step(np.int64(KEEP))[2:4] for _ in range(RULES.blocks)]
    assert flags == [(False, False)] * (RULES.blocks - 1) + [(False, True)]
    with pytest.raises(SimulationError, match="is over"):
        env.step(np.int64(KEEP))


@pytest.mark.parametrize(
    "change",
    [{"delay_steps": 168}, {"delay_steps": -1}, {"moves_bps": (50,)}, {"moves_bps": (0, 0)}, {"blocks": 0}],
)
def test_bad_rules_are_named(change: dict[str, object]) -> None:
    with pytest.raises(SimulationError):
        replace(RULES, **change)  # type: ignore[arg-type]


def test_an_environment_that_was_not_reset_and_no_environments_are_named() -> None:
    with pytest.raises(SimulationError, match="before it was reset"):
        LendingEnv(RULES).step(np.int64(KEEP))
    with pytest.raises(SimulationError, match="0 environments"):
        vector_of(RULES, 0)
    with pytest.raises(SimulationError, match="a move by"):
        state = first_state(RULES, path=1)
        for _ in range(4):
            assert mask(RULES, state)[KEEP]
            state = advance(RULES, state, UP)[0]


def test_the_example_of_the_documentation_runs() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "simulator.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)
    assert names["over"]
    assert names["markets"].num_envs == 8
    assert names["other"].state.block == names["env"].state.block - 1
