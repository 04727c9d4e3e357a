"""Pools of several volatile assets: the screened kernel against the one that looks at everybody, in one run.

    python benchmarks/pool.py [--quick] [--json]

CPU seconds of one thread, medians of runs that alternate; both kernels' results are equal to the last bit
before anything is timed.  Eight assets, six of them volatile and correlated, hourly steps over thirty days;
a quarter of the accounts owe two assets, more than half hold several.  The share of accounts on each route,
the liquidations per path and the share of health factors that were computed stand beside every figure.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from decimal import Decimal
from statistics import median

import numpy as np
from numpy.typing import NDArray

from core.cascade import RateCurve
from core.pool.terms import Borrowers, Liquidators, PoolAsset, PoolTerms
from simulations.pool.arrays import PoolBook, plain_book
from simulations.pool.face import AMOUNTS, COUNTED, PoolKernel, run_pool

NAMES = ("WETH", "WBTC", "wstETH", "LINK", "UNI", "AAVE", "USDC", "USDT")
START = np.array([2_000.0, 40_000.0, 2_200.0, 15.0, 8.0, 90.0, 1.0, 1.0])
THRESHOLDS = (83_00, 78_00, 79_00, 75_00, 70_00, 65_00, 80_00, 78_00)
VOLATILITY = np.array([0.8, 0.6, 0.8, 1.0, 1.0, 0.9, 0.01, 0.01])  # per year
CORRELATION = 0.7
HELD = (0.3, 0.2, 0.2, 0.08, 0.05, 0.05, 0.08, 0.04)
OWED = {6: 0.45, 7: 0.35, 0: 0.12, 1: 0.08}
BAR = 5.0


@dataclass(frozen=True, slots=True)
class Claim:
    """One row of the answer."""

    claim: str
    ours: float
    peer: float
    ratio: float
    bar: float | None
    met: bool | None


def draw_book(accounts: int, seed: int) -> PoolBook:
    """Return accounts of lognormal size; health 1.02 and more."""
    rng = np.random.default_rng(seed)
    collateral, debt = np.zeros((accounts, len(NAMES))), np.zeros((accounts, len(NAMES)))
    shares = np.array(THRESHOLDS) / 1e4
    for number in range(accounts):
        count = min(1 + rng.poisson(0.9), len(NAMES))
        held = rng.choice(len(NAMES), count, replace=False, p=HELD)
        collateral[number, held] = rng.lognormal(9, 2) * rng.dirichlet(np.ones(count)) / START[held]
        owed = rng.choice(list(OWED), 1 + (rng.random() < 0.25), replace=False, p=list(OWED.values()))
        most = (collateral[number] * START * shares).sum() / (1.02 + rng.lognormal(-0.7, 0.8))
        debt[number, owed] = most * rng.dirichlet(np.ones(len(owed))) / START[owed]
    return plain_book(collateral, debt)


def draw_prices(paths: int, steps: int, seed: int) -> NDArray[np.float64]:
    """Return correlated geometric walks, shape (path, step, asset)."""
    rng = np.random.default_rng(seed)
    volatile = 6
    factor = np.linalg.cholesky(CORRELATION + (1 - CORRELATION) * np.eye(volatile))
    shocks = rng.standard_normal((paths, steps, len(NAMES)))
    shocks[..., :volatile] = shocks[..., :volatile] @ factor.T
    hourly = VOLATILITY / np.sqrt(8_760)
    return np.asarray(START * np.exp(np.cumsum(shocks * hourly - hourly**2 / 2, axis=1)))


def terms_of(book: PoolBook, *, all_mechanics: int) -> PoolTerms:
    """Return plain terms, or ones with interest, impact, gas, lag, delay and leavers."""
    worth = Decimal(float((book.collateral * START).sum()))
    if not all_mechanics:
        assets = [
            PoolAsset(n, t, t - 2_00, 6_00, depth_usd=worth) for n, t in zip(NAMES, THRESHOLDS, strict=True)
        ]
        return PoolTerms(tuple(assets), 3600)
    debts = [Decimal(float(owed)) + 1 for owed in book.debt.sum(axis=0)]
    assets = [
        PoolAsset(
            name,
            threshold,
            threshold - 2_00,
            6_00,
            fee_bps=10_00,
            supply=owed * Decimal("1.3"),
            rates=RateCurve(),
            depth_usd=worth,
            heartbeat_steps=24,
            deviation_bps=50,
        )
        for name, threshold, owed in zip(NAMES, THRESHOLDS, debts, strict=True)
    ]
    return PoolTerms(
        tuple(assets),
        3600,
        liquidators=Liquidators(gas_usd=Decimal(5), delay_steps=1, capital_usd=worth),
        borrowers=Borrowers(leave_per_year=Decimal(1)),
    )


def cpu_seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def measure(accounts: int, *, paths: int, steps: int, all_mechanics: int, repetitions: int) -> Claim:
    """Return one comparison."""
    book, prices = draw_book(accounts, seed=0), draw_prices(paths, steps, seed=1)
    terms = terms_of(book, all_mechanics=all_mechanics)

    def run(kernel: PoolKernel) -> Callable[[], object]:
        return lambda: run_pool(book, prices, terms=terms, kernel=kernel, threads=1)

    found, wanted = (
        run_pool(book, prices, terms=terms, kernel=kernel, threads=1) for kernel in ("screened", "dense")
    )
    for name in (*COUNTED, *AMOUNTS):
        if name != "checked" and not np.array_equal(getattr(found, name), getattr(wanted, name)):
            raise SystemExit(f"the kernels differ in {name}")
    pairs = [(cpu_seconds(run("screened")), cpu_seconds(run("dense"))) for _ in range(repetitions)]
    ours, theirs = (median(column) / paths for column in zip(*pairs, strict=True))
    checked = found.checked.sum() / (accounts * paths * steps)
    text = (
        f"screened over dense f64, CPU seconds per path, {accounts:,} accounts x {steps} h"
        f"{', all mechanics' if all_mechanics else ''}: {found.liquidations.mean():.0f} liquidations each, "
        f"{found.routes.sorted_share:.0%} of accounts sorted, {checked:.1%} of health factors computed"
    )
    is_claimed = accounts == 2_000 and not all_mechanics
    bar = BAR if is_claimed else None
    return Claim(text, ours, theirs, theirs / ours, bar, theirs / ours >= BAR if is_claimed else None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer paths, three repetitions")
    parser.add_argument("--json", action="store_true", help="print a list of claims, nothing else")
    arguments = parser.parse_args()
    paths, repetitions = (10, 3) if arguments.quick else (50, 7)
    claims = [
        measure(2_000, paths=paths, steps=720, all_mechanics=0, repetitions=repetitions),
        measure(2_000, paths=paths, steps=720, all_mechanics=1, repetitions=repetitions),
        measure(20_000, paths=max(2, paths // 10), steps=720, all_mechanics=0, repetitions=3),
    ]
    if arguments.json:
        print(json.dumps([asdict(claim) for claim in claims], indent=2))
        return
    print(f"load {', '.join(f'{load:.1f}' for load in os.getloadavg())}")
    for claim in claims:
        met = "" if claim.bar is None else f"  (bar {claim.bar:g}: {'met' if claim.met else 'not met'})"
        print(f"{claim.ratio:6.2f}x  {claim.claim}{met}")


if __name__ == "__main__":
    main()
