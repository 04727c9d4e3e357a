"""``tribunate guardrails``: who may sign, what bounds each field, what is left of it, and what waits."""

from __future__ import annotations

import json

import typer

from tribunate.commands.options import DeploymentFile, Json, Rpc, Run, target_of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("guardrails", epilog="Example: tribunate guardrails --json")(guardrails)


def guardrails(
    run: Run = None, rpc: Rpc = None, deployment: DeploymentFile = None, as_json: Json = False
) -> None:
    """Show every seat, market, bound, remaining budget, next allowed time, and what is pending."""
    from governance.overview import read_overview
    from tribunate.guardrail_text import overview_record, overview_text
    from tribunate.served import reach

    with reach(target_of(run, rpc, deployment)) as dao:
        seen = read_overview(dao.client, dao.deployment)
    print(json.dumps(overview_record(seen), indent=2) if as_json else overview_text(seen))
