"""A keeper's hands: what it sends to the governor, exactly once each, through its outbox."""

from __future__ import annotations

from collections.abc import Sequence

from core.ports import DueAct
from core.proposal import ProposalState
from core.update import ParameterUpdate
from governance.client import ChainClient
from governance.deployment import Deployment
from governance.outbox import Outbox
from governance.proposals import Proposals

ENDED = {
    ProposalState.DEFEATED,
    ProposalState.EXECUTED,
    ProposalState.CANCELED,
    ProposalState.EXPIRED,
}


class ChainKeeper:
    """Adapter of ``core.ports.ProposalSink`` and ``core.ports.ProposalDesk``."""

    def __init__(self, client: ChainClient, deployment: Deployment, outbox: Outbox) -> None:
        self._client = client
        self._outbox = outbox
        self._proposals = Proposals(client, deployment)
        self._ended: set[int] = set()

    def submit(self, update: ParameterUpdate, signatures: Sequence[tuple[str, bytes]]) -> str:
        """Send ``proposeUpdate``; signers ascend by address, as the governor demands."""
        call = self._proposals.entry_call(update, signatures)
        receipt = self._outbox.send(f"propose {update.epoch} {update.market} {update.attempt}", call)
        return "0x" + bytes(receipt["transactionHash"]).hex()

    def due(self) -> tuple[DueAct, ...]:
        """Return the proposals that wait for their timelock to be started or for execution."""
        found = []
        for number in range(1, self._proposals.count() + 1):
            if number not in self._ended:
                found += self._due_of(number)
        return tuple(found)

    def _due_of(self, number: int) -> list[DueAct]:
        state = self._proposals.state(number)
        if state in ENDED:
            self._ended.add(number)
        if state is ProposalState.SUCCEEDED:
            return [DueAct(number, "queue", self._proposals.show(number).window_end)]
        if state is ProposalState.QUEUED:
            eta = self._proposals.show(number).eta
            if eta is not None and self._client.timestamp() >= eta:
                return [DueAct(number, "execute", eta)]
        return []

    def perform(self, due: DueAct) -> str:
        """Queue or execute proposal ``due.number``."""
        call = self._proposals.act_call(due.act, due.number)
        receipt = self._outbox.send(f"{due.act} {due.number}", call)
        return "0x" + bytes(receipt["transactionHash"]).hex()
