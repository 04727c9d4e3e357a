"""``tribunate simulate``: what candidate thresholds would do to a market, by Monte Carlo."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.units import PRICE_ONE
from tribunate.commands.runs import RUNS, EngineName, engine_of, say_progress

if TYPE_CHECKING:
    from simulations.paths.garch import Garch

DECLARED_DAILY_VOLATILITY = 0.04
HISTORY_SECONDS = 180 * 24 * 3600


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulate", epilog="Example: tribunate simulate --paths 10000 --now 7500")(simulate)


def simulate(
    now: Annotated[int, typer.Option("--now", help="The threshold as it stands, basis points.")] = 75_00,
    width: Annotated[int, typer.Option(help="Candidates reach this far on either side, basis points.")] = 200,
    step: Annotated[int, typer.Option(help="Distance of candidates, basis points.", min=1)] = 50,
    paths: Annotated[int, typer.Option(help="Price paths.", min=1)] = 10_000,
    hours: Annotated[int, typer.Option(help="Horizon.", min=1)] = 24,
    assumptions: Annotated[str, typer.Option(help="The book: fragile or sturdy.")] = "fragile",
    data: Annotated[Path | None, typer.Option(help="Folder with prices: fit volatility there.")] = None,
    asset: Annotated[str, typer.Option(help="ETH, BTC or LINK.")] = "ETH",
    seed: Annotated[int, typer.Option(help="Drives book and paths.", min=0)] = 1,
    runs: Annotated[Path, typer.Option("--runs", help="Where runs are kept; a stopped one goes on.")] = RUNS,
    engine: Annotated[EngineName, typer.Option(help="Where chunks are computed.")] = EngineName.POOL,
    workers: Annotated[int | None, typer.Option(help="Processes; all cores if left out.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the report: one file that opens offline.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Simulate candidate thresholds on common paths; print tail figures with their intervals."""
    from simulations.runs import write_atomic
    from simulations.studies.conduct import conduct
    from simulations.studies.figures import figures_record, figures_text, study_figures
    from simulations.studies.lending import LendingStudy

    price, garch = _fitted(data, asset) if data is not None else _declared()
    study = LendingStudy(
        asset=asset,
        start_price=price,
        garch=garch,
        current_bps=now,
        candidates_bps=tuple(range(now - width, now + width + 1, step)) if width else (now,),
        assumptions=assumptions,
        steps=hours,
        step_seconds=3600,
        paths=paths,
        seed=seed,
    )
    run = conduct(runs, study.identity(), engine=engine_of(engine, workers), progress=say_progress)
    figures = study_figures(study, run.table())
    if html is not None:
        from simulations.studies.page import study_page

        page = study_page(study, figures, run_id=run.identity.run_id, result=run.result_hash())
        write_atomic(html, page.encode())
    if as_json:
        record = {"run": run.identity.run_id, "result": run.result_hash(), "study": study.record()}
        print(json.dumps({**record, "candidates": figures_record(figures)}, indent=2))
        return
    print(f"run {run.name}\n\n{figures_text(study, figures)}")


def _declared() -> tuple[float, Garch]:
    """Return a price and hourly terms of 4 % a day, for a market without a history."""
    from simulations.paths.garch import Garch

    variance = DECLARED_DAILY_VOLATILITY**2 / 24
    return 2_000.0, Garch(omega=variance * 0.02, alpha=0.08, beta=0.90, degrees=4.0)


def _fitted(data: Path, asset: str) -> tuple[float, Garch]:
    """Return the last price, and terms fitted on the 180 days before it."""
    from models.data.archive import load_history
    from simulations.studies.lending import fitted_terms

    history = load_history(data, asset, source="exchange")
    first = int(history.times[-1]) - HISTORY_SECONDS
    recent = replace(
        history,
        times=history.times[history.times >= first],
        closes_e8=history.closes_e8[history.times >= first],
    )
    return float(recent.closes_e8[-1]) / PRICE_ONE, fitted_terms(recent)
