"""Where chunks are computed: in this process, in a pool of processes, or on Ray.

Results are the same on all three, because a chunk depends on nothing but its configuration and its number.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, Protocol

import pyarrow as pa

from core.errors import ConfigError, SimulationError, TribunateError
from simulations.cores import usable_cores

Task = Callable[[Mapping[str, Any], int], pa.Table]


class Engine(Protocol):
    """Computes chunks in any order; yields each as it is finished."""

    def run(
        self, task: str, configuration: Mapping[str, Any], chunks: Sequence[int]
    ) -> Iterator[tuple[int, pa.Table]]:
        """Yield (chunk, table); a chunk that raises ends the iteration with a :class:`SimulationError`."""
        ...


def compute(task: str, configuration: Mapping[str, Any], chunk: int) -> pa.Table:
    """Return one chunk's table, computed here.

    Raises:
        SimulationError: the task cannot be found, raises, or returns something else than a table.
    """
    module, _, name = task.partition(":")
    try:
        function: Task = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as problem:
        raise SimulationError(
            f"task {task} cannot be found: {problem}", allowed="module:function"
        ) from problem
    try:
        table = function(configuration, chunk)
    except TribunateError:
        raise
    except Exception as problem:
        raise SimulationError(f"task {task} raised in chunk {chunk}: {problem!r}") from problem
    if not isinstance(table, pa.Table):
        raise SimulationError(f"task {task} returned {type(table).__name__}", allowed="a pyarrow Table")
    return table


class SerialEngine:
    """One chunk after the other, in this process."""

    def run(
        self, task: str, configuration: Mapping[str, Any], chunks: Sequence[int]
    ) -> Iterator[tuple[int, pa.Table]]:
        """Yield the chunks in their order."""
        for chunk in chunks:
            yield chunk, compute(task, configuration, chunk)


class PoolEngine:
    """A pool of fresh processes, one per core unless said otherwise."""

    def __init__(self, workers: int | None = None) -> None:
        if workers is not None and workers < 1:
            raise ConfigError(f"workers were {workers}", allowed="at least 1")
        self._workers = workers or usable_cores()

    def run(
        self, task: str, configuration: Mapping[str, Any], chunks: Sequence[int]
    ) -> Iterator[tuple[int, pa.Table]]:
        """Yield chunks as they are finished.

        Raises:
            SimulationError: a task raises, or a worker dies.
        """
        with ProcessPoolExecutor(self._workers, mp_context=get_context("spawn")) as pool:
            running: dict[Future[pa.Table], int] = {
                pool.submit(compute, task, dict(configuration), chunk): chunk for chunk in chunks
            }
            try:
                for done in as_completed(running):
                    yield running[done], done.result()
            except BrokenProcessPool as problem:
                raise SimulationError(
                    "a worker died: killed, or out of memory",
                    hint="what was finished is kept; resume, with fewer workers or smaller chunks",
                ) from problem
            finally:
                pool.shutdown(wait=False, cancel_futures=True)


class RayEngine:
    """A Ray cluster, local unless ``address`` names one; needs the extra ``ray``."""

    def __init__(self, address: str | None = None, workers: int | None = None) -> None:
        try:
            self._ray: Any = importlib.import_module("ray")
        except ImportError as problem:
            raise ConfigError("Ray is not installed", hint="pip install 'tribunate[ray]'") from problem
        self._address, self._workers = address, workers

    def run(
        self, task: str, configuration: Mapping[str, Any], chunks: Sequence[int]
    ) -> Iterator[tuple[int, pa.Table]]:
        """Yield chunks as they are finished; Ray is started and stopped unless it is running already.

        Raises:
            SimulationError: a task raises, or a worker dies.
        """
        ray, started = self._ray, not self._ray.is_initialized()
        if started:
            local = {} if self._address else {"num_cpus": self._workers or usable_cores()}
            ray.init(address=self._address, include_dashboard=False, log_to_driver=False, **local)
        try:
            remote = ray.remote(compute)
            shared = ray.put(dict(configuration))
            running = {remote.remote(task, shared, chunk): chunk for chunk in chunks}
            while running:
                ready, _ = ray.wait(list(running))
                yield running.pop(ready[0]), ray.get(ready[0])
        except ray.exceptions.RayTaskError as problem:
            raise SimulationError(str(problem.cause)) from problem
        except ray.exceptions.RayError as problem:
            raise SimulationError(
                f"a worker died: {problem}", hint="what was finished is kept; resume"
            ) from problem
        finally:
            if started:
                ray.shutdown()
