"""Which policies may be called better or worse than never changing, and which may not.

A claim stands when, in the re-levered and in the fixed book alike,

    1  the difference has one sign,
    2  its interval over resampled books is off zero,
    3  its interval under the stationary bootstrap over weeks is off zero, and
    4  it survives the stepwise test over all policies, measures, worlds and configurations ever tried.

Sources: Hansen 2005 (SPA), Romano and Wolf 2005 (StepM), Politis and Romano 1994; all from ``arch``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
from arch.bootstrap import SPA, StepM
from numpy.typing import NDArray

from core.units import BPS_ONE
from simulations.backtest.books import BAD_DEBT_USD, INTEREST_USD, SUPPLY_USD
from simulations.backtest.rivals import HINDSIGHT
from simulations.backtest.settings import World
from simulations.backtest.trajectories import NEVER_CHANGING
from simulations.backtest.trials import Trial, level_left
from simulations.statistics.comparison import paired_bootstrap
from simulations.statistics.tail import Estimate

BAD_DEBT, NET_INCOME = "bad debt", "net income"
MEASURES = (BAD_DEBT, NET_INCOME)
LEVEL = 0.05
RESAMPLES = 2_000
FEWEST_WEEKS = 8
NO_CLAIM = "no claim"
WORDS = {
    (BAD_DEBT, True): "less bad debt",
    (BAD_DEBT, False): "more bad debt",
    (NET_INCOME, True): "more net income",
    (NET_INCOME, False): "less net income",
}


@dataclass(frozen=True, slots=True)
class Column:
    """What one policy gains on never changing in one world by one measure."""

    assumptions: str
    reaction: str
    policy: str
    measure: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """One column's figures over the whole span, in bps of supply; a gain is positive.

    ``over_weeks`` is ``None`` where there are fewer than eight weeks.
    """

    column: Column
    over_books: Estimate
    over_weeks: Estimate | None
    survives: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """What may be said of a policy under one end of the assumptions; ``because`` says what is in the way."""

    assumptions: str
    policy: str
    measure: str
    verdict: str
    because: str


@dataclass(frozen=True, slots=True)
class Deflation:
    """How many comparisons a claim had to survive; ``p_value`` is SPA's for "nobody beats never changing"."""

    columns: int
    configurations: int
    replayed: int
    level: float
    p_value: float | None


@dataclass(frozen=True, slots=True)
class Findings:
    """All claims with what they rest on."""

    claims: tuple[Claim, ...]
    evidence: tuple[Evidence, ...]
    deflation: Deflation


def gains(totals: NDArray[np.float64], baseline: NDArray[np.float64], *, measure: str) -> NDArray[np.float64]:
    """Return what a policy gains on the baseline, shape (book, week), in bps of each book's mean supply."""
    supply = baseline[:, :, SUPPLY_USD].mean(axis=1, keepdims=True)
    less_debt = baseline[:, :, BAD_DEBT_USD] - totals[:, :, BAD_DEBT_USD]
    if measure == BAD_DEBT:
        return np.asarray(less_debt / supply * BPS_ONE)
    more_interest = totals[:, :, INTEREST_USD] - baseline[:, :, INTEREST_USD]
    return np.asarray((more_interest + less_debt) / supply * BPS_ONE)


def findings(
    worlds: Sequence[World], trials: tuple[Trial, ...], *, horizon_hours: int, seed: int
) -> Findings:
    """Return every claim over the whole span."""
    series = {column: found for world in worlds for column, found in _series(world).items()}
    tried = {column: found for world in worlds for column, found in _tried(world).items()}
    level = level_left(trials, horizon_hours, level=LEVEL)
    weekly = {column: found.mean(axis=0) for column, found in {**series, **tried}.items()}
    better = survivors(weekly, level=level / 2, seed=seed)
    worse = survivors({column: -found for column, found in weekly.items()}, level=level / 2, seed=seed)
    evidence = tuple(
        Evidence(
            column,
            over_books(found),
            over_weeks(found.mean(axis=0), seed=seed),
            column in (better if found.sum() > 0 else worse),
        )
        for column, found in series.items()
    )
    configurations = max(1, len(trials))
    unseen = sum(not trial.replayed for trial in trials)
    return Findings(
        _claims(evidence),
        evidence,
        Deflation(len(weekly), configurations, configurations - unseen, level, spa(weekly, seed=seed)),
    )


def over_books(found: NDArray[np.float64]) -> Estimate:
    """Return the mean and the middle 95 % over books of the sum over weeks."""
    sums = found.sum(axis=1)
    low, high = np.percentile(sums, (2.5, 97.5))
    return Estimate(float(sums.mean()), float(low), float(high))


def over_weeks(weekly: NDArray[np.float64], *, seed: int) -> Estimate | None:
    """Return the sum over weeks with its interval under the stationary bootstrap."""
    if len(weekly) < FEWEST_WEEKS:
        return None
    found = paired_bootstrap(weekly, np.zeros_like(weekly), seed=seed, resamples=RESAMPLES).difference
    return Estimate(*(len(weekly) * value for value in (found.value, found.low, found.high)))


def survivors(weekly: Mapping[Column, NDArray[np.float64]], *, level: float, seed: int) -> frozenset[Column]:
    """Return the columns whose mean is above zero after the stepwise test over all of them.

    A column that never differs from never changing is not tested.
    """
    names, losses = _testable(weekly)
    if not names:
        return frozenset()
    test = StepM(
        np.zeros(len(losses)), losses, size=level, block_size=_block(losses), reps=RESAMPLES, seed=seed
    )
    test.compute()
    return frozenset(names[int(str(number))] for number in test.superior_models)


def spa(weekly: Mapping[Column, NDArray[np.float64]], *, seed: int) -> float | None:
    """Return the consistent p-value of "no column has a mean above zero"; ``None`` if none can be tested."""
    names, losses = _testable(weekly)
    if not names:
        return None
    test = SPA(np.zeros(len(losses)), losses, block_size=_block(losses), reps=RESAMPLES, seed=seed)
    test.compute()
    return float(test.pvalues["consistent"])


def _testable(
    weekly: Mapping[Column, NDArray[np.float64]],
) -> tuple[list[Column], NDArray[np.float64]]:
    """Return the columns that vary and their losses, shape (week, column)."""
    names = [c for c, found in weekly.items() if len(found) >= FEWEST_WEEKS and np.ptp(found) > 0]
    return names, -np.array([weekly[name] for name in names]).T


def _block(losses: NDArray[np.float64]) -> int:
    return ceil(sqrt(len(losses)))


def _series(world: World) -> dict[Column, NDArray[np.float64]]:
    """Return every policy's gains; hindsight is a yardstick and claims nothing."""
    baseline = world.totals[NEVER_CHANGING]
    return {
        Column(world.assumptions, world.reaction, policy, measure): gains(totals, baseline, measure=measure)
        for policy, totals in world.totals.items()
        if policy not in (NEVER_CHANGING, HINDSIGHT)
        for measure in MEASURES
    }


def _tried(world: World) -> dict[Column, NDArray[np.float64]]:
    baseline = world.totals[NEVER_CHANGING]
    return {
        Column(world.assumptions, world.reaction, name, measure): gains(
            totals, baseline[: len(totals)], measure=measure
        )
        for name, totals in world.trials.items()
        for measure in MEASURES
    }


def _claims(evidence: Sequence[Evidence]) -> tuple[Claim, ...]:
    groups: dict[tuple[str, str, str], list[Evidence]] = {}
    for found in evidence:
        key = (found.column.assumptions, found.column.policy, found.column.measure)
        groups.setdefault(key, []).append(found)
    return tuple(_claim(*key, group=group) for key, group in groups.items())


def _claim(assumptions: str, policy: str, measure: str, *, group: Sequence[Evidence]) -> Claim:
    because = _in_the_way(group)
    verdict = NO_CLAIM if because else WORDS[measure, group[0].over_books.value > 0]
    return Claim(assumptions, policy, measure, verdict, because)


def _in_the_way(group: Sequence[Evidence]) -> str:
    """Return the first reason why nothing may be claimed; empty if there is none."""
    if len(group) < 2:
        return "only one reaction of borrowers was replayed"
    if len({np.sign(found.over_books.value) for found in group}) > 1:
        return "the re-levered and the fixed book disagree"
    if any(found.over_weeks is None for found in group):
        return "too few weeks"
    if any(found.over_books.holds_zero for found in group):
        return "an interval over books holds zero"
    if any(found.over_weeks is not None and found.over_weeks.holds_zero for found in group):
        return "an interval over weeks holds zero"
    if any(np.sign(f.over_weeks.value) != np.sign(f.over_books.value) for f in group if f.over_weeks):
        return "books and weeks disagree"
    if not all(found.survives for found in group):
        return "it does not survive the number of trials"
    return ""
