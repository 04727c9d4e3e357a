"""``tribunate strategy``: what can judge, and whether it keeps the contract."""

from __future__ import annotations

import json
from typing import Annotated

import typer

app = typer.Typer(help="List and check strategies.", no_args_is_help=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("list", epilog="Example: tribunate strategy list --json")
def list_strategies(as_json: JsonOption = False) -> None:
    """List the installed strategies without loading them."""
    from agents.plugins import installed

    rows = {name: entry.value for name, entry in sorted(installed().items())}
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    for name, value in rows.items():
        print(f"{name:<18} {value}")


@app.command("check", epilog="Example: tribunate strategy check my-strategy")
def check(
    name: Annotated[str, typer.Argument(help="A name that `strategy list` shows.")],
    as_json: JsonOption = False,
) -> None:
    """Run the conformance checks that every strategy must pass, built-in or not."""
    from agents.plugins import strategy_factory
    from tribunate.testing import check_strategy

    failed: dict[str, str] = {}
    factory = strategy_factory(name)
    for title, run in check_strategy(factory):
        try:
            run()
        except Exception as error:  # a third party's code may raise anything
            failed[title] = f"{type(error).__name__}: {error}"
        if not as_json:
            print(f"{'failed' if title in failed else 'ok':<7} {title}   {failed.get(title, '')}".rstrip())
    if as_json:
        print(json.dumps({"strategy": name, "failed": failed}, indent=2))
    raise typer.Exit(1 if failed else 0)
