"""The market that every simulator gets in ``benchmarks/simulator.py``, in three regimes.

Book and paths are synthetic: lognormal positions, health factors from 1.02 upwards, hourly lognormal
returns, jumps of 6 % twelve times a year and more often where the regime says so.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.cascade import WAD_DECIMALS, CascadeTerms, Liquidity
from core.lending import LiquidationRules
from core.units import BPS_ONE, PRICE_ONE, WAD, Bps
from simulations import engine
from simulations.kernels.rules import scalars_of
from simulations.kernels.work import Kernel

START_USD, THRESHOLD, BONUS = 2_000.0, 82_50, 5_00
HOURS_PER_YEAR, JUMPS_PER_YEAR = 8_760, 12
NAMES = ("liquidations", "repaid", "seized", "bad_debt", "interest")


@dataclass(frozen=True, slots=True)
class Regime:
    """How prices move: volatility per year, and whether they jump."""

    name: str
    volatility: float
    jumps: bool
    seed: int


CALM = Regime("calm", 0.2, False, 0)
CASCADES = Regime("cascades", 0.8, True, 1)
HEAVY = Regime("heavy", 1.6, True, 0)
REGIMES = (CALM, CASCADES, HEAVY)


@dataclass(frozen=True, slots=True, eq=False)
class Market:
    """One book, its paths (path, step), and the terms."""

    book: engine.Book
    prices: NDArray[np.float64]
    terms: CascadeTerms

    def run(self, kernel: Kernel) -> engine.EngineResult:
        """Return the engine's totals, one thread."""
        return engine.run(
            self.book,
            self.prices,
            thresholds_bps=np.array([THRESHOLD]),
            bonuses_bps=np.array([BONUS]),
            terms=self.terms,
            kernel=kernel,
            threads=1,
        )

    def totals(self, kernel: Kernel) -> NDArray[np.float64]:
        """Return totals in the order of ``NAMES``, shape (path, total)."""
        found = self.run(kernel)
        return np.stack([np.asarray(getattr(found, name)[0], dtype=np.float64) for name in NAMES], axis=1)

    def first(self, paths: int) -> Market:
        """Return the same market with its first paths only."""
        return Market(self.book, self.prices[:paths], self.terms)

    def save(self, path: Path) -> None:
        """Write what a peer needs; the order of ``terms`` is that of ``peers/rules.py``."""
        np.savez(
            path,
            coins=self.book.collateral[0],
            debt=self.book.debt[0],
            prices=self.prices,
            terms=np.concatenate([[THRESHOLD / BPS_ONE, BONUS / BPS_ONE], scalars_of(self.terms)]),
        )


def draw(regime: Regime, *, positions: int, paths: int, steps: int) -> Market:
    """Return the market of a regime."""
    rng = np.random.default_rng(regime.seed)
    coins = rng.lognormal(1, 1.5, positions)
    health = 1.02 + rng.lognormal(-0.7, 0.8, positions)
    debt = coins * START_USD * THRESHOLD / BPS_ONE / health
    hour = 1 / HOURS_PER_YEAR
    returns = rng.standard_normal((paths, steps)) * regime.volatility * hour**0.5
    returns -= 0.5 * regime.volatility**2 * hour
    if regime.jumps:
        jumped = rng.random((paths, steps)) < JUMPS_PER_YEAR * hour
        returns += jumped * (rng.standard_normal((paths, steps)) * 0.06 - 0.03)
    prices = np.rint(START_USD * np.exp(np.cumsum(returns, axis=1)) * PRICE_ONE) / PRICE_ONE
    rules = LiquidationRules(Bps(THRESHOLD), Bps(BONUS), decimals=WAD_DECIMALS)
    total = int(debt.sum())
    terms = CascadeTerms(rules, Liquidity(5 * total * WAD), total * 10 // 7 * WAD)
    return Market(engine.Book(coins[None], debt[None]), prices, terms)


def cpu_seconds(work: Callable[[], object], *, repetitions: int) -> list[float]:
    """Return CPU seconds per call, one figure for each repetition; short work is repeated within one."""
    work()  # compile, or load what was compiled
    begin = time.process_time()
    work()
    calls = max(1, round(0.05 / max(time.process_time() - begin, 1e-5)))
    found = []
    for _ in range(repetitions):
        begin = time.process_time()
        for _ in range(calls):
            work()
        found.append((time.process_time() - begin) / calls)
    return found


def median(seconds: list[float]) -> float:
    """Return the median."""
    return statistics.median(seconds)
