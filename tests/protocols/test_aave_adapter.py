"""Aave V3 behind AaveV3Adapter and a whole DAO: real reserves are governed in every lane."""

from __future__ import annotations

import pytest

from core.market import Scalar
from core.units import PRICE_ONE, WAD
from tests.protocols.aave import (
    USDC_ONE,
    WETH_ONE,
    collateral_parameters,
    health_factor,
    liquidate,
    move_price,
)
from tests.protocols.governed_aave import GovernedAave


def test_the_adapter_reads_excess_bonus_and_base_unit_caps(governed_aave: GovernedAave) -> None:
    found = governed_aave.dao.parameters(governed_aave.weth)

    assert found.as_dict() == {
        "ltv_bps": 80_00,
        "liquidation_threshold_bps": 82_50,
        "liquidation_bonus_bps": 5_00,
        "supply_cap": 1_000 * WETH_ONE,
        "borrow_cap": 2**128 - 1,
    }


def test_a_slow_change_is_live_on_aave_and_decides_the_next_liquidation(governed_aave: GovernedAave) -> None:
    dao, market = governed_aave.dao, governed_aave.market
    dao.carry_out(dao.update(governed_aave.weth, 83_00))
    assert collateral_parameters(market) == (80_50, 83_00, 105_00)

    # 100 WETH x 1 815 USD: 82.50 % of it is less than 150 000 USD, 83.00 % is more
    move_price(market, 1_815 * PRICE_ONE)
    assert health_factor(market, market.people.borrower) > WAD
    move_price(market, 1_800 * PRICE_ONE)
    assert liquidate(market, cover=USDC_ONE)["status"] == 1


def test_a_cut_lowers_the_ltv_within_an_hour(governed_aave: GovernedAave) -> None:
    dao, market = governed_aave.dao, governed_aave.market
    before = health_factor(market, market.people.borrower)

    dao.cut(dao.update(governed_aave.weth, 60_00, scalar=Scalar.LTV))

    assert collateral_parameters(market) == (60_00, 82_50, 105_00)
    assert health_factor(market, market.people.borrower) == pytest.approx(before, rel=1e-5)
