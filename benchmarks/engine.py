"""The engine against a plain numpy implementation and the pure Python specification, in one run.

    python benchmarks/engine.py [--quick] [--json]

One core, same book, same paths; each figure is the best of its repetitions.  The numpy implementation
visits positions as arrays but keeps the rules, so all three agree in counts (checked in the run).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from core.cascade import WAD_DECIMALS, CascadeTerms, Liquidity, replay
from core.lending import LiquidationRules
from core.position import Position
from core.units import PRICE_ONE, WAD, Bps
from simulations import engine

THRESHOLD, BONUS, DEPTH_USD, SUPPLY_USD = 75_00, 5_00, 10**12, 10**11
HOURS_PER_YEAR = 8_760
BARS = {"plain numpy": 5.0, "core.cascade": 1_000.0}
"""How many times faster the engine must be."""


def workload(positions: int, paths: int, steps: int) -> tuple[tuple[Position, ...], NDArray[np.float64]]:
    rng = np.random.default_rng(7)
    debt = rng.lognormal(9, 1.5, positions)
    health = 1.02 + rng.lognormal(-1.5, 0.8, positions)
    collateral = debt * health / (THRESHOLD / 1e4) / 2_000
    book = tuple(
        Position(str(n), int(c * 1e9) * 10**9, int(d * 1e9) * 10**9)
        for n, (c, d) in enumerate(zip(collateral, debt, strict=True))
    )
    returns = 0.012 * rng.standard_t(5, (paths, steps))
    prices = np.rint(2_000 * np.exp(np.cumsum(returns, axis=1)) * PRICE_ONE) / PRICE_ONE
    return book, prices


def terms() -> CascadeTerms:
    rules = LiquidationRules(Bps(THRESHOLD), Bps(BONUS), decimals=WAD_DECIMALS)
    return CascadeTerms(rules, Liquidity(DEPTH_USD * WAD), SUPPLY_USD * WAD)


def with_engine(book: tuple[Position, ...], prices: NDArray[np.float64]) -> int:
    result = engine.run(
        engine.book_from(book),
        prices,
        thresholds_bps=np.array([THRESHOLD]),
        bonuses_bps=np.array([BONUS]),
        terms=terms(),
    )
    return int(result.liquidations.sum())


def with_numpy(book: tuple[Position, ...], prices: NDArray[np.float64]) -> int:
    """One path at a time, positions as arrays; depth is so large that nobody stops within a step."""
    start_collateral = np.array([p.collateral / WAD for p in book])
    start_debt = np.array([p.debt / WAD for p in book])
    count, bonus, threshold = 0, BONUS / 1e4, THRESHOLD / 1e4
    for path in prices:
        collateral, debt, impact = start_collateral.copy(), start_debt.copy(), 0.0
        for quoted in path:
            rate = 0.04 * min(1.0, debt.sum() / SUPPLY_USD) / 0.9
            debt *= 1 + rate / HOURS_PER_YEAR
            price = quoted * (1 - impact)
            struck = np.flatnonzero(collateral * price * threshold < debt)
            if struck.size:
                count += struck.size
                sold = _liquidate(collateral, debt, struck, price=price, bonus=bonus, threshold=threshold)
                impact += sold / DEPTH_USD
            impact *= 0.8
    return count


def _liquidate(
    collateral: NDArray[np.float64],
    debt: NDArray[np.float64],
    struck: NDArray[np.int64],
    *,
    price: float,
    bonus: float,
    threshold: float,
) -> float:
    owed, coins = debt[struck], collateral[struck]
    repaid = np.where(coins * price * threshold / owed >= 0.95, 0.5 * owed, owed)
    seized = repaid * (1 + bonus) / price
    whole = seized >= coins
    debt[struck] = np.where(whole, 0.0, owed - repaid)
    collateral[struck] = np.where(whole, 0.0, coins - seized)
    return float(np.where(whole, coins, seized).sum() * price)


def with_core(book: tuple[Position, ...], prices: NDArray[np.float64]) -> int:
    quoted = np.rint(prices * PRICE_ONE).astype(np.int64)
    return sum(replay(book, [int(p) for p in path], terms()).liquidations for path in quoted)


def best_of(run: Callable[[], int], repetitions: int) -> tuple[float, int]:
    """Return the least CPU seconds and the liquidation count."""
    best, count = float("inf"), 0
    for _ in range(repetitions):
        begin = time.process_time()
        count = run()
        best = min(best, time.process_time() - begin)
    return best, count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    positions, paths = (500, 200) if arguments.quick else (2_000, 1_000)
    book, prices = workload(positions, paths, 24)
    few = prices[: 4 if arguments.quick else 10]
    with_engine(book, few)  # compile, or load what was compiled
    mine, liquidations = best_of(lambda: with_engine(book, prices), 5)
    numpy_seconds, numpy_count = best_of(lambda: with_numpy(book, prices), 2)
    core_seconds, core_count = best_of(lambda: with_core(book, few), 1)
    work = positions * paths * 24
    peers = {"plain numpy": numpy_seconds / work, "core.cascade": core_seconds / (positions * len(few) * 24)}
    assert numpy_count == liquidations
    assert core_count == with_engine(book, few)
    claims = [
        {
            "claim": f"engine over {name}, CPU ns per position and step",
            "ours": mine / work * 1e9,
            "peer": seconds * 1e9,
            "ratio": seconds * work / mine,
            "bar": BARS[name],
            "met": seconds * work / mine >= BARS[name],
        }
        for name, seconds in peers.items()
    ]
    if arguments.json:
        print(json.dumps(claims))
        return
    print(f"{positions} positions x {paths} paths x 24 hours, {liquidations} liquidations, one core")
    for claim in claims:
        print(
            f"{claim['claim']}: {claim['ours']:.3f} against {claim['peer']:.3f}, {claim['ratio']:.0f} times"
        )


if __name__ == "__main__":
    main()
