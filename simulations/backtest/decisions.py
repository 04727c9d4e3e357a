"""What each policy would have decided, week by week, with the veto delay inside.

    every week    observe (prices up to now, the synthetic book as it stands under this policy)
                  ─► the strategy's bound ─► guardrails (step, delay, budgets) ─► a proposal
    96 h later    72 h of veto window and 24 h of timelock: it takes effect

The book's sizes are fitted on liquidations before each week.  A strategy that finds no safe value asks
for the lowest that guardrails reach; one that abstains holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.cascade import Liquidity
from core.epoch import clamp
from core.guardrails import DEFAULT_LIMITS, Change, moved, reachable
from core.mandate import Mandate
from core.market import MarketSnapshot, Parameters, PriceHistory, Scalar, with_scalar
from core.ports import Strategy
from core.recommendation import Observation
from core.units import BPS_ONE, PRICE_ONE, WAD, Bps
from simulations.backtest.books import (
    LOG_DEVIATION,
    LOG_MEAN,
    REPAID_SHARE,
    BookTerms,
    Timeline,
    open_book,
    replay_week,
)
from simulations.backtest.parameters import ParameterHistory
from simulations.book import Assumptions, positions_of

WEEK_SECONDS = 7 * 24 * 3600
DAY_SECONDS = 24 * 3600
VETO_AND_TIMELOCK_SECONDS = (72 + 24) * 3600
MONTH_SECONDS = 30 * DAY_SECONDS
SEARCH_REACH_BPS = 1_00
"""A decision moves at most one step, so bounds are searched this far around the current value."""

SCALAR = Scalar.LIQUIDATION_THRESHOLD
DEBT_UNIT = 10**6


@dataclass(frozen=True, slots=True)
class Trajectory:
    """What a policy did: parameters in force since a time, ascending; decisions skipped for want of a bar."""

    policy: str
    changes: tuple[tuple[int, Parameters], ...]
    skipped_decisions: int = 0

    @property
    def number_of_changes(self) -> int:
        """Changes after the first value."""
        return len(self.changes) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Hours:
    """Bars of the span: close times and prices, shape (hour,), and where each week begins."""

    times: NDArray[np.int64]
    prices: NDArray[np.float64]
    week_begins: NDArray[np.int64]
    missing: int


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
    fit_bars: int


def weeks(begin: int, end: int) -> range:
    """Return the decision times: the start of every week."""
    return range(begin, end, WEEK_SECONDS)


def hours_of(prices: PriceHistory, begin: int, end: int) -> Hours:
    """Return the bars that close in (begin, end], cut into weeks."""
    chosen = (prices.times > begin) & (prices.times <= end)
    times = prices.times[chosen]
    edges = np.array([*weeks(begin, end), end])
    begins = np.searchsorted(times, edges, side="right").astype(np.int64)
    missing = (end - begin) // prices.bar_seconds - len(times)
    return Hours(times, prices.closes_e8[chosen] / PRICE_ONE, begins, missing)


def under(hours: Hours, changes: Sequence[tuple[int, Parameters]], begin: int) -> Timeline:
    """Return the bars with the parameters in force at each."""
    since = np.array([time for time, _ in changes])
    standing = np.searchsorted(since, hours.times, side="right") - 1
    rows = [(p.liquidation_threshold_bps, p.ltv_bps, p.liquidation_bonus_bps) for _, p in changes]
    shares = np.array(rows)[standing].T / BPS_ONE  # (field, hour)
    days = (hours.times - begin - 1) // DAY_SECONDS % 7
    return Timeline(np.ascontiguousarray(np.vstack([hours.prices, shares, days])), hours.week_begins)


def never_changing(terms: DecisionTerms) -> Trajectory:
    """Return the policy that holds the DAO's first value."""
    return Trajectory("never changing", ((terms.begin, terms.first),))


def dao_policy(history: ParameterHistory, terms: DecisionTerms) -> Trajectory:
    """Return the DAO's real parameters."""
    later = tuple(change for change in history.changes if terms.begin < change[0] < terms.end)
    return Trajectory("the DAO's real parameters", ((terms.begin, terms.first), *later))


def replay_policy(
    strategy: Strategy, terms: DecisionTerms, *, progress: Callable[[int, int], None] | None = None
) -> Trajectory:
    """Return what ``strategy`` would have done from ``begin`` to ``end``; it is refitted monthly."""
    changes: list[tuple[int, Parameters]] = [(terms.begin, terms.first)]
    moves: list[Change] = []
    ratio = np.zeros(len(terms.book.health))
    fitted_at = -MONTH_SECONDS
    skipped = 0
    times = weeks(terms.begin, terms.end)
    for week, now in enumerate(times):
        history = recent(terms.prices, now, bars=terms.fit_bars)
        if history.last_time <= now - terms.prices.bar_seconds:
            skipped += 1
        else:
            if now - fitted_at >= MONTH_SECONDS:
                strategy.fit(history, seed=terms.seed)
                fitted_at = now
            _decide(strategy, observe(history, changes[-1][1], ratio, terms=terms, week=week), changes, moves)
        _live_through(week, ratio, changes, terms=terms)
        if progress is not None:
            progress(week + 1, len(times))
    return Trajectory(strategy.name, tuple(changes), skipped)


def recent(prices: PriceHistory, now: int, *, bars: int) -> PriceHistory:
    """Return the newest ``bars`` bars that had closed at ``now``."""
    known = prices.until(now)
    first = max(0, len(known) - bars)
    return PriceHistory(
        known.asset, known.source, known.bar_seconds, known.times[first:], known.closes_e8[first:]
    )


def observe(
    history: PriceHistory,
    current: Parameters,
    ratio: NDArray[np.float64],
    *,
    terms: DecisionTerms,
    week: int,
) -> Observation:
    """Return what a strategy is shown at the start of ``week``."""
    price = int(history.closes_e8[-1])
    standing = int(current.liquidation_threshold_bps)
    book = open_book(ratio, terms.book, week, price=price / PRICE_ONE, threshold=standing / BPS_ONE)
    sizes = terms.book.sizes[:, week]
    reference = float(np.exp(sizes[LOG_MEAN] + sizes[LOG_DEVIATION] * terms.book.size_draws).sum())
    supply = reference / terms.assumptions.utilisation
    return Observation(
        snapshot=MarketSnapshot(
            market=history.asset,
            block_number=0,
            timestamp=terms.begin + week * WEEK_SECONDS,
            parameters=current,
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
        floor=max(DEFAULT_LIMITS[SCALAR].floor, standing - SEARCH_REACH_BPS),
        ceiling=min(DEFAULT_LIMITS[SCALAR].ceiling, standing + SEARCH_REACH_BPS),
        seed=terms.seed,
        paths=terms.paths,
    )


def _decide(
    strategy: Strategy,
    observation: Observation,
    changes: list[tuple[int, Parameters]],
    moves: list[Change],
) -> None:
    """Ask the strategy, and note the change that it would bring about."""
    recommendation = strategy.recommend(observation)
    bound = recommendation.bound
    if bound is None and not recommendation.outcomes:
        return
    current = observation.snapshot.parameters
    standing = int(current.liquidation_threshold_bps)
    effective = observation.snapshot.timestamp + VETO_AND_TIMELOCK_SECONDS
    low, high = reachable(standing, SCALAR, limits=DEFAULT_LIMITS[SCALAR], changes=moves, now=effective)
    value = clamp(observation.floor if bound is None else bound, lowest=low, highest=high)
    if value != standing:
        after = with_scalar(current, SCALAR, value, margin_bps=observation.mandate.margin_bps)
        changes.append((effective, after))
        moves.append(Change(SCALAR, effective, moved(standing, value, DEFAULT_LIMITS[SCALAR])))


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
        timeline = under(terms.hours, changes, terms.begin)
        replay_week(ratio, terms.book, week, hours=np.ascontiguousarray(timeline.hours[:, first:end]))
