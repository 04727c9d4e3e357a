"""The bundled market: seeded, honest about its feeds, continued past genesis."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.errors import ConfigError
from core.lending import Decimals, LiquidationRules, health_factor_wad, max_borrow
from core.market import ROUNDS, validate_parameters
from core.units import WAD, Bps
from models.data.rounds import known_bars
from simulations.demo_market import (
    BORROWERS,
    CONTINUATION_BARS,
    FALL_SHARES,
    GENESIS_TIME,
    HISTORY_BARS,
    demo_market,
    drawn_fall,
    over_prices,
    positions_in_wad,
)
from simulations.generator import MarketTerms, PriceFall, exchange_feed, log_returns, with_fall
from simulations.oracle_rounds import SLOWEST_SECONDS, OracleTerms, oracle_rounds

DAY = 24 * 3600


def test_a_seed_makes_one_market() -> None:
    first, again, other = demo_market(4), demo_market(4), demo_market(5)
    assert first.positions == again.positions
    assert np.array_equal(first.feeds["oracle"].closes_e8, again.feeds["oracle"].closes_e8)
    assert first.positions != other.positions
    assert not np.array_equal(first.feeds["exchange"].closes_e8, other.feeds["exchange"].closes_e8)


def test_history_ends_at_genesis_and_at_least_twenty_days_follow() -> None:
    market = demo_market(1)
    for source in ("exchange", "oracle"):
        assert market.history(source).last_time == market.genesis_time == GENESIS_TIME
        assert len(market.history(source)) == HISTORY_BARS
        assert market.feeds[source].last_time >= GENESIS_TIME + 20 * DAY
        end = market.feeds["exchange"].last_time
        assert len(known_bars(market.feeds[source], end)) == HISTORY_BARS + CONTINUATION_BARS


def test_every_bar_is_there_and_positive() -> None:
    for seed in range(1, 6):
        feed = demo_market(seed, 4.0).feeds["exchange"]
        assert (np.diff(feed.times) == 3600).all()
        assert (feed.closes_e8 > 0).all()


def test_the_oracle_stays_near_its_deviation_threshold() -> None:
    """50 bps, noise of 3 bps, and what the price moves between two looks."""
    market = demo_market(2)
    exchange, oracle = market.history("exchange"), market.history("oracle")
    apart = np.abs(np.log(oracle.closes_e8 / exchange.closes_e8))
    assert np.quantile(apart, 0.99) < 0.009
    assert apart.max() < 0.015
    assert np.median(apart) > 0


def test_rounds_are_irregular_and_never_further_apart_than_the_heartbeat() -> None:
    rounds = demo_market(2).feeds["oracle"]
    gaps = np.diff(rounds.times)
    assert rounds.bar_seconds == ROUNDS
    assert 0 < gaps.min() < 600 and 3600 <= gaps.max() <= 3600 + SLOWEST_SECONDS
    assert len(set(gaps.tolist())) > 100
    assert (rounds.times % 3600 != 0).mean() > 0.9


def test_a_round_is_written_when_the_price_has_moved_enough_or_time_has_passed() -> None:
    rounds = demo_market(2).feeds["oracle"]
    moves = np.abs(np.diff(np.log(rounds.closes_e8)))
    waited = np.diff(rounds.times) >= 3600 - SLOWEST_SECONDS
    assert (waited | (moves > np.log1p(0.005) - 1e-6)).all()
    assert 0.05 < waited.mean() < 0.95, "both happen"


@pytest.mark.parametrize("seed", range(1, 11))
def test_every_seed_s_price_falls_by_a_quarter_or_more_within_a_day_and_only_after_two_weeks(
    seed: int,
) -> None:
    feed = demo_market(seed).feeds["exchange"]
    fall = drawn_fall(seed)
    assert FALL_SHARES[0] <= fall.share <= FALL_SHARES[1]
    assert 12 <= (fall.first_bar - HISTORY_BARS) / 24 <= 14
    closes = feed.closes_e8
    day = closes[fall.first_bar - 1 : fall.first_bar + 24]
    assert 1 - day.min() / day[0] > 0.25, "ordinary moves come on top"
    assert fall.aftermath_scale > 1


def test_a_fall_changes_nothing_before_it() -> None:
    returns = log_returns(MarketTerms(), 400, seed=3)
    moved = with_fall(returns, PriceFall(200, 10, 0.3, 2.0), seed=3)
    assert np.array_equal(moved[:200], returns[:200])
    assert (moved[200:210] - returns[200:210]).sum() == pytest.approx(np.log(0.7))
    assert moved[210:] == pytest.approx(2 * returns[210:])


@pytest.mark.parametrize(("share", "bars"), [(0.0, 5), (1.0, 5), (-0.1, 5), (0.3, 0)])
def test_a_fall_that_is_none_is_refused(share: float, bars: int) -> None:
    with pytest.raises(ConfigError, match="a fall was"):
        PriceFall(1, bars, share, 1.0)


def test_shocks_have_fat_tails() -> None:
    returns = log_returns(MarketTerms(), 50_000, seed=1)
    standard = (returns - returns.mean()) / returns.std()
    assert (standard**4).mean() > 6  # a normal has 3


def test_turbulence_comes_in_regimes() -> None:
    """Sizes a day apart go together; without a second regime they do not."""
    terms = MarketTerms(calm_volatility=0.2, turbulent_volatility=2.0, hours_calm=240, hours_turbulent=240)
    one = MarketTerms(turbulent_volatility=MarketTerms().calm_volatility)
    apart = []
    for chosen in (terms, one):
        sizes = np.abs(log_returns(chosen, 50_000, seed=1))
        apart.append(np.corrcoef(sizes[:-24], sizes[24:])[0, 1])
    assert apart[0] > 0.2
    assert abs(apart[1]) < 0.015


def test_a_scale_multiplies_moves_from_its_bar_on() -> None:
    calm = log_returns(MarketTerms(), 1_000, seed=3)
    wild = log_returns(MarketTerms(volatility_scale=3.0, scale_from_bar=400), 1_000, seed=3)
    assert np.array_equal(calm[:400], wild[:400])
    assert wild[400:].std() == pytest.approx(3 * calm[400:].std(), rel=0.01)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), 10.5, float("inf")])
def test_a_scale_that_is_not_positive_is_refused(scale: float) -> None:
    with pytest.raises(ConfigError, match="volatility_scale"):
        demo_market(1, scale)


@pytest.mark.parametrize("seed", range(1, 11))
def test_borrowers_could_have_taken_their_debts(seed: int) -> None:
    """Each debt is within the LTV at genesis, nobody is liquidatable, and the pool can lend it all."""
    market = demo_market(seed)
    parameters = market.parameters
    validate_parameters(parameters)
    rules = LiquidationRules(parameters.liquidation_threshold_bps, parameters.liquidation_bonus_bps)
    price = market.oracle_price
    assert len(market.positions) == BORROWERS
    for position in market.positions:
        health = health_factor_wad(position, price=price, rules=rules)
        assert health is not None and health > WAD
        limit = max_borrow(position.collateral, price=price, ltv_bps=Bps(70_00), decimals=Decimals())
        assert 0 < position.debt <= limit
    assert sum(p.debt for p in market.positions) < min(market.debt_supply, parameters.borrow_cap)
    assert sum(p.collateral for p in market.positions) < parameters.supply_cap


def test_positions_in_wad_are_worth_the_same() -> None:
    market = demo_market(1)
    for base, wad in zip(market.positions, positions_in_wad(market.positions), strict=True):
        assert wad.debt == base.debt * 10**12
        assert wad.collateral == base.collateral


def test_a_flat_price_has_a_flat_oracle() -> None:
    exchange = exchange_feed(np.zeros(100), "WETH", terms=MarketTerms(), first_close=3600)
    flat = OracleTerms(noise_bps=0.0, hourly_volatility=0.0)
    oracle = oracle_rounds(exchange, flat, seed=1)
    assert np.array_equal(oracle.closes_e8, exchange.closes_e8)
    assert len(oracle) == 100, "a heartbeat each hour and nothing else"


@pytest.mark.parametrize("price_share", [0.2, 1.0, 5.0])
def test_the_same_book_stands_over_other_prices(price_share: float) -> None:
    template = demo_market(1)
    feeds = {
        source: replace(feed, closes_e8=(feed.closes_e8 * price_share).astype(np.int64))
        for source, feed in template.feeds.items()
    }
    market = over_prices(template, feeds, genesis_time=GENESIS_TIME - 5 * DAY)
    rules = LiquidationRules(Bps(75_00), Bps(5_00))
    for old, new in zip(template.positions, market.positions, strict=True):
        before = health_factor_wad(old, price=template.oracle_price, rules=rules)
        after = health_factor_wad(new, price=market.oracle_price, rules=rules)
        assert before is not None and after is not None
        assert after == pytest.approx(before, rel=1e-6)
        assert after >= before
    assert sum(p.collateral for p in market.positions) < market.parameters.supply_cap
    assert market.history("oracle").last_time == market.genesis_time


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ConfigError, match="seed was -1"):
        demo_market(-1)


@pytest.mark.parametrize("seed", [0, 2**31, 2**63 + 5])
def test_any_other_seed_makes_a_market(seed: int) -> None:
    assert len(demo_market(seed).positions) == BORROWERS
