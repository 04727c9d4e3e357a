"""From a certified set to the update that agents sign."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.epoch import candidate_value, spread_bounds
from core.evidence import evidence_root, merkle_root
from core.market import MarketSnapshot, with_scalar
from core.messages import SignedMessage
from core.ports import Keccak
from core.update import FreshnessSnapshot, ParameterUpdate

if TYPE_CHECKING:
    from core.negotiation import EpochContext


@dataclass(frozen=True, slots=True)
class Member:
    """One certified agent: its standing bound (``None``: it abstains), its evidence and its model.

    ``model_id`` is the 32-byte id of its registered model; empty if it named none.
    """

    agent_id: int
    bound: int | None
    bundle_root: bytes
    model_id: bytes = b""


def candidate_of(members: Sequence[Member], quorum: int) -> int | None:
    """Return the k-th largest standing bound, before guardrails; ``None`` with fewer than k bounds.

    >>> candidate_of([Member(i, b, b"") for i, b in enumerate((76_00, None, 75_00, 75_50))], 3)
    7500
    """
    return candidate_value([m.bound for m in members if m.bound is not None], quorum)


def models_of(members: Sequence[Member]) -> tuple[bytes, ...]:
    """Return the registered models that the members' bounds rest on, ascending, each once.

    >>> models_of([Member(1, 75_00, b"", b"b"), Member(2, None, b"", b"a"), Member(3, 75_00, b"", b"b")])
    (b'b',)
    """
    return tuple(sorted({m.model_id for m in members if m.bound is not None and m.model_id}))


def transcript_root(
    announce: SignedMessage,
    commits: Mapping[int, SignedMessage],
    certified: Sequence[Mapping[int, SignedMessage]],
    keccak: Keccak,
) -> bytes:
    """Return the Merkle root over the digests of announce, certified commits, reveals and counters."""
    digests = [announce.digest]
    digests += [message.digest for message in commits.values()]
    for members in certified:
        digests += [message.digest for message in members.values()]
    return merkle_root(digests, keccak)


def build_update(
    *,
    context: EpochContext,
    snapshot: MarketSnapshot,
    value: int,
    attempt: int,
    members: Sequence[Member],
    all_members: Sequence[Member],
    transcript: bytes,
) -> ParameterUpdate:
    """Return the update that every honest agent derives from the same certified set."""
    bounds = [member.bound for member in members if member.bound is not None]
    low, high = spread_bounds(bounds, context.faulty)
    current = snapshot.parameters
    return ParameterUpdate(
        epoch=context.epoch,
        market=context.market,
        attempt=attempt,
        seat_table_hash=context.seat_table_hash,
        expected=current,
        proposed=with_scalar(current, context.scalar, value, margin_bps=context.margin_bps),
        snapshot=FreshnessSnapshot(
            oracle_price=snapshot.oracle_price,
            utilisation_bps=snapshot.utilisation_bps,
            total_collateral=snapshot.total_collateral,
            total_borrow=snapshot.total_borrow,
            data_time=snapshot.timestamp,
        ),
        positions_root=snapshot.positions_root,
        low_bound=low,
        high_bound=high,
        evidence_root=evidence_root([m.bundle_root for m in all_members], transcript, context.keccak),
        transcript_root=transcript,
        valid_until=context.deadlines.attempt_start(attempt + 1),
        models=models_of(members),
    )
