"""A pool's liquidation call against the integers of Aave 3.0 and 3.6, which equal its bytecode to the wei.

``core.aave`` refuses a call that would leave dust; the pool's liquidators then ask for less.  What they ask
for must be accepted, and two cents more must not be.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from core.aave import AaveAccount, AaveAsset, AaveLiquidation, AaveRelease, AaveTerms
from core.aave import liquidate as aave_liquidate
from core.errors import SimulationError
from core.pool.account import PoolAccount
from core.pool.liquidation import Call, call_on, weighted_worth
from core.pool.terms import ENDLESS, LiquidationRule, PoolAsset, PoolTerms, worth
from core.units import PRICE_ONE, Bps

RULES = {AaveRelease.V3_0: LiquidationRule.AAVE_3_0, AaveRelease.V3_6: LiquidationRule.AAVE_3_3}
ACCOUNTS = 2_000
ROOM = 1e-6  # USDC has six decimals


class Case:
    """One account under one release: in whole base units for Aave, in tokens for the pool."""

    def __init__(self, release: AaveRelease, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.price = int(rng.integers(500, 4_000)) * PRICE_ONE
        threshold, bonus = int(rng.integers(60_00, 85_00)), int(rng.integers(2_00, 15_00))
        fee = int(rng.choice([0, 10_00]))
        health = rng.uniform(0.6, 1.0)
        debt_usd = float(np.exp(rng.uniform(np.log(50), np.log(50_000))))
        self.debt = round(debt_usd * 1e6)
        coins = debt_usd * health / (threshold / 1e4) / (self.price / PRICE_ONE)
        self.collateral = round(coins * 1e9) * 10**9
        self.aave = AaveTerms(
            release,
            Bps(threshold),
            Bps(bonus),
            Bps(fee),
            AaveAsset(self.price, 18),
            AaveAsset(PRICE_ONE, 6),
        )
        eth = PoolAsset("ETH", threshold, threshold, bonus, fee_bps=fee)
        self.pool = PoolTerms((eth, PoolAsset("USDC", 0, 0, 0)), 3600, rule=RULES[release])
        self.prices = (Decimal(self.price) / PRICE_ONE, Decimal(1))
        self.account = PoolAccount(
            (Decimal(self.collateral) / 10**18, Decimal(0)), (Decimal(0), Decimal(self.debt) / 10**6)
        )

    @property
    def is_unhealthy(self) -> bool:
        weighted = weighted_worth(self.account, self.prices, self.pool, by="threshold_bps")
        return weighted < worth(self.account.debt, self.prices)

    def call(self, capital_usd: Decimal = ENDLESS) -> Call | None:
        return call_on(self.account, self.prices, self.pool, seizable=(True, False), capital_usd=capital_usd)

    def aave_call(self, cover: int) -> AaveLiquidation | None:
        return aave_liquidate(AaveAccount(self.collateral, self.debt), self.aave, cover=cover)


def refuses(case: Case, cover: int) -> bool:
    try:
        case.aave_call(cover)
    except SimulationError:
        return True
    return False


def assert_equal(found: Call, wanted: AaveLiquidation, case: Case) -> None:
    """Aave's indices round to base units: a millionth of a dollar, a billionth of a coin."""
    assert float(found.paid_usd) == pytest.approx(wanted.repaid / 1e6, abs=3 * ROOM)
    assert float(found.sold[0]) == pytest.approx(wanted.seized / 1e18, rel=1e-7, abs=1e-8)
    fee_tokens = float(found.fee_usd / case.prices[0])
    assert fee_tokens == pytest.approx(wanted.fee / 1e18, rel=1e-6, abs=1e-8)
    if case.aave.release is AaveRelease.V3_6:
        assert float(found.bad_debt_usd) == pytest.approx(wanted.deficit / 1e6, abs=5 * ROOM)


@pytest.mark.parametrize("release", list(RULES))
def test_calls_repay_and_seize_what_aave_does(release: AaveRelease) -> None:
    compared = emptied = 0
    for seed in range(ACCOUNTS):
        case = Case(release, seed)
        if case.is_unhealthy:
            found, wanted = case.call(), case.aave_call(case.debt)
            assert found is not None
            assert wanted is not None
            assert_equal(found, wanted, case)
            compared += 1
            emptied += found.bad_debt_usd > 0
    assert compared > 1_500
    assert emptied > 100


@pytest.mark.parametrize("release", list(RULES))
def test_liquidators_short_of_capital_ask_for_what_aave_accepts(release: AaveRelease) -> None:
    compared = shrunk = given_up = 0
    for seed in range(ACCOUNTS):
        case = Case(release, seed)
        cover = round(case.debt * np.random.default_rng((seed, 1)).uniform(0.05, 0.98))
        found = case.call(Decimal(cover) / 10**6)
        if not case.is_unhealthy:
            continue
        if not refuses(case, cover):
            wanted = case.aave_call(cover)
            assert found is not None
            assert wanted is not None
            assert_equal(found, wanted, case)
            compared += 1
        elif found is None:
            given_up += 1
        else:
            less = int(found.paid_usd * 10**6)
            assert not refuses(case, less), seed
            assert refuses(case, less + 20_000), seed
            shrunk += 1
    assert compared > 200
    if release is AaveRelease.V3_6:
        assert shrunk > 50
        assert given_up > 50
    else:
        assert shrunk == given_up == 0
