"""The search for the largest safe value of one scalar.

Three limits bound the value itself (expected shortfall, reserve breach, stress): they are the *risk
limits*, and an upper bound rests on them alone.  The other two (newly liquidatable debt, loss of
borrowing power) bound the step that leads there; every outcome carries them, and whoever signs a
candidate checks all five (``core.mandate.breaches``).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from core.mandate import Limit, Mandate, SimulatedOutcome, breaches
from core.market import Scalar
from core.recommendation import Observation
from core.units import BPS_ONE
from simulations.montecarlo import Behaviour, sample_candidates

RISK_LIMITS = frozenset({Limit.BAD_DEBT_ES, Limit.RESERVE_BREACH, Limit.STRESS})
COARSE_STEP = 1_00
NEAR_STEP = 25
RESOLUTION = 5
NEIGHBOURHOOD = 50


def candidate_grid(observation: Observation) -> tuple[int, ...]:
    """Return the values of the first pass: every 1.00 %, the current value and its neighbours.

    The upper end stays where threshold x (1 + bonus) is below one.
    """
    now = observation.snapshot.parameters.field(observation.scalar)
    low, high = observation.floor, min(observation.ceiling, highest_valid(observation))
    first = -(-low // COARSE_STEP) * COARSE_STEP
    values = {low, high, *range(first, high + 1, COARSE_STEP)}
    values.update((now - NEIGHBOURHOOD, now, now + NEIGHBOURHOOD))
    return tuple(sorted(value for value in values if low <= value <= high))


def highest_valid(observation: Observation) -> int:
    """Return the largest value of the scalar that leaves the vector valid (INV-1, INV-2)."""
    parameters = observation.snapshot.parameters
    if observation.scalar is Scalar.LTV:
        return int(parameters.liquidation_threshold_bps) - 1
    if observation.scalar is Scalar.LIQUIDATION_BONUS:
        return (BPS_ONE * BPS_ONE - 1) // int(parameters.liquidation_threshold_bps) - BPS_ONE
    return (BPS_ONE * BPS_ONE - 1) // (BPS_ONE + int(parameters.liquidation_bonus_bps))


def safe_search(
    observation: Observation,
    log_returns: NDArray[np.float64],
    *,
    behaviour: Behaviour | None = None,
) -> tuple[tuple[SimulatedOutcome, ...], int | None]:
    """Return the simulated outcomes (ascending) and the largest value that meets the risk limits."""
    outcomes, bound, _ = safe_search_with_error(observation, log_returns, behaviour=behaviour)
    return outcomes, bound


def safe_search_with_error(
    observation: Observation,
    log_returns: NDArray[np.float64],
    *,
    behaviour: Behaviour | None = None,
) -> tuple[tuple[SimulatedOutcome, ...], int | None, float]:
    """Return outcomes and bound, and the standard error of the bound's expected shortfall (0 without one).

    Three passes, each finer, between the largest safe value and the next one above it; the last
    resolves 5 bps.  ``None`` if not even the smallest value meets the risk limits.
    """
    found: dict[int, SimulatedOutcome] = {}
    errors: dict[int, float] = {}

    def simulate(values: Sequence[int]) -> None:
        missing = sorted(set(values) - found.keys())
        if missing:
            sample = sample_candidates(observation, log_returns, missing, behaviour=behaviour)
            found.update((outcome.value, outcome) for outcome in sample.outcomes)
            errors.update(zip(missing, sample.standard_errors().tolist(), strict=True))

    simulate(candidate_grid(observation))
    for step in (NEAR_STEP, RESOLUTION):
        bound = largest_safe(list(found.values()), observation)
        above = min((value for value in found if bound is not None and value > bound), default=None)
        if bound is None or above is None:
            break
        simulate(range(bound + step, above, step))
    outcomes = tuple(found[value] for value in sorted(found))
    bound = largest_safe(outcomes, observation)
    return outcomes, bound, 0.0 if bound is None else errors[bound]


def largest_safe(outcomes: Sequence[SimulatedOutcome], observation: Observation) -> int | None:
    """Return the bound that ``outcomes`` come to.

    Of an LTV every lower value must be safe as well: borrowers may draw less than it allows, and in a
    book under water more debt can mean earlier liquidations and less bad debt.
    """
    if observation.scalar is not Scalar.LTV:
        return risk_bound(outcomes, observation.mandate)
    ascending = sorted(outcomes, key=lambda outcome: outcome.value)
    safe = takewhile(lambda outcome: not risk_breaches(outcome, observation.mandate), ascending)
    return max((outcome.value for outcome in safe), default=None)


def risk_breaches(outcome: SimulatedOutcome, mandate: Mandate) -> tuple[Limit, ...]:
    """Return the risk limits that ``outcome`` breaks."""
    return tuple(limit for limit in breaches(outcome, mandate) if limit in RISK_LIMITS)


def risk_bound(outcomes: Sequence[SimulatedOutcome], mandate: Mandate) -> int | None:
    """Return the largest value that breaks no risk limit, or ``None``."""
    return max((o.value for o in outcomes if not risk_breaches(o, mandate)), default=None)


def binding_limits(
    outcomes: Sequence[SimulatedOutcome], bound: int | None, mandate: Mandate
) -> tuple[Limit, ...]:
    """Return the risk limits that the next simulated value above ``bound`` breaks."""
    above = [o for o in outcomes if bound is None or o.value > bound]
    return risk_breaches(min(above, key=lambda o: o.value), mandate) if above else ()
