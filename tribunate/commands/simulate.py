"""``tribunate simulate``: what candidate thresholds would do to a market, by Monte Carlo."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tribunate.commands.market_study import (
    AssetOption,
    AssumptionsOption,
    CandidateOption,
    DataOption,
    EngineOption,
    HoursOption,
    HtmlOption,
    KeptRunsOption,
    NowOption,
    PlotlyOption,
    Tail,
    TailOption,
    WorkersOption,
    at_threshold,
    named_vector,
    prices_of,
    standing,
)
from tribunate.commands.runs import RUNS, EngineName, engine_of, say_progress

if TYPE_CHECKING:
    from core.market import Parameters, PriceHistory
    from simulations.candidates.mask import ActionMask, Refused
    from simulations.studies.lending import Candidate, LendingStudy
    from simulations.studies.page import Report

SCENE_PATHS = 2_000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulate", epilog="Example: tribunate simulate --paths 10000 --now 7500 --html report.html")(
        simulate
    )


def simulate(
    now: NowOption = 75_00,
    width: Annotated[int, typer.Option(help="Candidates reach this far on either side, basis points.")] = 50,
    step: Annotated[int, typer.Option(help="Distance of candidates, basis points.", min=1)] = 25,
    candidate: CandidateOption = None,
    epochs: Annotated[int, typer.Option(help="Candidates may take so many epochs to reach.", min=1)] = 1,
    paths: Annotated[int, typer.Option(help="Price paths.", min=1)] = 10_000,
    hours: HoursOption = 24,
    tail: TailOption = Tail.IMPORTANCE,
    assumptions: AssumptionsOption = "fragile",
    elasticity: Annotated[float, typer.Option(help="How far borrowers re-lever, 0 to 1.")] = 0.0,
    data: DataOption = None,
    asset: AssetOption = "ETH",
    seed: Annotated[int, typer.Option(help="Drives book and paths.", min=0)] = 1,
    scene_paths: Annotated[
        int | None, typer.Option(help="Paths of each model and sensitivity; 2,000 for a report, else none.")
    ] = None,
    runs: KeptRunsOption = RUNS,
    engine: EngineOption = EngineName.POOL,
    workers: WorkersOption = None,
    html: HtmlOption = None,
    plotly: PlotlyOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Simulate candidate thresholds on common paths; print tail figures with their intervals."""
    from simulations.candidates.mask import ActionMask
    from simulations.studies.conduct import conduct
    from simulations.studies.figures import figures_record, figures_text, study_figures
    from simulations.studies.lending import LendingStudy
    from simulations.studies.model_error import in_all_scenes
    from simulations.studies.page import Report
    from simulations.studies.plotly_page import require_plotly
    from simulations.studies.scenes import Scene, SceneKind
    from simulations.studies.verdict import verdict_of

    if plotly is not None:
        require_plotly()
    price, terms, missing, history = prices_of(data, asset)
    current = standing(now, price=price)
    asked = [(f"{value / 100:.2f} %", at_threshold(current, value)) for value in _grid(now, width, step)]
    asked += [named_vector(text, current) for text in candidate or ()]
    admitted, refused = masked(asked, ActionMask(current, epochs=epochs))
    study = LendingStudy(
        asset=asset,
        start_price=price,
        prices=terms,
        candidates=admitted,
        scenes=(Scene("base", book=assumptions, elasticity=elasticity),),
        tail=tail.value,
        steps=hours,
        step_seconds=3600,
        paths=paths,
        seed=seed,
        unavailable=missing,
    )
    shown = SCENE_PATHS if html is not None else 0
    study = with_scenes(study, shown if scene_paths is None else scene_paths)
    run = conduct(runs, study.identity(), engine=engine_of(engine, workers), progress=say_progress)
    table = run.table()
    figures = study_figures(study, table)
    verdict = verdict_of(figures, in_all_scenes(study, table, SceneKind.MODEL), base=study.base)
    report = Report(study, table, figures, verdict, run.identity.run_id, run.result_hash(), tuple(refused))
    if html is not None:
        write_report(report, html, history=history)
    if plotly is not None:
        write_plotly(report, plotly)
    if as_json:
        record = {"run": run.identity.run_id, "result": run.result_hash(), "verdict": verdict.headline}
        said = {"refused": refused_record(refused), "candidates": figures_record(figures)}
        print(json.dumps({**record, "study": study.record(), **said}, indent=2))
        return
    say_refused(refused)
    print(f"run {run.name}\n\n{verdict.headline} {verdict.reasons[0]}\n\n{figures_text(study, figures)}")


def write_report(report: Report, path: Path, *, history: PriceHistory | None) -> None:
    """Write the HTML report, with the coverage of the base model on ``history`` (generated without one)."""
    from simulations.runs import write_atomic
    from simulations.studies.page import report_page
    from simulations.studies.walk_forward import generated_history, walk_forward

    seed, hours = report.study.seed, max(1, int(report.study.hours))
    known = generated_history(seed) if history is None else history
    covered = walk_forward(known, hours=hours, seed=seed)
    named = covered if history is not None else replace(covered, source="generated")
    write_atomic(path, report_page(replace(report, coverage=named)).encode())


def write_plotly(report: Report, path: Path) -> None:
    """Write the interactive pictures."""
    from simulations.runs import write_atomic
    from simulations.studies.plotly_page import plotly_page

    write_atomic(path, plotly_page(report.figures, report.cloud).encode())


def refused_record(refused: list[Refused]) -> list[dict[str, object]]:
    """Return what ``--json`` says of the vectors that cannot be reached."""
    return [
        {"parameters": one.parameters.as_dict(), "rule": one.rule, "reason": one.reason} for one in refused
    ]


def say_refused(refused: list[Refused]) -> None:
    """Say on stderr what the guardrails keep out of reach."""
    for one in refused:
        print(f"out of reach: {one.reason}", file=sys.stderr)


def _grid(now: int, width: int, step: int) -> list[int]:
    return [value for value in range(now - width, now + width + 1, step) if value != now] if width else []


def masked(
    asked: list[tuple[str, Parameters]], mask: ActionMask
) -> tuple[tuple[Candidate, ...], list[Refused]]:
    """Return the market as it stands with all that can be reached, and the rest."""
    from simulations.studies.lending import Candidate

    found = [(name, vector, mask.refusal(vector)) for name, vector in asked]
    admitted = [Candidate(name, vector) for name, vector, reason in found if reason is None]
    refused = [reason for _, _, reason in found if reason is not None]
    return (Candidate("now", mask.current), *admitted), refused


def with_scenes(study: LendingStudy, scene_paths: int) -> LendingStudy:
    """Return the study with every scene of a report, or as it is for 0 paths."""
    from simulations.studies.scenes import all_scenes

    if scene_paths == 0:
        return study
    vectors = [candidate.parameters for candidate in study.candidates]
    scenes = all_scenes(study.base, [terms.name for terms in study.prices], vectors)
    return replace(study, scenes=scenes, scene_paths=scene_paths)
