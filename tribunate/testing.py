"""Checks that every strategy must pass, built-in or third party's.

In a plug-in's own tests:

    from tribunate.testing import check_strategy

    @pytest.mark.parametrize("name,run", check_strategy(MyStrategy))
    def test_conformance(name, run):
        run()

The idea is scikit-learn's ``parametrize_with_checks``.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from core.cascade import Liquidity
from core.errors import TribunateError
from core.mandate import Mandate
from core.market import MarketSnapshot, Parameters, PriceHistory, Scalar
from core.ports import STRATEGY_API_VERSION, Strategy
from core.position import Position
from core.recommendation import Observation, Recommendation, Wanted
from core.units import PRICE_ONE, WAD, Bps

Factory = Callable[[], Strategy]
Check = Callable[[Factory], None]

BARS = 1_200
START = 1_600_000_000 // 3600 * 3600


def history(*, seed: int = 1, bars: int = BARS, hourly_volatility: float = 0.006) -> PriceHistory:
    """Return a plain random walk, hourly."""
    steps = np.random.default_rng(seed).standard_t(5, bars) * hourly_volatility
    closes = np.rint(2_000 * np.exp(np.cumsum(steps)) * PRICE_ONE).astype(np.int64)
    times = START + 3600 * np.arange(bars, dtype=np.int64)
    return PriceHistory("WETH", "exchange", 3600, times, closes)


def observation(prices: PriceHistory | None = None, *, seed: int = 1, paths: int = 400) -> Observation:
    """Return a small market: twelve borrowers, threshold 75.00 %."""
    prices = prices or history()
    price = int(prices.closes_e8[-1])
    debt = 1_000_000 * WAD
    positions = tuple(
        Position(f"b{n}", debt * (108 + 2 * n) * PRICE_ONE // (75 * price), debt) for n in range(12)
    )
    snapshot = MarketSnapshot(
        market="WETH",
        block_number=1,
        timestamp=prices.last_time,
        parameters=Parameters(Bps(70_00), Bps(75_00), Bps(5_00), 10**24, 10**14),
        oracle_price=price,
        total_collateral=sum(p.collateral for p in positions),
        total_debt_supply=20_000_000 * 10**6,
        total_borrow=12_000_000 * 10**6,
        reserves=100_000 * 10**6,
        positions_root=bytes(32),
    )
    return Observation(
        snapshot=snapshot,
        scalar=Scalar.LIQUIDATION_THRESHOLD,
        mandate=Mandate("WETH"),
        history=prices,
        positions=positions,
        liquidity=Liquidity(depth=5_000_000 * WAD),
        close_factor_bps=Bps(50_00),
        floor=20_00,
        ceiling=93_00,
        seed=seed,
        paths=paths,
    )


def _fitted(make: Factory, prices: PriceHistory | None = None) -> Strategy:
    strategy = make()
    strategy.fit(prices or history(), seed=1)
    return strategy


def check_declares_itself(make: Factory) -> None:
    """Name, family and interface version are there."""
    strategy = make()
    assert isinstance(strategy, Strategy), "name, family, api_version, fit and recommend are required"
    assert strategy.name and strategy.family, "name and family are not empty"
    assert strategy.api_version == STRATEGY_API_VERSION, f"api_version must be {STRATEGY_API_VERSION}"


def check_answers_before_it_is_fitted(make: Factory) -> None:
    """An unfitted strategy abstains, or says with one of our errors what is missing."""
    try:
        recommendation = make().recommend(observation())
    except TribunateError:
        return
    assert recommendation.bound is None, "an unfitted strategy cannot call a value safe"


def check_is_deterministic(make: Factory) -> None:
    """The same observation gives the same recommendation, whatever the global generators did."""
    random.seed(0)
    np.random.seed(0)
    first = _fitted(make).recommend(observation())
    random.seed(1)
    np.random.seed(1)
    assert first == _fitted(make).recommend(observation()), "draw all randomness from the observation's seed"


def check_changes_nothing(make: Factory) -> None:
    """The observation is only read."""
    shown = observation()
    closes, times = shown.history.closes_e8.copy(), shown.history.times.copy()
    before = copy.deepcopy((shown.snapshot, shown.positions, shown.mandate))
    _fitted(make).recommend(shown)
    assert before == (shown.snapshot, shown.positions, shown.mandate)
    assert (closes == shown.history.closes_e8).all() and (times == shown.history.times).all()


def check_stays_in_range(make: Factory) -> None:
    """A bound is a whole number between floor and ceiling, for the scalar that was asked for."""
    shown = observation()
    recommendation = _fitted(make).recommend(shown)
    assert isinstance(recommendation, Recommendation)
    assert recommendation.scalar is shown.scalar
    bound = recommendation.bound
    assert bound is None or (type(bound) is int and shown.floor <= bound <= shown.ceiling)


def check_answers_a_single_candidate(make: Factory) -> None:
    """Asked about one value only, it says that value or nothing."""
    shown = replace(observation(), floor=60_00, ceiling=60_00)
    assert _fitted(make).recommend(shown).bound in (None, 60_00)


def check_bound_is_the_same_without_evidence(make: Factory) -> None:
    """Asked for the bound alone, it reveals the bound that it gives with evidence."""
    strategy, shown = _fitted(make), observation()
    bounds = [
        strategy.recommend(replace(shown, wanted=wanted)).revealed_bound
        for wanted in (Wanted.EVIDENCE, Wanted.BOUND)
    ]
    assert bounds[0] == bounds[1], "what is wanted besides the bound must not change it"


def check_does_not_see_the_future(make: Factory) -> None:
    """A decision at t does not depend on what comes after t."""
    prices = history()
    cut = prices.until(int(prices.times[-200]))
    other = history(seed=2)
    closes = prices.closes_e8.copy()
    closes[-199:] = other.closes_e8[-199:]
    changed = replace(prices, closes_e8=closes)
    strategy = _fitted(make, cut)
    decisions = [strategy.recommend(observation(p.until(cut.last_time))).bound for p in (prices, changed)]
    assert decisions[0] == decisions[1], "the decision changed with prices that it must not know"


CHECKS: tuple[Check, ...] = (
    check_declares_itself,
    check_answers_before_it_is_fitted,
    check_is_deterministic,
    check_changes_nothing,
    check_stays_in_range,
    check_answers_a_single_candidate,
    check_bound_is_the_same_without_evidence,
    check_does_not_see_the_future,
)


def check_strategy(make: Factory) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield (name, run) of each check for the strategy that ``make`` builds."""
    for check in CHECKS:
        yield check.__name__, lambda check=check: check(make)  # type: ignore[misc]
