"""Many paths through one pool: the face of the kernels, and which account goes which way."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from core.errors import SimulationError
from core.pool.account import Kind
from core.pool.terms import PoolAsset, PoolTerms
from simulations.cores import usable_cores
from simulations.pool import arrays, dense, screened
from simulations.pool.arrays import (
    MAIN_DEBT,
    TOTALS,
    Floats,
    People,
    PoolBook,
    Whole,
    people_of,
    rules_of,
    tables_of,
)
from simulations.pool.screened import Groups

PoolKernel = Literal["screened", "dense"]
COUNTED = ("liquidations", "passed_over", "toxic", "frozen_steps", "leavers")
AMOUNTS = (
    "repaid",
    "liquidated_value",
    "fees",
    "refunds",
    "bad_debt",
    "uncovered",
    "interest",
    "gas",
    "added",
    "repaid_by_borrowers",
    "borrowed",
    "left",
    "checked",
)


@dataclass(frozen=True, slots=True)
class Routes:
    """How many accounts go which way: sorted groups, the list, or nowhere, because they owe nothing."""

    sorted: int
    listed: int
    idle: int

    @property
    def sorted_share(self) -> float:
        """The share of those who owe that the fast route takes."""
        owing = self.sorted + self.listed
        return self.sorted / owing if owing else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class PoolOutcome:
    """Totals by path, as ``core.pool.path.PoolResult`` names them; by asset with shape (path, asset).

    ``checked`` is how often an account's health was computed: under the dense kernel, accounts x steps.
    """

    liquidations: Whole
    passed_over: Whole
    toxic: Whole
    frozen_steps: Whole
    leavers: Whole
    repaid: Floats
    liquidated_value: Floats
    fees: Floats
    refunds: Floats
    bad_debt: Floats
    uncovered: Floats
    interest: Floats
    gas: Floats
    added: Floats
    repaid_by_borrowers: Floats
    borrowed: Floats
    left: Floats
    checked: Floats
    seized_by_asset: Floats
    bad_debt_by_asset: Floats
    routes: Routes


def run_pool(
    book: PoolBook,
    prices: Floats,
    *,
    terms: PoolTerms,
    kernel: PoolKernel = "screened",
    threads: int | None = None,
) -> PoolOutcome:
    """Return what happens to a pool along every path.

    Args:
        book: Accounts, tokens by asset.
        prices: USD, shape (path, step, asset), assets in the order of ``terms.assets``.
        terms: Parameters, liquidators, borrowers; see ``core.pool.terms``.
        kernel: ``screened``, or ``dense``, which looks at every account in every step.
        threads: At least one, ``None`` for all usable cores.  No result depends on it.

    Raises:
        SimulationError: shapes do not fit, a price is not above zero, or a mode or kind is unknown.
    """
    _check(book, prices, terms=terms)
    if threads is not None and threads < 1:
        raise SimulationError(f"threads was {threads}", allowed="at least 1, or None")
    assets = len(terms.assets)
    rules, tables, people = rules_of(terms), tables_of(terms), people_of(book, prices[0, 0])
    groups = groups_of(book, people)
    paths = np.ascontiguousarray(prices, dtype=np.float64)
    totals = np.zeros((len(paths), TOTALS + 2 * assets))
    collateral, debt = np.ascontiguousarray(book.collateral), np.ascontiguousarray(book.debt)

    def part(begin: int, end: int) -> None:
        if kernel == "dense":
            dense.follow_paths(
                collateral, debt, book.means_usd, people, tables, rules, paths[begin:end], totals[begin:end]
            )
        else:
            screened.follow_paths(
                collateral,
                debt,
                book.means_usd,
                people,
                tables,
                rules,
                groups,
                paths[begin:end],
                totals[begin:end],
            )

    _in_parts(part, len(paths), threads=threads or usable_cores())
    found: dict[str, Any] = {name: totals[:, n].astype(np.int64) for n, name in enumerate(COUNTED)}
    found |= {name: totals[:, len(COUNTED) + n].copy() for n, name in enumerate(AMOUNTS)}
    return PoolOutcome(
        **found,
        seized_by_asset=totals[:, TOTALS : TOTALS + assets].copy(),
        bad_debt_by_asset=totals[:, TOTALS + assets :].copy(),
        routes=routes_of(groups, people),
    )


def groups_of(book: PoolBook, people: People) -> Groups:
    """Return who stands in which sorted group, and who is watched."""
    assets = book.debt.shape[1]
    holds, owes = book.collateral > 0, book.debt > 0
    is_sorted = (holds.sum(axis=1) == 1) & (owes.sum(axis=1) == 1) & (book.kind != Kind.LOOPS)
    numbers = np.flatnonzero(is_sorted)
    held, lent = holds.argmax(axis=1)[numbers], owes.argmax(axis=1)[numbers]
    triggers = book.debt[numbers, lent] / book.collateral[numbers, held]
    order = np.lexsort((numbers, -triggers, book.mode[numbers], lent, held))
    keys = np.stack([held, lent, book.mode[numbers]], axis=1)[order].reshape(-1, 3)
    is_first = np.ones(len(keys), dtype=np.bool_)
    is_first[1:] = (keys[1:] != keys[:-1]).any(axis=1)
    main_debt = people.rows[MAIN_DEBT]
    patient = np.flatnonzero((main_debt >= 0) & (book.patience < np.inf))
    leavers = patient[np.lexsort((patient, book.patience[patient], main_debt[patient]))]
    return Groups(
        members=numbers[order].astype(np.int64),
        triggers=triggers[order],
        begins=np.append(np.flatnonzero(is_first), len(keys)).astype(np.int64),
        keys=np.ascontiguousarray(keys[is_first]).astype(np.int64),
        watched=np.flatnonzero(owes.any(axis=1) & ~is_sorted).astype(np.int64),
        leavers=leavers.astype(np.int64),
        leaver_begins=np.searchsorted(main_debt[leavers], np.arange(assets + 1)).astype(np.int64),
        used=np.stack([holds.any(axis=0), owes.any(axis=0)]).astype(np.int64),
    )


def routes_of(groups: Groups, people: People) -> Routes:
    """Return how many accounts go which way."""
    sorted_count, listed = len(groups.members), len(groups.watched)
    return Routes(sorted_count, listed, people.rows.shape[1] - sorted_count - listed)


def warm_up() -> None:
    """Compile both kernels, or load what was compiled before."""
    book = arrays.plain_book(np.ones((1, 1)), np.ones((1, 1)))
    terms = PoolTerms((PoolAsset("ETH", 80_00, 75_00, 5_00),), 3600)
    for kernel in ("screened", "dense"):
        run_pool(book, np.ones((1, 1, 1)), terms=terms, kernel=kernel, threads=1)


def _in_parts(part: Callable[[int, int], None], paths: int, *, threads: int) -> None:
    if threads == 1 or paths == 1:
        part(0, paths)
        return
    chunk = max(1, -(-paths // (4 * threads)))
    with ThreadPoolExecutor(threads) as pool:
        work = [pool.submit(part, begin, min(begin + chunk, paths)) for begin in range(0, paths, chunk)]
        for done in work:
            done.result()


def _check(book: PoolBook, prices: Floats, *, terms: PoolTerms) -> None:
    assets = len(terms.assets)
    if prices.ndim != 3 or 0 in prices.shape or prices.shape[2] != assets:
        raise SimulationError(
            f"prices had shape {prices.shape}", allowed=f"(path, step, {assets}), none of them 0"
        )
    if not (prices.min() > 0 and prices.max() < np.inf):
        raise SimulationError("a path holds a price that is not finite and above zero")
    if book.debt.shape[1] != assets:
        raise SimulationError(f"the book had {book.debt.shape[1]} assets", allowed=f"{assets}, as the terms")
    if not book.debt.any():
        raise SimulationError("nobody in the book owed anything", allowed="at least one account with debt")
    if book.mode.min() < 0 or book.mode.max() > len(terms.modes):
        raise SimulationError(f"a mode was {book.mode.max()}", allowed=f"0 to {len(terms.modes)}")
    if book.kind.min() < 0 or book.kind.max() > max(Kind):
        raise SimulationError(f"a kind was {book.kind.max()}", allowed=f"0 to {int(max(Kind))}")
    if book.phase.min() < 0:
        raise SimulationError("a phase was negative", allowed="from 0")
