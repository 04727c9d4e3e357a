"""Random pools with every mechanic switched on or off at random."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from core.cascade import RateCurve
from core.pool.account import Kind, PoolAccount
from core.pool.terms import (
    ENDLESS,
    Borrowers,
    Drought,
    EMode,
    LiquidationRule,
    Liquidators,
    PoolAsset,
    PoolTerms,
)
from core.units import WAD
from simulations.pool.arrays import PoolBook, book_of

ASSETS = 3  # two volatile ones and a stable
START = np.array([2_000.0, 40_000.0, 1.0])


@dataclass(frozen=True, slots=True)
class PoolMarket:
    accounts: tuple[PoolAccount, ...]
    prices: np.ndarray  # (path, step, asset)
    terms: PoolTerms

    @property
    def book(self) -> PoolBook:
        return book_of(self.accounts)

    def debt_usd(self) -> float:
        first = self.prices[0, 0]
        return sum(float(amount) * first[n] for a in self.accounts for n, amount in enumerate(a.debt))


def exact(value: float) -> Decimal:
    """The very number that the kernels see."""
    return Decimal(float(value))


def maybe(rng: np.random.Generator, value: object, otherwise: object, chance: float = 0.4) -> object:
    return value if rng.random() < chance else otherwise


def draw_accounts(rng: np.random.Generator, prices: np.ndarray, *, modes: int) -> tuple[PoolAccount, ...]:
    return tuple(draw_account(rng, prices, modes=modes) for _ in range(int(rng.integers(3, 10))))


def draw_account(rng: np.random.Generator, prices: np.ndarray, *, modes: int) -> PoolAccount:
    collateral, debt = np.zeros(ASSETS), np.zeros(ASSETS)
    held = rng.choice(ASSETS, size=int(rng.choice([1, 1, 2, 3])), replace=False, p=[0.45, 0.45, 0.1])
    lent = rng.choice(ASSETS, size=int(rng.choice([1, 1, 2])), replace=False, p=[0.15, 0.15, 0.7])
    worth = rng.lognormal(9, 2)
    for asset, part in zip(held, rng.dirichlet(np.ones(len(held))), strict=True):
        collateral[asset] = worth * part / prices[asset]
    health = rng.uniform(0.6, 1.0) if rng.random() < 0.1 else 1.0 + rng.lognormal(-2, 1)
    for asset, part in zip(lent, rng.dirichlet(np.ones(len(lent))), strict=True):
        debt[asset] = 0.75 * worth / health * part / prices[asset]
    if rng.random() < 0.04:
        debt[:] = 0.0
    elif rng.random() < 0.03:
        collateral[:] = 0.0
    return PoolAccount(
        tuple(exact(amount) for amount in collateral),
        tuple(exact(amount) for amount in debt),
        mode=int(rng.integers(0, modes + 1)),
        kind=Kind(int(rng.integers(0, 4))),
        phase=int(rng.integers(0, 5)),
        means_usd=exact(worth * rng.uniform(0, 0.5)),
        patience=exact(rng.exponential()) if rng.random() < 0.7 else ENDLESS,
    )


def draw_terms(rng: np.random.Generator, accounts: tuple[PoolAccount, ...], prices: np.ndarray) -> PoolTerms:
    debts = [sum((account.debt[n] for account in accounts), Decimal(0)) for n in range(ASSETS)]
    held = [sum((account.collateral[n] for account in accounts), Decimal(0)) for n in range(ASSETS)]
    worth = exact(float(sum(float(h) * p for h, p in zip(held, prices, strict=True))) + 1.0)
    curve = maybe(rng, RateCurve(), RateCurve(0, 0, 0))

    def asset(number: int, name: str) -> PoolAsset:
        threshold = int(rng.integers(70_00, 85_00))
        share = Decimal(int(rng.integers(1, 200))) / 100
        return PoolAsset(
            name,
            threshold,
            threshold - int(rng.integers(1_00, 10_00)),
            int(rng.integers(2_00, 20_00)),
            fee_bps=int(rng.choice([0, 10_00])),
            penalty_bps=int(rng.choice([5_00, 10_00])),
            discount_bps=int(rng.choice([2_00, 6_00])),
            supply=max(debts[number], Decimal(1)) * Decimal(str(rng.choice([0.95, 1.01, 1.6]))),
            supply_cap=maybe(rng, (held[number] + 1) * (1 + share / 50), ENDLESS),  # type: ignore[arg-type]
            borrow_cap=maybe(rng, (debts[number] + 1) * (1 + share / 50), ENDLESS),  # type: ignore[arg-type]
            isolation_ceiling_usd=maybe(rng, worth * share / 2, ENDLESS, 0.2),  # type: ignore[arg-type]
            rates=curve,  # type: ignore[arg-type]
            depth_usd=maybe(rng, worth * Decimal(str(rng.choice([0.3, 2.0, 20.0]))), ENDLESS, 0.8),  # type: ignore[arg-type]
            heartbeat_steps=int(rng.choice([1, 1, 3, 5])),
            deviation_bps=int(rng.choice([0, 50, 200])),
        )

    attention = int(rng.choice([0, 1, 3]))
    return PoolTerms(
        (asset(0, "ETH"), asset(1, "BTC"), asset(2, "USDC")),
        step_seconds=int(rng.choice([300, 3600, 86_400])),
        rule=LiquidationRule(int(rng.choice([0, 1, 2], p=[0.4, 0.35, 0.25]))),
        close_factor_bps=int(rng.choice([30_00, 50_00, 100_00])),
        resilience=int(rng.choice([0, 80, 100])) * WAD // 100,
        modes=(EMode(frozenset({0, 1}), 90_00, 88_00, 1_00),) if rng.random() < 0.4 else (),
        liquidators=Liquidators(
            gas_usd=Decimal(int(rng.choice([0, 5, 100]))),
            delay_steps=int(rng.choice([0, 0, 1, 3])),
            capital_usd=maybe(rng, worth / 20, ENDLESS),  # type: ignore[arg-type]
            recycled_bps=int(rng.choice([0, 50_00, 100_00])),
        ),
        borrowers=Borrowers(
            attention_steps=attention,
            leave_per_year=Decimal(int(rng.choice([0, 20]))),
            rate_leave=Decimal(int(rng.choice([0, 100]))),
            tolerated_rate=Decimal("0.03"),
        ),
        drought=maybe(rng, Drought(2_00, 2, 20_00), Drought()),  # type: ignore[arg-type]
        freeze_at_bps=int(rng.choice([98_00, 100_00])),
    )


def draw_pool(seed: int, *, paths: int = 1, steps: int = 10) -> PoolMarket:
    rng = np.random.default_rng(seed)
    start = START * np.exp(rng.normal(0, 0.3, ASSETS) * [1, 1, 0])
    common = rng.standard_t(4, (paths, steps, 1)) * 0.7
    own = rng.standard_t(4, (paths, steps, ASSETS)) * 0.7
    scale = rng.choice([0.01, 0.03, 0.06]) * np.array([1.0, 0.8, 0.02])
    if rng.random() < 0.2:  # the stable leaves its peg
        scale[2] = 0.02
    prices = start * np.exp(np.cumsum(np.clip((common + own) * scale, -0.6, 0.6), axis=1))
    terms_rng = np.random.default_rng((seed, 1))
    modes = 1
    accounts = draw_accounts(rng, start, modes=modes)
    terms = draw_terms(terms_rng, accounts, start)
    if not terms.modes:
        accounts = tuple(
            PoolAccount(a.collateral, a.debt, 0, a.kind, a.phase, a.means_usd, a.patience) for a in accounts
        )
    return PoolMarket(accounts, prices, terms)
