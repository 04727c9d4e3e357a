"""``tribunate search``: better parameters inside the guardrails, checked on paths the search has not seen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import ConfigError
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
    named_vector,
    prices_of,
    standing,
)
from tribunate.commands.runs import RUNS, EngineName, engine_of, say_progress
from tribunate.commands.simulate import (
    SCENE_PATHS,
    masked,
    refused_record,
    say_refused,
    with_scenes,
    write_plotly,
    write_report,
)

if TYPE_CHECKING:
    from simulations.candidates.objective import ScoreWeights


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("search", epilog="Example: tribunate search --now 7500 --candidate proposal=7550")(search)


def search(
    now: NowOption = 75_00,
    candidate: CandidateOption = None,
    epochs: Annotated[int, typer.Option(help="Epochs that a candidate may take to reach.", min=1)] = 1,
    weights: Annotated[
        str, typer.Option(help="Of revenue, borrowing power, shortfall, borrowers' harm in the score.")
    ] = "1,1,1,1",
    generations: Annotated[int, typer.Option(help="Of CMA-ES, in each of five directions.", min=1)] = 12,
    population: Annotated[int, typer.Option(help="Vectors in a generation.", min=4)] = 12,
    search_paths: Annotated[int, typer.Option(help="Price paths of each evaluation.", min=1)] = 2_000,
    paths: Annotated[int, typer.Option(help="Fresh price paths that check what was found.", min=1)] = 10_000,
    hours: HoursOption = 24,
    tail: TailOption = Tail.IMPORTANCE,
    assumptions: AssumptionsOption = "fragile",
    elasticity: Annotated[float, typer.Option(help="How far borrowers re-lever, 0 to 1.")] = 1.0,
    data: DataOption = None,
    asset: AssetOption = "ETH",
    seed: Annotated[int, typer.Option(help="Drives book, paths and search.", min=0)] = 1,
    runs: KeptRunsOption = RUNS,
    engine: EngineOption = EngineName.POOL,
    workers: WorkersOption = None,
    html: HtmlOption = None,
    plotly: PlotlyOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Search LTV, threshold, bonus and caps; say "no change" unless fresh paths and all models agree."""
    from simulations.candidates.ascent import require_cmaes
    from simulations.candidates.mask import ActionMask
    from simulations.studies.conduct import conduct
    from simulations.studies.figures import figures_record, figures_text, study_figures
    from simulations.studies.lending import LendingStudy
    from simulations.studies.model_error import in_all_scenes
    from simulations.studies.page import Report
    from simulations.studies.plotly_page import require_plotly
    from simulations.studies.scenes import Scene, SceneKind
    from simulations.studies.search import SearchStudy, confirmation, explored, shortlist
    from simulations.studies.verdict import moves, verdict_of

    require_cmaes()
    if plotly is not None:
        require_plotly()
    price, terms, missing, history = prices_of(data, asset)
    current = standing(now, price=price)
    asked = [named_vector(text, current) for text in candidate or ()]
    admitted, refused = masked(asked, ActionMask(current, epochs=epochs))
    market = LendingStudy(
        asset=asset,
        start_price=price,
        prices=terms,
        candidates=admitted,
        scenes=(Scene("base", book=assumptions, elasticity=elasticity),),
        tail=tail.value,
        steps=hours,
        paths=search_paths,
        seed=seed,
        unavailable=missing,
    )
    study = SearchStudy(market, _weights(weights), epochs, generations, population)
    chosen_engine = engine_of(engine, workers)
    climbed = conduct(runs, study.identity(), engine=chosen_engine, progress=say_progress)
    found = explored(climbed.table())
    check = with_scenes(confirmation(study, shortlist(study, found), paths=paths), SCENE_PATHS)
    run = conduct(runs, check.identity(), engine=chosen_engine, progress=say_progress)
    table = run.table()
    figures = study_figures(check, table, weights=study.weights)
    scenes = in_all_scenes(check, table, SceneKind.MODEL, weights=study.weights)
    verdict = verdict_of(figures, scenes, base=check.base)
    report = Report(
        check,
        table,
        figures,
        verdict,
        run.identity.run_id,
        run.result_hash(),
        tuple(refused),
        study.weights,
        found.outcomes,
    )
    if html is not None:
        write_report(report, html, history=history)
    if plotly is not None:
        write_plotly(report, plotly)
    tried = f"{len(found.vectors)} vectors simulated, {len(found.refused)} refused by the guardrails"
    if as_json:
        record = {
            "search": {"run": climbed.identity.run_id, "result": climbed.result_hash()},
            "run": run.identity.run_id,
            "result": run.result_hash(),
            "verdict": {"headline": verdict.headline, "reasons": verdict.reasons, "chosen": verdict.chosen},
            "simulated": len(found.vectors),
            "refused_in_search": len(found.refused),
            "refused": refused_record(refused),
            "candidates": figures_record(figures),
        }
        print(json.dumps(record, indent=2))
        return
    say_refused(refused)
    reasons = "\n".join(f"  {reason}" for reason in verdict.reasons)
    print(f"{verdict.headline}\n{reasons}\n\nsearch {climbed.name} ({tried}), checked by run {run.name}\n")
    print(figures_text(check, figures))
    for one in figures[1:]:
        print(f"{one.name}: {moves(current, one.parameters)}")


def _weights(text: str) -> ScoreWeights:
    """Return the weights that ``1,1,1,1`` says.

    Raises:
        ConfigError: there are not four numbers.
    """
    from simulations.candidates.objective import ScoreWeights

    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError as problem:
        raise ConfigError(f"weights were {text!r}", allowed="four numbers, such as 1,1,1,1") from problem
    if len(numbers) != 4:
        raise ConfigError(f"weights were {text!r}", allowed="four numbers, such as 1,1,1,1")
    return ScoreWeights(*numbers)
