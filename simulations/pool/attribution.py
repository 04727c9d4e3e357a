"""Whose bad debt the worst paths leave: by collateral, by account, and what still prices would spare.

The worst paths are the 2.5 % with the most bad debt, those of ES 97.5: averages over them by collateral, with
what is uncovered at the end, add up to it (component expected shortfall: Tasche 1999, Euler's rule).  What a
call writes off counts for the largest collateral that it seizes.

The kernels keep no total by account.  Accounts, and assets whose price is held still, are left out one by one
and the worst paths run again: the mean difference on these paths.  Such differences do not add up, since
accounts share liquidity, and are at least the fall of ES 97.5 itself, for which other paths may be the worst.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.pool.terms import LiquidationRule, PoolTerms
from simulations.pool.arrays import THRESHOLD, Floats, PoolBook, Whole, tables_of
from simulations.pool.face import PoolOutcome, run_pool
from simulations.pool.figures import lost_of
from simulations.statistics.tail import Estimate, mean

WORST_SHARE = 0.025
LARGEST_ACCOUNTS = 20


@dataclass(frozen=True, slots=True, eq=False)
class WorstPaths:
    """Numbers of the worst paths, the worst first; ``weights`` have mean 1, the last may count in part."""

    paths: Whole
    weights: Floats

    def average(self, values: Floats) -> Estimate:
        """Return the mean of one value per worst path; it may be a difference, of either sign."""
        return mean(values, weights=self.weights)


@dataclass(frozen=True, slots=True)
class AssetPart:
    """USD on the worst paths: one collateral's bad debt, and how much less if its price stood still."""

    asset: str
    bad_debt: Estimate
    spared: Estimate


@dataclass(frozen=True, slots=True)
class AccountPart:
    """USD on the worst paths: bad debt that goes away without the account."""

    account: str
    debt_usd: float
    health: float
    spared: Estimate


@dataclass(frozen=True, slots=True)
class Attribution:
    """Parts of the worst paths' bad debt; ``assets`` and ``uncovered`` add up to ES 97.5."""

    count: int
    liquidated: Estimate
    bonus: Estimate
    assets: tuple[AssetPart, ...]
    uncovered: Estimate
    accounts: tuple[AccountPart, ...]


def worst_paths(outcome: PoolOutcome, share: float = WORST_SHARE) -> WorstPaths:
    """Return the ``share`` of paths with the most bad debt, then with the most liquidated."""
    lost = lost_of(outcome)
    order = np.lexsort((-outcome.liquidated_value, -lost))
    mass = lost.size * share
    count = max(1, int(np.ceil(mass - 1e-9)))
    weights = np.ones(count)
    weights[-1] = 1.0 if count == 1 else mass - (count - 1)
    return WorstPaths(order[:count].astype(np.int64), weights * count / weights.sum())


def attribution(
    book: PoolBook, prices: Floats, terms: PoolTerms, *, whole: PoolOutcome, names: Sequence[str] = ()
) -> Attribution:
    """Return the parts of the worst paths' bad debt.

    Args:
        book: Accounts, tokens by asset.
        prices: USD, shape (path, step, asset): those of ``whole``.
        terms: The pool's terms.
        whole: What ``run_pool`` returned for all three.
        names: One per account; numbers if empty.
    """
    worst = worst_paths(whole)
    taken = np.ascontiguousarray(prices[worst.paths])
    lost = lost_of(whole)[worst.paths]
    return Attribution(
        len(worst.paths),
        worst.average(whole.liquidated_value[worst.paths]),
        worst.average(bonus_of(whole, terms)[worst.paths]),
        _asset_parts(book, taken, terms, worst=worst, lost=lost, whole=whole),
        worst.average(whole.uncovered[worst.paths]),
        _account_parts(book, taken, terms, worst=worst, lost=lost, names=names),
    )


def bonus_of(outcome: PoolOutcome, terms: PoolTerms) -> Floats:
    """Return what liquidators and the protocol take beyond the debt that they clear, USD by path.

    Under Compound's rule buyers pay the pool, which clears the whole debt and credits the rest.
    """
    beyond = outcome.liquidated_value - outcome.repaid
    if terms.rule is LiquidationRule.COMET:
        beyond = beyond + outcome.fees - outcome.bad_debt
    return np.asarray(beyond)


def _asset_parts(
    book: PoolBook,
    prices: Floats,
    terms: PoolTerms,
    *,
    worst: WorstPaths,
    lost: Floats,
    whole: PoolOutcome,
) -> tuple[AssetPart, ...]:
    found = []
    for number, asset in enumerate(terms.assets):
        still = prices.copy()
        still[:, :, number] = prices[:, :1, number]
        other = lost_of(run_pool(book, still, terms=terms))
        own = whole.bad_debt_by_asset[worst.paths, number]
        found.append(AssetPart(asset.name, worst.average(own), worst.average(lost - other)))
    return tuple(found)


def _account_parts(
    book: PoolBook,
    prices: Floats,
    terms: PoolTerms,
    *,
    worst: WorstPaths,
    lost: Floats,
    names: Sequence[str],
) -> tuple[AccountPart, ...]:
    debts = (book.debt * prices[0, 0]).sum(axis=1)
    largest = np.argsort(-debts, kind="stable")[:LARGEST_ACCOUNTS]
    thresholds = tables_of(terms).by_mode[THRESHOLD][book.mode]
    weighted = (book.collateral * prices[0, 0] * thresholds).sum(axis=1)
    return tuple(
        AccountPart(
            names[number] if names else f"account {number}",
            float(debts[number]),
            float(weighted[number] / debts[number]),
            worst.average(lost - _lost_without(book, prices, terms, account=number)),
        )
        for number in largest.tolist()
        if debts[number] > 0
    )


def _lost_without(book: PoolBook, prices: Floats, terms: PoolTerms, *, account: int) -> Floats:
    collateral, debt = book.collateral.copy(), book.debt.copy()
    collateral[account], debt[account] = 0.0, 0.0
    if not debt.any():
        return np.zeros(len(prices))
    return lost_of(run_pool(replace(book, collateral=collateral, debt=debt), prices, terms=terms))
