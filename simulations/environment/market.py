"""One market under governance, as values: what stands, what is decided but not yet done, what a block brings.

A block is the time between two decisions.  A decision takes effect ``delay_steps`` into its block (the veto's
window and the timelock) and must lie inside guardrails when made.  ``advance`` returns the next state and
changes nothing, so that any state can be kept and gone on from twice.

Between blocks each borrower goes ``return_share`` of the way back to the health that it began with, and who
was liquidated out of the market is replaced (``simulations.book.Assumptions``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.errors import SimulationError
from core.guardrails import DEFAULT_LIMITS, Change, budget_left, moved, reachable
from core.market import Scalar
from core.units import BPS_ONE
from simulations.kernels.dense import follow_book
from simulations.kernels.rules import (
    BAD_DEBT,
    INTEREST,
    LIQUIDATED_VALUE,
    REPAID,
    TOTALS,
    UNCOVERED,
    scalars_of,
)
from simulations.studies.lending import LendingStudy, cascade_terms, market_book, scene_paths

Amounts = NDArray[np.float64]
THRESHOLD = Scalar.LIQUIDATION_THRESHOLD
LIMITS = DEFAULT_LIMITS[THRESHOLD]
FALLS = np.array([0.05, 0.10, 0.20, 0.30, 0.40])
FEATURES = 8 + len(FALLS)
LARGEST_FEATURE = 100.0


@dataclass(frozen=True, slots=True)
class Rules:
    """The market in its base scene, the calendar and what counts; ``study.steps`` is not used.

    ``study.tail`` must be plain: an episode has no weight.
    """

    study: LendingStudy
    blocks: int = 26
    block_steps: int = 168
    delay_steps: int = 96
    moves_bps: tuple[int, ...] = (-50, -25, 0, 25, 50)
    reserve_factor_bps: int = 10_00
    bad_debt_weight: float = 10.0
    harm_weight: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.delay_steps < self.block_steps:
            raise SimulationError(
                f"delay was {self.delay_steps} of {self.block_steps} steps", allowed="0 to below a block"
            )
        if 0 not in self.moves_bps or len(set(self.moves_bps)) != len(self.moves_bps):
            raise SimulationError(f"moves were {self.moves_bps}", allowed="different ones, 0 among them")
        if self.study.tail != "plain":
            raise SimulationError(f"tail was {self.study.tail!r}", allowed="plain: an episode has no weight")
        if self.blocks < 1:
            raise SimulationError(f"blocks were {self.blocks}", allowed="at least 1")

    @property
    def steps(self) -> int:
        """Steps of a whole episode."""
        return self.blocks * self.block_steps


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Everything that the future depends on; arrays are never written to again.

    ``prices`` are those of the whole episode, shape (step,); ``health`` is what each borrower began with.
    """

    coins: Amounts
    owed: Amounts
    health: Amounts
    prices: Amounts
    threshold_bps: int
    block: int = 0
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class BlockOutcome:
    """What one block brought, USD; the reward is in basis points of supply."""

    interest: float
    bad_debt: float
    borrowers_loss: float
    reward: float


def first_state(rules: Rules, *, path: int) -> State:
    """Return the market before its first block, on the price path of that number."""
    study = replace(rules.study, steps=rules.steps)
    book = market_book(study, study.base)
    coins, owed = book.collateral[0], book.debt[0]
    threshold = int(study.current.liquidation_threshold_bps)
    health = coins * study.start_price * threshold / BPS_ONE / owed
    prices, _ = scene_paths(study, study.base, first_path=path, paths=1)
    return State(coins, owed, health, prices[0], threshold)


def mask(rules: Rules, state: State) -> NDArray[np.int8]:
    """Return 1 for every move that guardrails allow now, shape (move,); keeping the value always is."""
    low, high = reach(rules, state)
    moves = np.array(rules.moves_bps) + state.threshold_bps
    return np.asarray((moves >= low) & (moves <= high), dtype=np.int8)


def reach(rules: Rules, state: State) -> tuple[int, int]:
    """Return the lowest and highest threshold that guardrails let a decision reach now."""
    now = _seconds(rules, state.block)
    return reachable(state.threshold_bps, THRESHOLD, limits=LIMITS, changes=state.changes, now=now)


def advance(rules: Rules, state: State, move: int) -> tuple[State, BlockOutcome]:
    """Return the state after the next block, and what the block brought.

    Raises:
        SimulationError: the episode is over, or guardrails do not allow the move.
    """
    if state.block >= rules.blocks:
        raise SimulationError(f"the episode of {rules.blocks} blocks is over", hint="reset")
    if not mask(rules, state)[move]:
        raise SimulationError(
            f"a move by {rules.moves_bps[move]} from {state.threshold_bps}",
            allowed="{} to {}".format(*reach(rules, state)),
            hint="heed the action mask",
        )
    proposed = state.threshold_bps + rules.moves_bps[move]
    coins, owed, sums = state.coins.copy(), state.owed.copy(), np.zeros(TOTALS)
    begin = state.block * rules.block_steps
    middle, end = begin + rules.delay_steps, begin + rules.block_steps
    for first, last, threshold in ((begin, middle, state.threshold_bps), (middle, end, proposed)):
        if last > first:
            sums[UNCOVERED] = 0.0
            _follow(rules, coins, owed, state.prices[first:last], threshold=threshold, sums=sums)
    after = replace(
        _returned(
            rules, replace(state, coins=coins, owed=owed, threshold_bps=proposed), price=state.prices[end - 1]
        ),
        block=state.block + 1,
        changes=_changes(rules, state, proposed),
    )
    return after, _outcome(rules, sums)


def features(rules: Rules, state: State) -> NDArray[np.float32]:
    """Return what an agent may see, shape (feature,): nothing of the future."""
    low, high = reach(rules, state)
    now = _seconds(rules, state.block)
    end = state.block * rules.block_steps
    price = _price(rules, state)
    recent = np.log(np.concatenate([[rules.study.start_price], state.prices[:end]]))[-rules.block_steps - 1 :]
    returns = np.diff(recent)
    trigger = state.owed / (state.coins * state.threshold_bps / BPS_ONE)
    total = float(state.owed.sum())
    at_risk = [float(state.owed[trigger > price * (1 - fall)].sum()) / total for fall in FALLS]
    left = [
        budget_left(THRESHOLD, limits=LIMITS, changes=state.changes, now=now, upwards=up)
        for up in (False, True)
    ]
    plain = [
        state.threshold_bps / BPS_ONE,
        (state.threshold_bps - low) / 100,
        (high - state.threshold_bps) / 100,
        left[0] / 100,
        left[1] / 100,
        total / rules.study.supply_usd,
        float(returns.sum()) if returns.size else 0.0,
        float(returns.std() * np.sqrt(24)) if returns.size else 0.0,
        *at_risk,
    ]
    return np.clip(np.array(plain, dtype=np.float32), -LARGEST_FEATURE, LARGEST_FEATURE)


def _follow(
    rules: Rules, coins: Amounts, owed: Amounts, prices: Amounts, *, threshold: int, sums: Amounts
) -> None:
    scalars = scalars_of(cascade_terms(rules.study, rules.study.base))
    bonus = int(rules.study.current.liquidation_bonus_bps) / BPS_ONE
    follow_book(coins, owed, np.ascontiguousarray(prices), threshold / BPS_ONE, bonus, scalars, sums)


def _returned(rules: Rules, state: State, *, price: float) -> State:
    """Let borrowers go back towards their health, and replace who has nothing left."""
    share = rules.study.base.assumptions.return_share
    gone = (state.coins <= 0) | (state.owed <= 0)
    first = first_book(rules)
    coins = np.where(gone, first[0] * rules.study.start_price / price, state.coins)
    worth = coins * price * state.threshold_bps / BPS_ONE
    wanted = worth / state.health
    owed = np.where(gone, wanted, state.owed * (wanted / np.where(gone, wanted, state.owed)) ** share)
    return replace(state, coins=coins, owed=owed)


def first_book(rules: Rules) -> tuple[Amounts, Amounts]:
    """Return collateral and debt of the market at its beginning, shape (borrower,) each."""
    book = market_book(rules.study, rules.study.base)
    return book.collateral[0], book.debt[0]


def _outcome(rules: Rules, sums: Amounts) -> BlockOutcome:
    lost = float(sums[BAD_DEBT] + sums[UNCOVERED])
    harm = float(sums[LIQUIDATED_VALUE] - sums[REPAID])
    interest = float(sums[INTEREST])
    gain = (
        interest * rules.reserve_factor_bps / BPS_ONE
        - rules.bad_debt_weight * lost
        - rules.harm_weight * harm
    )
    return BlockOutcome(interest, lost, harm, gain / rules.study.supply_usd * BPS_ONE)


def _changes(rules: Rules, state: State, proposed: int) -> tuple[Change, ...]:
    if proposed == state.threshold_bps:
        return state.changes
    executed = _seconds(rules, state.block) + rules.delay_steps * rules.study.step_seconds
    return (*state.changes, Change(THRESHOLD, executed, moved(state.threshold_bps, proposed, LIMITS)))


def _price(rules: Rules, state: State) -> float:
    end = state.block * rules.block_steps
    return float(state.prices[end - 1]) if end else rules.study.start_price


def _seconds(rules: Rules, block: int) -> int:
    return block * rules.block_steps * rules.study.step_seconds
