"""A keeper's hands: what it sends to the chain, exactly once each, through its outbox.

proposals   queue ─► execute ─► (RAMP) ramp_step … until it has arrived or lapsed
cuts        execute_cut, an hour after they were announced
"""

from __future__ import annotations

from collections.abc import Sequence

from web3.contract.contract import ContractFunction

from core.lanes import Lane
from core.ports import DueAct
from core.proposal import ProposalState
from core.update import ParameterUpdate
from governance.client import ChainClient
from governance.cuts import Cuts, CutState
from governance.deployment import Deployment
from governance.outbox import Outbox
from governance.proposals import Proposals

ENDED = {
    ProposalState.DEFEATED,
    ProposalState.CANCELED,
    ProposalState.EXPIRED,
}
CUT_ENDED = {CutState.EXECUTED, CutState.LAPSED}


class ChainKeeper:
    """Adapter of ``core.ports.ProposalSink`` and ``core.ports.ProposalDesk``."""

    def __init__(self, client: ChainClient, deployment: Deployment, outbox: Outbox) -> None:
        self._client = client
        self._outbox = outbox
        self._proposals = Proposals(client, deployment)
        self._cuts = Cuts(client, deployment)
        self._ended: set[tuple[str, int]] = set()

    def submit(self, update: ParameterUpdate, signatures: Sequence[tuple[str, bytes]]) -> str:
        """Bring the update into its lane; signers ascend by address, as the contracts demand."""
        call = self._proposals.entry_call(update, signatures)
        return self._send(f"propose {update.epoch} {update.market} {update.attempt}", call)

    def due(self) -> tuple[DueAct, ...]:
        """Return what waits to be queued, executed or stepped down."""
        found = []
        for number in range(1, self._proposals.count() + 1):
            if ("proposal", number) not in self._ended:
                found += self._due_of(number)
        for number in range(1, self._cuts.count() + 1):
            if ("cut", number) not in self._ended:
                found += self._due_cut(number)
        return tuple(found)

    def _due_of(self, number: int) -> list[DueAct]:
        state = self._proposals.state(number)
        if state is ProposalState.SUCCEEDED:
            return [DueAct(number, "queue", self._proposals.show(number).window_end)]
        if state is ProposalState.QUEUED:
            eta = self._proposals.show(number).eta
            if eta is not None and self._client.timestamp() >= eta:
                return [DueAct(number, "execute", eta)]
        if state is ProposalState.EXECUTED:
            return self._due_step(number)
        if state in ENDED:
            self._ended.add(("proposal", number))
        return []

    def _due_step(self, number: int) -> list[DueAct]:
        ramp = self._proposals.ramp(number) if self._proposals.lane(number) is Lane.RAMP else None
        if ramp is None or ramp.next_step_at is None:
            self._ended.add(("proposal", number))
            return []
        if self._client.timestamp() < ramp.next_step_at:
            return []
        return [DueAct(number, "ramp_step", ramp.next_step_at)]

    def _due_cut(self, number: int) -> list[DueAct]:
        state = self._cuts.state(number)
        if state in CUT_ENDED:
            self._ended.add(("cut", number))
        if state is not CutState.READY:
            return []
        return [DueAct(number, "execute_cut", self._cuts.show(number).executable_at)]

    def perform(self, due: DueAct) -> str:
        """Do what is due, once: a ramp's steps are told apart by when they fell due."""
        name = f"{due.act} {due.number} {due.since}" if due.act == "ramp_step" else f"{due.act} {due.number}"
        return self._send(name, self._call(due))

    def _call(self, due: DueAct) -> ContractFunction:
        if due.act == "ramp_step":
            return self._proposals.ramp_step_call(due.number)
        if due.act == "execute_cut":
            return self._cuts.execute_call(due.number)
        return self._proposals.act_call(due.act, due.number)

    def _send(self, name: str, call: ContractFunction) -> str:
        return "0x" + bytes(self._outbox.send(name, call)["transactionHash"]).hex()
