"""``tribunate attack``: try to break it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

attacks = typer.Typer(help="Try to break the network and the market.", no_args_is_help=True)

Seed = Annotated[int, typer.Option(help="Drives the market and every model.", min=0)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object; progress to stderr.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(attacks, name="attack")


@attacks.command("lying-agent", epilog="Example: tribunate attack lying-agent --lie high")
def lying_agent(
    lie: Annotated[str, typer.Option(help="high, low, withhold, forge or equivocate.")] = "high",
    seed: Seed = 7,
    paths: Annotated[int, typer.Option(help="Simulated paths per candidate.", min=100, max=50_000)] = 1_000,
    runs: Annotated[Path, typer.Option("--runs", help="Where run folders are made.", metavar="DIR")] = Path(
        "runs"
    ),
    as_json: Json = False,
) -> None:
    """Seat one liar among four agents in the real network; exit 1 if it gets what it wants."""
    from core.errors import ConfigError
    from tribunate.attack.liar import Lie
    from tribunate.attack.lying_agent import report_text, run_lying_agent
    from tribunate.demo.display import Display

    if lie not in list(Lie):
        raise ConfigError(f"--lie was {lie!r}", allowed=", ".join(Lie), hint="choose one of them")
    display = Display(to_stderr=as_json)
    report = run_lying_agent(Lie(lie), seed=seed, runs=runs, paths=paths, display=display)
    print(json.dumps(report.record(), indent=2) if as_json else report_text(report))
    raise typer.Exit(0 if report.held else 1)


@attacks.command("oracle-spike", epilog="Example: tribunate attack oracle-spike --json")
def oracle_spike(seed: Seed = 7, as_json: Json = False) -> None:
    """Search the cheapest profitable lift of the oracle; exit 1 if one pays against all defences."""
    from simulations.adversary.oracle_spike import search_spikes
    from simulations.demo_market import demo_market

    market = demo_market(seed)
    report = search_spikes(market.snapshot(), market.liquidity)
    print(report.to_json() if as_json else report.render())
    defended = max(report.findings, key=lambda finding: len(finding.defences))
    raise typer.Exit(1 if defended.cheapest is not None else 0)
