"""Behaviour that no source measures, at both ends of what it may be, on the same paths.

attention     borrowers never look                          they look at every step
leaving       nobody leaves                                 hazard of 5 a year
looping       nobody loops                                  as given
re-levering   thresholds rise, debts stay (elasticity 0)    debts rise with them (elasticity 1)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np

from core.errors import SimulationError
from core.pool.account import Kind
from core.pool.terms import PoolTerms
from core.units import BPS_ONE
from simulations.pool.arrays import Floats, PoolBook
from simulations.pool.face import PoolOutcome, run_pool
from simulations.pool.figures import lost_of, without_kind, without_leaving
from simulations.pool.releverage import re_levered
from simulations.statistics.tail import (
    Estimate,
    expected_shortfall,
    mean,
    probability,
    tail_scores,
    value_at_risk,
)

MOST_LEAVE_PER_YEAR = Decimal(5)
LEVEL = 0.975
Market = tuple[PoolTerms, PoolBook]


@dataclass(frozen=True, slots=True)
class End:
    """One end of one behaviour; ``change`` is that of ES 97.5 against the market as given, paired, USD."""

    behaviour: str
    setting: str
    lar_95: Estimate
    es_975: Estimate
    any_bad_debt: Estimate
    change: Estimate


@dataclass(frozen=True, slots=True)
class Sweep:
    """Both ends of each behaviour, one after the other; ``untold`` says why one is not swept."""

    ends: tuple[End, ...]
    untold: tuple[str, ...]


def sweep_of(
    book: PoolBook, prices: Floats, terms: PoolTerms, *, whole: PoolOutcome, threshold_up_bps: int = 0
) -> Sweep:
    """Return both ends of every behaviour that the market has.

    Args:
        book: Accounts, tokens by asset.
        prices: USD, shape (path, step, asset): those of ``whole``.
        terms: The pool's terms.
        whole: What ``run_pool`` returned for all three.
        threshold_up_bps: Raise of every threshold and LTV for the ends of re-levering; 0 leaves these out.

    Raises:
        SimulationError: a raised threshold would reach 100 %.
    """
    ends = []
    for behaviour, setting, (changed, people) in _ends(book, prices[0, 0], terms, threshold_up_bps):
        is_as_given = changed is terms and people is book
        found = whole if is_as_given else run_pool(people, prices, terms=changed)
        lost = lost_of(found)
        ends.append(
            End(
                behaviour,
                setting,
                value_at_risk(found.liquidated_value, 0.95),
                expected_shortfall(lost, LEVEL),
                probability(lost > 0),
                _difference(tail_scores(lost, LEVEL) - tail_scores(lost_of(whole), LEVEL)),
            )
        )
    return Sweep(tuple(ends), tuple(_untold(book, threshold_up_bps)))


def raised(terms: PoolTerms, by_bps: int) -> PoolTerms:
    """Return the terms with every collateral's threshold and LTV higher; what is no collateral stays so.

    Raises:
        SimulationError: a threshold would reach 100 %.
    """
    highest = max(max(row) for row in terms.table("threshold_bps"))
    if by_bps < 1 or highest + by_bps >= BPS_ONE:
        raise SimulationError(
            f"thresholds were to rise by {by_bps} basis points", allowed=f"1 to {BPS_ONE - highest - 1}"
        )
    assets = tuple(
        replace(a, threshold_bps=a.threshold_bps + by_bps, ltv_bps=a.ltv_bps + by_bps)
        if a.threshold_bps
        else a
        for a in terms.assets
    )
    modes = tuple(
        replace(m, threshold_bps=m.threshold_bps + by_bps, ltv_bps=m.ltv_bps + by_bps) for m in terms.modes
    )
    return replace(terms, assets=assets, modes=modes)


def sweep_record(sweep: Sweep) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    return asdict(sweep)


def sweep_text(sweep: Sweep) -> str:
    """Return the lines of the ends."""
    lines = [
        "behaviour without a source, at both ends on the same paths:",
        "",
        f"{'behaviour':<13}{'setting':<40}{'LaR 95':>13}{'ES 97.5':>12}  "
        f"{'95 % interval':<24}{'against as given':>17}  95 % interval",
    ]
    for end in sweep.ends:
        es, change = end.es_975, end.change
        span = f"[{es.low:,.0f}, {es.high:,.0f}]"
        lines.append(
            f"{end.behaviour:<13}{end.setting:<40}{end.lar_95.value:>13,.0f}{es.value:>12,.0f}  {span:<24}"
            f"{change.value:>+17,.0f}  [{change.low:+,.0f}, {change.high:+,.0f}]"
        )
    return "\n".join([*lines, *(f"not swept: {reason}" for reason in sweep.untold)])


def _ends(
    book: PoolBook, first: Floats, terms: PoolTerms, threshold_up_bps: int
) -> Iterator[tuple[str, str, Market]]:
    people = terms.borrowers
    if (book.kind != Kind.PASSIVE).any():
        for setting, steps in (("nobody looks", 0), ("all look at every step", 1)):
            yield (
                "attention",
                setting,
                (replace(terms, borrowers=replace(people, attention_steps=steps)), book),
            )
    if np.isfinite(book.patience).any():
        yield "leaving", "nobody leaves", (without_leaving(terms), book)
        goes = replace(people, leave_per_year=MOST_LEAVE_PER_YEAR)
        yield "leaving", f"hazard of {MOST_LEAVE_PER_YEAR} a year", (replace(terms, borrowers=goes), book)
    loops = book.kind == Kind.LOOPS
    if loops.any():
        yield "looping", "nobody loops", (terms, without_kind(book, Kind.LOOPS))
        yield "looping", f"as given, {100 * loops.mean():.1f} % of accounts", (terms, book)
    if threshold_up_bps:
        after = raised(terms, threshold_up_bps)
        for setting, elasticity in (("debts stay", 0.0), ("debts rise with it", 1.0)):
            changed = re_levered(book, first, before=terms, after=after, elasticity=elasticity)
            yield "re-levering", f"thresholds {threshold_up_bps / 100:+g} points, {setting}", (after, changed)


def _untold(book: PoolBook, threshold_up_bps: int) -> Iterator[str]:
    if not (book.kind != Kind.PASSIVE).any():
        yield "attention: every account is passive"
    if not np.isfinite(book.patience).any():
        yield "leaving: every account's patience is endless"
    if not (book.kind == Kind.LOOPS).any():
        yield "looping: no account loops"
    if not threshold_up_bps:
        yield "re-levering: no raise of thresholds was asked for (--threshold-up)"


def _difference(values: Floats) -> Estimate:
    found = mean(values)
    return replace(found, low=2 * found.value - found.high)
