"""``tribunate agent``: run one agent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Run one agent.", no_args_is_help=True)


@app.command("run", epilog="Example: tribunate agent run --config agent.toml")
def run(
    config: Annotated[Path, typer.Option(help="The agent's TOML file (docs/configuration.md).")],
    pipe: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run one agent until it is stopped; it makes its keys on its first start and resumes on the next."""
    from tribunate.agent_process import run_agent
    from tribunate.config import AgentConfig, parse, read_toml

    run_agent(parse(AgentConfig, read_toml(config), source=config.name), pipe)


@app.command("check-message", epilog="Example: tribunate agent check-message message.json")
def check_message(
    message: Annotated[Path, typer.Argument(help="One message as JSON, a line of an event file.")],
    chain_id: Annotated[int | None, typer.Option(help="Chain of the deployment.", min=1)] = None,
    governor: Annotated[str | None, typer.Option(help="The governor's address.")] = None,
) -> None:
    """Say what an agent would make of a peer's message; exit 1 if it would refuse it."""
    from tribunate.peer_message import examine

    print(examine(message, chain_id=chain_id, governor=governor))
