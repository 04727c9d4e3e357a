"""The pool's specification and both kernels on the same 10,000 random pools, every mechanic on or off.

Counts are equal; amounts agree to 1e-12 of the book's debt between specification and kernels, and to the last
bit between the kernels, for any number of threads and any chunking.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from pool_markets import START, PoolMarket, draw_pool, exact

from core.cascade import RateCurve
from core.pool.path import PoolResult, replay_pool
from core.pool.terms import (
    Borrowers,
    Drought,
    EMode,
    LiquidationRule,
    Liquidators,
    PoolAsset,
    PoolTerms,
)
from simulations.pool.arrays import PoolBook
from simulations.pool.face import AMOUNTS, COUNTED, PoolOutcome, run_pool

POOLS = 10_000
BLOCKS = 10
RELATIVE = 1e-12
BY_ASSET = ("seized_by_asset", "bad_debt_by_asset")
COMPARED = tuple(name for name in (*COUNTED, *AMOUNTS, *BY_ASSET) if name != "checked")


def specified(market: PoolMarket) -> PoolResult:
    return replay_pool(market.accounts, [[exact(x) for x in row] for row in market.prices[0]], market.terms)


def assert_same_bits(first: PoolOutcome, second: PoolOutcome) -> None:
    for name in COMPARED:
        assert np.array_equal(getattr(first, name), getattr(second, name)), name


@pytest.mark.parametrize("block", range(BLOCKS))
def test_the_kernels_do_what_is_specified(block: int) -> None:
    happened = dict.fromkeys(COMPARED, 0)
    for seed in range(block, POOLS, BLOCKS):
        market = draw_pool(seed)
        if not market.book.debt.any():
            continue
        found = run_pool(market.book, market.prices, terms=market.terms, threads=1)
        assert_same_bits(
            found, run_pool(market.book, market.prices, terms=market.terms, kernel="dense", threads=1)
        )
        wanted = specified(market)
        for name in COMPARED:
            expected = np.array(getattr(wanted, name), dtype=float)
            room = 0.0 if name in COUNTED else RELATIVE * market.debt_usd()
            assert np.abs(getattr(found, name)[0] - expected).max() <= room, (seed, name)
            happened[name] += int(expected.max() > 0)
    assert min(happened.values()) >= 10, happened  # the markets reach everything that is compared


@pytest.fixture(scope="module")
def large() -> tuple[PoolBook, np.ndarray, PoolTerms]:
    """700 accounts for 300 steps: several anchors, many leavers, all routes, every behaviour."""
    parts = [m.book for m in (draw_pool(seed) for seed in range(400)) if m.terms.modes][:120]
    fields = ("collateral", "debt", "mode", "kind", "phase", "means_usd", "patience")
    book = PoolBook(*[np.concatenate([getattr(part, name) for part in parts]) for name in fields])
    worth = Decimal(float((book.collateral * START).sum()))
    debts = [Decimal(float(owed)) for owed in book.debt.sum(axis=0)]

    def asset(number: int, name: str) -> PoolAsset:
        return PoolAsset(
            name,
            80_00,
            75_00,
            8_00,
            fee_bps=10_00,
            supply=debts[number] * Decimal("1.2"),
            rates=RateCurve(),
            depth_usd=worth,
            heartbeat_steps=5,
            deviation_bps=50,
        )

    terms = PoolTerms(
        (asset(0, "ETH"), asset(1, "BTC"), asset(2, "USDC")),
        step_seconds=3600,
        rule=LiquidationRule.AAVE_3_3,
        modes=(EMode(frozenset({0, 1}), 90_00, 88_00, 3_00),),
        liquidators=Liquidators(
            gas_usd=Decimal(5), delay_steps=1, capital_usd=worth / 10, recycled_bps=20_00
        ),
        borrowers=Borrowers(attention_steps=3, leave_per_year=Decimal(5)),
        drought=Drought(2_00, 2, 50_00),
    )
    rng = np.random.default_rng(7)
    moves = 0.015 * (rng.standard_normal((6, 300, 1)) + 0.6 * rng.standard_normal((6, 300, 3)))
    return book, START * np.exp(np.cumsum(moves * [1.0, 1.0, 0.02], axis=1)), terms


def test_the_kernels_agree_on_many_accounts_and_long_paths(
    large: tuple[PoolBook, np.ndarray, PoolTerms],
) -> None:
    book, prices, terms = large
    screened = run_pool(book, prices, terms=terms, threads=1)
    assert_same_bits(screened, run_pool(book, prices, terms=terms, kernel="dense", threads=1))
    assert screened.liquidations.min() > 50
    assert screened.leavers.min() > 10
    assert screened.checked.sum() < 0.6 * book.debt.shape[0] * prices.shape[0] * prices.shape[1]


@pytest.mark.parametrize("threads", [2, 3])
def test_no_result_depends_on_threads(large: tuple[PoolBook, np.ndarray, PoolTerms], threads: int) -> None:
    book, prices, terms = large
    assert_same_bits(
        run_pool(book, prices, terms=terms, threads=1), run_pool(book, prices, terms=terms, threads=threads)
    )


def test_no_result_depends_on_how_paths_are_split(large: tuple[PoolBook, np.ndarray, PoolTerms]) -> None:
    book, prices, terms = large
    whole = run_pool(book, prices, terms=terms)
    parts = [run_pool(book, prices[n : n + 1], terms=terms) for n in range(len(prices))]
    for name in COMPARED:
        joined = np.concatenate([getattr(part, name) for part in parts])
        assert np.array_equal(getattr(whole, name), joined), name


def test_every_account_goes_one_way(large: tuple[PoolBook, np.ndarray, PoolTerms]) -> None:
    book, prices, terms = large
    routes = run_pool(book, prices[:1, :2], terms=terms).routes
    assert routes.sorted + routes.listed + routes.idle == len(book.debt)
    assert routes.idle == int((~book.debt.any(axis=1)).sum())
    assert 0.2 < routes.sorted_share < 0.8


def test_a_market_of_single_accounts_takes_the_sorted_route() -> None:
    market = draw_pool(3)
    collateral, debt = np.zeros((5, 3)), np.zeros((5, 3))
    collateral[:, 0], debt[:, 2] = 1.0, 1_000.0
    whole = np.zeros(5, dtype=np.int64)
    book = PoolBook(collateral, debt, whole, whole, whole, np.zeros(5), np.full(5, np.inf))
    assert run_pool(book, market.prices, terms=market.terms).routes.sorted_share == 1.0


def test_dense_looks_at_everybody_and_screened_at_few() -> None:
    collateral, debt = np.full((100, 2), 1.0), np.zeros((100, 2))
    debt[:, 1] = np.linspace(10, 90, 100)
    whole = np.zeros(100, dtype=np.int64)
    book = PoolBook(collateral, debt, whole, whole, whole, np.zeros(100), np.full(100, np.inf))
    prices = np.ones((1, 200, 2))
    prices[:, :, 0] = 100 - np.linspace(0, 5, 200)
    terms = PoolTerms((PoolAsset("ETH", 80_00, 70_00, 5_00), PoolAsset("USDC", 80_00, 70_00, 5_00)), 3600)
    found = [run_pool(book, prices, terms=terms, kernel=kernel) for kernel in ("dense", "screened")]
    assert found[0].checked[0] == 100 * 200
    assert found[1].checked[0] < 0.2 * found[0].checked[0]
    assert found[0].liquidations == found[1].liquidations
