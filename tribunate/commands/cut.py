"""``tribunate cut``: read, execute and verify emergency cuts."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from tribunate.commands.options import (
    DeploymentFile,
    Json,
    Key,
    Rpc,
    Run,
    Send,
    Yes,
    go_on,
    signer_of,
    target_of,
)

app = typer.Typer(help="Read, execute and verify emergency cuts.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(help="The cut's number, from 1.", min=1)]


@app.command("list", epilog="Example: tribunate cut list --json")
def list_cuts(
    run: Run = None, rpc: Rpc = None, deployment: DeploymentFile = None, as_json: Json = False
) -> None:
    """List every cut, oldest first."""
    from governance.cuts import Cuts
    from tribunate.cut_text import summary_line, summary_record
    from tribunate.served import reach

    with reach(target_of(run, rpc, deployment)) as dao:
        cuts = Cuts(dao.client, dao.deployment)
        rows = [cuts.show(number) for number in range(1, cuts.count() + 1)]
    if as_json:
        print(json.dumps({"cuts": [summary_record(row) for row in rows]}, indent=2))
        return
    for row in rows:
        print(summary_line(row))
    if not rows:
        print("no cuts")


@app.command("show", epilog="Example: tribunate cut show 1")
def show(
    number: Number,
    run: Run = None,
    rpc: Rpc = None,
    deployment: DeploymentFile = None,
    as_json: Json = False,
) -> None:
    """Show what a cut changes, who called for it and who signed it, and when it takes effect."""
    from tribunate.cut_text import cut_record, cut_text, read_cut
    from tribunate.served import reach

    target = target_of(run, rpc, deployment)
    with reach(target) as dao:
        seen = read_cut(dao, number, target.folder())
    print(json.dumps(cut_record(seen), indent=2, sort_keys=True) if as_json else cut_text(seen).rstrip())


@app.command("execute", epilog="Example: tribunate cut execute 1")
def execute(
    number: Number,
    run: Run = None,
    rpc: Rpc = None,
    deployment: DeploymentFile = None,
    key: Key = None,
    yes: Yes = False,
    send: Send = False,
) -> None:
    """Execute a cut an hour after it was announced; anyone may."""
    from governance.client import transaction_hash
    from governance.cuts import Cuts
    from tribunate.served import reach

    target = target_of(run, rpc, deployment)
    signer = signer_of(target, key)
    with reach(target) as dao:
        if not go_on(dao.client.chain_id, f"execute cut {number}", yes=yes, send=send):
            return
        cuts = Cuts(dao.client, dao.deployment)
        receipt = cuts.execute(number, signer)
        print(f"cut {number} is {cuts.state(number)}")
        print(f"transaction {transaction_hash(receipt)}")


@app.command("verify", epilog="Example: tribunate cut verify 1")
def verify(
    number: Number,
    run: Run = None,
    rpc: Rpc = None,
    deployment: DeploymentFile = None,
    as_json: Json = False,
) -> None:
    """Make the evidence behind a cut again; exit 1 and name each part that differs."""
    from tribunate.served import reach
    from tribunate.verify import verification_text, verify_cut

    target = target_of(run, rpc, deployment)
    with reach(target) as dao:
        found = verify_cut(dao, number, target.folder())
    print(json.dumps(found.record(), indent=2) if as_json else verification_text(found))
    raise typer.Exit(0 if found.holds else 1)
