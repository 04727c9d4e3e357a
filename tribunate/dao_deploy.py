"""What ``tribunate dao`` does with a plan, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import ConfigError, GovernanceError
from governance.client import PRIORITY_FEE_WEI, ChainClient, TransactionSigner
from governance.deployment import Deployment, save_deployment
from governance.founding.check import check_deployment
from governance.founding.comparison import Line, differences
from governance.founding.demo import DemoStart
from governance.founding.from_plan import DeploymentPlan, carry, draft, open_journal, total_gas
from governance.founding.voting_power import recent_block_milliseconds
from governance.outbox import Outbox

GWEI = 10**9
COIN = 10**18


@dataclass(frozen=True, slots=True)
class Order:
    """What to deploy, where, with whose key; ``out`` is the record that is left, its journal beside it."""

    client: ChainClient
    deployer: TransactionSigner
    plan: DeploymentPlan
    out: Path

    @property
    def journal_path(self) -> Path:
        """What was sent."""
        return self.out.with_name(self.out.name + ".journal")

    def journal(self) -> Outbox:
        """Open the journal; a new one if there is none."""
        return open_journal(self.client, self.deployer, self.plan, self.journal_path)


def draft_text(order: Order) -> str:
    """Return every transaction that would be sent, and what it would cost; nothing is sent.

    Raises:
        ConfigError: the chain or what must stand there is not as the file says.
    """
    journal = order.journal() if order.journal_path.exists() else None
    site = draft(order.client, order.deployer.address, order.plan, journal=journal)
    if journal is not None:
        journal.close()
    lines = [f"dry run on chain {order.client.chain_id} as {order.deployer.address}: nothing is sent", ""]
    for step in site.steps:
        place = step.to or "a new contract"
        state = f"at most {step.gas:>10,} gas" if step.sent is None else f"sent   {step.sent}"
        lines.append(f"{step.purpose:<58} {place:<42}  {state}")
    gas, price = total_gas(site.steps), gas_price_wei(order.client)
    balance, cost = order.client.balance_wei(order.deployer.address), gas * price
    left = sum(step.sent is None for step in site.steps)
    lines += [
        "",
        f"{left} transactions, at most {gas:,} gas; {cost / COIN:.6f} coin at {price / GWEI:.3f} gwei",
        f"the deployer has {balance / COIN:.6f} coin{'' if balance >= cost else ': TOO LITTLE'}",
        *_block_time(order),
        "pass --send to send them (a local chain needs no --send)",
    ]
    return "\n".join(lines)


def _block_time(order: Order) -> list[str]:
    """Where votes are counted by blocks: whether the file knows how long one takes."""
    told = order.plan.charter.power.block_milliseconds
    if told is None:
        return []
    found = recent_block_milliseconds(order.client)
    return [f"a block has taken {found:,} ms of late; the file says {told:,} (token.block_milliseconds)"]


def gas_price_wei(client: ChainClient) -> int:
    """Return what a unit of gas costs in the newest block, with the tip that is offered."""
    head = client.request("eth_getBlockByNumber", "latest", False)
    return int(head["baseFeePerGas"], 16) + PRIORITY_FEE_WEI


def carry_out(order: Order) -> str:
    """Deploy, and check what stands against the plan; return what to say.

    Raises:
        GovernanceError: others must act first (run again then), or what stands is not what the plan says.
    """
    if not order.out.parent.is_dir():
        raise ConfigError(f"{order.out.parent} is no folder", hint="make it, or choose another --out")
    journal = order.journal()
    try:
        deployment = carry(
            order.client,
            order.deployer,
            order.plan,
            journal=journal,
            save=lambda made: save_deployment(made, order.out),
        )
    finally:
        journal.close()
    lines = check_deployment(order.client, deployment, order.plan)
    wrong = differences(lines)
    if wrong:
        raise GovernanceError(_line_text(wrong[0]), allowed="what the file says", hint="tribunate dao check")
    return _done(order, deployment, lines)


def _done(order: Order, deployment: Deployment, lines: Sequence[Line]) -> str:
    said = [f"{role:<18} {address}" for role, address in deployment.addresses.items()]
    said.append(
        f"sealed: the timelock owns everything; {len(lines)} values equal the file; {order.out} written"
    )
    if not isinstance(order.plan.protocol, DemoStart):
        said.append(f"left to do: {order.plan.protocol.left_to_do}, {deployment.addresses['adapter']}")
    return "\n".join(said)


def _line_text(line: Line) -> str:
    return f"{line.what}: the file says {_shown(line.wanted)}, the chain has {_shown(line.found)}"


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, (list, tuple)):
        return ", ".join(str(part) for part in value) or "none"
    return str(value)


def check_text(lines: Sequence[Line]) -> str:
    """Return each value that differs, and how many were read."""
    wrong = [_line_text(line) for line in lines if not line.holds]
    return "\n".join([*wrong, f"{len(lines) - len(wrong)} of {len(lines)} values equal the file"])


def check_record(lines: Sequence[Line]) -> dict[str, Any]:
    """Return the same as plain types; numbers as text, because some exceed 64 bits."""
    rows = [
        {"what": line.what, "file": _shown(line.wanted), "chain": _shown(line.found), "holds": line.holds}
        for line in lines
    ]
    return {"equal": all(line.holds for line in lines), "values": rows}
