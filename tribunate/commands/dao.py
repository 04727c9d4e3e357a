"""``tribunate dao``: deploy a DAO from a file, and check one against its file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tribunate.commands.options import Json, Send, may_send

app = typer.Typer(help="Deploy a DAO from a file, and check one against it.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="What is to stand: see deploy/local.toml.", metavar="FILE")]
Rpc = Annotated[str, typer.Option("--rpc", help="An Ethereum RPC end point.", metavar="URL")]


@app.command("deploy", epilog="Example: tribunate dao deploy deploy/local.toml --rpc URL --key deployer.json")
def deploy(
    file: File,
    rpc: Rpc,
    key: Annotated[Path, typer.Option("--key", help="Keystore v3 file, passphrase beside it.")],
    out: Annotated[Path, typer.Option("--out", help="The record that is left.")] = Path("deployment.json"),
    send: Send = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Send nothing, on a local chain either.")
    ] = False,
) -> None:
    """Deploy what the file says; a run that was cut goes on where it stopped."""
    from governance.client import ChainClient
    from governance.keys import load_keystore
    from tribunate.dao_deploy import Order, carry_out, draft_text
    from tribunate.dao_plan import read_plan

    plan = read_plan(file)
    order = Order(ChainClient(rpc), load_keystore(key.parent, key.stem), plan, out)
    if dry_run or not may_send(order.client.chain_id, send=send):
        print(draft_text(order))
        return
    print(carry_out(order))


@app.command("check", epilog="Example: tribunate dao check FILE --rpc URL --deployment deployment.json")
def check(
    file: File,
    rpc: Rpc,
    deployment: Annotated[Path, typer.Option("--deployment", help="The record of the deployment.")],
    as_json: Json = False,
) -> None:
    """Read everything back from the chain; exit 1 and name each value that differs from the file."""
    from governance.client import ChainClient
    from governance.deployment import load_deployment
    from governance.founding.check import check_deployment, check_powers
    from tribunate.dao_deploy import check_record, check_text
    from tribunate.dao_plan import read_plan

    plan = read_plan(file)
    where = ChainClient(rpc), load_deployment(deployment), plan
    lines = check_deployment(*where)
    if all(line.holds for line in lines):
        lines += check_powers(*where)
    print(json.dumps(check_record(lines), indent=2) if as_json else check_text(lines))
    raise typer.Exit(0 if all(line.holds for line in lines) else 1)
