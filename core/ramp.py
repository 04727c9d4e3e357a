"""The steps by which an armed ramp lowers a collateral factor.

    execute ─► armed ─► rampStep at most 50 bps ─► 24 h ─► rampStep … ─► arrived, or lapsed 7 d after arming

Source: MECHANISM.md, Lanes (RAMP).  ``contracts/src/RampBook.sol`` is the twin.
"""

from __future__ import annotations

from core.errors import GovernanceError

RAMP_STEP_BPS = 50
RAMP_STEP_SECONDS = 24 * 3600
RAMP_LAPSE_SECONDS = 7 * 24 * 3600
RAMP_MOST_STEPS = RAMP_LAPSE_SECONDS // RAMP_STEP_SECONDS + 1
"""The first step may be taken at arming, the last one 7 d later."""

RAMP_MOST_BPS = RAMP_MOST_STEPS * RAMP_STEP_BPS


def next_value(current_bps: int, target_bps: int) -> int:
    """Return the value after one step.

    Raises:
        GovernanceError: the ramp has arrived.

    >>> next_value(75_50, 74_60)
    7500
    """
    if current_bps <= target_bps:
        raise GovernanceError(f"the ramp has arrived at {current_bps}", allowed="a step down")
    return max(target_bps, current_bps - RAMP_STEP_BPS)


def ramp_plan(first_bps: int, target_bps: int) -> tuple[tuple[int, int], ...]:
    """Return (seconds after arming, value) of every step at its earliest; what comes too late lapses.

    >>> ramp_plan(75_50, 74_60)
    ((0, 7500), (86400, 7460))
    """
    steps: list[tuple[int, int]] = []
    value = first_bps
    while value > target_bps and len(steps) < RAMP_MOST_STEPS:
        value = next_value(value, target_bps)
        steps.append((len(steps) * RAMP_STEP_SECONDS, value))
    return tuple(steps)
