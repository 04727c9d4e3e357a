"""Scenarios by the hundred thousand: paths are drawn, used and thrown away, chunk after chunk, in threads.

Only totals per path are kept, so that memory does not grow with steps.  Results depend on the seed alone:
not on threads and not on the size of chunks.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from core.cascade import CascadeTerms
from core.errors import SimulationError
from simulations import engine
from simulations.cores import usable_cores
from simulations.engine import Book, EngineResult
from simulations.paths.draw import draw
from simulations.paths.scenario import PathModel

CHUNK_BYTES = 8 << 20
"""Of prices at a time and thread: what a core's cache holds, and a few more."""


def run_scenarios(
    book: Book,
    model: PathModel,
    *,
    thresholds_bps: NDArray[np.int64],
    bonuses_bps: NDArray[np.int64],
    terms: CascadeTerms,
    paths: int,
    steps: int,
    seed: int,
    threads: int | None = None,
) -> EngineResult:
    """Return the totals of every candidate along ``paths`` fresh paths of a model of one asset.

    Args:
        book: As for ``engine.run``.
        model: One asset; every candidate meets the same paths.
        thresholds_bps: Shape (candidate,).
        bonuses_bps: Shape (candidate,).
        terms: As for ``engine.run``.
        paths: An even number if the model draws antithetic pairs.
        steps: Of the model's step length each.
        seed: Of the random numbers; path n is the same whatever ``paths`` is.
        threads: At least one, ``None`` for all usable cores.

    Raises:
        SimulationError: the model has several assets, a count is out of range, or ``engine.run`` refuses.
    """
    if len(model.names) != 1:
        raise SimulationError(f"the model had {len(model.names)} assets", allowed="one")
    if paths < 1 or (threads is not None and threads < 1):
        raise SimulationError(f"paths were {paths}, threads {threads}", allowed="at least 1")
    size = max(2, CHUNK_BYTES // (8 * max(1, steps)) // 2 * 2)
    firsts = range(0, paths, size)

    def part(first: int) -> EngineResult:
        drawn = draw(model, paths=min(size, paths - first), steps=steps, seed=seed, first_path=first)
        return engine.run(
            book,
            np.ascontiguousarray(drawn[:, :, 0].T),
            thresholds_bps=thresholds_bps,
            bonuses_bps=bonuses_bps,
            terms=terms,
            threads=1,
        )

    with ThreadPoolExecutor(threads or usable_cores()) as pool:
        parts = list(pool.map(part, firsts))
    columns = [
        np.concatenate([getattr(found, name) for found in parts], axis=1)
        for name in EngineResult.__dataclass_fields__
    ]
    return EngineResult(*columns)
