"""Proposals as the governor's events tell them: numbers, calls, and the transactions that moved them.

What a proposal would call is not stored on chain: it is read from OpenZeppelin's ``ProposalCreated``, and
handed back to ``queue``, ``execute`` and ``cancel``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from web3.contract.contract import Contract

from core.errors import GovernanceError
from governance.client import transaction_hash

ACTS = (
    ("Vetoed", "vetoed"),
    ("ProposalQueued", "queued"),
    ("ProposalExecuted", "executed"),
    ("ProposalCanceled", "canceled"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """How a proposal came in: its number from 1, OpenZeppelin's id, the digest that was signed."""

    number: int
    governor_id: int
    digest: bytes
    block: int
    transaction: str


@dataclass(frozen=True, slots=True)
class Action:
    """The arguments of OpenZeppelin's ``queue``, ``execute`` and ``cancel``."""

    targets: tuple[str, ...]
    values: tuple[int, ...]
    calldatas: tuple[bytes, ...]
    description: str


class ProposalLog:
    """Events of one governor; each method asks the node once, unless it says otherwise.

    Args:
        governor: A ``ParameterGovernor``.
        first_block: Where the deployment begins.
    """

    def __init__(self, governor: Contract, first_block: int) -> None:
        self._governor = governor
        self._first_block = first_block

    def entries(self) -> tuple[Entry, ...]:
        """Return every proposal's entry, oldest first."""
        logs = self._governor.events.UpdateProposed().get_logs(from_block=self._first_block)
        return tuple(_entry(number, log) for number, log in enumerate(logs, 1))

    def entry(self, number: int) -> Entry:
        """Return the entry of proposal N.

        Raises:
            GovernanceError: there is none.
        """
        entries = self.entries()
        if not 1 <= number <= len(entries):
            allowed = f"1 to {len(entries)}" if entries else "none yet"
            raise GovernanceError(f"there is no proposal {number}", allowed=allowed)
        return entries[number - 1]

    def action(self, entry: Entry) -> Action:
        """Return what one proposal would call."""
        return self._actions(entry.block, entry.block)[entry.governor_id]

    def actions(self) -> dict[int, Action]:
        """Return what every proposal would call, by OpenZeppelin's id."""
        return self._actions(self._first_block, None)

    def of(self, entry: Entry, event: str) -> list[Any]:
        """Return one proposal's events of a kind: OpenZeppelin indexes no id, so most are left here."""
        logs = self._governor.events[event]().get_logs(from_block=entry.block)
        return [log for log in logs if log["args"]["proposalId"] == entry.governor_id]

    def transactions(self, entry: Entry) -> dict[str, str]:
        """Return transaction hashes by what they did; asks once for each kind."""
        found = {"proposed": entry.transaction}
        for event, act in ACTS:
            for log in self.of(entry, event):
                found[act] = transaction_hash(log)
        return found

    def _actions(self, first: int, last: int | None) -> dict[int, Action]:
        logs = self._governor.events.ProposalCreated().get_logs(from_block=first, to_block=last)
        return {int(log["args"]["proposalId"]): _action(log["args"]) for log in logs}


def _entry(number: int, log: Any) -> Entry:
    said = log["args"]
    return Entry(
        number=number,
        governor_id=int(said["proposalId"]),
        digest=bytes(said["digest"]),
        block=int(log["blockNumber"]),
        transaction=transaction_hash(log),
    )


def _action(said: Any) -> Action:
    return Action(
        targets=tuple(said["targets"]),
        values=tuple(said["values"]),
        calldatas=tuple(bytes(data) for data in said["calldatas"]),
        description=said["description"],
    )
