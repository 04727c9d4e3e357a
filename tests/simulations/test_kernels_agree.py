"""The specification in integers, the dense kernels and the event-driven kernel on the same random markets.

10,000 markets, all of them by the specification and by every kernel.  Counts are equal; amounts agree to
1e-12 of the book's debt.  Prices start at 50,000 USD and more, because the specification rounds a price
down to eight decimals: at 2,000 USD one such unit is more than 1e-12, and where a price falls exactly on
the edge between two units, float64 may take the other one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from core.cascade import WAD_DECIMALS, CascadeTerms, Liquidity, RateCurve, replay
from core.lending import LiquidationRules
from core.position import Position
from core.units import BPS_ONE, PRICE_ONE, WAD, Bps
from simulations import engine
from simulations.kernels.dense import follow_book
from simulations.kernels.rules import (
    BAD_DEBT,
    INTEREST,
    LIQUIDATED_VALUE,
    LIQUIDATIONS,
    REPAID,
    SEIZED,
    TOTALS,
    UNCOVERED,
    scalars_of,
)

MARKETS = 10_000
BLOCKS = 10
RELATIVE = 1e-12
AMOUNTS = ("repaid", "seized", "bad_debt", "interest", "uncovered", "liquidated_value")
COLUMNS = (REPAID, SEIZED, BAD_DEBT, INTEREST, UNCOVERED, LIQUIDATED_VALUE)
PATHS, STEPS = 2, 14


@dataclass(frozen=True, slots=True)
class Market:
    book: tuple[Position, ...]
    prices: np.ndarray  # whole units of 1e-8 USD, (path, step)
    thresholds: np.ndarray
    bonuses: np.ndarray
    close_factor: int
    liquidity: Liquidity
    supply: int
    step_seconds: int

    def terms(self, candidate: int = 0) -> CascadeTerms:
        rules = LiquidationRules(
            Bps(int(self.thresholds[candidate])),
            Bps(int(self.bonuses[candidate])),
            Bps(self.close_factor),
            WAD_DECIMALS,
        )
        return CascadeTerms(rules, self.liquidity, self.supply, self.step_seconds, RateCurve())

    def run(self, kernel: str, *, threads: int = 1) -> engine.EngineResult:
        return engine.run(
            engine.book_from(self.book),
            self.prices / PRICE_ONE,
            thresholds_bps=self.thresholds,
            bonuses_bps=self.bonuses,
            terms=self.terms(),
            kernel=kernel,
            threads=threads,
        )

    def debt_usd(self) -> float:
        return sum(position.debt for position in self.book) / WAD


def draw_book(rng: np.random.Generator, threshold: int, price: float) -> tuple[Position, ...]:
    """Ties (equal positions, and one of twice the size), no debt and no collateral among the rest."""
    count = int(rng.integers(1, 9))
    debt = (rng.lognormal(11, 1, count) * 1e6).astype(np.int64).tolist()
    health = np.where(
        rng.random(count) < 0.1, rng.uniform(0.5, 1.0, count), 1.0 + rng.lognormal(-2.5, 1, count)
    )
    coins = [
        int(d / 1e6 * h / (threshold / BPS_ONE) / price * 1e15) for d, h in zip(debt, health, strict=True)
    ]
    pairs = [(c * 10**3, d * 10**12) for c, d in zip(coins, debt, strict=True)]
    first = pairs[0]
    if rng.random() < 0.4:
        pairs += [first] * int(rng.integers(1, 4))
    if rng.random() < 0.3:
        pairs.insert(0, (2 * first[0], 2 * first[1]))
    if rng.random() < 0.3:
        pairs.insert(int(rng.integers(len(pairs))), (WAD, 0))
    if rng.random() < 0.2:
        pairs.insert(int(rng.integers(len(pairs))), (0, first[1] // 100))
    return tuple(Position(str(n), c, d) for n, (c, d) in enumerate(pairs))


def draw_market(seed: int) -> Market:
    rng = np.random.default_rng(seed)
    candidates = int(rng.integers(1, 4))
    thresholds = rng.integers(50_00, 85_00, candidates)
    bonuses = rng.integers(2_00, 15_00, candidates)
    start = float(np.exp(rng.uniform(np.log(5e4), np.log(1e6))))
    book = draw_book(rng, int(thresholds[0]), start)
    returns = rng.choice([0.01, 0.03, 0.08]) * rng.standard_t(4, (PATHS, STEPS))
    if rng.random() < 0.3:  # into the region where one call may close the whole debt
        returns[0, int(rng.integers(STEPS))] -= rng.uniform(0.05, 0.6)
    prices = np.rint(start * np.exp(np.cumsum(np.clip(returns, -0.7, 0.7), axis=1)) * PRICE_ONE)
    debt = sum(position.debt for position in book)
    depth = int(debt * float(rng.choice([0.3, 2.0, 20.0])))
    resilience = int(rng.choice([0, 80, 100])) * WAD // 100
    return Market(
        book,
        prices.astype(np.int64),
        thresholds,
        bonuses,
        int(rng.choice([30_00, 50_00, 100_00])),
        Liquidity(depth, resilience),
        int(debt * float(rng.choice([0.9, 1.02, 2.0]))),
        int(rng.choice([0, 3600, 86_400])),
    )


def scale_of(market: Market, name: str) -> float:
    """Return what 1e-12 is taken of: the book's debt, in coins for what was seized."""
    debt = market.debt_usd()
    return debt / (market.prices.min() / PRICE_ONE) if name == "seized" else debt


def assert_same(market: Market, first: engine.EngineResult, second: engine.EngineResult) -> None:
    assert np.array_equal(first.liquidations, second.liquidations)
    for name in AMOUNTS:
        room = RELATIVE * scale_of(market, name)
        assert np.abs(getattr(first, name) - getattr(second, name)).max() <= room, name


def assert_as_specified(market: Market, found: engine.EngineResult) -> None:
    for candidate in range(len(market.thresholds)):
        for path in range(PATHS):
            prices = market.prices[path].tolist()
            wanted = replay(market.book, prices, market.terms(candidate))
            assert found.liquidations[candidate, path] == wanted.liquidations
            for name in ("repaid", "seized", "bad_debt", "interest"):
                difference = getattr(found, name)[candidate, path] - getattr(wanted, name) / WAD
                assert abs(difference) <= RELATIVE * scale_of(market, name), name
            gaps = (p.debt - p.collateral * prices[-1] // PRICE_ONE for p in wanted.positions)
            uncovered = sum(gap for gap in gaps if gap > 0) / WAD
            assert abs(found.uncovered[candidate, path] - uncovered) <= RELATIVE * market.debt_usd()


def seeds_of(block: int) -> range:
    return range(block * MARKETS // BLOCKS, (block + 1) * MARKETS // BLOCKS)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_kernels_do_what_is_specified_on_ten_thousand_markets(block: int) -> None:
    for seed in seeds_of(block):
        market = draw_market(seed)
        event = market.run("event")
        assert_same(market, market.run("dense"), event)
        assert_same(market, market.run("scan"), event)
        assert_as_specified(market, event)


def test_random_markets_reach_every_branch() -> None:
    """Without this the kernels could agree on markets in which nothing happens."""
    markets = [draw_market(seed) for seed in range(400)]
    results = [market.run("event") for market in markets]
    assert sum(int(r.liquidations.sum()) for r in results) > 3_000
    assert sum(bool((r.bad_debt > 0).any()) for r in results) > 50
    assert sum(bool((r.uncovered > 0).any()) for r in results) > 20
    assert any((r.liquidations == 0).any() for r in results)
    assert sum(len(m.thresholds) > 1 for m in markets) > 100
    assert sum(any(p.debt == 0 for p in m.book) for m in markets) > 50
    assert sum(any(p.collateral == 0 for p in m.book) for m in markets) > 50
    assert sum(len({(p.collateral, p.debt) for p in m.book}) < len(m.book) for m in markets) > 50


def test_random_markets_reach_the_slippage_stop() -> None:
    """With endless depth some of them have more liquidations: liquidators had stopped."""
    stopped = 0
    for seed in range(100):
        market = draw_market(seed)
        deep = Market(
            market.book, market.prices, market.thresholds, market.bonuses, market.close_factor,
            Liquidity(10**12 * WAD), market.supply, market.step_seconds,
        )  # fmt: skip
        stopped += bool((deep.run("event").repaid > market.run("event").repaid * 1.01).any())
    assert stopped > 20


def large_market(seed: int, *, positions: int, paths: int, steps: int) -> tuple[engine.Book, np.ndarray]:
    rng = np.random.default_rng(seed)
    debt = rng.lognormal(9, 1.5, positions)
    collateral = debt * (1.01 + rng.lognormal(-2.0, 0.8, positions)) / 0.75 / 2_000
    prices = 2_000 * np.exp(np.cumsum(0.02 * rng.standard_t(4, (paths, steps)), axis=1))
    return engine.Book(collateral[None], debt[None]), prices


def run_large(
    book: engine.Book, prices: np.ndarray, *, kernel: str = "event", threads: int = 1
) -> engine.EngineResult:
    rules = LiquidationRules(Bps(75_00), Bps(5_00), decimals=WAD_DECIMALS)
    debt = int(book.debt.sum())
    return engine.run(
        book,
        prices,
        thresholds_bps=np.array([75_00, 70_00, 80_00]),
        bonuses_bps=np.array([5_00, 5_00, 8_00]),
        terms=CascadeTerms(rules, Liquidity(debt * WAD), 2 * debt * WAD),
        kernel=kernel,
        threads=threads,
    )


def assert_equal_bits(first: engine.EngineResult, second: engine.EngineResult) -> None:
    for name in ("liquidations", *AMOUNTS):
        assert np.array_equal(getattr(first, name), getattr(second, name)), name


@pytest.mark.parametrize("kernel", ["event", "dense", "scan"])
@pytest.mark.parametrize("threads", [2, 3, 7])
def test_no_bit_depends_on_the_number_of_threads(kernel: str, threads: int) -> None:
    book, prices = large_market(3, positions=300, paths=150, steps=40)
    one = run_large(book, prices, kernel=kernel)
    assert_equal_bits(one, run_large(book, prices, kernel=kernel, threads=threads))


@pytest.mark.parametrize("chunk", [1, 17, 64, 100])
def test_no_bit_depends_on_how_paths_are_split(chunk: int) -> None:
    book, prices = large_market(4, positions=300, paths=150, steps=40)
    whole = run_large(book, prices)
    parts = [run_large(book, prices[begin : begin + chunk]) for begin in range(0, len(prices), chunk)]
    for name in ("liquidations", *AMOUNTS):
        joined = np.concatenate([getattr(part, name) for part in parts], axis=1)
        assert np.array_equal(getattr(whole, name), joined), name


def test_a_book_too_large_for_many_lanes_gives_the_same_bits() -> None:
    """200,000 positions leave room for eight paths in lockstep; nine paths need a second round."""
    book, prices = large_market(5, positions=200_000, paths=9, steps=6)
    whole = run_large(book, prices)
    last = run_large(book, prices[8:])
    assert np.array_equal(whole.repaid[:, 8:], last.repaid)
    assert whole.liquidations.sum() > 1_000


def test_a_row_for_each_candidate_is_sorted_for_itself() -> None:
    """The second row holds the first one's positions in another order: the same totals."""
    book, prices = large_market(6, positions=50, paths=8, steps=30)
    turned = engine.Book(
        np.vstack([book.collateral, book.collateral[:, ::-1]]), np.vstack([book.debt, book.debt[:, ::-1]])
    )
    rules = LiquidationRules(Bps(75_00), Bps(5_00), decimals=WAD_DECIMALS)
    found = engine.run(
        turned,
        prices,
        thresholds_bps=np.array([75_00, 75_00]),
        bonuses_bps=np.array([5_00, 5_00]),
        terms=CascadeTerms(rules, Liquidity(10**6 * WAD), 10**8 * WAD),
    )
    assert found.liquidations.sum() > 0
    assert np.array_equal(found.liquidations[0], found.liquidations[1])
    np.testing.assert_allclose(found.repaid[0], found.repaid[1], rtol=RELATIVE)


@pytest.mark.parametrize("block", range(4))
def test_a_book_carried_along_a_path_ends_as_the_dense_kernel_says(block: int) -> None:
    """What the backtest uses.  What is left is what there was, plus interest, less what went."""
    for seed in range(block * 100, block * 100 + 100):
        market = draw_market(seed)
        limits = int(market.thresholds[0]) / BPS_ONE, int(market.bonuses[0]) / BPS_ONE
        book = engine.book_from(market.book)
        coins, owed, sums = book.collateral[0].copy(), book.debt[0].copy(), np.zeros(TOTALS)
        follow_book(coins, owed, market.prices[0] / PRICE_ONE, *limits, scalars_of(market.terms()), sums)
        found, scale = market.run("dense"), market.debt_usd()
        assert sums[LIQUIDATIONS] == found.liquidations[0, 0]
        for column, name in zip(COLUMNS, AMOUNTS, strict=True):
            difference = sums[column] - getattr(found, name)[0, 0]
            assert abs(difference) <= RELATIVE * scale_of(market, name), name
        left = owed.sum() + sums[REPAID] + sums[BAD_DEBT] - sums[INTEREST]
        assert left == pytest.approx(scale, rel=RELATIVE)


@pytest.mark.parametrize("kernel", ["event", "dense", "scan"])
def test_the_worst_is_served_first(kernel: str) -> None:
    """Depth for one sale: of 1,500 and 1,590 USD per coin the second is struck, wherever it stands.

    At 1,980 USD and 75 % both are unhealthy (1,485); 1,590 is 7 % below, so all of it is repaid:
    1,590 x 1.05 = 1,669.50 USD are sold, more than 5 / 105 of a depth of 30,000 USD.
    """
    book = (Position("a", WAD, 1_500 * WAD), Position("b", WAD, 1_590 * WAD))
    rules = LiquidationRules(Bps(75_00), Bps(5_00), decimals=WAD_DECIMALS)
    found = engine.run(
        engine.book_from(book),
        np.array([[1_980.0]]),
        thresholds_bps=np.array([75_00]),
        bonuses_bps=np.array([5_00]),
        terms=CascadeTerms(rules, Liquidity(30_000 * WAD), 10**9 * WAD, step_seconds=0),
        kernel=kernel,
    )
    assert found.liquidations[0, 0] == 1
    assert found.repaid[0, 0] == pytest.approx(1_590)


@pytest.mark.parametrize("kernel", ["event", "dense", "scan"])
def test_equal_positions_are_served_in_the_order_of_the_book(kernel: str) -> None:
    """Two with 1,500 USD per coin, one of them twice the size: depth for one sale leaves the second."""
    book = (Position("a", 2 * WAD, 3_000 * WAD), Position("b", WAD, 1_500 * WAD))
    rules = LiquidationRules(Bps(75_00), Bps(5_00), decimals=WAD_DECIMALS)
    found = engine.run(
        engine.book_from(book),
        np.array([[1_980.0]]),
        thresholds_bps=np.array([75_00]),
        bonuses_bps=np.array([5_00]),
        terms=CascadeTerms(rules, Liquidity(15_000 * WAD), 10**9 * WAD, step_seconds=0),
        kernel=kernel,
    )
    assert found.liquidations[0, 0] == 1
    assert found.repaid[0, 0] == pytest.approx(1_500)  # half of 3,000
