"""``tribunate demo``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

RunsOption = Annotated[Path, typer.Option("--runs", help="Where run folders are made.", metavar="DIR")]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="Real prices: a folder or one file. Without it the market is generated."),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo", epilog="Example: tribunate demo --seed 7 --events events.ndjson")(demo)


def demo(
    data: DataOption = None,
    seed: Annotated[int, typer.Option(help="Drives the market and every model.", min=0)] = 7,
    events: Annotated[
        Path | None, typer.Option(help="Write the negotiation, message by message, as NDJSON.")
    ] = None,
    epochs: Annotated[
        int, typer.Option(help="How many epochs to run; a first emergency cut is one of them.", min=1, max=4)
    ] = 4,
    paths: Annotated[int, typer.Option(help="Simulated paths per candidate.", min=100, max=50_000)] = 2_000,
    pace: Annotated[
        int,
        typer.Option(
            help="Chain seconds that pass in a second in which all agents are silent.", min=1, max=600
        ),
    ] = 150,
    chat_model: Annotated[
        str,
        typer.Option(help="Writes explanations, e.g. openai:NAME; a template without it."),
    ] = "",
    runs: RunsOption = Path("runs"),
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object; progress to stderr.")
    ] = False,
) -> None:
    """Run the whole loop: a chain, a market, four agents, a proposal, and people with a veto."""
    from tribunate.demo.display import Display
    from tribunate.demo.show import DemoOptions, run_demo

    options = DemoOptions(
        data=data,
        seed=seed,
        events=events,
        epochs=epochs,
        paths=paths,
        pace_seconds=pace,
        chat_model=chat_model,
        runs=runs,
    )
    result = run_demo(options, Display(to_stderr=as_json))
    if as_json:
        print(json.dumps(result, indent=2, sort_keys=True))
