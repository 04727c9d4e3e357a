"""A keeper's hands: what it sends to the chain, exactly once each, through its outbox.

proposals   queue ─► execute ─► (RAMP) ramp_step … until it has arrived or lapsed
cuts        execute_cut, an hour after they were announced
"""

from __future__ import annotations

from collections.abc import Sequence

from web3.contract.contract import ContractFunction

from core.ports import DueAct
from core.proposal import ProposalState
from core.update import ParameterUpdate
from governance.client import ChainClient, transaction_hash
from governance.cuts import Cuts, CutState
from governance.deployment import Deployment
from governance.outbox import Outbox
from governance.proposals import ProposalProgress, Proposals

CUT_ENDED = {CutState.EXECUTED, CutState.LAPSED}


class ChainKeeper:
    """Adapter of ``core.ports.ProposalSink`` and ``core.ports.ProposalDesk``."""

    def __init__(self, client: ChainClient, deployment: Deployment, outbox: Outbox) -> None:
        self._client = client
        self._outbox = outbox
        self._proposals = Proposals(client, deployment)
        self._cuts = Cuts(client, deployment)
        self._ended: set[int] = set()
        self._ended_cuts: set[int] = set()

    def submit(self, update: ParameterUpdate, signatures: Sequence[tuple[str, bytes]]) -> str:
        """Bring the update into its lane; signers ascend by address, as the contracts demand."""
        call = self._proposals.entry_call(update, signatures)
        return self._send(f"propose {update.epoch} {update.market} {update.attempt}", call)

    def due(self) -> tuple[DueAct, ...]:
        """Return what waits to be queued, executed or stepped down."""
        now, found = self._client.timestamp(), []
        for seen in self._proposals.progress(leave_out=self._ended):
            if seen.has_ended:
                self._ended.add(seen.number)
            found += due_of(seen, now)
        for number in range(1, self._cuts.count() + 1):
            if number not in self._ended_cuts:
                found += self._due_cut(number)
        return tuple(found)

    def _due_cut(self, number: int) -> list[DueAct]:
        state = self._cuts.state(number)
        if state in CUT_ENDED:
            self._ended_cuts.add(number)
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
        return transaction_hash(self._outbox.send(name, call))


def due_of(seen: ProposalProgress, now: int) -> list[DueAct]:
    """Return what a proposal or its ramp waits for at ``now`` (chain time, seconds): one act at most."""
    if seen.state is ProposalState.SUCCEEDED:
        return [DueAct(seen.number, "queue", seen.window_end)]
    if seen.state is ProposalState.QUEUED and seen.eta is not None and now >= seen.eta:
        return [DueAct(seen.number, "execute", seen.eta)]
    step_at = None if seen.ramp is None else seen.ramp.next_step_at
    return [DueAct(seen.number, "ramp_step", step_at)] if step_at is not None and now >= step_at else []
