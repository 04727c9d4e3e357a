"""One HTML file that says what a study found; it opens offline and loads nothing.

The verdict first, then the table, then sections: a sentence that says what to see, a picture as inline SVG,
and the table of its numbers.  Sections by asset belong after "Largest accounts".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from jinja2 import Environment, PackageLoader, StrictUndefined

from simulations.candidates.mask import Refused
from simulations.candidates.objective import Outcome, ScoreWeights
from simulations.statistics.tail import Estimate, effective_paths
from simulations.studies.attribution import (
    amplification,
    convergence,
    largest_accounts,
    worst_episodes,
)
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

HEAD = (
    "candidate",
    "LaR 95",
    "LaR 99",
    "VaR 95",
    "VaR 99",
    "ES 97.5",
    "P(bad debt)",
    "P(beyond reserves)",
    "revenue",
    "borrowing power",
    "borrowers' harm",
    "score against now",
)


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
    environment = Environment(
        loader=PackageLoader("simulations.studies", "."), autoescape=True, undefined=StrictUndefined
    )
    study = report.study
    return environment.get_template("report.html.j2").render(
        title=f"{study.asset}: parameters over {study.hours:g} hours",
        verdict=report.verdict,
        summary=f"{study.paths:,} price paths; {study.borrowers:,} borrowers owe {study.debt_usd:,} USD; "
        f"reserves of {study.reserves_usd:,.0f} USD; seed {study.seed}.",
        head=HEAD,
        rows=[_row(found, is_current=place == 0) for place, found in enumerate(report.figures)],
        sections=sections(report),
        assumptions=assumptions(report),
        run_id=report.run_id,
        result=report.result,
    )


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
    return Section("The candidates in words", sentence, None, ("candidate", "changes", "verdict"), rows)


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
        "Harm is the bonus that borrowers pay, and the rebound of the coins that were sold.",
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
        (one.scene.name, *(f"{whole(f.es_975.value)} ({f.verdict})" for f in one.figures)) for one in scenes
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


def _row(found: CandidateFigures, *, is_current: bool) -> dict[str, Any]:
    dollars = (found.lar_95, found.lar_99, found.var_95, found.var_99, found.es_975)
    cells = [_cell(figure, whole) for figure in dollars]
    cells += [_cell(figure, percent) for figure in (found.any_bad_debt, found.beyond_reserves)]
    cells += [_cell(found.revenue, whole), {"value": whole(found.borrowing_power), "interval": ""}]
    cells += [_cell(found.harm, whole)]
    verdict = {"value": "now", "interval": ""} if is_current else _cell(found.score, "{:+.3f}".format)
    if not is_current:
        verdict["value"] = f"{found.verdict} {verdict['value']}"
    name = {"value": found.name, "interval": vector_text(found.parameters)}
    return {"name": name, "cells": [*cells, verdict], "is_current": is_current}


def _cell(figure: Estimate, text: Callable[[float], str]) -> dict[str, str]:
    return {"value": text(figure.value), "interval": f"{text(figure.low)} to {text(figure.high)}"}
