"""Extraordinary epochs: any seated agent may call one when the price has fallen.

    a seated agent ─call─► peers check the fall on chain and in their own data ─► an epoch like any other

Only the LTV is negotiated, and only downwards: the FAST lane takes nothing else that helps at once.  The
number of the epoch is that of a short slot of chain time and fixes its start, so that two calls in one
slot are one epoch and every deadline follows from the number alone.

Source: MECHANISM.md, Parameters and Lanes.
"""

from __future__ import annotations

from collections.abc import Iterable

from core.market import Scalar
from core.units import BPS_ONE, Bps

EXTRAORDINARY_EPOCH_BASE = 2**32
"""Numbers from here on are extraordinary epochs; the schedule's own stay below."""

CALL_SLOT_SECONDS = 120
CALL_MAX_AGE_SECONDS = 600
CALL_EVERY_SECONDS = 7 * 24 * 3600
"""One call per agent in this time, whatever came of it."""

CALL_LOOK_BACK_SECONDS = 24 * 3600
CALL_SCALAR = Scalar.LTV


def extraordinary_epoch(time: int) -> int:
    """Return the epoch that a call about the block of ``time`` opens.

    >>> extraordinary_epoch(240) - EXTRAORDINARY_EPOCH_BASE
    2
    """
    return EXTRAORDINARY_EPOCH_BASE + time // CALL_SLOT_SECONDS


def is_extraordinary(epoch: int) -> bool:
    """Return whether ``epoch`` was called, not scheduled."""
    return epoch >= EXTRAORDINARY_EPOCH_BASE


def extraordinary_start(epoch: int) -> int:
    """Return when a called epoch starts: at the end of its slot, when its calls have been heard.

    >>> extraordinary_start(extraordinary_epoch(241))
    360
    """
    return (epoch - EXTRAORDINARY_EPOCH_BASE + 1) * CALL_SLOT_SECONDS


def fall_bps(highest: int, price: int) -> int:
    """Return how far ``price`` is below ``highest``, basis points of it, rounded down; 0 when it is not.

    >>> fall_bps(2_000, 1_601)
    1995
    """
    return max(0, highest - price) * BPS_ONE // highest if highest > 0 else 0


def lowest_cut_bps(current_ltv_bps: int, power_loss_bps: Bps) -> int:
    """Return the lowest LTV whose loss of borrowing power the mandate allows, rounded up.

    >>> lowest_cut_bps(70_50, Bps(10_00))
    6345
    """
    return -(-current_ltv_bps * (BPS_ONE - power_loss_bps) // BPS_ONE)


def may_call_at(call_times: Iterable[int]) -> int:
    """Return from when on an agent with these earlier calls may call again (0: at once).

    >>> may_call_at([1_000, 500])
    605800
    """
    return max((time + CALL_EVERY_SECONDS for time in call_times), default=0)
