"""Policies to be beaten: a published formula, and constants.

    smart-ltv                SmartLTV's formula alone, no simulation; a policy that one could have had
    best constant so far     each week, the constant that would have earned most up to the embargo
    best constant in hindsight   chosen after the fact: a yardstick for regret, never a policy

A constant is reached from the DAO's first value as fast as guardrails let it, and then held.  "Best" is by
the lenders' net income: interest received less bad debt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import SimulationError
from core.mandate import SimulatedOutcome
from core.market import Parameters, PriceHistory
from core.ports import STRATEGY_API_VERSION, TrainingProgress
from core.recommendation import Observation, Recommendation
from core.units import WAD, Bps
from models.closed_form import HOURS_PER_DAY, FormulaInputs, absorbed_usd, formula_ltv_bps
from models.volatility import Ewma
from simulations.backtest.books import BAD_DEBT_USD, INTEREST_USD, BookTerms, replay_books
from simulations.backtest.trajectories import (
    WEEK_SECONDS,
    Actuation,
    Course,
    Hours,
    Trajectory,
    constant,
    under,
    weeks,
)
from simulations.backtest.walk_forward import WalkForward

SMART_LTV = "smart-ltv"
BEST_SO_FAR = "best constant so far"
HINDSIGHT = "best constant in hindsight"
GRID_STEP_BPS = 2_00


class SmartLtv:
    """The formula's threshold, LTV plus the market's margin, whatever a simulation says."""

    name = SMART_LTV
    family = "formula"
    api_version = STRATEGY_API_VERSION

    def __init__(self) -> None:
        self._model = Ewma()

    def fit(
        self, history: PriceHistory, *, seed: int, report: Callable[[TrainingProgress], None] | None = None
    ) -> None:
        """Estimate the volatility that the average starts from."""
        self._model.fit(history, seed=seed, report=report)

    def recommend(self, observation: Observation) -> Recommendation:
        """Return the formula's value; it stands for itself, so that its outcome is not simulated."""
        bonus = observation.snapshot.parameters.liquidation_bonus_bps
        inputs = FormulaInputs(
            daily_volatility=(HOURS_PER_DAY * self._model.hourly_variance(observation.history)) ** 0.5,
            liquidity_usd=absorbed_usd(observation.liquidity, bonus),
            debt_usd=sum(position.debt for position in observation.positions) / WAD,
            bonus_bps=bonus,
        )
        bound = int(formula_ltv_bps(inputs)) + int(observation.mandate.margin_bps)
        none_simulated: tuple[SimulatedOutcome, ...] = ()
        return Recommendation(observation.scalar, bound, (), none_simulated, (), "the formula's value")


@dataclass(frozen=True, slots=True, eq=False)
class Constants:
    """Every constant of the grid, and what it would have earned: USD by week, shape (constant, week)."""

    values: tuple[int, ...]
    trajectories: tuple[Trajectory, ...]
    net_income: NDArray[np.float64]

    def best(self, chosen: NDArray[np.bool_]) -> int:
        """Return the number of the constant that earned most over the chosen weeks, shape (week,)."""
        return int(np.argmax(self.net_income[:, chosen].sum(axis=1)))

    def hindsight(self) -> Trajectory:
        """Return the constant that was best over the whole span, by name a yardstick."""
        found = self.trajectories[self.best(np.ones(self.net_income.shape[1], dtype=np.bool_))]
        return Trajectory(HINDSIGHT, found.changes)


def reachable_constants(first: Parameters, actuation: Actuation) -> tuple[int, ...]:
    """Return the grid between floor and ceiling, with the value that stands, ascending; all valid vectors."""
    limits, standing = actuation.limits, int(first.liquidation_threshold_bps)
    highest = min(limits.ceiling, (10_000 * 10_000 - 1) // (10_000 + int(first.liquidation_bonus_bps)))
    margin = standing - int(first.ltv_bps)
    lowest = max(limits.floor, margin + 1)
    if lowest > highest:
        raise SimulationError(f"no constant from {lowest} to {highest}", allowed="a floor below the ceiling")
    start = -(-lowest // GRID_STEP_BPS) * GRID_STEP_BPS
    return tuple(sorted({standing, *range(start, highest + 1, GRID_STEP_BPS)}))


def replay_constants(
    first: Parameters,
    actuation: Actuation,
    *,
    hours: Hours,
    book: BookTerms,
    begin: int,
    end: int,
) -> Constants:
    """Return every constant of the grid over the book itself."""
    margin = Bps(first.liquidation_threshold_bps - first.ltv_bps)
    values = reachable_constants(first, actuation)
    found = [constant(v, first, actuation, begin=begin, end=end, margin_bps=margin) for v in values]
    row = np.arange(len(book.health))[None, :]
    totals = [replay_books(under(hours, t.changes, begin), book, row)[0] for t in found]
    net = np.array([weekly[:, INTEREST_USD] - weekly[:, BAD_DEBT_USD] for weekly in totals])
    return Constants(values, tuple(found), net)


def best_so_far(
    constants: Constants, first: Parameters, actuation: Actuation, *, walk: WalkForward, begin: int, end: int
) -> Trajectory:
    """Return the policy that asks each week for the constant with the best past.

    A week's result is its label, complete when the week ends; weeks that reach beyond the embargo are purged.
    Until one is complete it holds.
    """
    margin = Bps(first.liquidation_threshold_bps - first.ltv_bps)
    course = Course(begin, first, actuation, margin_bps=margin)
    decisions: Sequence[int] = weeks(begin, end)
    label_ends = np.array(decisions, dtype=np.int64) + WEEK_SECONDS
    for now in decisions:
        known = walk.complete(label_ends, now)
        if known.any():
            course.ask(constants.values[constants.best(known)], now=now)
    return course.finished(BEST_SO_FAR)
