"""Importance sampling of the far tail: draw where it hurts, and weigh what was drawn.

    the market's factor:  N(shift, 1) instead of N(0, 1) in every step      weight exp(-shift F + shift^2 / 2)
    market jumps:         rate times as many                                weight rate^-N exp((rate - 1) E N)

A weight is the likelihood ratio of a path, model over tilted model: weights average one, and any mean under
the model is the mean of weight times value.  Weights fluctuate the more, the larger the whole tilt is: the
sum of squared shifts over the steps.  For an event at ``z`` deviations of ``steps`` equal steps, a shift of
``z / sqrt(steps)`` per step is the right one.

Sources: Glasserman 2003, sections 4.6 and 9.2; Siegmund 1976 (exponential tilting).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from core.errors import SimulationError
from simulations.paths.dependence import OneFactor
from simulations.paths.draw import Trace, allocate, check_request, fill_block, in_blocks
from simulations.paths.garch import GarchProcess
from simulations.paths.jumps import SECONDS_PER_YEAR
from simulations.paths.philox import MARKET, Stream, fill_uniforms, key_of
from simulations.paths.scenario import PathModel

Array = NDArray[np.float64]

LARGEST_SHIFT = 5.0
LARGEST_MOVE = 50.0
"""Logarithm of the price over its start: a shock may send GARCH anywhere, and beyond this nothing is left."""
MIXTURE = (0, 1, 0, 2)
"""Of four paths in a row: from the model, tilted, from the model, with one shock."""
LARGEST_RATE = 1e6


@dataclass(frozen=True, slots=True)
class Tilt:
    """Where to draw: the factor's mean per step in deviations, and how many times as many market jumps."""

    factor_shift: float = 0.0
    market_rate: float = 1.0

    def __post_init__(self) -> None:
        if not abs(self.factor_shift) <= LARGEST_SHIFT:
            raise SimulationError(
                f"factor_shift was {self.factor_shift}",
                allowed=f"-{LARGEST_SHIFT:g} to {LARGEST_SHIFT:g} deviations per step",
            )
        if not 0 < self.market_rate <= LARGEST_RATE:
            raise SimulationError(
                f"market_rate was {self.market_rate}", allowed=f"above 0, at most {LARGEST_RATE:g}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class WeightedPaths:
    """Prices, shape (step, path, asset), and the logarithm of every path's weight, shape (path,)."""

    prices: Array
    log_weights: Array


@dataclass(frozen=True, slots=True)
class WeightedEstimate:
    """A mean under the model, its standard error, and how many plain paths the weights are worth."""

    mean: float
    standard_error: float
    effective_paths: float


def draw_weighted(
    model: PathModel,
    tilt: Tilt,
    *,
    paths: int,
    steps: int,
    seed: int,
    first_path: int = 0,
    threads: int = 1,
    memory_budget_bytes: int | None = None,
) -> WeightedPaths:
    """Return paths of the tilted model with the weights that undo the tilt.

    Arguments are those of :func:`simulations.paths.draw.draw`.  Without a tilt the prices are its very bits.

    Raises:
        SimulationError: as there, or the model has not what the tilt moves.
    """
    check_request(model, paths=paths, steps=steps, first_path=first_path, threads=threads)
    _check_tilt(model, tilt)
    out = allocate(model, paths=paths, steps=steps, memory_budget_bytes=memory_budget_bytes)
    log_weights = np.zeros(paths)

    def fill(start: int, end: int) -> None:
        trace = fill_block(
            model,
            out[:, :, start:end],
            seed=seed,
            first_path=first_path + start,
            factor_shift=tilt.factor_shift,
            market_rate=tilt.market_rate,
        )
        log_weights[start:end] = _log_weights(model, tilt, trace, steps=steps)

    in_blocks(fill, model=model, paths=paths, steps=steps, threads=threads)
    return WeightedPaths(out.transpose(0, 2, 1), log_weights)


def draw_defensively(
    model: PathModel,
    tilt: Tilt,
    *,
    shock: float = 0.0,
    paths: int,
    steps: int,
    seed: int,
    first_path: int = 0,
) -> WeightedPaths:
    """Return a mixture of paths: of four, two from the model, one tilted, one with a shock in one step.

    A tilt moves every step a little, which finds slow falls; with heavy tails a crash is one step, which only
    the shock finds: the factor of one step, drawn evenly, is moved by ``shock`` deviations.  A weight is the
    model's density over that of the mixture, never above 2, so that nothing that both have missed is worth
    thousands of paths.  Without a shock the fourth path is tilted too.  Prices are held within exp(50) of the
    start.  Figures of the tail are those of :mod:`simulations.statistics.tail`, with these weights.

    Sources: Hesterberg 1995 (defensive mixtures); Owen and Zhou 2000 (fixed shares, balance heuristic).

    Raises:
        SimulationError: as :func:`draw_weighted`.
    """
    check_request(model, paths=paths, steps=steps, first_path=first_path, threads=1)
    _check_tilt(model, tilt)
    _check_tilt(model, Tilt(shock))
    kinds = np.arange(first_path, first_path + paths) % len(MIXTURE)
    out = allocate(model, paths=paths, steps=steps, memory_budget_bytes=None)
    log_weights = np.empty(paths)
    one_step = _one_step(shock, paths=paths, steps=steps, seed=seed, first_path=first_path)
    ways: tuple[tuple[float | Array, float], ...] = (
        (0.0, 1.0),
        (tilt.factor_shift, tilt.market_rate),
        (one_step, 1.0) if shock else (tilt.factor_shift, tilt.market_rate),
    )
    for way, (shift, rate) in enumerate(ways):
        mine = np.array(MIXTURE)[kinds] == way
        if not mine.any():
            continue
        drawn = np.empty_like(out)
        trace = fill_block(
            model,
            drawn,
            seed=seed,
            first_path=first_path,
            factor_shift=shift,
            market_rate=rate,
            largest_move=LARGEST_MOVE,
        )
        out[:, :, mine] = drawn[:, :, mine]
        log_weights[mine] = _mixture_weights(model, tilt, trace, steps=steps, shock=shock)[mine]
    return WeightedPaths(out.transpose(0, 2, 1), log_weights)


def _one_step(shock: float, *, paths: int, steps: int, seed: int, first_path: int) -> Array:
    """Return the shift of every step and path: ``shock`` in one step of each."""
    uniforms = np.empty((1, paths))
    fill_uniforms(key_of(seed, Stream.SHOCK), first_path, 1, MARKET, 0, uniforms)
    shifts = np.zeros((steps, paths))
    shifts[(uniforms[0] * steps).astype(np.int64), np.arange(paths)] = shock
    return shifts


def _mixture_weights(model: PathModel, tilt: Tilt, trace: Trace, *, steps: int, shock: float) -> Array:
    """Return the logarithm of the model's density over the mixture's, shape (path,)."""
    tilted = -_log_weights(model, tilt, trace, steps=steps)
    if not shock or trace.factor is None:
        return math.log(2.0) - np.logaddexp(0.0, tilted)
    shocked = logsumexp(shock * trace.factor - shock**2 / 2, axis=0) - math.log(steps)
    parts = np.stack([np.full_like(tilted, math.log(2.0)), tilted, shocked])
    return np.asarray(math.log(4.0) - logsumexp(parts, axis=0))


def weighted_mean(values: Array, log_weights: Array) -> WeightedEstimate:
    """Return the mean of ``values`` under the model, both of shape (path,).

    Raises:
        SimulationError: shapes differ, fewer than two paths, or a number that is not finite.
    """
    _check_weighted(values, log_weights)
    weights = np.exp(log_weights)
    weighted = weights * values
    error = float(weighted.std(ddof=1)) / len(values) ** 0.5
    relative = np.exp(log_weights - log_weights.max())
    return WeightedEstimate(float(weighted.mean()), error, float(relative.sum() ** 2 / (relative**2).sum()))


def _check_weighted(values: Array, log_weights: Array) -> None:
    if values.ndim != 1 or values.shape != log_weights.shape or len(values) < 2:
        raise SimulationError(
            f"values had shape {values.shape}, weights {log_weights.shape}",
            allowed="(path,), two paths at least",
        )
    if not (np.isfinite(values).all() and np.isfinite(log_weights).all()):
        raise SimulationError("a value or a weight was not finite")


def _log_weights(model: PathModel, tilt: Tilt, trace: Trace, *, steps: int) -> Array:
    log_weights = np.zeros(len(trace.market_jumps))
    if tilt.factor_shift != 0 and trace.factor is not None:
        shift = tilt.factor_shift
        log_weights += steps * shift**2 / 2 - shift * trace.factor.sum(axis=0)
    if tilt.market_rate != 1 and model.jumps is not None and model.jumps.market is not None:
        expected = model.jumps.market.per_year * model.step_seconds / SECONDS_PER_YEAR * steps
        log_weights += (tilt.market_rate - 1) * expected - math.log(tilt.market_rate) * trace.market_jumps
    return log_weights


def _check_tilt(model: PathModel, tilt: Tilt) -> None:
    has_factor = isinstance(model.process, GarchProcess) and isinstance(model.dependence, OneFactor)
    if tilt.factor_shift != 0 and not has_factor:
        raise SimulationError(
            "a shift of the market's factor was asked of a model without one",
            allowed="GarchProcess with OneFactor",
            hint="one asset alone has OneFactor((1.0,))",
        )
    has_jumps = model.jumps is not None and model.jumps.market is not None and model.jumps.market.per_year > 0
    if tilt.market_rate != 1 and not has_jumps:
        raise SimulationError(
            "more market jumps were asked of a model without any", allowed="Jumps with a MarketJump"
        )
