"""``tribunate backtest``: strategies over recorded prices."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.epoch import quorum

if TYPE_CHECKING:
    from core.ports import Strategy
    from simulations.backtest.run import BacktestProgress


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
    runs: Annotated[
        Path, typer.Option("--runs", help="Where results are kept; a stopped run goes on there.")
    ] = Path("runs"),
    picture: Annotated[Path | None, typer.Option(help="Write a PNG: each policy's threshold.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Replay every strategy over recorded prices, with the veto's delay, against what the DAO did."""
    from agents.plugins import installed, strategy_factory
    from simulations.backtest.run import BacktestConfig, load_inputs, run_backtest

    first, last = _day(begin, "--from"), _day(end, "--to") + 24 * 3600
    config = BacktestConfig(asset=asset, begin=first, end=last, seed=seed, horizon_hours=horizon)
    if quick:
        config = replace(config, borrowers=300, books=40, paths=200)
    strategies = policies({name: strategy_factory(name) for name in sorted(installed())})
    report = run_backtest(
        config,
        strategies,
        inputs=load_inputs(data, asset),
        store=runs / "backtest",
        progress=_show,
    )
    print("", file=sys.stderr)
    if picture is not None:
        report.save_picture(picture)
    print(json.dumps(json.loads(report.to_json()), indent=2) if as_json else report.render())


def policies(factories: Mapping[str, Callable[[], Strategy]]) -> dict[str, Callable[[], Strategy]]:
    """Return every strategy alone and, from four on, the network of all of them as one more policy."""
    from simulations.backtest.quorum import QuorumPolicy

    found = dict(factories)
    if len(factories) >= 4:
        name = f"network, {quorum(len(factories))} of {len(factories)}"
        found[name] = lambda: QuorumPolicy([make() for make in factories.values()])
    return found


def _day(text: str, option: str) -> int:
    from core.errors import ConfigError

    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
    except ValueError as error:
        raise ConfigError(f"{option} was {text!r}", allowed="a day as YYYY-MM-DD") from error


def _show(progress: BacktestProgress) -> None:
    """Show one changing line on a terminal, and one line per finished policy elsewhere."""
    line = f"{progress.end:<12} {progress.policy:<16} {progress.done:>4}/{progress.total}"
    if sys.stderr.isatty():
        print(f"\r{line:<70}", end="", file=sys.stderr, flush=True)
    elif progress.done == progress.total:
        print(line, file=sys.stderr)
