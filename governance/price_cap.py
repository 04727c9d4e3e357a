"""The price cap of a correlated asset, and the message that agents sign for one.

Field order and types are those of the EIP-712 structs in ``contracts/src/types/PriceCapTypes.sol``.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.units import BPS_ONE, Bps

SECONDS_PER_YEAR = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class PriceCap:
    """How high a ratio may be: three values that move as one.

    ``snapshot_ratio`` is in the feed's own decimals, ``snapshot_timestamp`` in UTC seconds;
    ``max_yearly_growth_bps`` is of the snapshot's ratio, simple, not compounded.
    """

    snapshot_ratio: int
    snapshot_timestamp: int
    max_yearly_growth_bps: Bps

    def at(self, time: int) -> int:
        """Return the highest ratio that is let through at ``time``; growth per second is rounded down.

        >>> PriceCap(10**18, 0, Bps(10_00)).at(SECONDS_PER_YEAR) < 11 * 10**17
        True
        """
        per_second = self.snapshot_ratio * int(self.max_yearly_growth_bps) // BPS_ONE // SECONDS_PER_YEAR
        return self.snapshot_ratio + per_second * (time - self.snapshot_timestamp)


@dataclass(frozen=True, slots=True)
class PriceCapUpdate:
    """One capped feed's change; ``market`` is the feed; the bounds are of the yearly growth, basis points."""

    epoch: int
    market: str
    attempt: int
    seat_table_hash: bytes
    expected: PriceCap
    proposed: PriceCap
    low_bound: int
    high_bound: int
    evidence_root: bytes
    transcript_root: bytes
    valid_until: int
    models: tuple[bytes, ...] = ()
