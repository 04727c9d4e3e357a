"""Drawing paths: all at once, or in chunks under a memory budget; the same bits either way.

    blocks of paths that fit the cache ─► ranks ─► GARCH or the past ─► jumps ─► sums ─► exp ─► prices
                                                                          └─► regimes of the pegged

A block is a computation of its own, and no number crosses from one path to another, so neither blocks nor
threads nor chunks can be seen in the result.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.errors import SimulationError
from simulations.paths.dependence import fill_ranks
from simulations.paths.garch import GarchProcess
from simulations.paths.philox import Pairing, check_counts
from simulations.paths.scenario import PathModel

Array = NDArray[np.float64]

NUMBER_BYTES = 8
BLOCK_BYTES = 512 * 1024
SMALLEST_BLOCK, LARGEST_BLOCK = 64, 2_048
CHUNK_BYTES = 256 * 1024**2
LARGEST_LOG = 700.0
"""Beyond this a price is no longer a finite float64 above zero."""


@dataclass(frozen=True, slots=True, eq=False)
class PathChunk:
    """Prices of paths from ``first_path`` on, shape (step, path, asset)."""

    first_path: int
    prices: Array


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """What likelihood ratios need: the market's factor (step, path) if there is one, and jumps per path."""

    factor: Array | None
    market_jumps: NDArray[np.int64]


def draw(
    model: PathModel,
    *,
    paths: int,
    steps: int,
    seed: int,
    first_path: int = 0,
    threads: int = 1,
    memory_budget_bytes: int | None = None,
) -> Array:
    """Return prices after each step in USD, shape (step, path, asset), time-major.

    In memory the path is the last axis, so that ``prices[step, :, asset]`` is contiguous.

    Args:
        model: What to draw.
        paths: How many.
        steps: How many, each of ``model.step_seconds``.
        seed: 64 bits; the same seed draws the same innovations for any model.
        first_path: The number of the first path: further paths of the same sample.
        threads: How many work at once.
        memory_budget_bytes: What the result may take; the machine's memory without one.

    Raises:
        SimulationError: counts, seed or memory are out of range, or a price leaves what a float64 holds.
    """
    check_request(model, paths=paths, steps=steps, first_path=first_path, threads=threads)
    out = allocate(model, paths=paths, steps=steps, memory_budget_bytes=memory_budget_bytes)

    def fill(start: int, end: int) -> None:
        fill_block(model, out[:, :, start:end], seed=seed, first_path=first_path + start)

    in_blocks(fill, model=model, paths=paths, steps=steps, threads=threads)
    return out.transpose(0, 2, 1)  # (step, path, asset)


def chunks(
    model: PathModel,
    *,
    paths: int,
    steps: int,
    seed: int,
    first_path: int = 0,
    threads: int = 1,
    memory_budget_bytes: int = CHUNK_BYTES,
) -> Iterator[PathChunk]:
    """Return the paths of :func:`draw` piece by piece, each within ``memory_budget_bytes``.

    Raises:
        SimulationError: as :func:`draw`, or the budget holds not even one path (or pair).
    """
    check_request(model, paths=paths, steps=steps, first_path=first_path, threads=threads)
    least = 2 if model.antithetic else 1
    size = memory_budget_bytes // result_bytes(model, paths=1, steps=steps)
    size -= size % least
    if size < least:
        raise SimulationError(
            f"a budget of {memory_budget_bytes} bytes holds no path of {steps} steps",
            allowed=f"{result_bytes(model, paths=least, steps=steps)} bytes at least",
        )

    def piece(start: int) -> PathChunk:
        count, first = min(size, paths - start), first_path + start
        prices = draw(model, paths=count, steps=steps, seed=seed, first_path=first, threads=threads)
        return PathChunk(first, prices)

    return map(piece, range(0, paths, size))


def fill_block(
    model: PathModel,
    out: Array,
    *,
    seed: int,
    first_path: int,
    factor_shift: float | Array = 0.0,
    market_rate: float = 1.0,
    largest_move: float = math.inf,
) -> Trace:
    """Fill ``out``, shape (step, asset, path), with prices; see :mod:`simulations.paths.importance`.

    Prices are held within ``exp(largest_move)`` of the start, to either side.

    Raises:
        SimulationError: a price leaves what a float64 holds.
    """
    steps, _, paths = out.shape
    driven = len(model.assets)
    logs = np.empty((driven, steps, paths))  # (asset, step, path)
    factor = _fill_returns(model, logs, seed=seed, first_path=first_path, factor_shift=factor_shift)
    market, counts = None, np.zeros(paths, np.int64)
    if model.jumps is not None:
        market, counts = model.jumps.add(
            logs,
            step_seconds=model.step_seconds,
            seed=seed,
            first_path=first_path,
            antithetic=model.antithetic,
            rate=market_rate,
        )
    for asset, start in enumerate(model.start_prices):
        _accumulate(logs[asset])
        if largest_move < math.inf:
            np.clip(logs[asset], -largest_move, largest_move, out=logs[asset])
        _to_prices(logs[asset], start, out[:, asset])
    _fill_pegged(model, logs, market, out[:, driven:], seed=seed, first_path=first_path)
    return Trace(factor, counts)


def _fill_returns(
    model: PathModel, logs: Array, *, seed: int, first_path: int, factor_shift: float | Array
) -> Array | None:
    if not isinstance(model.process, GarchProcess):
        model.process.fill(logs, seed=seed, first_path=first_path)
        return None
    pairing = Pairing.OPPOSITE if model.antithetic else Pairing.NONE
    factor = fill_ranks(
        model.dependence, logs, seed=seed, first_path=first_path, pairing=pairing, factor_shift=factor_shift
    )
    model.process.follow(logs)
    return factor


def _fill_pegged(
    model: PathModel, logs: Array, market: Array | None, out: Array, *, seed: int, first_path: int
) -> None:
    for number, pegged in enumerate(model.pegged):
        gaps = np.empty(logs.shape[1:])
        pegged.fill_gaps(
            gaps,
            np.zeros_like(gaps) if market is None else market,
            number=number,
            step_seconds=model.step_seconds,
            seed=seed,
            first_path=first_path,
            antithetic=model.antithetic,
        )
        if pegged.anchor is not None:
            gaps += logs[model.assets.index(pegged.anchor)]
        _to_prices(gaps, pegged.start_price, out[:, number])


@njit(cache=True, nogil=True)
def _accumulate(logs: Array) -> None:
    for step in range(1, logs.shape[0]):
        for path in range(logs.shape[1]):
            logs[step, path] += logs[step - 1, path]


@njit(cache=True, nogil=True)
def _inside(logs: Array, offset: float) -> int:
    """Return how many log prices are within what a float64 holds."""
    count = 0
    for step in range(logs.shape[0]):
        for path in range(logs.shape[1]):
            count += abs(logs[step, path] + offset) < LARGEST_LOG
    return count


def _to_prices(logs: Array, start: float, out: Array) -> None:
    if _inside(logs, math.log(start)) != logs.size:
        raise SimulationError(
            "a price left what a float64 holds",
            allowed=f"logarithms within {LARGEST_LOG:g}",
            hint="the model's variance or drift is beyond any market: fit it again",
        )
    np.exp(logs, out=out)
    out *= start


def in_blocks(
    fill: Callable[[int, int], None], *, model: PathModel, paths: int, steps: int, threads: int
) -> None:
    """Call ``fill(start, end)`` for blocks of paths that fit the cache, in ``threads`` threads."""
    size = BLOCK_BYTES // (NUMBER_BYTES * steps * len(model.names))
    size = min(max(size - size % SMALLEST_BLOCK, SMALLEST_BLOCK), LARGEST_BLOCK)
    starts = range(0, paths, size)
    if threads == 1:
        for start in starts:
            fill(start, min(start + size, paths))
        return
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(fill, start, min(start + size, paths)) for start in starts]:
            done.result()


def allocate(model: PathModel, *, paths: int, steps: int, memory_budget_bytes: int | None) -> Array:
    """Return an empty array for prices, shape (step, asset, path).

    Raises:
        SimulationError: it is larger than the budget, or than the machine's memory.
    """
    needed = result_bytes(model, paths=paths, steps=steps)
    allowed = machine_bytes() if memory_budget_bytes is None else memory_budget_bytes
    if needed > allowed:
        raise SimulationError(
            f"{paths} paths of {steps} steps and {len(model.names)} assets take {needed} bytes",
            allowed=f"{allowed} bytes",
            hint="draw them in chunks",
        )
    return np.empty((steps, len(model.names), paths))


def result_bytes(model: PathModel, *, paths: int, steps: int) -> int:
    """Return what the prices take."""
    return NUMBER_BYTES * paths * steps * len(model.names)


def machine_bytes() -> int:
    """Return the machine's memory."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def check_request(model: PathModel, *, paths: int, steps: int, first_path: int, threads: int) -> None:
    """Refuse what cannot be drawn.

    Raises:
        SimulationError: counts out of range, no thread, or half a pair.
    """
    check_counts(paths=paths, steps=steps, first_path=first_path)
    if threads < 1:
        raise SimulationError(f"threads were {threads}", allowed="1 at least")
    if model.antithetic and (paths % 2 or first_path % 2):
        raise SimulationError(
            f"antithetic paths were asked for from {first_path}, {paths} of them",
            allowed="even numbers: pairs",
        )
