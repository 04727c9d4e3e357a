"""What a study of candidates found, as one HTML file; see ``document.py`` for what all pages share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from simulations.candidates.mask import Refused
from simulations.candidates.objective import Outcome, ScoreWeights
from simulations.statistics.tail import effective_paths
from simulations.studies.attribution import (
    amplification,
    convergence,
    largest_accounts,
    worst_episodes,
)
from simulations.studies.document import Cell, Column, Document, Measure, Overview, cell_of, html_of
from simulations.studies.figures import THIN, CandidateFigures, is_thin, scene_rows, vector_text
from simulations.studies.lending import LendingStudy
from simulations.studies.market_plots import (
    accounts_section,
    amplification_section,
    episodes_section,
    fan_section,
    ladder_section,
)
from simulations.studies.model_error import Spread, in_all_scenes, spreads
from simulations.studies.plots import (
    convergence_section,
    frontier_section,
    shortfall_section,
    tornado_section,
)
from simulations.studies.scenes import SceneKind, bonus_room_bps, swings
from simulations.studies.svg import Section, percent, whole
from simulations.studies.verdict import Verdict, moves
from simulations.studies.walk_forward import WalkForward

MEASURES: tuple[tuple[str, str, str, Callable[[float], str]], ...] = (
    ("liquidated, exceeded on 5 % of paths", "LaR 95, USD", "lar_95", whole),
    ("on 1 % of paths", "LaR 99, USD", "lar_99", whole),
    ("bad debt exceeded on 5 % of paths", "VaR 95, USD", "var_95", whole),
    ("on 1 % of paths", "VaR 99, USD", "var_99", whole),
    ("bad debt on the worst 2.5 % of paths", "ES 97.5, USD", "es_975", whole),
    ("chance of bad debt", "P(bad debt)", "any_bad_debt", percent),
    ("chance that reserves do not cover it", "P(beyond reserves)", "beyond_reserves", percent),
    ("the protocol earns", "revenue, USD", "revenue", whole),
    ("liquidations cost borrowers", "harm, USD", "harm", whole),
)
"""A row in plain words, the field's term and unit, the figure's name, how it is written."""


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """Everything that a page says, apart from its pictures."""

    study: LendingStudy
    table: pa.Table
    figures: tuple[CandidateFigures, ...]
    verdict: Verdict
    run_id: str
    result: str
    refused: tuple[Refused, ...] = ()
    weights: ScoreWeights = field(default_factory=ScoreWeights)
    cloud: tuple[Outcome, ...] = ()
    coverage: WalkForward | None = None


def report_page(report: Report) -> str:
    """Return the whole report of a finished study."""
    study = report.study
    document = Document(
        title=f"{study.asset}: parameters over {study.hours:g} hours",
        verdict=report.verdict,
        summary=f"{study.paths:,} price paths; {study.borrowers:,} borrowers owe {study.debt_usd:,} USD; "
        f"reserves of {study.reserves_usd:,.0f} USD; seed {study.seed}.",
        overview=overview(report.figures),
        sections=sections(report),
        assumptions=assumptions(report),
        origin=f"Run {report.run_id}, result {report.result}.",
    )
    return html_of(document)


def overview(figures: Sequence[CandidateFigures]) -> Overview:
    """Return the first table: a column for each candidate."""
    columns = [Column(f.name, vector_text(f.parameters), is_current=f is figures[0]) for f in figures]
    rows = [
        Measure(words, term, tuple(cell_of(getattr(found, name), text) for found in figures))
        for words, term, name, text in MEASURES
    ]
    power = tuple(Cell(whole(found.borrowing_power)) for found in figures)
    rows.insert(-1, Measure("borrowers may owe up to", "borrowing power, USD", power))
    scores = [replace(cell_of(f.score, "{:+.3f}".format), value=f"{f.score.value:+.3f}") for f in figures]
    rows.append(Measure("score against now", "all of it in one number", (Cell("0"), *scores[1:])))
    said = (Cell("as it stands"), *(Cell(found.verdict) for found in figures[1:]))
    rows.append(Measure("by that score", "under the main assumptions", said))
    sentence = (
        "Over the horizon, each figure with its 95 % Monte Carlo interval. All candidates meet the same "
        "paths; the intervals of the scores hold for all candidates together. Under each name stand LTV / "
        "threshold / bonus."
    )
    note = "LaR: liquidations at risk. VaR: value at risk, here bad debt. ES: expected shortfall."
    return Overview("Candidates", sentence, columns, rows, note)


def sections(report: Report) -> list[Section]:
    """Return everything below the table, most important first."""
    study, table, figures = report.study, report.table, report.figures
    episodes = worst_episodes(study, table)
    found = [shortfall_section(study, figures), changes_section(figures)]
    found += _model_error(report)
    found += [frontier_section(figures, report.cloud), ladder_section(study), fan_section(study, episodes)]
    found += [episodes_section(episodes)]
    amplified = amplification(study, table)
    if amplified is not None:
        found.append(amplification_section(amplified))
    found.append(accounts_section(largest_accounts(study)))
    moved = in_all_scenes(study, table, SceneKind.SENSITIVITY)
    if moved:
        vectors = [one.parameters for one in study.candidates]
        bars = swings(study.base, bonus_bps=bonus_room_bps(vectors))
        found.append(tornado_section(figures[0], bars, moved))
    found.append(convergence_section(convergence(scene_rows(study, table, study.base))))
    if report.coverage is not None:
        found.append(coverage_section(report.coverage))
    if report.refused:
        found.append(refused_section(report.refused))
    return found


def changes_section(figures: Sequence[CandidateFigures]) -> Section:
    """Return what each candidate changes, in words."""
    now = figures[0].parameters
    rows = [(found.name, moves(now, found.parameters), found.verdict) for found in figures[1:]]
    sentence = "What each candidate would change; caps in whole coins and whole dollars."
    return Section(
        "The candidates in words",
        sentence,
        None,
        ("candidate", "changes", "under the main assumptions"),
        rows,
    )


def coverage_section(found: WalkForward) -> Section:
    """Return the coverage table of the base path model, with the power of its tests."""
    rows = []
    for one in found.rows:
        seen = one.coverage
        rows.append(
            (
                f"VaR {one.level:.0%}",
                str(seen.periods),
                str(seen.exceedances),
                f"{seen.expected:.1f}",
                f"{seen.kupiec.p_value:.3f}",
                f"{seen.power:.2f}",
                f"{seen.independence.p_value:.3f}",
                f"{seen.conditional.p_value:.3f}",
                seen.light,
            )
        )
    tests = ("p, rate", "power against twice the rate", "p, independence", "p, both", "Basel zone")
    head = ("claim", "windows", "exceeded", "expected", *tests)
    failed = [row[0] for row, one in zip(rows, found.rows, strict=True) if one.coverage.kupiec.is_rejected]
    said = f"rejected at 5 %: {', '.join(failed)}" if failed else "no claim is rejected at 5 %"
    sentence = (
        f"Falls over {found.hours} h on {found.windows} windows of {found.source} prices, forecast with what "
        f"was known before each: {said}. Power is how often the test would notice twice the claimed rate; "
        "where it is low, a test that does not reject says little."
    )
    return Section("Was the price model right before?", sentence, None, head, rows)


def refused_section(refused: Sequence[Refused]) -> Section:
    """Return what the guardrails keep out of reach, and why."""
    rows = [(vector_text(one.parameters), one.rule, one.reason) for one in refused]
    sentence = "These were asked for and not simulated: the contracts would refuse them now."
    return Section("Out of reach", sentence, None, ("LTV / threshold / bonus", "rule", "why"), rows)


def assumptions(report: Report) -> list[str]:
    """Return what the result rests on, in plain words."""
    study, scene = report.study, report.study.base
    return [
        "Base prices follow GARCH(1,1) with Student-t shocks; one asset, and a debt asset worth a dollar.",
        f"The book is synthetic ({scene.book}): lognormal debts; health, depth and utilisation are assumed.",
        f"Borrowers go {scene.elasticity:.0%} of the way to the leverage that a candidate allows.",
        "Nobody tops up, repays or leaves while prices fall.",
        "Liquidators act at every step and stop when slippage has eaten the bonus; gas costs nothing.",
        "The oracle says the path's price at once.",
        "Revenue is 10 % of interest and 10 % of the bonus (Aave V3's reserve factor and protocol fee).",
        "Harm is the bonus that borrowers pay, and the rebound of the coins that were sold, no further than "
        "the price at the start.",
        "The score adds relative changes: "
        f"{report.weights.revenue:g} x revenue + {report.weights.power:g} x borrowing power "
        f"- {report.weights.shortfall:g} x shortfall - {report.weights.harm:g} x harm.",
        "Intervals are Monte Carlo error only; model error has its own table.",
        *_tail_lines(report),
        *(f"The path model {one.name} could not be had: {one.reason}." for one in study.unavailable),
    ]


def _tail_lines(report: Report) -> list[str]:
    weights = scene_rows(report.study, report.table, report.study.base).weights
    if weights is None:
        return [THIN] if is_thin(report.study, report.figures[0]) else []
    return [
        "Every other path is drawn further down and counts less (importance sampling): the paths are worth "
        f"{effective_paths(weights):,.0f} plain ones for an average, and more for the tail. Filtered "
        "history (fhs) has no factor to move: its far tail rests on plain paths."
    ]


def _model_error(report: Report) -> list[Section]:
    scenes = in_all_scenes(report.study, report.table, SceneKind.MODEL, weights=report.weights)
    if not scenes:
        return []
    found = spreads(report.figures, scenes)
    ends = found[0]
    sentence = (
        f"Under the market as it stands ES 97.5 goes from {whole(ends.low)} ({ends.mildest}) to "
        f"{whole(ends.high)} USD ({ends.worst}) over {len(scenes)} combinations of path model, book and "
        "reaction of borrowers. More paths narrow the Monte Carlo interval, not this."
    )
    head = (
        "candidate",
        "Monte Carlo low",
        "ES 97.5",
        "high",
        "models: lowest",
        "highest",
        "verdict of models",
    )
    rows = [(*_spread_row(one)[:-1], "" if one is ends else _spread_row(one)[-1]) for one in found]
    table = Section("Model error and Monte Carlo error", sentence, None, head, rows)
    by_scene = [
        (
            one.scene.name,
            whole(one.figures[0].es_975.value),
            *(f"{whole(f.es_975.value)} ({f.verdict})" for f in one.figures[1:]),
        )
        for one in scenes
    ]
    names = ("model, book, borrowers", *(one.name for one in report.figures))
    detail = Section(
        "Every model by itself",
        "ES 97.5 of bad debt, USD, and each model's own verdict.",
        None,
        names,
        by_scene,
    )
    return [table, detail]


def _spread_row(spread: Spread) -> tuple[str, ...]:
    es = spread.monte_carlo
    counted = {said: spread.verdicts.count(said) for said in ("better", "no change", "worse")}
    votes = ", ".join(f"{count} {said}" for said, count in counted.items() if count)
    return (
        spread.name,
        whole(es.low),
        whole(es.value),
        whole(es.high),
        f"{whole(spread.low)} ({spread.mildest})",
        f"{whole(spread.high)} ({spread.worst})",
        votes,
    )
