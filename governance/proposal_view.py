"""A proposal as people and programs see it, and the contract's struct as core's record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import GovernanceError
from core.lanes import Lane
from core.market import PARAMETER_FIELDS, Parameters, Scalar, parameters_from
from core.proposal import ProposalState
from core.units import Bps
from core.update import FreshnessSnapshot, ParameterUpdate
from governance.ballots import VetoVote
from governance.price_cap import PriceCap, PriceCapUpdate

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
LANES = tuple(Lane)
CAP_FIELDS = ("snapshot_ratio", "snapshot_timestamp", "max_yearly_growth_bps")
REASONS = ("unspecified", "data", "model", "stress", "mandate", "process")


@dataclass(frozen=True, slots=True)
class Standing:
    """What the governor keeps of a proposal beside OpenZeppelin's record: Solidity's ``Standing``.

    ``signers`` and ``withdrawn`` have one bit per place of seat table ``version``; ``threshold`` is in votes,
    zero before the first one.
    """

    version: int
    signers: int
    withdrawn: int
    faults: int
    dissents: int
    lane: Lane
    killed: bool
    extended_by_votes: bool
    extended_by_agents: bool
    threshold: int

    @classmethod
    def from_row(cls, row: Any) -> Standing:
        """Return the contract's struct as a record."""
        version, signers, withdrawn, faults, dissents, lane, *rest = _plain(row)
        return cls(version, signers, withdrawn, faults, dissents, LANES[lane], *rest)


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
class CapMove:
    """One of the three values of a price cap that a proposal moves; units as in ``PriceCap``."""

    name: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Dissent:
    """A seated agent's public no."""

    agent: str
    reason: str


@dataclass(frozen=True, slots=True)
class RampStep:
    """One executed step; ``value_bps`` is the threshold that it left."""

    time: int
    value_bps: int
    transaction: str


@dataclass(frozen=True, slots=True)
class RampView:
    """A ramp that a proposal has armed; basis points of the threshold, times in UTC seconds.

    ``next_step_at`` is ``None`` once no step is left, whether it has arrived, lapsed or was stopped.
    """

    market: str
    first_bps: int
    target_bps: int
    current_bps: int
    armed_at: int
    next_step_at: int | None
    lapses_at: int
    stopped: bool
    steps: tuple[RampStep, ...]

    @property
    def ended(self) -> bool:
        """Whether no step is left."""
        return self.next_step_at is None

    @property
    def arrived(self) -> bool:
        """Whether the threshold stands at the target."""
        return self.current_bps == self.target_bps


@dataclass(frozen=True, slots=True)
class ProposalSummary:
    """A line of the list."""

    number: int
    governor_id: int
    lane: Lane
    epoch: int
    state: ProposalState
    window_end: int


@dataclass(frozen=True, slots=True)
class ProposalProgress:
    """How far a proposal is, and its ramp with it; times in UTC seconds, ``None`` before it is queued."""

    number: int
    lane: Lane
    state: ProposalState
    window_end: int
    eta: int | None
    grace_end: int | None
    ramp: RampView | None

    @property
    def has_ended(self) -> bool:
        """Whether neither the proposal nor a ramp that it armed waits for anything."""
        return self.state.has_ended and (self.ramp is None or self.ramp.ended)


@dataclass(frozen=True, slots=True)
class ProposalView:
    """All that a person needs to judge a proposal; times in UTC seconds, votes in base units.

    ``signed`` is what the agents signed, the first market's update if there are several.
    """

    number: int
    governor_id: int
    lane: Lane
    state: ProposalState
    signed: ParameterUpdate | PriceCapUpdate
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
    vetoes: tuple[VetoVote, ...]
    transactions: dict[str, str]
    call_target: str
    call_data: bytes
    ramp: RampView | None

    @property
    def update(self) -> ParameterUpdate:
        """What the agents signed of a market's parameters.

        Raises:
            GovernanceError: the proposal changes a price cap.
        """
        return require_parameters(self.number, self.signed)

    @property
    def price_cap(self) -> PriceCapUpdate | None:
        """What the agents signed of a price cap, if that is what the proposal changes."""
        return self.signed if isinstance(self.signed, PriceCapUpdate) else None

    @property
    def cap_moves(self) -> tuple[CapMove, ...]:
        """The values of a price cap that move, in the order of the digest."""
        return () if self.price_cap is None else moves_of_cap(self.price_cap)


def require_parameters(number: int, signed: ParameterUpdate | PriceCapUpdate) -> ParameterUpdate:
    """Return a proposal's update of parameters.

    Raises:
        GovernanceError: it changes a price cap.
    """
    if isinstance(signed, PriceCapUpdate):
        raise GovernanceError(
            f"proposal {number} changes the price cap of {signed.market}",
            allowed="a proposal that changes a market's parameters",
        )
    return signed


def moves_of_cap(update: PriceCapUpdate) -> tuple[CapMove, ...]:
    """Return the values that move."""
    rows = (
        CapMove(name, int(getattr(update.expected, name)), int(getattr(update.proposed, name)))
        for name in CAP_FIELDS
    )
    return tuple(row for row in rows if row.before != row.after)


def _parameters(values: Sequence[int] | Mapping[str, int]) -> Parameters:
    return parameters_from(dict(zip(PARAMETER_FIELDS, _plain(values), strict=True)))


def _plain(row: Any) -> tuple[Any, ...]:
    """Return a decoded struct as a tuple, whatever web3 made of it."""
    return tuple(row.values()) if isinstance(row, Mapping) else tuple(row)


def update_from(row: Any) -> ParameterUpdate:
    """Return the contract's struct as core's record."""
    epoch, market, attempt, table, expected, proposed, snapshot, *rest = _plain(row)
    price, utilisation, collateral, borrow, data_time = _plain(snapshot)
    positions, low, high, evidence, transcript, valid_until, models = rest
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
        models=tuple(bytes(model) for model in models),
    )


def price_cap_from(row: Any) -> PriceCapUpdate:
    """Return the contract's struct of a price cap as a record."""
    epoch, market, attempt, table, expected, proposed, *rest = _plain(row)
    low, high, evidence, transcript, valid_until, models = rest
    return PriceCapUpdate(
        epoch=epoch,
        market=str(market),
        attempt=attempt,
        seat_table_hash=bytes(table),
        expected=_cap(expected),
        proposed=_cap(proposed),
        low_bound=low,
        high_bound=high,
        evidence_root=bytes(evidence),
        transcript_root=bytes(transcript),
        valid_until=valid_until,
        models=tuple(bytes(model) for model in models),
    )


def _cap(row: Any) -> PriceCap:
    ratio, time, growth = _plain(row)
    return PriceCap(ratio, time, Bps(growth))
