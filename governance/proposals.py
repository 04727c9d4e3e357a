"""Proposals on chain: submit, list, show, veto, queue, execute, cancel.

Proposals are numbered from 1 in the order in which they came in.  What one would call is not stored on chain:
it is read from OpenZeppelin's ``ProposalCreated``, and handed back to ``queue``, ``execute`` and ``cancel``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from web3.contract.contract import ContractFunction
from web3.types import TxReceipt

from core.errors import GovernanceError
from core.guardrails import budget_used, moved
from core.lanes import Lane
from core.market import PARAMETER_FIELDS, Scalar
from core.proposal import ProposalState
from core.update import ParameterUpdate
from governance.client import ChainClient, TransactionSigner
from governance.cuts import Cuts
from governance.deployment import Deployment
from governance.price_cap import PriceCapUpdate
from governance.proposal_view import (
    REASONS,
    STATES,
    CapMove,
    Dissent,
    FieldMove,
    ProposalSummary,
    ProposalView,
    RampStep,
    RampView,
    price_cap_from,
    require_parameters,
    update_from,
)
from governance.ramps import read_ramp
from governance.reader import ChainReader
from governance.signing import ascending, keccak, update_tuple

AGAINST = 0
LANES = tuple(Lane)
APPLY_PRICE_CAP = keccak(
    b"applyPriceCap((uint64,address,uint32,bytes32,(uint256,uint64,uint256),(uint256,uint64,uint256),"
    b"uint256,uint256,bytes32,bytes32,uint64,bytes32[]))"
)[:4]
__all__ = [
    "REASONS",
    "CapMove",
    "Dissent",
    "FieldMove",
    "ProposalSummary",
    "ProposalView",
    "Proposals",
    "RampStep",
    "RampView",
    "SubmittingSink",
]


class Proposals:
    """Proposals of one deployment (and the adapter of ``core.ports.ProposalSink`` with :meth:`sink`)."""

    def __init__(self, client: ChainClient, deployment: Deployment) -> None:
        self._client = client
        self._deployment = deployment
        self._governor = client.contract("ParameterGovernor", deployment.addresses["governor"])
        self._adapter = client.contract("DemoMarketAdapter", deployment.addresses["adapter"])
        self._caps = client.contract("PriceCapAdapter", deployment.addresses["adapter"])
        self._reader = ChainReader(client, deployment)
        self._cuts = Cuts(client, deployment)

    # ---- writing

    def submit(
        self,
        update: ParameterUpdate,
        signatures: Sequence[tuple[str, bytes]],
        *,
        sender: TransactionSigner,
    ) -> int:
        """Bring what a quorum has signed to the governor; return its number."""
        self._client.send(sender, self.proposal_call(update, signatures))
        return self.count()

    def lane_of(self, update: ParameterUpdate) -> Lane:
        """Return the lane that the adapter gives to the update's change."""
        row = update_tuple(update)
        return LANES[int(self._client.call(self._adapter.functions.laneOf(row[1], row[4], row[5])))]

    def entry_call(
        self, update: ParameterUpdate, signatures: Sequence[tuple[str, bytes]]
    ) -> ContractFunction:
        """Return the call that brings the update into its lane: ``announceCut`` or ``proposeUpdate``."""
        if self.lane_of(update) is Lane.FAST:
            return self._cuts.entry_call(update, signatures)
        return self.proposal_call(update, signatures)

    def proposal_call(
        self, update: ParameterUpdate, signatures: Sequence[tuple[str, bytes]]
    ) -> ContractFunction:
        """Return the call of ``proposeUpdate``, signers ascending as the contract wants."""
        call: ContractFunction = self._governor.functions.proposeUpdate(
            update_tuple(update), *ascending(signatures)
        )
        return call

    def batch_call(
        self, updates: Sequence[ParameterUpdate], signatures: Sequence[tuple[str, bytes]]
    ) -> ContractFunction:
        """Return the call of ``proposeBatch``, markets ascending as the contract wants."""
        ordered = sorted(updates, key=lambda update: int(update.market, 16))
        call: ContractFunction = self._governor.functions.proposeBatch(
            [update_tuple(update) for update in ordered], *ascending(signatures)
        )
        return call

    def act_call(self, act: str, number: int) -> ContractFunction:
        """Return the call of ``queue``, ``execute`` or ``cancel`` for proposal N."""
        action = self._action(number)
        signature = f"{act}(address[],uint256[],bytes[],bytes32)"
        call: ContractFunction = self._governor.get_function_by_signature(signature)(
            list(action.targets),
            list(action.values),
            list(action.calldatas),
            keccak(action.description.encode()),
        )
        return call

    def ramp_step_call(self, number: int) -> ContractFunction:
        """Return the call that takes the next step of the ramp that proposal N has armed."""
        call: ContractFunction = self._adapter.functions.rampStep(self.update(number).market)
        return call

    def bring(
        self,
        update: ParameterUpdate,
        signatures: Sequence[tuple[str, bytes]],
        *,
        sender: TransactionSigner,
    ) -> TxReceipt:
        """Bring the update into its lane; return the receipt."""
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
        return len(self._entries())

    def governor_id(self, number: int) -> int:
        """Return OpenZeppelin's id of proposal N.

        Raises:
            GovernanceError: there is none.
        """
        entries = self._entries()
        if not 1 <= number <= len(entries):
            allowed = f"1 to {len(entries)}" if entries else "none yet"
            raise GovernanceError(f"there is no proposal {number}", allowed=allowed)
        return int(entries[number - 1]["args"]["proposalId"])

    def _entries(self) -> list[Any]:
        """Return every ``UpdateProposed``, oldest first."""
        return list(self._governor.events.UpdateProposed().get_logs(from_block=self._deployment.block))

    def state(self, number: int) -> ProposalState:
        """Return the state at the newest block."""
        return self._state(self.governor_id(number))

    def signed(self, number: int) -> tuple[ParameterUpdate | PriceCapUpdate, ...]:
        """Return what the agents signed: one update per market, or one price cap."""
        data = self._action(number).calldatas[0]
        if data[:4] == APPLY_PRICE_CAP:
            _, arguments = self._caps.decode_function_input(data)
            return (price_cap_from(arguments["update"]),)
        _, arguments = self._adapter.decode_function_input(data)
        return tuple(update_from(row) for row in arguments["updates"])

    def updates(self, number: int) -> tuple[ParameterUpdate, ...]:
        """Return what the agents signed of parameters, one update per market.

        Raises:
            GovernanceError: the proposal changes a price cap.
        """
        return tuple(require_parameters(number, signed) for signed in self.signed(number))

    def update(self, number: int) -> ParameterUpdate:
        """Return what the agents signed of the first market's parameters; raises as :meth:`updates`."""
        return self.updates(number)[0]

    def lane(self, number: int) -> Lane:
        """Return the lane that proposal N was given when it came in."""
        backers = self._client.call(self._governor.functions.standingOf(self.governor_id(number)))
        return LANES[int(tuple(backers)[5])]

    def ramp(self, number: int) -> RampView | None:
        """Return the ramp that proposal N has armed, or ``None`` before it is executed."""
        if self.lane(number) is not Lane.RAMP or self.state(number) is not ProposalState.EXECUTED:
            return None
        return read_ramp(self._client, self._adapter, self._deployment, self.update(number))

    def list_proposals(self) -> tuple[ProposalSummary, ...]:
        """Return every proposal, oldest first."""
        return tuple(self._summary(number) for number in range(1, self.count() + 1))

    def show(self, number: int) -> ProposalView:
        """Return all about one proposal."""
        call, functions = self._client.call, self._governor.functions
        proposal = self.governor_id(number)
        backers = tuple(call(functions.standingOf(proposal)))
        signed, state, action = self.signed(number)[0], self._state(proposal), self._action(number)
        snapshot = int(call(functions.proposalSnapshot(proposal)))
        eta = int(call(functions.proposalEta(proposal))) or None
        proposed = self._logs("UpdateProposed", proposal)[0]["args"]
        return ProposalView(
            number=number,
            governor_id=proposal,
            lane=LANES[backers[5]],
            state=state,
            signed=signed,
            moves=() if isinstance(signed, PriceCapUpdate) else self._moves(signed),
            digest=bytes(proposed["digest"]),
            created=int(snapshot - call(functions.votingDelay())),
            snapshot=snapshot,
            window_end=int(call(functions.proposalDeadline(proposal))),
            eta=eta,
            grace_end=None if eta is None else eta + int(call(functions.GRACE_SECONDS())),
            votes_against=int(call(functions.proposalVotes(proposal))[0]),
            veto_threshold=self._threshold(proposal, snapshot),
            signers=self._wallets(proposed["seatVersion"], proposed["signers"]),
            withdrawals=int(backers[2]).bit_count(),
            dissents=self._dissents(proposal),
            transactions=self._transactions(proposal),
            call_target=action.targets[0],
            call_data=action.calldatas[0],
            ramp=self.ramp(number),
        )

    def _wallets(self, seat_version: int, bits: int) -> tuple[str, ...]:
        """Return the wallets of the places that ``bits`` names, ascending as they signed."""
        seats = self._reader.seat_table(seat_version).seats
        signed = (seat.wallet for place, seat in enumerate(seats) if bits >> place & 1)
        return tuple(sorted(signed, key=lambda wallet: int(wallet, 16)))

    def _summary(self, number: int) -> ProposalSummary:
        proposal = self.governor_id(number)
        deadline = int(self._client.call(self._governor.functions.proposalDeadline(proposal)))
        state, epoch = self._state(proposal), self.signed(number)[0].epoch
        return ProposalSummary(number, proposal, self.lane(number), epoch, state, deadline)

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
        """OpenZeppelin's events do not index the proposal's id: all are read, and most left."""
        kind = self._governor.events[event]()
        logs = kind.get_logs(from_block=self._deployment.block)
        return [log for log in logs if log["args"]["proposalId"] == proposal]

    def _action(self, number: int) -> _Action:
        """Return what proposal N would call."""
        created = self._logs("ProposalCreated", self.governor_id(number))[0]["args"]
        return _Action(
            targets=tuple(created["targets"]),
            values=tuple(created["values"]),
            calldatas=tuple(bytes(data) for data in created["calldatas"]),
            description=created["description"],
        )


@dataclass(frozen=True, slots=True)
class _Action:
    """The arguments of OpenZeppelin's ``queue``, ``execute`` and ``cancel``."""

    targets: tuple[str, ...]
    values: tuple[int, ...]
    calldatas: tuple[bytes, ...]
    description: str


class SubmittingSink:
    """Submits with one key; the adapter of ``core.ports.ProposalSink``."""

    def __init__(self, proposals: Proposals, sender: TransactionSigner) -> None:
        self._proposals = proposals
        self._sender = sender

    def submit(self, update: ParameterUpdate, signatures: Sequence[tuple[str, bytes]]) -> str:
        """Bring the update into its lane; return the transaction hash."""
        receipt = self._proposals.bring(update, signatures, sender=self._sender)
        return "0x" + bytes(receipt["transactionHash"]).hex()
