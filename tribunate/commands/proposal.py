"""``tribunate proposal``: read, veto, carry, verify."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.proposal import VetoReason
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

if TYPE_CHECKING:
    from tribunate.served import Target

app = typer.Typer(help="Read, veto, carry and verify proposals.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(help="The proposal's number, from 1.", min=1)]


@app.command("list", epilog="Example: tribunate proposal list --json")
def list_proposals(
    run: Run = None, rpc: Rpc = None, deployment: DeploymentFile = None, as_json: Json = False
) -> None:
    """List every proposal, oldest first."""
    from governance.proposals import Proposals
    from tribunate.proposal_text import summary_line, summary_record
    from tribunate.served import reach

    with reach(target_of(run, rpc, deployment)) as dao:
        rows = Proposals(dao.client, dao.deployment).list_proposals()
    if as_json:
        print(json.dumps({"proposals": [summary_record(row) for row in rows]}, indent=2))
        return
    for row in rows:
        print(summary_line(row))
    if not rows:
        print("no proposals")


@app.command("show", epilog="Example: tribunate proposal show 1")
def show(
    number: Number,
    run: Run = None,
    rpc: Rpc = None,
    deployment: DeploymentFile = None,
    as_json: Json = False,
    raw: Annotated[bool, typer.Option("--raw", help="Show the call's bytes too.")] = False,
) -> None:
    """Show what a proposal changes, whom it affects, who signed it, and how to check it."""
    from tribunate.proposal_text import proposal_record, proposal_text, read_proposal
    from tribunate.served import reach

    target = target_of(run, rpc, deployment)
    with reach(target) as dao:
        seen = read_proposal(dao, number, target.folder())
    if as_json:
        print(json.dumps(proposal_record(seen), indent=2, sort_keys=True))
    else:
        print(proposal_text(seen, with_call_data=raw), end="")


@app.command("veto", epilog='Example: tribunate proposal veto 2 --code too-risky --reason "supply is thin"')
def veto(
    number: Number,
    run: Run = None,
    rpc: Rpc = None,
    deployment: DeploymentFile = None,
    key: Key = None,
    code: Annotated[VetoReason, typer.Option(help="Why, in a word that can be counted.")] = (
        VetoReason.UNSPECIFIED
    ),
    reason: Annotated[str, typer.Option(help="Why, in your words; published with the vote.")] = "",
    yes: Yes = False,
    send: Send = False,
) -> None:
    """Vote against a proposal with all of a holder's votes; it dies when the threshold is crossed."""
    from governance.client import transaction_hash
    from governance.proposals import Proposals
    from tribunate.served import reach

    target = target_of(run, rpc, deployment)
    signer = signer_of(target, key)
    with reach(target) as dao:
        proposals = Proposals(dao.client, dao.deployment)
        state = proposals.state(number)
        print(f"proposal {number} is {state}; holder {signer.address}")
        if not go_on(dao.client.chain_id, f"veto proposal {number}", yes=yes, send=send):
            return
        receipt = proposals.veto(number, signer, code=code, reason=reason)
        view = proposals.show(number)
        share = (
            f"{view.votes_against / view.veto_threshold:.2f} of the threshold" if view.veto_threshold else ""
        )
        print(f"holder {signer.address} vetoed: proposal {number} is {view.state}, {share}")
        print(f"transaction {transaction_hash(receipt)}")


@app.command("queue", epilog="Example: tribunate proposal queue 1")
def queue(
    number: Number,
    run: Run = None,
    rpc: Rpc = None,
    deployment: DeploymentFile = None,
    key: Key = None,
    yes: Yes = False,
    send: Send = False,
) -> None:
    """Start the timelock of a proposal that nobody vetoed; anyone may."""
    _carry("queue", number, target_of(run, rpc, deployment), key=key, yes=yes, send=send)


@app.command("execute", epilog="Example: tribunate proposal execute 1")
def execute(
    number: Number,
    run: Run = None,
    rpc: Rpc = None,
    deployment: DeploymentFile = None,
    key: Key = None,
    yes: Yes = False,
    send: Send = False,
) -> None:
    """Execute a queued proposal after its timelock; anyone may, and every guardrail is checked again."""
    _carry("execute", number, target_of(run, rpc, deployment), key=key, yes=yes, send=send)


@app.command("step", epilog="Example: tribunate proposal step 3")
def step(
    number: Number,
    run: Run = None,
    rpc: Rpc = None,
    deployment: DeploymentFile = None,
    key: Key = None,
    yes: Yes = False,
    send: Send = False,
) -> None:
    """Take the next step of the ramp that an executed proposal has armed; anyone may, once a day."""
    from governance.client import transaction_hash
    from governance.proposals import Proposals
    from tribunate.served import reach

    target = target_of(run, rpc, deployment)
    signer = signer_of(target, key)
    with reach(target) as dao:
        proposals = Proposals(dao.client, dao.deployment)
        proposals.governor_id(number)
        if not go_on(dao.client.chain_id, f"step down the ramp of proposal {number}", yes=yes, send=send):
            return
        receipt = dao.client.send(signer, proposals.ramp_step_call(number))
        ramp = proposals.ramp(number)
        taken = 0 if ramp is None else len(ramp.steps)
        print(f"proposal {number} has taken {taken} steps")
        print(f"transaction {transaction_hash(receipt)}")


@app.command("verify", epilog="Example: tribunate proposal verify 1")
def verify(
    number: Number,
    run: Run = None,
    rpc: Rpc = None,
    deployment: DeploymentFile = None,
    as_json: Json = False,
) -> None:
    """Make the evidence behind a proposal again; exit 1 and name each part that differs."""
    from tribunate.served import reach
    from tribunate.verify import verification_text, verify_proposal

    target = target_of(run, rpc, deployment)
    with reach(target) as dao:
        found = verify_proposal(dao, number, target.folder())
    print(json.dumps(found.record(), indent=2) if as_json else verification_text(found))
    raise typer.Exit(0 if found.holds else 1)


def _carry(act: str, number: int, target: Target, *, key: Path | None, yes: bool, send: bool) -> None:
    from governance.client import transaction_hash
    from governance.proposals import Proposals
    from tribunate.served import reach

    signer = signer_of(target, key)
    with reach(target) as dao:
        if not go_on(dao.client.chain_id, f"{act} proposal {number}", yes=yes, send=send):
            return
        proposals = Proposals(dao.client, dao.deployment)
        receipt = proposals.queue(number, signer) if act == "queue" else proposals.execute(number, signer)
        print(f"proposal {number} is {proposals.state(number)}")
        print(f"transaction {transaction_hash(receipt)}")
