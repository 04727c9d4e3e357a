"""Who and what the tail comes from: single accounts, the cascade, and single paths."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from simulations import engine
from simulations.candidates.objective import SHORTFALL_LEVEL
from simulations.statistics.tail import Estimate, expected_shortfall, mean, tail_scores
from simulations.studies.figures import SceneRows, scene_rows
from simulations.studies.lending import LendingStudy, cascade_terms, market_book, scene_paths
from simulations.studies.scenes import SceneKind

LARGEST_ACCOUNTS = 20
ATTRIBUTION_PATHS = 4_000
WORST_PATHS = 10


@dataclass(frozen=True, slots=True)
class AccountShare:
    """One account: its debt, and by how much the market's ES 97.5 of bad debt would fall without it.

    The leave-one-out contributions of all accounts do not add up to the shortfall: accounts share the
    market's depth.
    """

    account: str
    debt_usd: float
    health: float
    contribution: Estimate


@dataclass(frozen=True, slots=True)
class Amplification:
    """The same paths with and without the impact of sales: value liquidated and bad debt, USD a path."""

    sold_with: Estimate
    sold_without: Estimate
    sold_difference: Estimate
    bad_debt_difference: Estimate


@dataclass(frozen=True, slots=True)
class Episode:
    """One path that counts; ``fall`` is the deepest, as a share of the start."""

    path: int
    weight: float
    fall: float
    last_fall: float
    liquidations: int
    sold_usd: float
    bad_debt_usd: float


def largest_accounts(study: LendingStudy) -> tuple[AccountShare, ...]:
    """Return the accounts with the largest debts, by leave-one-out on the base scene's first paths.

    An account is left out by its debt and its collateral; the others stay as they are.
    """
    book = market_book(study, study.base)
    numbers = np.argsort(-book.debt[0], kind="stable")[:LARGEST_ACCOUNTS]
    paths = min(ATTRIBUTION_PATHS, study.paths)
    prices, weights = scene_paths(study, study.base, first_path=0, paths=paths)
    rows = np.repeat(book.debt, len(numbers) + 1, axis=0)  # (all and without each, position)
    rows[np.arange(len(numbers)), numbers] = 0.0
    lost = _bad_debt(study, engine.Book(np.repeat(book.collateral, len(rows), axis=0), rows), prices)
    scores = np.stack([tail_scores(one, SHORTFALL_LEVEL, weights=weights) for one in lost])
    health = book.collateral[0] * study.start_price * study.current.liquidation_threshold_bps / 10_000
    return tuple(
        AccountShare(
            f"account {number}",
            float(book.debt[0, number]),
            float(health[number] / book.debt[0, number]),
            _difference(scores[-1] - scores[row], weights),
        )
        for row, number in enumerate(numbers)
    )


def amplification(study: LendingStudy, table: pa.Table) -> Amplification | None:
    """Return what impact adds for the current parameters, path by path; none without that scene."""
    scenes = [scene for scene in study.scenes if scene.kind is SceneKind.NO_IMPACT]
    if not scenes:
        return None
    without = scene_rows(study, table, scenes[0])
    paths = without.bad_debt.shape[1]
    whole = scene_rows(study, table, study.base)
    weights = None if whole.weights is None else whole.weights[:paths]
    sold, calm = whole.columns["liquidated_value"][0, :paths], without.columns["liquidated_value"][0]
    lost = whole.bad_debt[0, :paths] - without.bad_debt[0]
    return Amplification(
        mean(sold, weights=weights),
        mean(calm, weights=weights),
        _difference(sold - calm, weights),
        _difference(lost, weights),
    )


def worst_episodes(study: LendingStudy, table: pa.Table) -> tuple[Episode, ...]:
    """Return the base scene's paths that count most under the current parameters.

    By bad debt, then by value sold, each times the path's weight: a path that importance sampling makes a
    million times too likely is no episode to prepare for.
    """
    rows = scene_rows(study, table, study.base)
    columns, lost = {name: values[0] for name, values in rows.columns.items()}, rows.bad_debt[0]
    weights = columns["weight"]
    worst = np.lexsort((-columns["liquidated_value"] * weights, -lost * weights))[:WORST_PATHS]
    return tuple(_episode(study, columns, lost, int(path)) for path in worst)


def convergence(rows: SceneRows, points: int = 12) -> list[tuple[int, Estimate]]:
    """Return ES 97.5 of bad debt under the current parameters for growing numbers of paths."""
    lost = rows.bad_debt[0]
    counts = np.unique(np.geomspace(min(200, lost.size), lost.size, points).astype(int))
    found = []
    for count in counts.tolist():
        weights = None if rows.weights is None else rows.weights[:count]
        found.append((count, expected_shortfall(lost[:count], SHORTFALL_LEVEL, weights=weights)))
    return found


def _bad_debt(study: LendingStudy, book: engine.Book, prices: NDArray[np.float64]) -> NDArray[np.float64]:
    count = len(book.debt)
    result = engine.run(
        book,
        prices,
        thresholds_bps=np.full(count, int(study.current.liquidation_threshold_bps)),
        bonuses_bps=np.full(count, int(study.current.liquidation_bonus_bps)),
        terms=cascade_terms(study, study.base),
    )
    return result.bad_debt + result.uncovered


def _difference(values: NDArray[np.float64], weights: NDArray[np.float64] | None) -> Estimate:
    """Return a mean difference; its interval may reach below zero though no value happens to."""
    found = mean(values, weights=weights)
    return replace(found, low=2 * found.value - found.high)


def _episode(
    study: LendingStudy, columns: dict[str, NDArray[np.float64]], lost: NDArray[np.float64], path: int
) -> Episode:
    return Episode(
        path=int(columns["path"][path]),
        weight=float(columns["weight"][path]),
        fall=1 - float(columns["lowest_price"][path]) / study.start_price,
        last_fall=1 - float(columns["last_price"][path]) / study.start_price,
        liquidations=int(columns["liquidations"][path]),
        sold_usd=float(columns["liquidated_value"][path]),
        bad_debt_usd=float(lost[path]),
    )
