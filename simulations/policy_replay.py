"""What each policy would have decided, week by week, with the veto delay inside.

    every week    observe (prices up to now, a synthetic book fitted on liquidations before now)
                  ─► the strategy's bound ─► guardrails (step, delay, budgets) ─► a proposal
    96 h later    72 h of veto window and 24 h of timelock: it takes effect

A strategy that finds no safe value asks for the lowest that guardrails reach; one that abstains holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.cascade import Liquidity
from core.epoch import clamp
from core.guardrails import DEFAULT_LIMITS, Change, moved, reachable
from core.mandate import Mandate
from core.market import MarketSnapshot, Parameters, PriceHistory, Scalar, with_scalar
from core.ports import Strategy
from core.recommendation import Observation
from core.units import BPS_ONE, PRICE_ONE, WAD, Bps
from models.data.liquidations import Liquidations
from simulations.book import Assumptions, SizeTerms, SyntheticBook, fit_sizes, positions_of
from simulations.parameter_history import ParameterHistory

WEEK_SECONDS = 7 * 24 * 3600
VETO_AND_TIMELOCK_SECONDS = (72 + 24) * 3600
MONTH_SECONDS = 30 * 24 * 3600
SEARCH_REACH_BPS = 5_00
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

    def at(self, time: int) -> Parameters:
        """Return the parameters in force at ``time``."""
        return next(p for since, p in reversed(self.changes) if since <= time)


@dataclass(frozen=True, slots=True, eq=False)
class DecisionTerms:
    """What decisions rest on."""

    prices: PriceHistory
    liquidations: Liquidations
    assumptions: Assumptions
    book: SyntheticBook
    mandate: Mandate
    first: Parameters
    begin: int
    end: int
    seed: int
    paths: int
    fit_bars: int


def never_changing(terms: DecisionTerms) -> Trajectory:
    """Return the policy that holds the DAO's first value."""
    return Trajectory("never changing", ((terms.begin, terms.first),))


def dao_policy(history: ParameterHistory, terms: DecisionTerms) -> Trajectory:
    """Return the DAO's real parameters."""
    later = tuple(change for change in history.changes if terms.begin < change[0] < terms.end)
    standing = history.at(terms.begin)
    first = terms.first if standing is None else standing.parameters
    return Trajectory("the DAO's real parameters", ((terms.begin, first), *later))


def weeks(begin: int, end: int) -> range:
    """Return the decision times: the start of every week."""
    return range(begin, end, WEEK_SECONDS)


def replay_policy(
    strategy: Strategy, terms: DecisionTerms, *, progress: Callable[[int, int], None] | None = None
) -> Trajectory:
    """Return what ``strategy`` would have done from ``begin`` to ``end``; it is refitted monthly."""
    changes: list[tuple[int, Parameters]] = [(terms.begin, terms.first)]
    moves: list[Change] = []
    fitted_at = -MONTH_SECONDS
    skipped = 0
    times = weeks(terms.begin, terms.end)
    for number, now in enumerate(times):
        history = recent(terms.prices, now, bars=terms.fit_bars)
        if history.last_time <= now - terms.prices.bar_seconds:
            skipped += 1
            continue
        if now - fitted_at >= MONTH_SECONDS:
            strategy.fit(history, seed=terms.seed)
            fitted_at = now
        current = next(p for since, p in reversed(changes) if since <= now)
        value = _decide(strategy, history, current, terms=terms, moves=moves, now=now)
        if value != current.liquidation_threshold_bps:
            effective = now + VETO_AND_TIMELOCK_SECONDS
            after = with_scalar(current, SCALAR, value, margin_bps=terms.mandate.margin_bps)
            amount = moved(int(current.liquidation_threshold_bps), value, DEFAULT_LIMITS[SCALAR])
            changes.append((effective, after))
            moves.append(Change(SCALAR, effective, amount))
        if progress is not None:
            progress(number + 1, len(times))
    return Trajectory(strategy.name, tuple(changes), skipped)


def recent(prices: PriceHistory, now: int, *, bars: int) -> PriceHistory:
    """Return the newest ``bars`` bars that had closed at ``now``."""
    known = prices.until(now)
    first = int(known.times[max(0, len(known) - bars)])
    return PriceHistory(
        known.asset,
        known.source,
        known.bar_seconds,
        known.times[known.times >= first],
        known.closes_e8[known.times >= first],
    )


def observe(
    history: PriceHistory, current: Parameters, *, terms: DecisionTerms, sizes: SizeTerms, now: int
) -> Observation:
    """Return what a strategy is shown at ``now``."""
    price = int(history.closes_e8[-1])
    reference = int(terms.first.liquidation_threshold_bps) / BPS_ONE
    reference_debt = terms.book.debt_usd(sizes)
    collateral = reference_debt * terms.book.health / reference / (price / PRICE_ONE)
    debt = reference_debt * (int(current.liquidation_threshold_bps) / BPS_ONE) / reference
    supply = float(reference_debt.sum()) / terms.assumptions.utilisation
    depth = float(reference_debt.sum()) * terms.assumptions.depth_share
    now_bps = int(current.liquidation_threshold_bps)
    return Observation(
        snapshot=MarketSnapshot(
            market=history.asset,
            block_number=0,
            timestamp=now,
            parameters=current,
            oracle_price=price,
            total_collateral=int(collateral.sum() * 1e6) * 10**12,
            total_debt_supply=int(supply) * DEBT_UNIT,
            total_borrow=int(debt.sum()) * DEBT_UNIT,
            reserves=int(supply * terms.assumptions.reserve_share) * DEBT_UNIT,
            positions_root=bytes(32),
        ),
        scalar=SCALAR,
        mandate=terms.mandate,
        history=history,
        positions=positions_of(collateral, debt),
        liquidity=Liquidity(int(depth) * WAD),
        close_factor_bps=Bps(max(1, min(BPS_ONE, round(sizes.repaid_share * BPS_ONE)))),
        floor=max(DEFAULT_LIMITS[SCALAR].floor, now_bps - SEARCH_REACH_BPS),
        ceiling=min(DEFAULT_LIMITS[SCALAR].ceiling, now_bps + SEARCH_REACH_BPS),
        seed=terms.seed,
        paths=terms.paths,
    )


def _decide(
    strategy: Strategy,
    history: PriceHistory,
    current: Parameters,
    *,
    terms: DecisionTerms,
    moves: Sequence[Change],
    now: int,
) -> int:
    """Return the threshold that the strategy would propose; the current one if it proposes nothing."""
    standing = int(current.liquidation_threshold_bps)
    sizes = fit_sizes(terms.liquidations, before=now)
    observation = observe(history, current, terms=terms, sizes=sizes, now=now)
    recommendation = strategy.recommend(observation)
    bound = recommendation.bound
    if bound is None:
        if not recommendation.outcomes:
            return standing
        bound = observation.floor
    effective = now + VETO_AND_TIMELOCK_SECONDS
    low, high = reachable(standing, SCALAR, limits=DEFAULT_LIMITS[SCALAR], changes=moves, now=effective)
    return clamp(bound, lowest=low, highest=high)
