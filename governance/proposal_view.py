"""A proposal as people and programs see it, and the contract's struct as core's record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.market import PARAMETER_FIELDS, Parameters, Scalar, parameters_from
from core.proposal import ProposalState
from core.update import FreshnessSnapshot, ParameterUpdate

STATES = (
    ProposalState.PENDING,
    ProposalState.ACTIVE,
    ProposalState.CANCELED,
    ProposalState.DEFEATED,
    ProposalState.SUCCEEDED,
    ProposalState.QUEUED,
    ProposalState.EXPIRED,
    ProposalState.EXECUTED,
)
REASONS = ("unspecified", "data", "model", "stress", "mandate", "process")


@dataclass(frozen=True, slots=True)
class FieldMove:
    """One field that a proposal moves, and what it uses of its limits (in their own units).

    ``budget_used`` is what executed changes have used by now, this proposal among them once it is executed.
    """

    scalar: Scalar
    before: int
    after: int
    step_used: int
    step_limit: int
    budget_used: int
    budget_limit: int


@dataclass(frozen=True, slots=True)
class Dissent:
    """A seated agent's public no."""

    agent: str
    reason: str


@dataclass(frozen=True, slots=True)
class ProposalSummary:
    """A line of the list."""

    number: int
    governor_id: int
    epoch: int
    state: ProposalState
    window_end: int


@dataclass(frozen=True, slots=True)
class ProposalView:
    """All that a person needs to judge a proposal; times in UTC seconds, votes in base units."""

    number: int
    governor_id: int
    state: ProposalState
    update: ParameterUpdate
    moves: tuple[FieldMove, ...]
    digest: bytes
    created: int
    snapshot: int
    window_end: int
    eta: int | None
    grace_end: int | None
    votes_against: int
    veto_threshold: int | None
    signers: tuple[str, ...]
    withdrawals: int
    dissents: tuple[Dissent, ...]
    transactions: dict[str, str]
    call_target: str
    call_data: bytes


def _parameters(values: Sequence[int]) -> Parameters:
    return parameters_from(dict(zip(PARAMETER_FIELDS, values, strict=True)))


def update_from(row: tuple[Any, ...]) -> ParameterUpdate:
    """Return the contract's struct as core's record."""
    epoch, market, attempt, table, expected, proposed, snapshot, *rest = row
    price, utilisation, collateral, borrow, data_time = snapshot
    positions, low, high, evidence, transcript, valid_until = rest
    return ParameterUpdate(
        epoch=epoch,
        market=str(market),
        attempt=attempt,
        seat_table_hash=bytes(table),
        expected=_parameters(expected),
        proposed=_parameters(proposed),
        snapshot=FreshnessSnapshot(price, utilisation, collateral, borrow, data_time),
        positions_root=bytes(positions),
        low_bound=low,
        high_bound=high,
        evidence_root=bytes(evidence),
        transcript_root=bytes(transcript),
        valid_until=valid_until,
    )
