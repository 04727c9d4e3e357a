"""A pool to begin with: eight assets, accounts of lognormal size, parameters as large markets have them.

Nothing here is measured on accounts: sizes, holdings and health are assumptions, and named as such wherever
figures rest on them.  A market of one's own is a file (``tribunate pool --market``).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from core.cascade import RateCurve
from core.pool.account import Kind
from core.pool.terms import (
    Borrowers,
    Drought,
    EMode,
    LiquidationRule,
    Liquidators,
    PoolAsset,
    PoolTerms,
)
from simulations.paths.dependence import OneFactor
from simulations.paths.garch import Garch, GarchProcess
from simulations.paths.scenario import PathModel
from simulations.pool.arrays import PoolBook

NAMES = ("WETH", "WBTC", "wstETH", "LINK", "UNI", "AAVE", "USDC", "USDT")
PRICES_USD = (2_000.0, 40_000.0, 2_200.0, 15.0, 8.0, 90.0, 1.0, 1.0)
THRESHOLDS_BPS = (83_00, 78_00, 79_00, 75_00, 70_00, 65_00, 80_00, 78_00)
BONUSES_BPS = (5_00, 5_00, 7_00, 7_50, 10_00, 7_50, 4_50, 4_50)
DAILY_VOLATILITY = (0.042, 0.032, 0.042, 0.052, 0.055, 0.050, 0.0005, 0.0005)
LOADINGS = (0.9, 0.85, 0.9, 0.8, 0.75, 0.8, 0.0, 0.0)
HELD = (0.3, 0.2, 0.2, 0.08, 0.05, 0.05, 0.08, 0.04)
OWED = {6: 0.45, 7: 0.35, 0: 0.12, 1: 0.08}
MEDIAN_USD, DEVIATION = 8_100.0, 2.0
TAIL_DEGREES = 4.0
STEP_SECONDS = 3600
MODE = EMode(frozenset({0, 2}), 93_00, 90_00, 1_00)
DEPTH_SHARE = Decimal("0.1")
"""Sold value that moves a price by 100 %, as a share of all collateral."""


@dataclass(frozen=True, slots=True, eq=False)
class PoolMarket:
    """Everything that a run needs but paths, steps and seed; ``names`` of accounts, or none."""

    book: PoolBook
    terms: PoolTerms
    model: PathModel
    names: tuple[str, ...] = ()


def sample_market(accounts: int, *, seed: int) -> PoolMarket:
    """Return the market; ``seed`` draws the accounts."""
    book = sample_book(accounts, seed=seed)
    return PoolMarket(book, sample_terms(book), sample_model())


def sample_book(accounts: int, *, seed: int) -> PoolBook:
    """Return accounts: holdings, size, health (1.02 and more), manners.

    One in ten tops up, one in ten repays, one in twenty loops; patience is exponential.
    """
    rng = np.random.default_rng(seed)
    shape = (accounts, len(NAMES))
    collateral, debt, start = np.zeros(shape), np.zeros(shape), np.array(PRICES_USD)
    shares = np.array(THRESHOLDS_BPS) / 1e4
    for number in range(accounts):
        count = min(1 + rng.poisson(0.9), len(NAMES))
        held = rng.choice(len(NAMES), count, replace=False, p=HELD)
        worth = rng.lognormal(np.log(MEDIAN_USD), DEVIATION)
        collateral[number, held] = worth * rng.dirichlet(np.ones(count)) / start[held]
        owed = rng.choice(list(OWED), 1 + (rng.random() < 0.25), replace=False, p=list(OWED.values()))
        most = (collateral[number] * start * shares).sum() / (1.02 + rng.lognormal(-0.7, 0.8))
        debt[number, owed] = most * rng.dirichlet(np.ones(len(owed))) / start[owed]
    kinds = [Kind.PASSIVE, Kind.TOPS_UP, Kind.REPAYS, Kind.LOOPS]
    return PoolBook(
        collateral,
        debt,
        mode=np.zeros(accounts, dtype=np.int64),
        kind=rng.choice(kinds, accounts, p=[0.75, 0.1, 0.1, 0.05]).astype(np.int64),
        phase=rng.integers(0, 24, accounts),
        means_usd=rng.uniform(0, 0.5, accounts) * (collateral * start).sum(axis=1),
        patience=rng.exponential(size=accounts),
    )


def sample_terms(book: PoolBook) -> PoolTerms:
    """Return terms with every mechanic on, sized to the book."""
    worth = Decimal(float((book.collateral * PRICES_USD).sum()))
    debts = [Decimal(float(owed)) + 1 for owed in book.debt.sum(axis=0)]
    held = [Decimal(float(coins)) + 1 for coins in book.collateral.sum(axis=0)]
    assets = [
        PoolAsset(
            name,
            threshold,
            threshold - 3_00,
            bonus,
            fee_bps=10_00,
            supply=max(owed * Decimal("1.25"), coins),
            supply_cap=coins * Decimal("1.5"),
            borrow_cap=owed * Decimal("1.2"),
            rates=RateCurve(),
            depth_usd=worth * DEPTH_SHARE,
            heartbeat_steps=1 if name.startswith("USD") else 24,
            deviation_bps=25 if name.startswith("USD") else 50,
        )
        for name, threshold, bonus, owed, coins in zip(
            NAMES, THRESHOLDS_BPS, BONUSES_BPS, debts, held, strict=True
        )
    ]
    return PoolTerms(
        tuple(assets),
        STEP_SECONDS,
        rule=LiquidationRule.AAVE_3_3,
        modes=(MODE,),
        liquidators=Liquidators(Decimal(20), delay_steps=0, capital_usd=worth / 20, recycled_bps=50_00),
        borrowers=Borrowers(attention_steps=24, leave_per_year=Decimal("0.5"), rate_leave=Decimal(2)),
        drought=Drought(fall_bps=10_00, window_steps=24, depth_bps=30_00),
    )


def sample_model() -> PathModel:
    """Return GARCH(1,1)-t of every asset, joined by one factor under a t copula."""
    hourly = [daily**2 / 24 for daily in DAILY_VOLATILITY]
    terms = [Garch(variance * 0.02, 0.06, 0.92, degrees=TAIL_DEGREES) for variance in hourly]
    return PathModel(
        NAMES, PRICES_USD, STEP_SECONDS, GarchProcess(tuple(terms)), OneFactor(LOADINGS, TAIL_DEGREES)
    )
