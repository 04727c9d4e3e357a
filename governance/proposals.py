"""Proposals on chain: submit, list, show, veto, queue, execute, cancel.

Proposals are numbered from 1 in the order in which they came in; an operation looks its number up once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from eth_utils.abi import function_abi_to_4byte_selector
from web3.contract.contract import ContractFunction
from web3.types import TxReceipt

from core.errors import GovernanceError
from core.guardrails import budget_used, moved
from core.lanes import Lane
from core.market import PARAMETER_FIELDS, Scalar
from core.ports import Signer
from core.proposal import ProposalState, VetoReason
from core.update import ParameterUpdate
from governance.ballots import AGAINST, read_vetoes
from governance.client import ChainClient, TransactionSigner, transaction_hash
from governance.cuts import Cuts
from governance.deployment import Deployment
from governance.price_cap import PriceCapUpdate
from governance.proposal_log import Action, Entry, ProposalLog
from governance.proposal_view import (
    LANES,
    REASONS,
    STATES,
    CapMove,
    Dissent,
    FieldMove,
    ProposalProgress,
    ProposalSummary,
    ProposalView,
    RampStep,
    RampView,
    Standing,
    price_cap_from,
    require_parameters,
    update_from,
)
from governance.ramps import read_ramp
from governance.reader import ChainReader
from governance.signing import Eip712Hasher, ascending, keccak, update_tuple

__all__ = [
    "REASONS",
    "CapMove",
    "Dissent",
    "FieldMove",
    "ProposalProgress",
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
        self._log = ProposalLog(self._governor, deployment.block)
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
        action = self._log.action(self._log.entry(number))
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

    def veto(
        self,
        number: int,
        holder: TransactionSigner,
        *,
        code: VetoReason = VetoReason.UNSPECIFIED,
        reason: str = "",
    ) -> TxReceipt:
        """Vote against with all of the holder's votes at the snapshot; code and text are published."""
        vote = self._governor.functions.castVoteWithReasonAndParams
        return self._client.send(holder, vote(self.governor_id(number), AGAINST, reason, code.params))

    def signed_veto_call(
        self, number: int, holder: Signer, *, code: VetoReason = VetoReason.UNSPECIFIED, reason: str = ""
    ) -> ContractFunction:
        """Return the call that brings the holder's signed vote against; anybody may send it."""
        proposal, functions = self.governor_id(number), self._governor.functions
        digest = Eip712Hasher(self._client.chain_id, self._governor.address).ballot_digest(
            proposal=proposal,
            support=AGAINST,
            voter=holder.address,
            nonce=self._client.call(functions.nonces(holder.address)),
            reason=reason,
            params=code.params,
        )
        ballot = (proposal, AGAINST, holder.address, reason, code.params, holder.sign(digest))
        call: ContractFunction = functions.castVoteWithReasonAndParamsBySig(*ballot)
        return call

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
        return len(self._log.entries())

    def governor_id(self, number: int) -> int:
        """Return OpenZeppelin's id of proposal N.

        Raises:
            GovernanceError: there is none.
        """
        return self._log.entry(number).governor_id

    def state(self, number: int) -> ProposalState:
        """Return the state at the newest block."""
        return self._state(self._log.entry(number))

    def signed(self, number: int) -> tuple[ParameterUpdate | PriceCapUpdate, ...]:
        """Return what the agents signed: one update per market, or one price cap."""
        return self._signed(self._log.action(self._log.entry(number)))

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
        return self._standing(self._log.entry(number)).lane

    def ramp(self, number: int) -> RampView | None:
        """Return the ramp that proposal N has armed, or ``None`` before it is executed."""
        entry = self._log.entry(number)
        return self._ramp(entry, self._standing(entry).lane, self._state(entry))

    def list_proposals(self) -> tuple[ProposalSummary, ...]:
        """Return every proposal, oldest first."""
        entries = self._log.entries()
        actions = self._log.actions()
        return tuple(
            ProposalSummary(
                number=entry.number,
                governor_id=entry.governor_id,
                lane=self._standing(entry).lane,
                epoch=self._signed(actions[entry.governor_id])[0].epoch,
                state=self._state(entry),
                window_end=self._window_end(entry),
            )
            for entry in entries
        )

    def progress(self, *, leave_out: Collection[int] = ()) -> tuple[ProposalProgress, ...]:
        """Return how far every proposal is, oldest first, but for the numbers that are left out."""
        return tuple(self._progress(entry) for entry in self._log.entries() if entry.number not in leave_out)

    def show(self, number: int) -> ProposalView:
        """Return all about one proposal."""
        call, functions = self._client.call, self._governor.functions
        entry = self._log.entry(number)
        standing, state, action = self._standing(entry), self._state(entry), self._log.action(entry)
        signed, snapshot = self._signed(action)[0], int(call(functions.proposalSnapshot(entry.governor_id)))
        eta = self._eta(entry)
        return ProposalView(
            number=number,
            governor_id=entry.governor_id,
            lane=standing.lane,
            state=state,
            signed=signed,
            moves=() if isinstance(signed, PriceCapUpdate) else self._moves(signed),
            digest=entry.digest,
            created=int(snapshot - call(functions.votingDelay())),
            snapshot=snapshot,
            window_end=self._window_end(entry),
            eta=eta,
            grace_end=self._grace_end(eta),
            votes_against=int(call(functions.proposalVotes(entry.governor_id))[0]),
            veto_threshold=self._threshold(entry, snapshot),
            signers=self._wallets(standing),
            withdrawals=standing.withdrawn.bit_count(),
            dissents=self._dissents(entry),
            vetoes=read_vetoes(self._client, self._governor, entry.governor_id, first_block=entry.block),
            transactions=self._log.transactions(entry),
            call_target=action.targets[0],
            call_data=action.calldatas[0],
            ramp=self._ramp(entry, standing.lane, state),
        )

    def _progress(self, entry: Entry) -> ProposalProgress:
        lane, state = self._standing(entry).lane, self._state(entry)
        eta = self._eta(entry)
        return ProposalProgress(
            number=entry.number,
            lane=lane,
            state=state,
            window_end=self._window_end(entry),
            eta=eta,
            grace_end=self._grace_end(eta),
            ramp=self._ramp(entry, lane, state),
        )

    def _signed(self, action: Action) -> tuple[ParameterUpdate | PriceCapUpdate, ...]:
        data = action.calldatas[0]
        if data[:4] == function_abi_to_4byte_selector(self._caps.functions.applyPriceCap.abi):
            _, arguments = self._caps.decode_function_input(data)
            return (price_cap_from(arguments["update"]),)
        _, arguments = self._adapter.decode_function_input(data)
        return tuple(update_from(row) for row in arguments["updates"])

    def _ramp(self, entry: Entry, lane: Lane, state: ProposalState) -> RampView | None:
        if lane is not Lane.RAMP or state is not ProposalState.EXECUTED:
            return None
        update = require_parameters(entry.number, self._signed(self._log.action(entry))[0])
        return read_ramp(self._client, self._adapter, self._deployment, update)

    def _standing(self, entry: Entry) -> Standing:
        """Return what the governor keeps of a proposal beside OpenZeppelin's own record."""
        row = self._client.call(self._governor.functions.standingOf(entry.governor_id))
        return Standing.from_row(row)

    def _window_end(self, entry: Entry) -> int:
        return int(self._client.call(self._governor.functions.proposalDeadline(entry.governor_id)))

    def _eta(self, entry: Entry) -> int | None:
        """Return when the timelock ends; ``None`` before the proposal is queued."""
        return int(self._client.call(self._governor.functions.proposalEta(entry.governor_id))) or None

    def _grace_end(self, eta: int | None) -> int | None:
        if eta is None:
            return None
        return eta + int(self._client.call(self._governor.functions.GRACE_SECONDS()))

    def _wallets(self, standing: Standing) -> tuple[str, ...]:
        """Return the wallets of the places that have signed, ascending as they signed."""
        seats = self._reader.seat_table(standing.version).seats
        signed = (seat.wallet for place, seat in enumerate(seats) if standing.signers >> place & 1)
        return tuple(sorted(signed, key=lambda wallet: int(wallet, 16)))

    def _state(self, entry: Entry) -> ProposalState:
        return STATES[self._client.call(self._governor.functions.state(entry.governor_id))]

    def _threshold(self, entry: Entry, snapshot: int) -> int | None:
        """Votes are counted at the snapshot; before it there is no threshold."""
        if self._client.timestamp() <= snapshot:
            return None
        return int(self._client.call(self._governor.functions.vetoThreshold(entry.governor_id)))

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

    def _dissents(self, entry: Entry) -> tuple[Dissent, ...]:
        said = (log["args"] for log in self._log.of(entry, "Dissent"))
        return tuple(Dissent(found["agent"], REASONS[found["reason"]]) for found in said)


class SubmittingSink:
    """Submits with one key; the adapter of ``core.ports.ProposalSink``."""

    def __init__(self, proposals: Proposals, sender: TransactionSigner) -> None:
        self._proposals = proposals
        self._sender = sender

    def submit(self, update: ParameterUpdate, signatures: Sequence[tuple[str, bytes]]) -> str:
        """Bring the update into its lane; return the transaction hash."""
        receipt = self._proposals.bring(update, signatures, sender=self._sender)
        return transaction_hash(receipt)
