"""The bound of ``simulations.search`` alone, without the outcomes that evidence carries.

    highest candidate first ─► stress ─► worst paths ─► the other paths ─► safe: no lower one is looked at
                                 └──────────┴─► outside the limits already: the next lower one

Losses are not negative, so that a candidate which some of its paths put outside the limits is outside with
all of them, to the last bit: the tail's mean is added in one order, and rounding keeps the order of sums.
The largest safe value is the first from above; nothing is taken to be monotone in the candidate.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import SimulationError
from core.mandate import SimulatedOutcome
from core.market import Scalar
from core.recommendation import Observation
from core.units import NANO
from simulations import engine
from simulations.montecarlo import (
    Behaviour,
    book_after,
    candidate_parameters,
    check_simulated,
    expected_shortfall,
    outcome_of,
    path_losses,
    price_paths,
    stress_failures,
)
from simulations.search import NEAR_STEP, RESOLUTION, candidate_grid, risk_breaches

WORST_PATHS = 64
"""Paths with the lowest prices, looked at before the others; as many as the kernel takes in lockstep."""


@dataclass(frozen=True, slots=True, eq=False)
class _Market:
    """What all candidates share; ``worst`` and ``others`` number the paths, worst first."""

    observation: Observation
    behaviour: Behaviour
    book: engine.Book
    prices: NDArray[np.float64]
    worst: NDArray[np.int64]
    others: NDArray[np.int64]
    reserves: float


@dataclass(frozen=True, slots=True, eq=False)
class _Safe:
    """A value inside the risk limits, with its losses as shares of supply, shape (path,)."""

    value: int
    losses: NDArray[np.float64]
    liquidated: NDArray[np.float64]


def bound_alone(
    observation: Observation, log_returns: NDArray[np.float64], *, behaviour: Behaviour | None = None
) -> SimulatedOutcome | None:
    """Return the outcome of the largest value that meets the risk limits, as ``safe_search`` finds it.

    Args:
        observation: The market, its borrowers and the mandate.
        log_returns: Per step of one hour, shape (path, step).
        behaviour: How borrowers react.

    Raises:
        SimulationError: an LTV is asked for (its lower values must be safe as well: use ``safe_search``),
            the scalar is not simulated, or the paths are too few or too short.
    """
    if observation.scalar is Scalar.LTV:
        raise SimulationError("the bound of an LTV needs all lower values", hint="use safe_search")
    grid = candidate_grid(observation)
    check_simulated(observation, log_returns, grid)
    market = _market_of(observation, log_returns, behaviour or Behaviour())
    best, above = _first_safe(market, grid)
    for step in (NEAR_STEP, RESOLUTION):
        if best is None or above is None:
            break
        better, next_above = _first_safe(market, range(best.value + step, above, step))
        above = above if next_above is None else next_above
        best = better or best
    if best is None:
        return None
    return outcome_of(observation, best.value, best.losses, liquidated=best.liquidated, failures=())


def _market_of(observation: Observation, log_returns: NDArray[np.float64], behaviour: Behaviour) -> _Market:
    prices = price_paths(observation, log_returns)
    order = np.argsort(prices.min(axis=1), kind="stable")
    snapshot = observation.snapshot
    return _Market(
        observation,
        behaviour,
        engine.book_from(observation.positions),
        prices,
        order[:WORST_PATHS],
        order[WORST_PATHS:],
        snapshot.reserves / snapshot.total_debt_supply,
    )


def _first_safe(market: _Market, values: Iterable[int]) -> tuple[_Safe | None, int | None]:
    """Return the largest safe value, and the value next above it (or the lowest of all)."""
    above = None
    for value in sorted(values, reverse=True):
        found = _looked_at(market, value)
        if found is not None:
            return found, above
        above = value
    return None, above


def _looked_at(market: _Market, value: int) -> _Safe | None:
    """Return the losses under ``value``, or ``None`` as soon as it is outside the risk limits."""
    observation = market.observation
    parameters = [candidate_parameters(observation, value)]
    book = book_after(observation, market.book, parameters, behaviour=market.behaviour)
    if stress_failures(observation, parameters, book=book)[0]:
        return None
    losses, liquidated = np.zeros(len(market.prices)), np.zeros(len(market.prices))
    for paths in (market.worst, market.others):
        if len(paths):
            found, sold = path_losses(observation, market.prices[paths], parameters, book=book)
            losses[paths], liquidated[paths] = found[0], sold[0]
        if _outside(market, value, losses):
            return None
    return _Safe(value, losses, liquidated)


def _outside(market: _Market, value: int, losses: NDArray[np.float64]) -> bool:
    """Return whether these losses break a risk limit; paths that have not been looked at count as none."""
    at_least = SimulatedOutcome(
        value=value,
        bad_debt_es_975_nano=round(expected_shortfall(losses) * NANO),
        reserve_breach_nano=round(float((losses > market.reserves).mean()) * NANO),
        newly_liquidatable_nano=0,
        borrowing_power_nano=0,
        liquidated_nano=0,
    )
    return bool(risk_breaches(at_least, market.observation.mandate))
