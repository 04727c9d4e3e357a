"""What a pool's paths say, as one HTML file: a bad week in a sentence, who pays, and what it rests on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.pool.terms import PoolTerms
from simulations.pool.arrays import PoolBook
from simulations.pool.attribution import Attribution, worst_paths
from simulations.pool.face import PoolOutcome
from simulations.pool.figures import Contribution, PoolFigures, lost_of
from simulations.pool.ladder import Ladder
from simulations.pool.sweep import Sweep
from simulations.statistics.tail import expected_shortfall
from simulations.studies.document import Column, Document, Measure, Overview, cell_of, html_of
from simulations.studies.plots import convergence_section
from simulations.studies.pool_plots import (
    assets_section,
    mechanics_sections,
    pool_accounts_section,
    pool_ladder_section,
    sweep_section,
)
from simulations.studies.svg import Section, percent, usd, whole
from simulations.studies.verdict import Verdict

SHOWN_PATHS = 10
SPANS = {24: "day", 168: "week"}
LEFT_OUT = (
    "Looping buys collateral without moving its price.",
    "Suppliers do not leave.",
    "Interest is paid on collateral by nobody.",
    "Liquidators take the largest collateral against the largest debt, one call per account and step.",
    "Nobody absorbs what cannot be sold at a gain.",
    "Gas does not rise with congestion.",
)
"""As docs/pool.md has it."""


@dataclass(frozen=True, slots=True, eq=False)
class PoolReport:
    """Everything that the page says; ``prices`` in USD, shape (path, step, asset)."""

    origin: str
    hours: int
    seed: int
    book: PoolBook
    terms: PoolTerms
    prices: NDArray[np.float64]
    outcome: PoolOutcome
    figures: PoolFigures
    mechanics: tuple[Contribution, ...]
    tail: Attribution
    ladder: Ladder
    sweep: Sweep | None

    @property
    def span(self) -> str:
        """The horizon as people say it."""
        return SPANS.get(self.hours, f"span of {self.hours:,} hours")


def pool_page(report: PoolReport) -> str:
    """Return the whole page."""
    first, paths = report.prices[0, 0], len(report.prices)
    owed = float((report.book.debt * first).sum())
    held = float((report.book.collateral * first).sum())
    routes = report.figures
    document = Document(
        title=f"A pool of {len(report.terms.assets)} assets over {report.hours:,} hours",
        verdict=pool_verdict(report),
        summary=f"From {report.origin}: {len(report.book.debt):,} accounts owe {usd(owed)} USD against "
        f"{usd(held)} USD of collateral; {paths:,} price paths, seed {report.seed}.",
        overview=_overview(report),
        sections=pool_sections(report),
        assumptions=pool_assumptions(report),
        origin=f"{routes.sorted_accounts:,} accounts were followed in sorted groups and "
        f"{routes.listed_accounts:,} on a watch list ({routes.idle_accounts:,} owe nothing); "
        f"{percent(routes.checked_share)} of health factors were computed. Both routes are exact.",
    )
    return html_of(document)


def pool_verdict(report: PoolReport) -> Verdict:
    """Return what a bad stretch does to the pool, and who pays."""
    found, tail, span = report.figures, report.tail, report.span
    es, likely = found.es_975, found.any_bad_debt
    chance = f"{percent(likely.value)} of paths ({percent(likely.low)} to {percent(likely.high)})"
    borrowers = (
        f"On those paths {usd(tail.liquidated.value)} USD of collateral is liquidated on average; borrowers "
        f"pay {usd(tail.bonus.value)} USD of it to liquidators and the protocol, beyond their debt."
    )
    if es.value <= 0:
        headline = f"In a bad {span} lenders lose nothing: no path leaves bad debt."
        reasons = [
            f"Bad debt may still be on up to {percent(likely.high)} of paths: that many can be missed."
        ]
        return Verdict(headline, (*reasons, borrowers.replace("those", "the worst 2.5 % of")), None)
    headline = (
        f"In a bad {span} (the worst 1 in 40) this pool is left with {usd(es.value)} USD of bad debt on "
        "average, and lenders pay it."
    )
    reasons = [
        f"{len(report.prices):,} paths say so with a 95 % interval of {usd(es.low)} to {usd(es.high)} USD. "
        f"Bad debt is left on {chance}.",
        borrowers,
        *_drivers(report),
    ]
    return Verdict(headline, tuple(reasons), None)


def _drivers(report: PoolReport) -> list[str]:
    found = []
    top = max(report.tail.assets, key=lambda part: part.bad_debt.value)
    if top.bad_debt.value > 0:
        share = percent(top.bad_debt.value / report.figures.es_975.value)
        found.append(f"{top.asset} as collateral carries the most of it, {share}.")
    if report.tail.accounts:
        most = max(report.tail.accounts, key=lambda part: part.spared.value)
        if most.spared.low > 0:
            found.append(
                f"One account alone, {most.account}, adds {usd(most.spared.value)} USD on those paths."
            )
    return found


def pool_sections(report: PoolReport) -> list[Section]:
    """Return everything below the table, most important first."""
    found = [assets_section(report.tail)]
    if report.tail.accounts:
        found.append(pool_accounts_section(report.tail))
    found.append(pool_ladder_section(report.ladder))
    if report.mechanics:
        found += mechanics_sections(report.mechanics)
    if report.sweep is not None and report.sweep.ends:
        found.append(sweep_section(report.sweep, report.figures.es_975))
    lost = lost_of(report.outcome)
    counts = np.unique(np.geomspace(min(40, lost.size), lost.size, 12).astype(int)).tolist()
    points = [(count, expected_shortfall(lost[:count], 0.975)) for count in counts]
    return [*found, worst_paths_section(report), convergence_section(points)]


def worst_paths_section(report: PoolReport) -> Section:
    """Return the paths with the most bad debt: how far prices fell, and what came of it."""
    outcome, lost = report.outcome, lost_of(report.outcome)
    names = [asset.name for asset in report.terms.assets]
    rows = []
    for path in worst_paths(outcome).paths[:SHOWN_PATHS].tolist():
        prices = report.prices[path]
        falls = 1 - prices.min(axis=0) / prices[0]
        hardest = int(falls.argmax())
        basket = (report.book.collateral.sum(axis=0) * prices).sum(axis=1)
        rows.append(
            (
                str(path),
                percent(float(1 - basket.min() / basket[0])),
                f"{names[hardest]}, {percent(float(falls[hardest]))}",
                f"{int(outcome.liquidations[path]):,}",
                whole(float(outcome.liquidated_value[path])),
                whole(float(lost[path])),
            )
        )
    sentence = (
        f"On the worst path the collateral that the pool starts with loses {rows[0][1]} of its worth at the "
        f"deepest point, {rows[0][4]} USD are liquidated, and {rows[0][5]} USD of bad debt are left."
    )
    head = (
        "path",
        "fall of all collateral",
        "deepest fall",
        "liquidations",
        "liquidated, USD",
        "bad debt, USD",
    )
    return Section("The worst paths", sentence, None, head, rows)


def pool_assumptions(report: PoolReport) -> list[str]:
    """Return what the result rests on, and what is left out, in plain words."""
    return [
        f"Accounts, parameters and depth are those of {report.origin}.",
        "Prices follow GARCH(1,1) with Student-t shocks, joined by one market factor; other price models "
        "are not tried here.",
        "Lenders pay for bad debt, as the pool holds no reserves here; which of them is not told apart.",
        "How borrowers and liquidators behave is assumed, not measured"
        + ("." if report.sweep is not None else "; --sweep puts borrowers' behaviour to both ends."),
        "Intervals are Monte Carlo error only: they do not hold what the assumptions get wrong.",
        *LEFT_OUT,
    ]


def _overview(report: PoolReport) -> Overview:
    figures = report.figures
    rows = [
        ("bad debt on the worst 2.5 % of paths", "ES 97.5, USD", figures.es_975, whole),
        ("chance of bad debt", "P(bad debt)", figures.any_bad_debt, percent),
        ("bad debt exceeded on 5 % of paths", "VaR 95, USD", figures.var_95, whole),
        ("bad debt exceeded on 1 % of paths", "VaR 99, USD", figures.var_99, whole),
        ("liquidated, exceeded on 5 % of paths", "LaR 95, USD", figures.lar_95, whole),
        ("liquidated, exceeded on 1 % of paths", "LaR 99, USD", figures.lar_99, whole),
        ("liquidation calls", "mean count", figures.liquidations, whole),
        ("calls that leave an account less healthy", "toxic calls, mean count", figures.toxic, whole),
        (
            "calls that nobody makes, as they do not pay",
            "passed over, mean count",
            figures.passed_over,
            whole,
        ),
        ("the protocol's liquidation fees", "mean, USD", figures.fees, whole),
        ("interest that borrowers owe", "mean, USD", figures.interest, whole),
    ]
    measures = [Measure(words, term, (cell_of(found, text),)) for words, term, found, text in rows]
    return Overview(
        "The pool in figures",
        f"Over {report.hours:,} hours, each figure with its 95 % Monte Carlo interval.",
        [Column("as given")],
        measures,
        "ES: expected shortfall. VaR: value at risk, here bad debt. LaR: liquidations at risk.",
    )
