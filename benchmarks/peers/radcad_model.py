"""The market as a radCAD model: state variables, one state update block with one policy.

As radCAD's documentation has it: a policy looks at the state and returns signals, one update function per
state variable takes its signal, ``Simulation(timesteps, runs)`` makes the Monte Carlo runs.  State is kept
in numpy arrays and positions are computed as arrays, which is the favourable way; ``default`` leaves the
engine's options as they are, ``favourable`` turns its deep copies off and drops substeps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from radcad import Experiment, Model, Simulation
from radcad.engine import Backend, Engine
from rules import Array, Terms, step

State = dict[str, Any]
VARIABLES = ("coins", "debt", "impact", "totals")


def update(name: str) -> Callable[..., tuple[str, Any]]:
    """Return the update function of one state variable."""

    def take(params: State, substep: int, history: list[State], state: State, signals: State) -> Any:
        return name, signals[name]

    return take


def model_of(coins: Array, debt: Array, prices: Array, *, terms: Terms) -> Model:
    """Return the model; a run takes the path of its number."""
    quotes = prices.tolist()

    def liquidate(params: State, substep: int, history: list[State], state: State) -> State:
        quote = quotes[state["run"] - 1][state["timestep"]]
        after = step(state["coins"], state["debt"], quote, impact=state["impact"], terms=terms)
        return {
            "coins": after.coins,
            "debt": after.debt,
            "impact": after.impact,
            "totals": state["totals"] + after.added,
        }

    block = {"policies": {"liquidate": liquidate}, "variables": {name: update(name) for name in VARIABLES}}
    start = {"coins": coins, "debt": debt, "impact": 0.0, "totals": np.zeros(5)}
    return Model(initial_state=start, state_update_blocks=[block], params={})


def run(coins: Array, debt: Array, prices: Array, *, terms: Terms, favourable: bool) -> Array:
    """Return totals, shape (path, total)."""
    model = model_of(coins, debt, prices, terms=terms)
    experiment = Experiment([Simulation(model=model, timesteps=prices.shape[1], runs=len(prices))])
    options = {"deepcopy": False, "drop_substeps": True} if favourable else {}
    experiment.engine = Engine(backend=Backend.SINGLE_PROCESS, **options)
    last = [row for row in experiment.run() if row["timestep"] == prices.shape[1]]
    return np.array([row["totals"] for row in sorted(last, key=lambda row: row["run"])])
