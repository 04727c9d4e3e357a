"""Proposals on chain: submit, list, show, veto, queue, execute, cancel.  N is the CLI's number, from 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eth_typing import HexStr
from web3.contract.contract import ContractFunction
from web3.types import TxReceipt

from core.errors import GovernanceError
from core.guardrails import budget_used, moved
from core.market import PARAMETER_FIELDS, Scalar
from core.proposal import ProposalState
from core.update import ParameterUpdate
from governance.client import ChainClient, TransactionSigner
from governance.deployment import Deployment
from governance.proposal_view import (
    REASONS,
    STATES,
    Dissent,
    FieldMove,
    ProposalSummary,
    ProposalView,
    update_from,
)
from governance.reader import ChainReader
from governance.signing import update_tuple

AGAINST = 0
__all__ = [
    "REASONS",
    "Dissent",
    "FieldMove",
    "ProposalSummary",
    "ProposalView",
    "Proposals",
    "SubmittingSink",
]


class Proposals:
    """Proposals of one deployment (and the adapter of ``core.ports.ProposalSink`` with :meth:`sink`)."""

    def __init__(self, client: ChainClient, deployment: Deployment) -> None:
        self._client = client
        self._deployment = deployment
        self._governor = client.contract("ParameterGovernor", deployment.addresses["governor"])
        self._reader = ChainReader(client, deployment)

    # ---- writing

    def submit(
        self,
        update: ParameterUpdate,
        signatures: Sequence[tuple[str, bytes]],
        *,
        sender: TransactionSigner,
    ) -> int:
        """Bring what a quorum has signed to the chain; return its number."""
        receipt = self.bring(update, signatures, sender=sender)
        events = self._governor.events.UpdateProposed().get_logs(
            from_block=receipt["blockNumber"], to_block=receipt["blockNumber"]
        )
        return int(events[-1]["args"]["number"])

    def entry_call(
        self, update: ParameterUpdate, signatures: Sequence[tuple[str, bytes]]
    ) -> ContractFunction:
        """Return the call of ``proposeUpdate``, signers ascending as the contract wants."""
        ordered = sorted(signatures, key=lambda pair: int(pair[0], 16))
        signers, proofs = [s for s, _ in ordered], [p for _, p in ordered]
        call: ContractFunction = self._governor.functions.proposeUpdate(update_tuple(update), signers, proofs)
        return call

    def act_call(self, act: str, number: int) -> ContractFunction:
        """Return the call of ``queue``, ``execute`` or ``cancel`` for proposal N."""
        call: ContractFunction = self._governor.get_function_by_signature(f"{act}(uint256)")(
            self.governor_id(number)
        )
        return call

    def bring(
        self,
        update: ParameterUpdate,
        signatures: Sequence[tuple[str, bytes]],
        *,
        sender: TransactionSigner,
    ) -> TxReceipt:
        """Send ``proposeUpdate``, signers ascending as the contract wants; return the receipt."""
        return self._client.send(sender, self.entry_call(update, signatures))

    def sink(self, sender: TransactionSigner) -> SubmittingSink:
        """Return a ``core.ports.ProposalSink`` that sends with this key."""
        return SubmittingSink(self, sender)

    def veto(self, number: int, holder: TransactionSigner, *, reason: str = "") -> TxReceipt:
        """Vote against with all of the holder's votes at the snapshot."""
        proposal = self.governor_id(number)
        function = self._governor.functions.castVoteWithReason(proposal, AGAINST, reason)
        return self._client.send(holder, function)

    def queue(self, number: int, sender: TransactionSigner) -> TxReceipt:
        """Start the timelock; anyone may."""
        return self._by_id("queue", number, sender)

    def execute(self, number: int, sender: TransactionSigner) -> TxReceipt:
        """Execute after the timelock; anyone may."""
        return self._by_id("execute", number, sender)

    def cancel(self, number: int, guardian: TransactionSigner) -> TxReceipt:
        """Cancel as the guardian."""
        return self._by_id("cancel", number, guardian)

    def withdraw(self, number: int, signer: TransactionSigner) -> TxReceipt:
        """Take a signature back; f + 1 of them cancel."""
        return self._client.send(signer, self._governor.functions.withdrawSignature(self.governor_id(number)))

    def dissent(self, number: int, agent: TransactionSigner, *, reason: str) -> TxReceipt:
        """Record a seated agent's no; ``reason`` is one of ``REASONS``."""
        if reason not in REASONS:
            raise GovernanceError(f"reason was {reason!r}", allowed=", ".join(REASONS))
        function = self._governor.functions.dissent(self.governor_id(number), REASONS.index(reason))
        return self._client.send(agent, function)

    def _by_id(self, name: str, number: int, sender: TransactionSigner) -> TxReceipt:
        return self._client.send(sender, self.act_call(name, number))

    # ---- reading

    def count(self) -> int:
        """Return how many proposals there are."""
        return int(self._client.call(self._governor.functions.proposalCount()))

    def governor_id(self, number: int) -> int:
        """Return OpenZeppelin's id of proposal N.

        Raises:
            GovernanceError: there is none.
        """
        found = int(self._client.call(self._governor.functions.proposalIdOf(number))) if number > 0 else 0
        if found == 0:
            count = self.count()
            allowed = f"1 to {count}" if count else "none yet"
            raise GovernanceError(f"there is no proposal {number}", allowed=allowed)
        return found

    def state(self, number: int) -> ProposalState:
        """Return the state at the newest block."""
        return self._state(self.governor_id(number))

    def update(self, number: int) -> ParameterUpdate:
        """Return what the agents signed."""
        function = self._governor.functions.updateOf(self.governor_id(number))
        return update_from(tuple(self._client.call(function)))

    def list_proposals(self) -> tuple[ProposalSummary, ...]:
        """Return every proposal, oldest first."""
        return tuple(self._summary(number) for number in range(1, self.count() + 1))

    def show(self, number: int) -> ProposalView:
        """Return all about one proposal."""
        call, functions = self._client.call, self._governor.functions
        proposal = self.governor_id(number)
        record = tuple(call(functions.recordOf(proposal)))
        update, state = self.update(number), self._state(proposal)
        snapshot = int(call(functions.proposalSnapshot(proposal)))
        eta = int(call(functions.proposalEta(proposal))) or None
        transactions = self._transactions(proposal)
        created = int(snapshot - call(functions.votingDelay()))
        return ProposalView(
            number=number,
            governor_id=proposal,
            state=state,
            update=update,
            moves=self._moves(update),
            digest=bytes(record[4]),
            created=created,
            snapshot=snapshot,
            window_end=int(call(functions.proposalDeadline(proposal))),
            eta=eta,
            grace_end=None if eta is None else eta + int(call(functions.GRACE_SECONDS())),
            votes_against=int(call(functions.proposalVotes(proposal))[0]),
            veto_threshold=self._threshold(proposal, snapshot),
            signers=tuple(record[5]),
            withdrawals=int(record[2]),
            dissents=self._dissents(proposal),
            transactions=transactions,
            call_target=self._deployment.addresses["adapter"],
            call_data=self._call_data(update),
        )

    def _summary(self, number: int) -> ProposalSummary:
        proposal = self.governor_id(number)
        deadline = int(self._client.call(self._governor.functions.proposalDeadline(proposal)))
        return ProposalSummary(number, proposal, self.update(number).epoch, self._state(proposal), deadline)

    def _state(self, proposal: int) -> ProposalState:
        return STATES[self._client.call(self._governor.functions.state(proposal))]

    def _threshold(self, proposal: int, snapshot: int) -> int | None:
        """Votes are counted at the snapshot; before it there is no threshold."""
        if self._client.timestamp() <= snapshot:
            return None
        return int(self._client.call(self._governor.functions.vetoThreshold(proposal)))

    def _moves(self, update: ParameterUpdate) -> tuple[FieldMove, ...]:
        limits, changes = self._reader.limits(), self._reader.changes()
        now = self._client.timestamp()
        found = []
        for name in PARAMETER_FIELDS:
            scalar = Scalar(name)
            before, after = update.expected.field(scalar), update.proposed.field(scalar)
            if before == after:
                continue
            limit, upwards = limits[scalar], after > before
            found.append(
                FieldMove(
                    scalar=scalar,
                    before=before,
                    after=after,
                    step_used=abs(moved(before, after, limit)),
                    step_limit=limit.step_up if upwards else limit.step_down,
                    budget_used=budget_used(changes, scalar, now, upwards=upwards),
                    budget_limit=limit.budget_up if upwards else limit.budget_down,
                )
            )
        return tuple(found)

    def _dissents(self, proposal: int) -> tuple[Dissent, ...]:
        logs = self._logs("Dissent", proposal)
        return tuple(Dissent(log["args"]["agent"], REASONS[log["args"]["reason"]]) for log in logs)

    def _transactions(self, proposal: int) -> dict[str, str]:
        """Return transaction hashes by what they did; several vetoes are numbered."""
        found: dict[str, str] = {}
        for event, act in (
            ("UpdateProposed", "proposed"),
            ("Vetoed", "vetoed"),
            ("ProposalQueued", "queued"),
            ("ProposalExecuted", "executed"),
            ("ProposalCanceled", "canceled"),
        ):
            for log in self._logs(event, proposal):
                found[act] = "0x" + bytes(log["transactionHash"]).hex()
        return found

    def _logs(self, event: str, proposal: int) -> list[Any]:
        kind = self._governor.events[event]()
        logs = kind.get_logs(from_block=self._deployment.block)
        return [log for log in logs if log["args"]["proposalId"] == proposal]

    def _call_data(self, update: ParameterUpdate) -> bytes:
        adapter = self._client.contract("DemoMarketAdapter", self._deployment.addresses["adapter"])
        data: HexStr = adapter.functions.applyUpdate(update_tuple(update))._encode_transaction_data()
        return bytes.fromhex(data[2:])


class SubmittingSink:
    """Submits with one key; the adapter of ``core.ports.ProposalSink``."""

    def __init__(self, proposals: Proposals, sender: TransactionSigner) -> None:
        self._proposals = proposals
        self._sender = sender

    def submit(self, update: ParameterUpdate, signatures: Sequence[tuple[str, bytes]]) -> str:
        """Send ``proposeUpdate``; return the transaction hash."""
        receipt = self._proposals.bring(update, signatures, sender=self._sender)
        return "0x" + bytes(receipt["transactionHash"]).hex()
