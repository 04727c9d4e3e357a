"""A run from its beginning, or from where it stopped, to its end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from simulations.studies.engines import Engine, SerialEngine
from simulations.studies.identity import Identity
from simulations.studies.store import StoredRun, open_run

Progress = Callable[[int, int], None]


def conduct(
    parent: Path, identity: Identity, *, engine: Engine | None = None, progress: Progress | None = None
) -> StoredRun:
    """Compute what is missing of a run below ``parent``; return it whole.

    ``progress`` is told (chunks finished, chunks in all) after each one.

    Raises:
        SimulationError: a task raised, a worker died, or the disk is full; what was finished is kept.
    """
    run = open_run(parent, identity)
    chosen = SerialEngine() if engine is None else engine
    for chunk, table in chosen.run(identity.task, identity.configuration, run.missing):
        run.keep(chunk, table)
        if progress is not None:
            progress(len(run.finished), identity.chunks)
    return run
