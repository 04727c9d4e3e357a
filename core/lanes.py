"""Which lane a change takes: by its effect on accounts that exist, never by what a proposer says.

    FAST  nobody's health factor and nobody's ability to repay changes; 1 h, no veto beforehand
    RAMP  lowers safety for borrowers that exist; 72 h of veto, 24 h of timelock, then in steps
    SLOW  everything else; 72 h of veto, 24 h of timelock

Source: MECHANISM.md, Lanes.  ``contracts/src/Lanes.sol`` is the twin.
"""

from __future__ import annotations

from enum import StrEnum

from core.market import PARAMETER_FIELDS, Parameters, Scalar


class Lane(StrEnum):
    """Decided by the adapter; the order is that of the Solidity enum."""

    NONE = "none"
    FAST = "fast"
    RAMP = "ramp"
    SLOW = "slow"


def lane_of(current: Parameters, proposed: Parameters, *, total_collateral: int) -> Lane:
    """Return the lane of a change of one market (Aave-like: LTV and threshold apart).

    ``total_collateral`` is what is supplied now, base units: a supply cap below it is not FAST.

    >>> from core.market import with_scalar
    >>> from core.units import Bps
    >>> now = Parameters(Bps(70_00), Bps(75_00), Bps(5_00), 10, 10)
    >>> lane_of(now, with_scalar(now, Scalar.LTV, 0, margin_bps=Bps(5_00)), total_collateral=0)
    <Lane.FAST: 'fast'>
    """
    moves = {s: proposed.field(s) - current.field(s) for s in (Scalar(name) for name in PARAMETER_FIELDS)}
    if any(move > 0 for move in moves.values()) or moves[Scalar.LIQUIDATION_BONUS]:
        return Lane.SLOW
    narrower = any(moves[s] < 0 for s in (Scalar.SUPPLY_CAP, Scalar.BORROW_CAP, Scalar.IS_OPEN))
    if moves[Scalar.LIQUIDATION_THRESHOLD] < 0:
        return Lane.SLOW if narrower else Lane.RAMP
    if moves[Scalar.SUPPLY_CAP] < 0 and proposed.supply_cap < total_collateral:
        return Lane.SLOW
    return Lane.FAST if narrower or moves[Scalar.LTV] < 0 else Lane.NONE
