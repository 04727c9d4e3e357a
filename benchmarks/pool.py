"""Pools of several volatile assets: the screened kernel against the one that looks at everybody, in one run.

    python benchmarks/pool.py [--quick] [--json]

CPU seconds of one thread, medians of runs that alternate; both kernels' results are equal to the last bit
before anything is timed.  The sample market: eight assets, six of them volatile and correlated, hourly steps
over thirty days; a quarter of the accounts owe two assets, more than half hold several.  The share of
accounts on each route, liquidations per path and the share of health factors that were computed stand beside
every figure.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import numpy as np
from claims import Claim, print_json, say_claims

from core.pool.terms import PoolAsset, PoolTerms
from simulations.paths.draw import draw
from simulations.pool.arrays import plain_book
from simulations.pool.face import AMOUNTS, COUNTED, PoolKernel, run_pool
from simulations.pool.sample import sample_market

BAR = 5.0


def plain_terms(terms: PoolTerms) -> PoolTerms:
    """Return thresholds, bonuses and depth alone."""
    assets = [
        PoolAsset(a.name, a.threshold_bps, a.ltv_bps, a.bonus_bps, depth_usd=a.depth_usd)
        for a in terms.assets
    ]
    return PoolTerms(tuple(assets), terms.step_seconds)


def cpu_seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def measure(accounts: int, *, paths: int, steps: int, all_mechanics: int, repetitions: int) -> Claim:
    """Return one comparison."""
    market = sample_market(accounts, seed=0)
    book, terms = market.book, market.terms
    if not all_mechanics:
        book, terms = plain_book(book.collateral, book.debt), plain_terms(terms)
    drawn = draw(market.model, paths=paths, steps=steps, seed=1)
    prices = np.ascontiguousarray(drawn.transpose(1, 0, 2))

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
        print_json(claims)
        return
    say_claims(claims)


if __name__ == "__main__":
    main()
