"""Epochs: who counts, who keeps, and when each phase ends.

Every deadline is a time of the DAO's chain and follows from the mandate's schedule alone
(MECHANISM.md, Seats and Epoch).

>>> [(n, max_faulty(n), quorum(n)) for n in (4, 5, 7, 10)]
[(4, 1, 3), (5, 1, 4), (7, 2, 5), (10, 3, 7)]
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.errors import NegotiationError
from core.mandate import PhaseSeconds


def max_faulty(seats: int) -> int:
    """Return f, the largest whole number below a third of the seats."""
    return (seats - 1) // 3


def quorum(seats: int) -> int:
    """Return k = ceil((2n + 1) / 3).

    Raises:
        NegotiationError: fewer than four seats (f would be 0 and one agent could decide).
    """
    if seats < 4:
        raise NegotiationError(f"there were {seats} seats", allowed="at least 4", hint="seat more agents")
    return -(-(2 * seats + 1) // 3)


def keeper_order(epoch: int, market: str, seat_table_hash: bytes, agents: Iterable[int]) -> tuple[int, ...]:
    """Return the agents in the order in which they keep ``epoch``: by hash(epoch, market, seats, agent)."""
    prefix = epoch.to_bytes(8, "big") + market.lower().encode() + seat_table_hash

    def rank(agent: int) -> bytes:
        return hashlib.sha256(prefix + agent.to_bytes(32, "big")).digest()

    return tuple(sorted(agents, key=rank))


def epoch_at(time: int, *, genesis: int, epoch_seconds: int) -> int:
    """Return the epoch that is running at ``time``; epoch 0 starts at ``genesis``.

    >>> epoch_at(1_000, genesis=0, epoch_seconds=600)
    1
    """
    return (time - genesis) // epoch_seconds


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Ends of the phases of one epoch, chain time; a phase may end earlier when all have spoken."""

    start: int
    announce: int
    commit: int
    reveal: int
    certificate: int
    counter: int
    counter_certificate: int
    attempt_seconds: int
    agree_seconds: int

    def attempt_start(self, attempt: int) -> int:
        """Return when ``attempt`` begins by the clock; the attempt before it is void from then on."""
        return self.counter_certificate + attempt * self.attempt_seconds

    def agree(self, attempt: int) -> int:
        """Return when signatures for ``attempt`` are no longer waited for."""
        return self.attempt_start(attempt) + self.agree_seconds


def deadlines(start: int, phases: PhaseSeconds) -> Deadlines:
    """Return the deadlines of the epoch that starts at ``start``.

    >>> deadlines(0, PhaseSeconds()).attempt_start(1)
    4800
    """
    announce = start + phases.announce
    commit = announce + phases.commit
    reveal = commit + phases.reveal
    certificate = reveal + phases.certificate
    counter = certificate + phases.counter
    return Deadlines(
        start=start,
        announce=announce,
        commit=commit,
        reveal=reveal,
        certificate=certificate,
        counter=counter,
        counter_certificate=counter + phases.certificate,
        attempt_seconds=phases.agree + phases.submit,
        agree_seconds=phases.agree,
    )


def candidate_value(bounds: Sequence[int], quorum_size: int) -> int | None:
    """Return the k-th largest bound: the largest value that at least k agents call safe.

    ``None`` if fewer than k agents gave one.  A generalised median: with at most f faulty of n seats it
    lies within the honest agents' bounds (Moulin 1980; MECHANISM.md, step 4).

    >>> candidate_value([77_85, 78_40, 76_10, 75_90], 3)
    7610
    """
    if len(bounds) < quorum_size:
        return None
    return sorted(bounds, reverse=True)[quorum_size - 1]


def clamp(value: int, *, lowest: int, highest: int) -> int:
    """Return ``value`` inside what guardrails and open lanes can reach.

    >>> clamp(78_00, lowest=75_00, highest=75_50)
    7550
    """
    return max(lowest, min(highest, value))


def spread_bounds(bounds: Sequence[int], faulty: int) -> tuple[int, int]:
    """Return the (f+1)-th lowest and the (f+1)-th highest bound.

    >>> spread_bounds([77_85, 78_40, 76_10, 75_90], 1)
    (7610, 7785)
    """
    ascending = sorted(bounds)
    return ascending[min(faulty, len(ascending) - 1)], ascending[max(0, len(ascending) - 1 - faulty)]
