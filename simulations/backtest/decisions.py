"""What each policy would have decided, week by week, with the veto delay inside.

    every week    observe (prices up to now, the synthetic book as it stands under this policy)
                  ─► the strategy's bound ─► guardrails (step, delay, budgets) ─► a proposal
    96 h later    72 h of veto window and 24 h of timelock: it takes effect

What a strategy was fitted on, and the book's sizes, end at the embargo (``walk_forward``).  A strategy that
finds no safe value asks for the lowest that guardrails reach; one that abstains holds.  Values out of their
reach are not searched; where they leave no choice, nobody is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.cascade import Liquidity
from core.mandate import Mandate
from core.market import MarketSnapshot, Parameters, PriceHistory
from core.ports import Strategy
from core.recommendation import Observation
from core.units import BPS_ONE, PRICE_ONE, WAD, Bps
from simulations.backtest.books import (
    LOG_DEVIATION,
    LOG_MEAN,
    REPAID_SHARE,
    BookTerms,
    open_book,
    replay_week,
)
from simulations.backtest.trajectories import (
    SCALAR,
    WEEK_SECONDS,
    Actuation,
    Course,
    Hours,
    Trajectory,
    under,
    weeks,
)
from simulations.backtest.walk_forward import WalkForward, has_bar
from simulations.book import Assumptions, positions_of

DEBT_UNIT = 10**6


@dataclass(frozen=True, slots=True, eq=False)
class DecisionTerms:
    """What decisions rest on; ``book`` is the one that strategies are shown."""

    prices: PriceHistory
    hours: Hours
    book: BookTerms
    assumptions: Assumptions
    mandate: Mandate
    first: Parameters
    begin: int
    end: int
    seed: int
    paths: int
    walk: WalkForward
    actuation: Actuation = field(default_factory=Actuation)


def replay_policy(
    policy: Callable[[int], Strategy],
    terms: DecisionTerms,
    *,
    name: str,
    progress: Callable[[int, int], None] | None = None,
) -> Trajectory:
    """Return what a policy would have done from ``begin`` to ``end``.

    Args:
        policy: Returns the strategy as it was fitted last at a decision's time.
        terms: What decisions rest on.
        name: What the trajectory is called.
        progress: Hears of every week.
    """
    course = Course(terms.begin, terms.first, terms.actuation, margin_bps=terms.mandate.margin_bps)
    ratio = np.zeros(len(terms.book.health))
    skipped = 0
    times = weeks(terms.begin, terms.end)
    for week, now in enumerate(times):
        if has_bar(terms.prices, now):
            history, standing = terms.walk.shown(terms.prices, now), course.standing
            if course.reach(now) != (standing, standing):
                _decide(policy(now), observe(history, course, ratio, terms=terms, week=week), course)
        else:
            skipped += 1
        _live_through(week, ratio, course.changes, terms=terms)
        if progress is not None:
            progress(week + 1, len(times))
    return course.finished(name, skipped_decisions=skipped)


def observe(
    history: PriceHistory,
    course: Course,
    ratio: NDArray[np.float64],
    *,
    terms: DecisionTerms,
    week: int,
) -> Observation:
    """Return what a strategy is shown at the start of ``week``."""
    price = int(history.closes_e8[-1])
    now = terms.begin + week * WEEK_SECONDS
    floor, ceiling = course.reach(now)
    threshold = course.standing / BPS_ONE
    book = open_book(ratio, terms.book, week, price=price / PRICE_ONE, threshold=threshold)
    sizes = terms.book.sizes[:, week]
    reference = float(np.exp(sizes[LOG_MEAN] + sizes[LOG_DEVIATION] * terms.book.size_draws).sum())
    supply = reference / terms.assumptions.utilisation
    return Observation(
        snapshot=MarketSnapshot(
            market=history.asset,
            block_number=0,
            timestamp=now,
            parameters=course.newest,
            oracle_price=price,
            total_collateral=int(book.collateral.sum() * 1e6) * 10**12,
            total_debt_supply=int(supply) * DEBT_UNIT,
            total_borrow=int(book.debt.sum()) * DEBT_UNIT,
            reserves=int(supply * terms.assumptions.reserve_share) * DEBT_UNIT,
            positions_root=bytes(32),
        ),
        scalar=SCALAR,
        mandate=terms.mandate,
        history=history,
        positions=positions_of(book.collateral, book.debt),
        liquidity=Liquidity(int(reference * terms.assumptions.depth_share) * WAD),
        close_factor_bps=Bps(max(1, min(BPS_ONE, round(float(sizes[REPAID_SHARE]) * BPS_ONE)))),
        floor=floor,
        ceiling=ceiling,
        seed=terms.seed,
        paths=terms.paths,
    )


def _decide(strategy: Strategy, observation: Observation, course: Course) -> None:
    """Ask the strategy, and propose what it says."""
    recommendation = strategy.recommend(observation)
    bound = recommendation.bound
    if bound is None and not recommendation.outcomes:
        return
    course.ask(observation.floor if bound is None else bound, now=observation.snapshot.timestamp)


def _live_through(
    week: int,
    ratio: NDArray[np.float64],
    changes: Sequence[tuple[int, Parameters]],
    *,
    terms: DecisionTerms,
) -> None:
    """Carry the shown book through ``week`` under what is in force."""
    first, end = terms.hours.week_begins[week : week + 2]
    if end > first:
        timeline = under(terms.hours.between(first, end), changes, terms.begin)
        replay_week(ratio, terms.book, week, hours=timeline.hours)
