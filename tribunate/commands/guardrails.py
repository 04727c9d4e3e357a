"""``tribunate guardrails``: who may sign, what bounds each field, what is left of it, and what waits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("guardrails", epilog="Example: tribunate guardrails --json")(guardrails)


def guardrails(
    run: Annotated[Path | None, typer.Option("--run", help="A run folder; the last run by default.")] = None,
    rpc: Annotated[
        str | None, typer.Option("--rpc", help="An Ethereum RPC end point.", metavar="URL")
    ] = None,
    deployment: Annotated[
        Path | None, typer.Option("--deployment", help="deployment.json, with --rpc.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show every seat, market, bound, remaining budget, next allowed time, and what is pending."""
    from governance.overview import read_overview
    from tribunate.guardrail_text import overview_record, overview_text
    from tribunate.served import Target, reach

    with reach(Target(run=run, rpc=rpc, deployment=deployment)) as dao:
        seen = read_overview(dao.client, dao.deployment)
    print(json.dumps(overview_record(seen), indent=2) if as_json else overview_text(seen))
