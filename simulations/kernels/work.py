"""A kernel's work cut into parts of paths, done by one thread or by several."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from simulations.cores import usable_cores
from simulations.kernels import dense, event

Kernel = Literal["event", "dense", "scan"]
Array = NDArray[np.float64]
Part = Callable[[int, int], None]

SECONDS_PER_STEP = 1e-8
SECONDS_WORTH_THREADS = 5e-3
"""Below this, starting threads costs more than they bring, the more so on a busy machine."""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What one call asks for: books (row, position), prices (path, step), totals to be filled.

    Books have one row for all candidates, or a row each.  ``totals`` has shape (candidate, path, total),
    in the order of ``kernels.rules``.
    """

    collateral: Array
    debt: Array
    prices: Array
    thresholds: Array
    bonuses: Array
    scalars: Array
    totals: Array

    def row(self, candidate: int) -> int:
        """Return the row of the book that a candidate has."""
        return candidate if len(self.debt) > 1 else 0


def fill(run: Run, *, kernel: Kernel, threads: int) -> None:
    """Fill ``run.totals``; each part writes its own paths, so nothing is added across threads."""
    part_of = _event_parts(run) if kernel == "event" else _dense_parts(run, kernel)
    candidates, paths = run.totals.shape[:2]
    if threads == 1:
        for candidate in range(candidates):
            part_of(candidate)(0, paths)
        return
    chunk = max(1, -(-paths // threads))
    with ThreadPoolExecutor(threads) as pool:
        work = [
            pool.submit(part_of(candidate), begin, min(begin + chunk, paths))
            for candidate in range(candidates)
            for begin in range(0, paths, chunk)
        ]
        for part in work:
            part.result()


def threads_for(path_steps: int) -> int:
    """Return one thread for work of less than some milliseconds, else one for each usable core.

    >>> threads_for(1_000)
    1
    """
    if path_steps * SECONDS_PER_STEP < SECONDS_WORTH_THREADS:
        return 1
    return usable_cores()


def sort_book(collateral: Array, debt: Array) -> tuple[Array, NDArray[np.int64]]:
    """Return rows (trigger, coins, debt), worst first, and each position's place in the given book."""
    triggers = _triggers(collateral, debt)
    numbers = np.argsort(triggers)[::-1]
    worst_first = triggers[numbers]
    if (worst_first[1:] == worst_first[:-1]).any():  # ties keep the book's order; this sort is slower
        numbers = np.argsort(-triggers, kind="stable")
    rows = np.stack([triggers[numbers], collateral[numbers], debt[numbers]])
    return rows, np.ascontiguousarray(numbers)


def _triggers(collateral: Array, debt: Array) -> Array:
    endless = np.where(debt > 0, np.inf, 0.0)
    return np.divide(debt, collateral, out=endless, where=(debt > 0) & (collateral > 0))


def _event_parts(run: Run) -> Callable[[int], Part]:
    shared = sort_book(run.collateral[0], run.debt[0])

    def part_of(candidate: int) -> Part:
        row = run.row(candidate)
        book, numbers = sort_book(run.collateral[row], run.debt[row]) if row > 0 else shared
        total = float(run.debt[row].sum())

        def part(begin: int, end: int) -> None:
            event.follow_paths(
                book,
                numbers,
                total,
                run.prices[begin:end],
                float(run.thresholds[candidate]),
                float(run.bonuses[candidate]),
                run.scalars,
                run.totals[candidate, begin:end],
            )

        return part

    return part_of


def _dense_parts(run: Run, kernel: Kernel) -> Callable[[int], Part]:
    follow = dense.scan_paths if kernel == "scan" else dense.follow_paths

    def part_of(candidate: int) -> Part:
        collateral = np.ascontiguousarray(run.collateral[run.row(candidate)])
        debt = np.ascontiguousarray(run.debt[run.row(candidate)])

        def part(begin: int, end: int) -> None:
            follow(
                collateral,
                debt,
                float(debt.sum()),
                run.prices[begin:end],
                float(run.thresholds[candidate]),
                float(run.bonuses[candidate]),
                run.scalars,
                run.totals[candidate, begin:end],
            )

        return part

    return part_of
