"""``tribunate run``, ``data`` and ``doctor``: judge, check data, check the installation."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from core.ports import TrainingProgress

data_app = typer.Typer(help="Check price files.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("run", epilog="Example: tribunate run --strategy garch-stress --json")(run)
    app.command("doctor", epilog="Example: tribunate doctor")(doctor)
    app.add_typer(data_app, name="data")


def run(
    strategy: Annotated[str, typer.Option(help="A name that `strategy list` shows.")] = "garch-stress",
    data: Annotated[
        Path | None, typer.Option(help="Real prices; without it the market is generated.")
    ] = None,
    source: Annotated[str, typer.Option(help="exchange or oracle.")] = "exchange",
    seed: Annotated[int, typer.Option(help="Drives the market and the simulation.", min=0)] = 7,
    paths: Annotated[int, typer.Option(help="Simulated paths per candidate.", min=100, max=50_000)] = 2_000,
    picture: Annotated[Path | None, typer.Option(help="Write a PNG: shortfall by value, forecast.")] = None,
    as_json: Json = False,
) -> None:
    """Judge one market with one strategy: from data to a recommendation, without a chain."""
    from simulations.report import save_picture, text_report
    from tribunate.judgement import judge_market

    found = judge_market(strategy, data=data, source=source, seed=seed, paths=paths, report=_show_training)
    if picture is not None:
        save_picture(picture, found.observation, found.recommendation)
    if as_json:
        print(json.dumps(found.record(), indent=2, sort_keys=True))
        return
    print(text_report(strategy, found.observation, found.recommendation), end="")
    print(found.explanation)


def _show_training(progress: TrainingProgress) -> None:
    if progress.epochs == 1:
        return
    losses = f"train {progress.train_loss:.4f}  validation {progress.validation_loss:.4f}"
    print(f"{progress.model}  epoch {progress.epoch:>3}/{progress.epochs}  {losses}", file=sys.stderr)


@data_app.command("check", epilog="Example: tribunate data check prices.csv --assume-utc")
def check(
    path: Annotated[Path, typer.Argument(help="A price file, or a folder of known files.")],
    asset: Annotated[str, typer.Option(help="Which asset.")] = "WETH",
    source: Annotated[str, typer.Option(help="exchange or oracle.")] = "exchange",
    assume_utc: Annotated[
        bool, typer.Option("--assume-utc", help="Read naive times as UTC closes (no source.toml).")
    ] = False,
    as_json: Json = False,
) -> None:
    """Read prices through their declared profile; say how many bars, which gaps, which hash."""
    from models.data.archive import load_history
    from models.data.prices import gaps_of
    from models.data.snapshots import data_root

    history = load_history(path, asset, source=source, assume_utc=assume_utc)
    gaps = gaps_of(history)
    record = {
        "asset": history.asset,
        "source": history.source,
        "bars": len(history),
        "first_close": int(history.times[0]),
        "last_close": history.last_time,
        "gaps": len(gaps),
        "missing_bars": sum(gap.missing_bars for gap in gaps),
        "data_root": data_root(history).hex(),
    }
    print(json.dumps(record, indent=2) if as_json else "\n".join(f"{k:<14} {v}" for k, v in record.items()))


def doctor(as_json: Json = False) -> None:
    """Check the installation: packages, strategies, artifacts, a chain in memory."""
    from tribunate.doctor import examine

    rows = examine()
    if as_json:
        print(json.dumps([{"check": r.name, "ok": r.ok, "found": r.found} for r in rows], indent=2))
    else:
        for row in rows:
            print(f"{'ok' if row.ok else 'FAILED':<7} {row.name:<22} {row.found}")
    raise typer.Exit(0 if all(row.ok for row in rows) else 1)
