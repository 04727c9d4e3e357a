"""``tribunate backtest``: strategies over recorded prices."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from simulations.backtest.settings import BacktestProgress


def register(app: typer.Typer) -> None:
    """Add the command."""
    example = "Example: tribunate backtest --data PATH --asset ETH --from 2020-01-01 --to 2023-12-31"
    app.command("backtest", epilog=example)(backtest)


def backtest(
    data: Annotated[Path, typer.Option(help="Folder with prices, liquidations and parameter history.")],
    asset: Annotated[str, typer.Option(help="ETH, BTC or LINK.")] = "ETH",
    begin: Annotated[str, typer.Option("--from", help="First day, UTC.", metavar="DATE")] = "2020-01-01",
    end: Annotated[str, typer.Option("--to", help="Last day, UTC.", metavar="DATE")] = "2023-12-31",
    seed: Annotated[int, typer.Option(help="Drives books and paths.", min=0)] = 1,
    horizon: Annotated[
        int,
        typer.Option(help="Hours a decision must hold: 168 to the next one; the mandate says 24."),
    ] = 168,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer borrowers, books and paths.")] = False,
    calibrate: Annotated[
        bool,
        typer.Option("--calibrate", help="Only compare simulated liquidations with those that happened."),
    ] = False,
    runs: Annotated[
        Path, typer.Option("--runs", help="Where results are kept; a stopped run goes on there.")
    ] = Path("runs"),
    html: Annotated[Path | None, typer.Option(help="Write one page that opens offline.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Replay every strategy over recorded prices, veto delay inside, against rivals and what the DAO did."""
    from agents.plugins import installed, strategy_factory
    from simulations.backtest.conduct import run_backtest
    from simulations.backtest.page import backtest_page
    from simulations.backtest.settings import BacktestConfig, load_inputs
    from simulations.backtest.trials import load_trials
    from simulations.runs import write_atomic

    if calibrate:
        _calibrate(data, asset, seed=seed, as_json=as_json)
        return
    first, last = _day(begin, "--from"), _day(end, "--to") + 24 * 3600
    config = BacktestConfig(
        asset=asset, begin=first, end=last, seed=seed, horizon_hours=horizon, trials=load_trials()
    )
    if quick:
        config = replace(config, borrowers=300, books=40, paths=200)
    report = run_backtest(
        config,
        {name: strategy_factory(name) for name in sorted(installed())},
        inputs=load_inputs(data, asset),
        store=runs / "backtest",
        progress=_show,
    )
    print("", file=sys.stderr)
    if html is not None:
        write_atomic(html, backtest_page(report).encode())
    print(json.dumps(json.loads(report.to_json()), indent=2) if as_json else report.render())


def _calibrate(data: Path, asset: str, *, seed: int, as_json: bool) -> None:
    from simulations.backtest.calibration import CalibrationTerms, calibrate, calibration_text
    from simulations.backtest.settings import load_inputs

    found = calibrate(load_inputs(data, asset), CalibrationTerms(seed=seed))
    print(json.dumps(asdict(found), indent=2) if as_json else "\n".join(calibration_text(found)))


def _day(text: str, option: str) -> int:
    from core.errors import ConfigError

    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
    except ValueError as error:
        raise ConfigError(f"{option} was {text!r}", allowed="a day as YYYY-MM-DD") from error


def _show(progress: BacktestProgress) -> None:
    """Show one changing line on a terminal, and one line per finished policy elsewhere."""
    line = f"{progress.end:<8} {progress.policy:<45} {progress.done:>4}/{progress.total}"
    if sys.stderr.isatty():
        print(f"\r{line:<75}", end="", file=sys.stderr, flush=True)
    elif progress.done == progress.total:
        print(line, file=sys.stderr)
