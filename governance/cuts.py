"""Emergency cuts on chain: announce, list, show, execute.  No vote, no timelock: one hour, then anyone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from web3.contract.contract import ContractFunction
from web3.types import TxReceipt

from core.errors import GovernanceError
from core.update import ParameterUpdate
from governance.client import ChainClient, TransactionSigner, transaction_hash
from governance.deployment import Deployment
from governance.proposal_view import update_from
from governance.signing import ascending, update_tuple


class CutState(StrEnum):
    """The life of a cut, in the order of the Solidity enum."""

    UNKNOWN = "unknown"
    WAITING = "waiting"
    READY = "ready"
    EXECUTED = "executed"
    LAPSED = "lapsed"


STATES = tuple(CutState)


@dataclass(frozen=True, slots=True)
class CutView:
    """One cut; times in UTC seconds, ``transactions`` by what they did (announced, executed)."""

    number: int
    state: CutState
    update: ParameterUpdate
    digest: bytes
    announced_at: int
    executable_at: int
    expires_at: int
    signers: tuple[str, ...]
    transactions: dict[str, str]


class Cuts:
    """Cuts of one deployment, numbered from 1."""

    def __init__(self, client: ChainClient, deployment: Deployment) -> None:
        self._client = client
        self._deployment = deployment
        self._lane = client.contract("FastLane", deployment.addresses["fast_lane"])

    def entry_call(
        self, update: ParameterUpdate, signatures: Sequence[tuple[str, bytes]]
    ) -> ContractFunction:
        """Return the call of ``announceCut``, signers ascending as the contract wants."""
        call: ContractFunction = self._lane.functions.announceCut(
            update_tuple(update), *ascending(signatures)
        )
        return call

    def execute_call(self, number: int) -> ContractFunction:
        """Return the call that executes cut N."""
        call: ContractFunction = self._lane.functions.executeCut(update_tuple(self.show(number).update))
        return call

    def submit(
        self,
        update: ParameterUpdate,
        signatures: Sequence[tuple[str, bytes]],
        *,
        sender: TransactionSigner,
    ) -> int:
        """Announce what a quorum has signed; return its number."""
        self._client.send(sender, self.entry_call(update, signatures))
        return self.count()

    def execute(self, number: int, sender: TransactionSigner) -> TxReceipt:
        """Execute after the hour; anyone may."""
        return self._client.send(sender, self.execute_call(number))

    def count(self) -> int:
        """Return how many cuts have been announced."""
        return int(self._client.call(self._lane.functions.cutCount()))

    def state(self, number: int) -> CutState:
        """Return the state at the newest block.

        Raises:
            GovernanceError: there is no such cut.
        """
        state = STATES[int(self._client.call(self._lane.functions.stateOf(max(number, 0))))]
        if state is CutState.UNKNOWN:
            count = self.count()
            raise GovernanceError(
                f"there is no cut {number}", allowed=f"1 to {count}" if count else "none yet"
            )
        return state

    def show(self, number: int) -> CutView:
        """Return all about one cut."""
        state = self.state(number)
        announced_at, _, _, _, digest = self._client.call(self._lane.functions.cutOf(number))
        announced = self._logs("CutAnnounced", number)[0]
        wait, grace = (
            int(self._client.call(self._lane.functions[name]())) for name in ("WAIT_SECONDS", "GRACE_SECONDS")
        )
        transactions = {"announced": transaction_hash(announced)}
        for log in self._logs("CutExecuted", number):
            transactions["executed"] = transaction_hash(log)
        return CutView(
            number=number,
            state=state,
            update=update_from(announced["args"]["update"]),
            digest=bytes(digest),
            announced_at=announced_at,
            executable_at=announced_at + wait,
            expires_at=announced_at + wait + grace,
            signers=tuple(announced["args"]["signers"]),
            transactions=transactions,
        )

    def _logs(self, event: str, number: int) -> list[Any]:
        return list(
            self._lane.events[event]().get_logs(
                from_block=self._deployment.block, argument_filters={"number": number}
            )
        )
