"""Synthetic borrowers: there is no historical book, so one is drawn, and what it rests on is said.

    fitted       debt sizes (lognormal) and the share of a debt that one call repays, on the recorded
                 liquidations *before* each decision; a declared prior, marked, until there are 200
    assumed      health factors and how fast borrowers return to them: two ends, swept
    resampled    200 books by drawing borrowers with replacement, the same for every policy (paired)

An assumption is part of the run's configuration and of its hash.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from models.data.liquidations import Liquidations
from simulations.columns import PositionColumns

BORROWERS = 2_000
MINIMUM_CALLS = 200
PRIOR_MEDIAN_USD = 10_000.0
PRIOR_DEVIATION = 2.0
PRIOR_REPAID_SHARE = 0.50


@dataclass(frozen=True, slots=True)
class SizeTerms:
    """Lognormal debt sizes and the repaid share; ``prior`` marks the declared one."""

    log_mean: float
    log_deviation: float
    repaid_share: float
    calls: int
    prior: bool


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What no record says.

    Health factors are ``1 + lowest_excess + lognormal(log_mean, log_deviation)``; each week a borrower
    moves ``return_share`` of the way (in logarithms) back to its own.  ``depth_share`` is market depth
    over the book's debt, ``utilisation`` debt over supply, ``reserve_share`` reserves over supply.
    """

    name: str
    lowest_excess: float
    health_log_mean: float
    health_log_deviation: float
    return_share: float
    depth_share: float = 0.5
    utilisation: float = 0.8
    reserve_share: float = 0.02

    def record(self) -> Mapping[str, str]:
        """Return the assumptions as text, for hashes and reports."""
        return {key: str(value) for key, value in asdict(self).items()}


FRAGILE = Assumptions("fragile", 0.02, -2.5, 0.9, return_share=0.25)
STURDY = Assumptions("sturdy", 0.05, -1.0, 0.7, return_share=1.0)
ENDS = (FRAGILE, STURDY)
"""Both ends of the sweep: close to liquidation and slow to react, or far from it and quick."""


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticBook:
    """Borrowers before sizes are scaled: standard normal draws for size and health, shape (borrower,)."""

    size_draws: NDArray[np.float64]
    health: NDArray[np.float64]

    def debt_usd(self, terms: SizeTerms) -> NDArray[np.float64]:
        """Return each borrower's debt under the reference parameters."""
        return np.exp(terms.log_mean + terms.log_deviation * self.size_draws)


def fit_sizes(liquidations: Liquidations, *, before: int) -> SizeTerms:
    """Return what the calls strictly before ``before`` say, or the prior while they are fewer than 200.

    A debt is what was repaid over the repaid share.
    """
    calls = int(liquidations.times.searchsorted(before, side="left"))
    if calls < MINIMUM_CALLS:
        return SizeTerms(float(np.log(PRIOR_MEDIAN_USD)), PRIOR_DEVIATION, PRIOR_REPAID_SHARE, calls, True)
    known = int(liquidations.share_times.searchsorted(before, side="left"))
    share = float(np.median(liquidations.shares[:known])) if known else PRIOR_REPAID_SHARE
    logs = np.log(liquidations.repaid_usd[:calls] / share)
    return SizeTerms(float(logs.mean()), float(logs.std()), share, calls, False)


def draw_book(assumptions: Assumptions, *, seed: int, borrowers: int = BORROWERS) -> SyntheticBook:
    """Return one book; the same seed gives the same draws under every assumption."""
    rng = np.random.default_rng([seed, 20])
    sizes, health = rng.standard_normal(borrowers), rng.standard_normal(borrowers)
    excess = np.exp(assumptions.health_log_mean + assumptions.health_log_deviation * health)
    return SyntheticBook(sizes, 1 + assumptions.lowest_excess + excess)


def resample(borrowers: int, books: int, *, seed: int) -> NDArray[np.int64]:
    """Return borrower numbers drawn with replacement, shape (book, borrower); row 0 is the book itself."""
    rng = np.random.default_rng([seed, 21])
    rows = rng.integers(0, borrowers, (books, borrowers))
    rows[0] = np.arange(borrowers)
    return rows


def positions_of(collateral: NDArray[np.float64], debt: NDArray[np.float64]) -> PositionColumns:
    """Return whole tokens and USD as positions in wad."""
    return PositionColumns(collateral, debt, prefix="synthetic-")
