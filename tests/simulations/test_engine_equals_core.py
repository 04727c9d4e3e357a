"""The engine does what ``core.cascade`` says: counts equal, amounts within 1e-12 relative."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.cascade import WAD_DECIMALS, CascadeTerms, Liquidity, replay
from core.errors import SimulationError
from core.lending import LiquidationRules
from core.position import Position
from core.units import PRICE_ONE, WAD, Bps
from simulations import engine

RELATIVE = 1e-12


def terms_of(
    threshold: int, bonus: int, *, close_factor: int, depth_usd: int, supply_usd: int
) -> CascadeTerms:
    rules = LiquidationRules(Bps(threshold), Bps(bonus), Bps(close_factor), WAD_DECIMALS)
    return CascadeTerms(rules, Liquidity(depth_usd * WAD), supply_usd * WAD)


def draw_market(seed: int) -> tuple[tuple[Position, ...], np.ndarray, CascadeTerms]:
    """A book and paths in which some positions are liquidated, some written off, some untouched."""
    rng = np.random.default_rng(seed)
    threshold, bonus = int(rng.integers(50_00, 85_00)), int(rng.integers(2_00, 12_00))
    count = int(rng.integers(1, 30))
    debt = rng.lognormal(11, 1, count)
    health = 1.01 + rng.lognormal(-2.5, 1, count)
    collateral = debt * health / (threshold / 1e4) / 2_000
    book = tuple(
        Position(str(n), int(c * 1e6) * 10**12, int(d * 1e6) * 10**12)
        for n, (c, d) in enumerate(zip(collateral, debt, strict=True))
    )
    volatility = rng.choice([0.01, 0.03, 0.06])
    returns = volatility * rng.standard_t(4, (6, 24))
    prices = np.rint(2_000 * np.exp(np.cumsum(returns, axis=1)) * PRICE_ONE).astype(np.int64)
    depth = int(debt.sum() * rng.choice([0.2, 1.0, 10.0])) + 1
    supply = int(debt.sum() * rng.choice([1.02, 1.5])) + 1
    close_factor = int(rng.choice([30_00, 50_00, 100_00]))
    return (
        book,
        prices,
        terms_of(threshold, bonus, close_factor=close_factor, depth_usd=depth, supply_usd=supply),
    )


def run(book: tuple[Position, ...], prices: np.ndarray, terms: CascadeTerms) -> engine.EngineResult:
    return engine.run(
        engine.book_from(book),
        prices / PRICE_ONE,
        thresholds_bps=np.array([int(terms.rules.liquidation_threshold_bps)]),
        bonuses_bps=np.array([int(terms.rules.liquidation_bonus_bps)]),
        terms=terms,
    )


def uncovered_usd(positions: tuple[Position, ...], last_price: int) -> float:
    gaps = (p.debt - p.collateral * last_price // PRICE_ONE for p in positions)
    return sum(gap for gap in gaps if gap > 0) / WAD


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_engine_and_core_agree_on_random_markets(seed: int) -> None:
    book, prices, terms = draw_market(seed)
    found = run(book, prices, terms)
    for path in range(len(prices)):
        wanted = replay(book, [int(p) for p in prices[path]], terms)
        assert found.liquidations[0, path] == wanted.liquidations
        scale = sum(p.debt for p in book) / WAD
        for name in ("repaid", "bad_debt", "interest"):
            mine, theirs = getattr(found, name)[0, path], getattr(wanted, name) / WAD
            assert mine == pytest.approx(theirs, rel=RELATIVE, abs=scale * RELATIVE)
        assert found.seized[0, path] == pytest.approx(wanted.seized / WAD, rel=RELATIVE, abs=scale * RELATIVE)
        left = uncovered_usd(wanted.positions, int(prices[path, -1]))
        assert found.uncovered[0, path] == pytest.approx(left, rel=RELATIVE, abs=scale * RELATIVE)


def test_random_markets_reach_every_branch() -> None:
    """Without this the differential test could pass on markets in which nothing happens."""
    results = [run(*draw_market(seed)) for seed in range(60)]
    assert sum(int(r.liquidations.sum()) for r in results) > 1_000
    assert sum(float(r.bad_debt.sum()) for r in results) > 0
    assert any((r.liquidations == 0).any() for r in results)
    assert sum(float(r.uncovered.sum()) for r in results) > 0


def test_a_half_liquidation_by_hand() -> None:
    """1 WETH against 1,500 USD at 75 %: at 1,980 USD health is 0.99, so half is repaid with 5 % bonus."""
    book = (Position("a", WAD, 1_500 * WAD),)
    terms = CascadeTerms(
        LiquidationRules(Bps(75_00), Bps(5_00), decimals=WAD_DECIMALS),
        Liquidity(10**12 * WAD),
        10**9 * WAD,
        step_seconds=0,
    )
    found = run(book, np.array([[1_980 * PRICE_ONE]]), terms)
    assert found.liquidations[0, 0] == 1
    assert found.repaid[0, 0] == pytest.approx(750.0)
    assert found.seized[0, 0] == pytest.approx(750 * 1.05 / 1_980)
    assert found.bad_debt[0, 0] == 0
    assert found.liquidated_value[0, 0] == pytest.approx(787.5)


def test_a_write_off_by_hand() -> None:
    """At 1,000 USD the coin repays 1,000 / 1.05; the rest of 1,500 is bad debt."""
    book = (Position("a", WAD, 1_500 * WAD),)
    terms = CascadeTerms(
        LiquidationRules(Bps(75_00), Bps(5_00), decimals=WAD_DECIMALS),
        Liquidity(10**12 * WAD),
        10**9 * WAD,
        step_seconds=0,
    )
    found = run(book, np.array([[1_000 * PRICE_ONE]]), terms)
    assert found.bad_debt[0, 0] == pytest.approx(1_500 - 1_000 / 1.05)
    assert found.uncovered[0, 0] == 0


def test_liquidators_stop_when_slippage_eats_the_bonus() -> None:
    """Two equal positions, depth of ten sales: after the first (10 % > 5 / 105) nobody sells."""
    book = (Position("a", WAD, 1_500 * WAD), Position("b", WAD, 1_500 * WAD))
    rules = LiquidationRules(Bps(75_00), Bps(5_00), decimals=WAD_DECIMALS)
    shallow = CascadeTerms(rules, Liquidity(7_875 * WAD), 10**9 * WAD, step_seconds=0)
    deep = CascadeTerms(rules, Liquidity(10**9 * WAD), 10**9 * WAD, step_seconds=0)
    price = np.array([[1_980 * PRICE_ONE]])
    assert run(book, price, shallow).liquidations[0, 0] == 1
    assert run(book, price, deep).liquidations[0, 0] == 2


def test_results_do_not_depend_on_chunks() -> None:
    book, prices, terms = draw_market(11)
    whole = run(book, prices, terms)
    parts = [run(book, prices[n : n + 1], terms) for n in range(len(prices))]
    for name in ("repaid", "seized", "bad_debt", "interest", "uncovered", "liquidated_value"):
        joined = np.concatenate([getattr(part, name) for part in parts], axis=1)
        assert np.array_equal(getattr(whole, name), joined)


def test_candidates_are_computed_apart_from_each_other() -> None:
    book, prices, terms = draw_market(12)
    both = engine.run(
        engine.book_from(book),
        prices / PRICE_ONE,
        thresholds_bps=np.array([60_00, 80_00]),
        bonuses_bps=np.array([5_00, 5_00]),
        terms=terms,
    )
    second = engine.run(
        engine.book_from(book),
        prices / PRICE_ONE,
        thresholds_bps=np.array([80_00]),
        bonuses_bps=np.array([5_00]),
        terms=terms,
    )
    assert np.array_equal(both.bad_debt[1], second.bad_debt[0])


@pytest.mark.parametrize("price", [0.0, -1.0, float("nan"), float("inf")])
def test_a_price_that_is_none_is_refused(price: float) -> None:
    book, _, terms = draw_market(1)
    with pytest.raises(SimulationError, match="not finite and above zero"):
        run(book, np.array([[price * PRICE_ONE]]), terms)


def test_paths_without_steps_are_refused() -> None:
    book, _, terms = draw_market(1)
    with pytest.raises(SimulationError, match="had shape") as refused:
        run(book, np.empty((3, 0)), terms)
    assert "step" in refused.value.allowed


def test_a_book_with_another_number_of_rows_is_refused() -> None:
    _, prices, terms = draw_market(1)
    book = engine.Book(np.ones((3, 2)), np.ones((3, 2)))
    with pytest.raises(SimulationError, match="3 rows for 2 candidates"):
        engine.run(
            book,
            prices / PRICE_ONE,
            thresholds_bps=np.array([70_00, 75_00]),
            bonuses_bps=np.array([5_00, 5_00]),
            terms=terms,
        )


def test_warming_up_leaves_results_alone() -> None:
    book, prices, terms = draw_market(13)
    before = run(book, prices, terms)
    engine.warm_up()
    assert np.array_equal(before.repaid, run(book, prices, terms).repaid)
