"""CMA-ES with margin over the reachable lattice (Hamano et al. 2022, by the library ``cmaes``).

Fields are coordinates of whole numbers: the places of a field's values between its lowest and highest
reachable one.  The margin keeps every field's neighbours likely enough to be tried.  Refused vectors are
worse than any that was simulated, and are never simulated.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigError
from core.market import Parameters, Scalar, parameters_from
from simulations.candidates.mask import SEARCHED, ActionMask, Refused

FINEST_BPS = 5
POINTS = 21
CAP_POINTS = 13
LEAST_POPULATION = 4

Scores = Callable[[Sequence[Parameters]], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Axis:
    """One field that can move, and the values that are tried, ascending, the current one among them."""

    scalar: Scalar
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """A vector that CMA-ES asked for: its score, or why it is out of reach."""

    parameters: Parameters
    generation: int
    score: float | None
    refused: Refused | None


def axes_of(mask: ActionMask) -> tuple[Axis, ...]:
    """Return the fields that the mask lets move, each with at most 22 values."""
    axes = []
    for scalar in SEARCHED:
        low, high = mask.span(scalar)
        if low == high:
            continue
        is_cap = scalar in (Scalar.SUPPLY_CAP, Scalar.BORROW_CAP)
        step = max(1 if is_cap else FINEST_BPS, -(-(high - low) // ((CAP_POINTS if is_cap else POINTS) - 1)))
        values = {*range(low, high + 1, step), high, mask.current.field(scalar)}
        axes.append(Axis(scalar, tuple(sorted(values))))
    return tuple(axes)


def ascend(
    mask: ActionMask, scores: Scores, *, seed: int, generations: int, population: int
) -> tuple[Tried, ...]:
    """Return everything tried, in order; the first is the current vector.

    Args:
        mask: What can be reached.
        scores: Of vectors that can be reached, higher is better; called once a generation with new ones.
        seed: Of CMA-ES.
        generations: At least one.
        population: Vectors a generation, at least four.

    Raises:
        ConfigError: ``cmaes`` is not installed, nothing may move, or the counts are too small.
    """
    axes = axes_of(mask)
    if not axes or generations < 1 or population < LEAST_POPULATION:
        raise ConfigError(
            f"{len(axes)} fields may move, {generations} generations of {population}",
            allowed=f"a field, a generation, a population of {LEAST_POPULATION}",
        )
    optimiser = _optimiser(axes, mask.current, seed=seed, population=population)
    known: dict[Parameters, float] = dict(zip([mask.current], scores([mask.current]), strict=True))
    tried = [Tried(mask.current, 0, known[mask.current], None)]
    for generation in range(1, generations + 1):
        asked = [optimiser.ask() for _ in range(population)]
        vectors = [_vector(axes, place, mask.current) for place, _ in asked]
        refusals = {vector: mask.refusal(vector) for vector in vectors}
        new = [vector for vector in refusals if refusals[vector] is None and vector not in known]
        known |= dict(zip(new, scores(new) if new else (), strict=True))
        worst = min(known.values())
        losses = [worst * -1 + 1.0 if refusals[v] is not None else -known[v] for v in vectors]
        optimiser.tell([(told, loss) for (_, told), loss in zip(asked, losses, strict=True)])
        tried += [
            Tried(vector, generation, None if reason else known[vector], reason)
            for vector, reason in refusals.items()
            if reason is not None or vector in new
        ]
        if optimiser.should_stop():
            break
    return tuple(tried)


def require_cmaes(load: Callable[[str], Any] = importlib.import_module) -> Any:
    """Return the library.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        return load("cmaes")
    except ImportError as problem:
        raise ConfigError("cmaes is not installed", hint="pip install 'tribunate[search]'") from problem


def _optimiser(axes: Sequence[Axis], current: Parameters, *, seed: int, population: int) -> Any:
    counts = np.array([len(axis.values) for axis in axes], dtype=np.float64)
    start = np.array([float(axis.values.index(current.field(axis.scalar))) for axis in axes])
    return require_cmaes().CMAwM(
        mean=start,
        sigma=1.0,
        bounds=np.stack([np.zeros(len(axes)), counts - 1], axis=1),
        steps=np.ones(len(axes)),
        seed=seed,
        population_size=population,
        cov=np.diag((counts / 4) ** 2),
    )


def _vector(axes: Sequence[Axis], place: NDArray[np.float64], current: Parameters) -> Parameters:
    values = current.as_dict()
    for axis, coordinate in zip(axes, place.tolist(), strict=True):
        values[axis.scalar.value] = axis.values[round(coordinate)]
    return parameters_from(values)
