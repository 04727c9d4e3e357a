"""A policy's path of parameters, and how a wish becomes one: guardrails, veto window, timelock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.epoch import clamp
from core.guardrails import DEFAULT_LIMITS, Change, FieldLimits, moved, reachable
from core.market import Parameters, PriceHistory, Scalar, with_scalar
from core.units import BPS_ONE, PRICE_ONE, Bps
from simulations.backtest.books import Timeline
from simulations.backtest.parameters import ParameterHistory

DAY_SECONDS = 24 * 3600
WEEK_SECONDS = 7 * DAY_SECONDS
VETO_AND_TIMELOCK_SECONDS = (72 + 24) * 3600
SCALAR = Scalar.LIQUIDATION_THRESHOLD
NEVER_CHANGING = "never changing"
DAO = "the DAO's real parameters"


@dataclass(frozen=True, slots=True)
class Actuation:
    """What stands between a wish and the chain: limits of one field, and the delay until it is in force."""

    limits: FieldLimits = field(default_factory=lambda: DEFAULT_LIMITS[SCALAR])
    delay_seconds: int = VETO_AND_TIMELOCK_SECONDS


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

    def between(self, first: int, end: int) -> Hours:
        """Return the bars from number ``first`` to before ``end``, as one week."""
        return Hours(self.times[first:end], self.prices[first:end], np.array([0, end - first]), 0)


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


class Course:
    """A trajectory while it comes about."""

    def __init__(self, begin: int, first: Parameters, actuation: Actuation, *, margin_bps: Bps) -> None:
        self.changes: list[tuple[int, Parameters]] = [(begin, first)]
        self.actuation = actuation
        self.margin_bps = margin_bps
        self._moves: list[Change] = []

    def ask(self, wanted: int, *, now: int) -> None:
        """Propose ``wanted``, as far as guardrails let it; it is in force after the delay."""
        low, high = self.reach(now)
        value, standing = clamp(wanted, lowest=low, highest=high), self.standing
        if value != standing:
            effective = now + self.actuation.delay_seconds
            after = with_scalar(self.newest, SCALAR, value, margin_bps=self.margin_bps)
            self.changes.append((effective, after))
            self._moves.append(Change(SCALAR, effective, moved(standing, value, self.actuation.limits)))

    def reach(self, now: int) -> tuple[int, int]:
        """Return the lowest and the highest value that a proposal at ``now`` may name."""
        effective = now + self.actuation.delay_seconds
        limits = self.actuation.limits
        return reachable(self.standing, SCALAR, limits=limits, changes=self._moves, now=effective)

    @property
    def standing(self) -> int:
        """Return the newest proposal's threshold."""
        return int(self.newest.liquidation_threshold_bps)

    @property
    def newest(self) -> Parameters:
        """Return the newest proposal's parameters; the next proposal starts from them."""
        return self.changes[-1][1]

    def finished(self, policy: str, *, skipped_decisions: int = 0) -> Trajectory:
        """Return what has come about."""
        return Trajectory(policy, tuple(self.changes), skipped_decisions)


def never_changing(begin: int, first: Parameters) -> Trajectory:
    """Return the policy that holds the DAO's first value."""
    return Trajectory(NEVER_CHANGING, ((begin, first),))


def dao_policy(history: ParameterHistory, first: Parameters, *, begin: int, end: int) -> Trajectory:
    """Return the DAO's real parameters."""
    later = tuple(change for change in history.changes if begin < change[0] < end)
    return Trajectory(DAO, ((begin, first), *later))


def constant(
    value: int, first: Parameters, actuation: Actuation, *, begin: int, end: int, margin_bps: Bps
) -> Trajectory:
    """Return the policy that goes to ``value`` as fast as guardrails let it, and stays."""
    course = Course(begin, first, actuation, margin_bps=margin_bps)
    for now in weeks(begin, end):
        course.ask(value, now=now)
    return course.finished(f"constant {value / 100:.2f} %")
