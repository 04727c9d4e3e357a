"""What bounds the agents now: seats, limits, budgets, what waits, and when a field may move again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.guardrails import Change, Cut, FieldLimits, budget_left, next_allowed_at
from core.lanes import Lane
from core.market import Scalar
from core.proposal import ProposalState
from governance.client import ChainClient
from governance.cuts import Cuts, CutState
from governance.deployment import Deployment
from governance.proposals import ProposalProgress, Proposals
from governance.reader import ChainReader
from governance.registry import AgentDirectory


@dataclass(frozen=True, slots=True)
class SeatState:
    """One seat; ``bond`` in base units of its token, ``protocol_digest`` as the agent says (or empty)."""

    agent_id: int
    wallet: str
    operator: str
    family: str
    data_source: str
    active: bool
    bond: int
    protocol_digest: str


@dataclass(frozen=True, slots=True)
class FieldState:
    """One field of a market; budgets in their own unit, times in UTC seconds.

    ``next_allowed_at`` is when the minimum delay of the last change ends; ``None`` when it has.
    """

    scalar: Scalar
    value: int
    limits: FieldLimits
    budget_left_up: int
    budget_left_down: int
    next_allowed_at: int | None
    cut: Cut | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What has not ended: a proposal, a cut or a ramp; ``until`` is when its present state ends."""

    kind: str
    number: int
    lane: Lane
    state: str
    until: int | None


@dataclass(frozen=True, slots=True)
class Overview:
    """One deployment at one block."""

    time: int
    block: int
    market: str
    market_name: str
    seat_version: int
    faults: int
    signers_needed: int
    seats: tuple[SeatState, ...]
    fields: tuple[FieldState, ...]
    last_cut_at: int
    waiting: tuple[Waiting, ...]


def read_overview(client: ChainClient, deployment: Deployment) -> Overview:
    """Return the overview at the newest block."""
    reader = ChainReader(client, deployment)
    block = client.block_number()
    now = client.timestamp(block)
    table = reader.seat_table()
    registry = client.contract("SeatRegistry", deployment.addresses["seats"]).functions
    return Overview(
        time=now,
        block=block,
        market=deployment.market,
        market_name=deployment.market_name,
        seat_version=table.version,
        faults=int(client.call(registry.faultsOf(table.version))),
        signers_needed=int(client.call(registry.signersNeeded(table.version))),
        seats=_seats(client, deployment, reader),
        fields=_fields(reader, block, now),
        last_cut_at=reader.last_cut_time(block),
        waiting=_waiting(client, deployment),
    )


def _seats(client: ChainClient, deployment: Deployment, reader: ChainReader) -> tuple[SeatState, ...]:
    registry = client.contract("SeatRegistry", deployment.addresses["seats"]).functions
    bonds = client.contract("Bonds", deployment.addresses["bonds"]).functions
    directory = AgentDirectory(client, deployment)
    return tuple(
        SeatState(
            agent_id=seat.agent_id,
            wallet=seat.wallet,
            operator=seat.operator,
            family=seat.family,
            data_source=seat.data_source,
            active=bool(client.call(registry.isActive(seat.wallet))),
            bond=_bonded(client.call(bonds.bondOf(seat.agent_id))),
            protocol_digest=directory.protocol_of(seat.agent_id),
        )
        for seat in reader.seat_table().seats
    )


def _bonded(row: Sequence[int]) -> int:
    bonded, _, _ = row
    return int(bonded)


def _fields(reader: ChainReader, block: int, now: int) -> tuple[FieldState, ...]:
    limits, changes, current = reader.limits(block), reader.changes(block), reader.parameters(block)
    return tuple(
        _field(s, current.field(s), limit, changes=changes, now=now, cut=reader.cut(s, block))
        for s, limit in limits.items()
    )


def _field(
    scalar: Scalar, value: int, limits: FieldLimits, *, changes: Sequence[Change], now: int, cut: Cut | None
) -> FieldState:
    earliest = next_allowed_at(scalar, limits=limits, changes=changes)
    return FieldState(
        scalar=scalar,
        value=value,
        limits=limits,
        budget_left_up=budget_left(scalar, limits=limits, changes=changes, now=now, upwards=True),
        budget_left_down=budget_left(scalar, limits=limits, changes=changes, now=now, upwards=False),
        next_allowed_at=earliest if earliest is not None and earliest > now else None,
        cut=cut,
    )


def _waiting(client: ChainClient, deployment: Deployment) -> tuple[Waiting, ...]:
    proposals, cuts = Proposals(client, deployment), Cuts(client, deployment)
    found: list[Waiting] = []
    for seen in proposals.progress():
        if not seen.state.has_ended:
            found.append(Waiting("proposal", seen.number, seen.lane, seen.state.value, _until(seen)))
        if seen.ramp is not None and not seen.ramp.ended:
            found.append(Waiting("ramp", seen.number, Lane.RAMP, "armed", seen.ramp.next_step_at))
    for number in range(1, cuts.count() + 1):
        view = cuts.show(number)
        if view.state in {CutState.WAITING, CutState.READY}:
            until = view.executable_at if view.state is CutState.WAITING else view.expires_at
            found.append(Waiting("cut", number, Lane.FAST, view.state.value, until))
    return tuple(found)


def _until(seen: ProposalProgress) -> int | None:
    return seen.grace_end if seen.state is ProposalState.QUEUED else seen.window_end
