"""Aave V3: a real market is supplied, borrowed from, governed and liquidated."""

from __future__ import annotations

import pytest
from web3.logs import DISCARD

from core.errors import GovernanceError
from core.units import PRICE_ONE, WAD
from tests.protocols.aave import (
    USDC_ONE,
    WETH_COLLATERAL,
    WETH_ONE,
    AaveMarket,
    borrow,
    collateral_parameters,
    health_factor,
    liquidate,
    move_price,
    set_collateral,
    supply,
)

# 100 WETH at 2 000 USD weigh 82.50 % against 150 000 USD
FIRST_HEALTH = 100 * 2_000 * 82_50 * WAD // (100_00 * 150_000)


def test_the_market_says_what_it_was_configured_with(aave: AaveMarket) -> None:
    assert collateral_parameters(aave) == WETH_COLLATERAL


def test_a_borrowers_health_is_weighted_collateral_over_debt(aave: AaveMarket) -> None:
    found = health_factor(aave, aave.people.borrower)

    # interest of the few blocks since the borrow
    assert FIRST_HEALTH - WAD // 10**6 < found <= FIRST_HEALTH


def test_somebody_supplies_and_borrows(aave: AaveMarket) -> None:
    newcomer = aave.people.stranger
    supply(aave, newcomer, aave.weth, amount=WETH_ONE)

    borrow(aave, newcomer, amount=1_000 * USDC_ONE)

    assert aave.client.call(aave.usdc.functions.balanceOf(newcomer.address)) == 1_000 * USDC_ONE


def test_nobody_borrows_above_the_ltv(aave: AaveMarket) -> None:
    newcomer = aave.people.stranger
    supply(aave, newcomer, aave.weth, amount=WETH_ONE)

    with pytest.raises(GovernanceError, match=aave.refusals.collateral_too_small):
        borrow(aave, newcomer, amount=1_600 * USDC_ONE + 1)


def test_the_risk_admin_changes_the_collateral_parameters(aave: AaveMarket) -> None:
    set_collateral(aave, aave.people.risk_admin, ltv=78_00, threshold=81_00, bonus=105_00)

    assert collateral_parameters(aave) == (78_00, 81_00, 105_00)


def test_a_lower_threshold_lowers_the_health_of_who_has_borrowed(aave: AaveMarket) -> None:
    before = health_factor(aave, aave.people.borrower)

    set_collateral(aave, aave.people.risk_admin, ltv=78_00, threshold=81_00, bonus=105_00)

    after = health_factor(aave, aave.people.borrower)
    assert after == pytest.approx(before * 81_00 // 82_50, rel=1e-6)


def test_a_stranger_cannot_change_the_collateral_parameters(aave: AaveMarket) -> None:
    with pytest.raises(GovernanceError, match=aave.refusals.not_a_risk_admin):
        set_collateral(aave, aave.people.stranger, ltv=78_00, threshold=81_00, bonus=105_00)


def test_the_risk_admin_cannot_add_another(aave: AaveMarket) -> None:
    function = aave.acl.functions.addRiskAdmin(aave.people.stranger.address)

    with pytest.raises(GovernanceError):
        aave.client.send(aave.people.risk_admin, function)


def test_the_ltv_cannot_exceed_the_threshold(aave: AaveMarket) -> None:
    with pytest.raises(GovernanceError, match=aave.refusals.invalid_parameters):
        set_collateral(aave, aave.people.risk_admin, ltv=81_01, threshold=81_00, bonus=105_00)


def test_threshold_times_bonus_cannot_exceed_one(aave: AaveMarket) -> None:
    # 95.25 % x 105.00 % = 100.0125 %
    with pytest.raises(GovernanceError, match=aave.refusals.invalid_parameters):
        set_collateral(aave, aave.people.risk_admin, ltv=80_00, threshold=95_25, bonus=105_00)


def test_but_aave_rounds_that_product_to_the_nearest_basis_point(aave: AaveMarket) -> None:
    # 95.24 % x 105.00 % = 100.002 %: above one, and accepted
    set_collateral(aave, aave.people.risk_admin, ltv=80_00, threshold=95_24, bonus=105_00)

    assert collateral_parameters(aave) == (80_00, 95_24, 105_00)


def test_a_healthy_borrower_cannot_be_liquidated(aave: AaveMarket) -> None:
    with pytest.raises(GovernanceError, match=aave.refusals.healthy):
        liquidate(aave)


def test_after_a_price_fall_the_borrower_is_liquidated_at_the_bonus(aave: AaveMarket) -> None:
    move_price(aave, 1_700 * PRICE_ONE)
    assert health_factor(aave, aave.people.borrower) < WAD

    receipt = liquidate(aave, cover=17_000 * USDC_ONE)

    event = aave.pool.events.LiquidationCall().process_receipt(receipt, errors=DISCARD)[0]["args"]
    assert event["debtToCover"] == 17_000 * USDC_ONE
    # 17 000 USD buy 10 WETH at 1 700 USD, and 5.00 % more
    assert event["liquidatedCollateralAmount"] == 10 * WETH_ONE * 105 // 100


def test_a_lower_threshold_alone_makes_a_borrower_liquidatable(aave: AaveMarket) -> None:
    # 200 000 USD x 74.99 % is less than 150 000 USD
    set_collateral(aave, aave.people.risk_admin, ltv=70_00, threshold=74_99, bonus=105_00)

    assert liquidate(aave)["status"] == 1
