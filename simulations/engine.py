"""Many paths x many candidates x many positions: the face of the kernels.

The semantics are those of ``core/cascade.py``; ``kernels/event.py`` says how they are made fast and why
that is exact.  tests/simulations/test_kernels_agree.py holds all kernels to equal liquidation counts and
amounts within 1e-12 relative.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.cascade import WAD_DECIMALS, CascadeTerms, Liquidity
from core.errors import SimulationError
from core.lending import LiquidationRules
from core.position import Position
from core.units import BPS_ONE, WAD, Bps
from simulations.columns import PositionColumns
from simulations.kernels.rules import LIQUIDATIONS, TOTALS, scalars_of
from simulations.kernels.work import Kernel, Run, fill, threads_for


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """Positions of one candidate, or one row per candidate: shape (candidate, position).

    ``collateral`` in whole tokens, ``debt`` in USD.
    """

    collateral: NDArray[np.float64]
    debt: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.collateral.shape != self.debt.shape or self.debt.ndim != 2:
            raise SimulationError(
                f"book had collateral {self.collateral.shape} and debt {self.debt.shape}",
                allowed="two equal shapes (candidate, position)",
            )


@dataclass(frozen=True, slots=True, eq=False)
class EngineResult:
    """Totals per candidate and path, shape (candidate, path); amounts in USD, ``seized`` in tokens.

    ``uncovered`` is debt above the worth of its collateral at the path's last price, among the
    positions that are left: bad debt that nobody has written off yet.
    """

    liquidations: NDArray[np.int64]
    repaid: NDArray[np.float64]
    seized: NDArray[np.float64]
    bad_debt: NDArray[np.float64]
    interest: NDArray[np.float64]
    uncovered: NDArray[np.float64]
    liquidated_value: NDArray[np.float64]


def book_from(positions: Sequence[Position]) -> Book:
    """Return positions in wad as one row of floats."""
    if isinstance(positions, PositionColumns):
        return Book(positions.collateral[None, :], positions.debt[None, :])
    collateral = np.array([[position.collateral / WAD for position in positions]])
    debt = np.array([[position.debt / WAD for position in positions]])
    return Book(collateral, debt)


def run(
    book: Book,
    prices: NDArray[np.float64],
    *,
    thresholds_bps: NDArray[np.int64],
    bonuses_bps: NDArray[np.int64],
    terms: CascadeTerms,
    kernel: Kernel = "event",
    threads: int | None = None,
) -> EngineResult:
    """Return the totals of every candidate along every path.

    Args:
        book: One row for all candidates, or a row each.
        prices: USD, shape (path, step).
        thresholds_bps: Shape (candidate,).
        bonuses_bps: Shape (candidate,).
        terms: Close factor, liquidity, supply, step and rates; its threshold and bonus are not used.
        kernel: ``event``, or ``dense`` and ``scan``, which look at every position in every step.
        threads: At least one; ``None`` takes one for work of a few milliseconds, else all usable cores.
            No result depends on it.

    Raises:
        SimulationError: shapes do not fit, an amount or price is not usable, a threshold is above
            1 / (1 + bonus), or the work needs more memory than the machine has.
    """
    candidates = len(thresholds_bps)
    _check_shapes(book, prices, thresholds_bps=thresholds_bps, bonuses_bps=bonuses_bps)
    _check_memory(candidates, len(prices), book.debt.shape[1])
    _check_book(book)
    _check_prices(prices)
    _check_candidates(thresholds_bps, bonuses_bps)
    if threads is not None and threads < 1:
        raise SimulationError(f"threads was {threads}", allowed="at least 1, or None")
    totals = np.zeros((candidates, len(prices), TOTALS))
    work = Run(
        book.collateral,
        book.debt,
        np.ascontiguousarray(prices, dtype=np.float64),
        thresholds_bps / BPS_ONE,
        bonuses_bps / BPS_ONE,
        scalars_of(terms),
        totals,
    )
    fill(work, kernel=kernel, threads=threads or threads_for(candidates * prices.size))
    amounts = [np.ascontiguousarray(totals[:, :, column]) for column in range(TOTALS)]
    return EngineResult(amounts[LIQUIDATIONS].astype(np.int64), *amounts[1:])


def warm_up() -> None:
    """Compile the engine, or load what was compiled before.

    The first call on a machine takes some seconds; whoever starts several agents at once calls this
    first, so that they find the compiled engine on disk.
    """
    rules = LiquidationRules(Bps(75_00), Bps(5_00), decimals=WAD_DECIMALS)
    run(
        Book(np.ones((1, 1)), np.ones((1, 1))),
        np.ones((1, 1)),
        thresholds_bps=np.array([75_00]),
        bonuses_bps=np.array([5_00]),
        terms=CascadeTerms(rules, Liquidity(WAD), WAD),
    )


def _check_shapes(
    book: Book,
    prices: NDArray[np.float64],
    *,
    thresholds_bps: NDArray[np.int64],
    bonuses_bps: NDArray[np.int64],
) -> None:
    candidates = len(thresholds_bps)
    if prices.ndim != 2 or prices.shape[1] == 0:
        raise SimulationError(f"prices had shape {prices.shape}", allowed="(path, step), at least one step")
    if book.debt.shape[1] == 0:
        raise SimulationError("the book was empty", allowed="at least one position")
    if book.debt.shape[0] not in (1, candidates):
        raise SimulationError(
            f"book had {book.debt.shape[0]} rows for {candidates} candidates",
            allowed="one row for all, or one row for each",
        )
    if len(bonuses_bps) != candidates:
        raise SimulationError(
            f"there were {candidates} thresholds and {len(bonuses_bps)} bonuses", allowed="one of each"
        )


def _check_memory(candidates: int, paths: int, positions: int) -> None:
    """Refuse what cannot fit: totals twice, and what a thread keeps of the book."""
    needed = 16 * TOTALS * candidates * paths + 64 * candidates * positions
    if not hasattr(os, "sysconf"):
        return
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > there:
        raise SimulationError(
            f"{candidates} candidates x {paths} paths x {positions} positions need {needed / 2**30:.0f} GiB",
            allowed=f"{there / 2**30:.0f} GiB, this machine's memory",
            hint="split the paths over several calls; results do not depend on it",
        )


def _check_book(book: Book) -> None:
    for name, amounts in (("collateral", book.collateral), ("debt", book.debt)):
        if not (amounts.min() >= 0 and amounts.max() < np.inf):
            raise SimulationError(
                f"{name} held an amount that is not finite or is negative", allowed="finite, from 0"
            )
    if not book.debt.any():
        raise SimulationError("nobody in the book owed anything", allowed="at least one position with debt")


def _check_prices(prices: NDArray[np.float64]) -> None:
    if prices.size and not (prices.min() > 0 and prices.max() < np.inf):
        raise SimulationError("a path holds a price that is not finite and above zero")


def _check_candidates(thresholds_bps: NDArray[np.int64], bonuses_bps: NDArray[np.int64]) -> None:
    """Refuse a liquidation that would lower the health factor it is meant to raise.

    Source: Warmuz, Chaudhary and Pinna 2022, "Toxic Liquidation Spirals".
    """
    for threshold, bonus in zip(thresholds_bps.tolist(), bonuses_bps.tolist(), strict=True):
        if threshold <= 0 or bonus < 0 or threshold * (BPS_ONE + bonus) > BPS_ONE * BPS_ONE:
            raise SimulationError(
                f"threshold was {threshold} bps with a bonus of {bonus} bps",
                allowed="threshold above 0, bonus from 0, threshold x (1 + bonus) at most 1",
            )
