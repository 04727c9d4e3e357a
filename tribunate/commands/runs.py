"""``tribunate runs``: large computations in chunks, listed, shown, compared, gone on with, exported."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from simulations.studies.engines import Engine
    from simulations.studies.store import StoredRun

app = typer.Typer(help="List, show, compare, resume and export runs in chunks.", no_args_is_help=True)

RunsOption = Annotated[Path, typer.Option("--runs", help="Where runs are kept.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]
RunArgument = Annotated[
    str, typer.Argument(help="The first characters of a run's id, as `runs list` shows it.")
]
RUNS = Path("runs/studies")


class EngineName(StrEnum):
    """Where chunks are computed; results are the same."""

    SERIAL = "serial"
    POOL = "pool"
    RAY = "ray"


class FormatName(StrEnum):
    """What a table is written as."""

    CSV = "csv"
    PARQUET = "parquet"
    ARROW = "arrow"


@app.command("list", epilog="Example: tribunate runs list --json")
def list_all(runs: RunsOption = RUNS, as_json: JsonOption = False) -> None:
    """List runs, newest first."""
    from simulations.studies.store import list_runs

    found = list_runs(runs)
    if as_json:
        print(json.dumps([_row(run) for run in found], indent=2))
        return
    for run in found:
        done = f"{len(run.finished)}/{run.identity.chunks}"
        print(f"{run.name}  {done:>9}  seed {run.identity.seed:<8} {run.identity.task}")
    if not found:
        print(f"no runs in {runs}")


@app.command("show", epilog="Example: tribunate runs show 3f9a")
def show(run: RunArgument, runs: RunsOption = RUNS, as_json: JsonOption = False) -> None:
    """Show what a run is, how far it is, and the hash of its result."""
    from simulations.studies.store import find_run

    found = find_run(runs, run)
    record = {**_row(found), "identity": found.identity.record(), "missing": found.missing}
    if as_json:
        print(json.dumps(record, indent=2))
        return
    for name, value in record.items():
        if name != "identity":
            print(f"{name:<12} {value}")
    for name, value in found.identity.record().items():
        print(f"  {name:<14} {json.dumps(value)}")


@app.command("compare", epilog="Example: tribunate runs compare 3f9a 81bc")
def compare(
    first: RunArgument, second: RunArgument, runs: RunsOption = RUNS, as_json: JsonOption = False
) -> None:
    """Show what two runs differ in; exit with 1 if their results differ."""
    from simulations.studies.store import differences, find_run

    mine, theirs = find_run(runs, first), find_run(runs, second)
    changed = differences(mine.identity.record(), theirs.identity.record())
    same = mine.result_hash() == theirs.result_hash()
    if as_json:
        print(json.dumps({"differences": changed, "equal_results": same}, indent=2))
    else:
        for name, (left, right) in changed.items():
            print(f"{name:<30} {left!r} -> {right!r}")
        print("the results are equal" if same else "the results differ")
    raise typer.Exit(0 if same else 1)


@app.command("resume", epilog="Example: tribunate runs resume 3f9a --engine pool --workers 2")
def resume(
    run: RunArgument,
    runs: RunsOption = RUNS,
    engine: Annotated[EngineName, typer.Option(help="Where chunks are computed.")] = EngineName.POOL,
    workers: Annotated[int | None, typer.Option(help="Processes; all cores if left out.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Go on with a run that was stopped; its code and plug-ins must be those that it began with."""
    from simulations.studies.conduct import conduct
    from simulations.studies.identity import require_current
    from simulations.studies.store import find_run

    found = find_run(runs, run)
    require_current(found.identity)
    done = conduct(runs, found.identity, engine=engine_of(engine, workers), progress=say_progress)
    print(json.dumps(_row(done), indent=2) if as_json else f"{done.name} is whole: {done.result_hash()}")


@app.command("export", epilog="Example: tribunate runs export 3f9a --format csv --out rows.csv")
def export(
    run: RunArgument,
    out: Annotated[Path, typer.Option("--out", help="Where rows go; figures stand beside, NAME-figures.")],
    form: Annotated[FormatName, typer.Option("--format", help="csv, parquet or arrow.")] = FormatName.PARQUET,
    runs: RunsOption = RUNS,
    as_json: JsonOption = False,
) -> None:
    """Write a finished run's rows, and its figures, for other programs."""
    from simulations.studies.export import ExportFormat, export_run
    from simulations.studies.store import find_run

    written = export_run(find_run(runs, run), out, ExportFormat(form.value))
    print(json.dumps([str(path) for path in written]) if as_json else "\n".join(map(str, written)))


def engine_of(name: EngineName, workers: int | None) -> Engine:
    """Return the engine of that name; ``workers`` for those that have some."""
    from simulations.studies import engines

    match name:
        case EngineName.SERIAL:
            return engines.SerialEngine()
        case EngineName.POOL:
            return engines.PoolEngine(workers)
        case EngineName.RAY:
            return engines.RayEngine(workers=workers)


def say_progress(finished: int, chunks: int) -> None:
    """Say on stderr how far a run is."""
    print(f"{finished} of {chunks} chunks", file=sys.stderr)


def _row(run: StoredRun) -> dict[str, Any]:
    return {
        "run": run.identity.run_id,
        "task": run.identity.task,
        "seed": run.identity.seed,
        "chunks": run.identity.chunks,
        "finished": len(run.finished),
        "result": run.result_hash() if run.is_whole else None,
    }
