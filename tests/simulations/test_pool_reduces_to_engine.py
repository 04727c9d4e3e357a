"""A pool of one collateral and one debt asset, with nothing switched on, is the engine's market.

Depth is large enough for nobody to walk away; there the two count profit differently.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from core.cascade import WAD_DECIMALS, CascadeTerms, Liquidity, RateCurve
from core.lending import LiquidationRules
from core.pool.terms import PoolAsset, PoolTerms
from core.units import WAD, Bps
from simulations import engine
from simulations.pool.arrays import plain_book
from simulations.pool.face import run_pool

DEPTH, SUPPLY = 10**12, 5 * 10**8
SAME = {
    "repaid": "repaid",
    "liquidated_value": "liquidated_value",
    "bad_debt": "bad_debt",
    "interest": "interest",
    "uncovered": "uncovered",
}


@pytest.mark.parametrize("seed", range(5))
def test_counts_and_totals_are_the_engines(seed: int) -> None:
    rng = np.random.default_rng(seed)
    debt = rng.lognormal(9, 1.5, 200)
    coins = debt * (1.01 + rng.lognormal(-1.5, 1, 200)) / 0.8 / 50_000
    prices = 50_000 * np.exp(np.cumsum(rng.standard_t(4, (4, 60)) * 0.015, axis=1))
    rules = LiquidationRules(Bps(80_00), Bps(6_00), decimals=WAD_DECIMALS)
    terms = CascadeTerms(rules, Liquidity(DEPTH * WAD), SUPPLY * WAD, 3600)
    wanted = engine.run(
        engine.Book(coins[None], debt[None]),
        prices,
        thresholds_bps=np.array([80_00]),
        bonuses_bps=np.array([6_00]),
        terms=terms,
    )
    eth = PoolAsset("ETH", 80_00, 75_00, 6_00, depth_usd=Decimal(DEPTH))
    usd = PoolAsset("USDC", 0, 0, 0, supply=Decimal(SUPPLY), rates=RateCurve())
    none = np.zeros(200)
    found = run_pool(
        plain_book(np.stack([coins, none], axis=1), np.stack([none, debt], axis=1)),
        np.stack([prices, np.ones_like(prices)], axis=2),
        terms=PoolTerms((eth, usd), 3600),
    )
    assert found.routes.sorted_share == 1.0
    assert found.liquidations.sum() > 100
    assert np.array_equal(found.liquidations, wanted.liquidations[0])
    for ours, theirs in SAME.items():
        np.testing.assert_allclose(
            getattr(found, ours), getattr(wanted, theirs)[0], rtol=1e-9, atol=1e-9 * debt.sum()
        )
