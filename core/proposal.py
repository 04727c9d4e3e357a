"""The life of a proposal on chain, as a pure function of its record and the time.

      proposeUpdate
           │
        PENDING ──12 h──► ACTIVE ──60 h──► SUCCEEDED ──queue──► QUEUED ──24 h──► (executable)
           │                │ veto crosses its threshold             │   execute        │
           │                ▼                                        ▼                  ▼
           │             DEFEATED                                 EXPIRED            EXECUTED
           │                                                   (eta + 7 d)
           └──── guardian, or f + 1 withdrawals, until executed ────► CANCELED

A proposal that nobody queues within 7 d of its window's end expires as well.

The window is extended by 24 h, at most once for each reason: half of the veto threshold reached in its
last 12 h; or f + 1 recorded dissents or a spread of bounds above the mandate's limit.

Source: MECHANISM.md, Lanes and Veto; OpenZeppelin ``Governor`` and ``GovernorTimelockControl``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from core.errors import GovernanceError
from core.units import BPS_ONE, Bps

HOUR = 3600


class ProposalState(StrEnum):
    """OpenZeppelin's states, by their names."""

    PENDING = "pending"
    ACTIVE = "active"
    DEFEATED = "defeated"
    SUCCEEDED = "succeeded"
    QUEUED = "queued"
    EXECUTED = "executed"
    CANCELED = "canceled"
    EXPIRED = "expired"

    @property
    def has_ended(self) -> bool:
        """Whether nothing can happen to the proposal any more (a ramp that it armed may go on).

        >>> ProposalState.EXECUTED.has_ended, ProposalState.QUEUED.has_ended
        (True, False)
        """
        return self in {self.DEFEATED, self.EXECUTED, self.CANCELED, self.EXPIRED}


class VetoReason(StrEnum):
    """Why a holder votes against, in the order of the Solidity enum; published, it changes no count."""

    UNSPECIFIED = "unspecified"
    TOO_RISKY = "too-risky"
    DATA_WRONG = "data-wrong"
    MODEL_DOUBTED = "model-doubted"
    TOO_FAST = "too-fast"
    CONFLICT_OF_INTEREST = "conflict-of-interest"
    OTHER = "other"

    @property
    def params(self) -> bytes:
        """The byte that stands for the reason in ``params`` of a vote; none when it is unspecified.

        >>> VetoReason.TOO_RISKY.params, VetoReason.UNSPECIFIED.params
        (b'\\x01', b'')
        """
        return b"" if self is VetoReason.UNSPECIFIED else bytes([list(VetoReason).index(self)])


@dataclass(frozen=True, slots=True)
class VetoRules:
    """The clock and the threshold of the veto, in seconds and basis points of votable supply."""

    voting_delay_seconds: int = 12 * HOUR
    voting_period_seconds: int = 60 * HOUR
    timelock_seconds: int = 24 * HOUR
    grace_seconds: int = 7 * 24 * HOUR
    threshold_bps: Bps = Bps(50)
    late_seconds: int = 12 * HOUR
    extension_seconds: int = 24 * HOUR


@dataclass(frozen=True, slots=True)
class ProposalRecord:
    """What the chain stores of one proposal."""

    created: int
    votable_supply: int
    faulty: int
    rules: VetoRules = VetoRules()
    against: int = 0
    withdrawals: int = 0
    dissents: int = 0
    vetoed: bool = False
    canceled: bool = False
    late_extension: bool = False
    dissent_extension: bool = False
    eta: int | None = None
    executed: bool = False

    @property
    def snapshot(self) -> int:
        """When voting power is read, and voting opens."""
        return self.created + self.rules.voting_delay_seconds

    @property
    def deadline(self) -> int:
        """When the window closes, extensions included."""
        extensions = int(self.late_extension) + int(self.dissent_extension)
        return self.snapshot + self.rules.voting_period_seconds + extensions * self.rules.extension_seconds

    @property
    def veto_threshold(self) -> int:
        """Votes against that kill the proposal, rounded up and at least one.

        >>> ProposalRecord(created=0, votable_supply=1_000, faulty=1).veto_threshold
        5
        """
        return max(1, -(-self.votable_supply * self.rules.threshold_bps // BPS_ONE))


def state_at(record: ProposalRecord, now: int) -> ProposalState:
    """Return the state at ``now``.

    >>> state_at(ProposalRecord(created=0, votable_supply=1_000, faulty=1), 13 * HOUR)
    <ProposalState.ACTIVE: 'active'>
    """
    if record.executed:
        return ProposalState.EXECUTED
    if record.canceled:
        return ProposalState.CANCELED
    if record.vetoed:
        return ProposalState.DEFEATED
    if now <= record.snapshot:
        return ProposalState.PENDING
    if now <= record.deadline:
        return ProposalState.ACTIVE
    if record.eta is None:
        lapsed = now > record.deadline + record.rules.grace_seconds
        return ProposalState.EXPIRED if lapsed else ProposalState.SUCCEEDED
    if now > record.eta + record.rules.grace_seconds:
        return ProposalState.EXPIRED
    return ProposalState.QUEUED


def _require(record: ProposalRecord, now: int, *allowed: ProposalState, act: str) -> None:
    state = state_at(record, now)
    if state not in allowed:
        raise GovernanceError(
            f"cannot {act}: the proposal is {state}", allowed=" or ".join(state.value for state in allowed)
        )


def vote_against(record: ProposalRecord, weight: int, now: int) -> ProposalRecord:
    """Return the record after a veto vote; crossing the threshold kills it at once (INV-12)."""
    _require(record, now, ProposalState.ACTIVE, act="veto")
    against = record.against + weight
    vetoed = against >= record.veto_threshold
    late = now > record.deadline - record.rules.late_seconds and 2 * against >= record.veto_threshold
    return replace(
        record, against=against, vetoed=vetoed, late_extension=record.late_extension or (late and not vetoed)
    )


def record_dissent(record: ProposalRecord, now: int) -> ProposalRecord:
    """Return the record after one seated agent's dissent; f + 1 extend the window once."""
    _require(record, now, ProposalState.PENDING, ProposalState.ACTIVE, act="dissent")
    dissents = record.dissents + 1
    return replace(record, dissents=dissents, dissent_extension=dissents > record.faulty)


def withdraw(record: ProposalRecord, now: int) -> ProposalRecord:
    """Return the record after one signer's withdrawal; f + 1 cancel, one agent never can."""
    if state_at(record, now) in {ProposalState.EXECUTED, ProposalState.CANCELED}:
        raise GovernanceError("cannot withdraw: the proposal has ended", allowed="before execution")
    withdrawals = record.withdrawals + 1
    return replace(record, withdrawals=withdrawals, canceled=withdrawals > record.faulty)


def queue(record: ProposalRecord, now: int) -> ProposalRecord:
    """Return the record with its timelock running."""
    _require(record, now, ProposalState.SUCCEEDED, act="queue")
    return replace(record, eta=now + record.rules.timelock_seconds)


def execute(record: ProposalRecord, now: int) -> ProposalRecord:
    """Return the executed record; refused before the timelock's end and after grace (INV-13)."""
    _require(record, now, ProposalState.QUEUED, act="execute")
    if record.eta is None or now < record.eta:
        raise GovernanceError(
            f"cannot execute before {record.eta}", allowed="after the timelock", hint="wait"
        )
    return replace(record, executed=True)


def cancel(record: ProposalRecord, now: int) -> ProposalRecord:
    """Return the record after the guardian's cancel; possible until execution."""
    if state_at(record, now).has_ended:
        raise GovernanceError("cannot cancel: the proposal has ended", allowed="before execution")
    return replace(record, canceled=True)
