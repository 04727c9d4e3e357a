"""Venus: a real comptroller of Compound V2's kind is supplied, borrowed from, governed and liquidated."""

from __future__ import annotations

import pytest

from core.errors import GovernanceError
from core.units import PRICE_ONE, WAD
from tests.protocols.venus import (
    INSUFFICIENT_LIQUIDITY,
    INVALID_COLLATERAL_FACTOR,
    NO_ERROR,
    TOKEN_COMPTROLLER_REJECTION,
    TOO_MUCH_REPAY,
    USDC_ONE,
    WETH_FACTOR,
    WETH_ONE,
    VenusMarket,
    borrow,
    code_of,
    collateral_factor,
    factor_change,
    give,
    grant,
    liquidation,
    liquidity,
    move_price,
    supply,
)


def test_a_borrower_may_borrow_what_is_left_of_weighted_collateral(venus: VenusMarket) -> None:
    # 80 % of 200 000 USD, less 150 000
    assert liquidity(venus, venus.people.borrower.address) == (10_000 * WAD, 0)


def test_somebody_supplies_and_borrows(venus: VenusMarket) -> None:
    newcomer = venus.people.stranger
    supply(venus, newcomer, venus.vweth, amount=WETH_ONE)

    borrow(venus, newcomer, amount=1_000 * USDC_ONE)

    assert venus.client.call(venus.usdc.functions.balanceOf(newcomer.address)) == 1_000 * USDC_ONE


def test_nobody_borrows_above_the_collateral_factor(venus: VenusMarket) -> None:
    newcomer, amount = venus.people.stranger, 1_600 * USDC_ONE + 1
    supply(venus, newcomer, venus.vweth, amount=WETH_ONE)
    hook = venus.comptroller.functions.borrowAllowed(venus.vusdc.address, newcomer.address, amount)
    assert venus.client.call(hook, sender=venus.vusdc.address) == INSUFFICIENT_LIQUIDITY

    # whatever the comptroller's reason, Venus's vToken gives this one
    with pytest.raises(GovernanceError, match=r"Error\(message=math error\)"):
        borrow(venus, newcomer, amount=amount)


def test_whom_access_control_allows_changes_the_collateral_factor(venus: VenusMarket) -> None:
    venus.client.send(venus.people.risk_admin, factor_change(venus, 79 * WAD // 100))

    assert collateral_factor(venus) == 79 * WAD // 100


@pytest.mark.parametrize("who", ["stranger", "admin"])
def test_nobody_else_does_not_even_the_admin(venus: VenusMarket, who: str) -> None:
    with pytest.raises(GovernanceError, match=r"Error\(message=access denied\)"):
        venus.client.send(getattr(venus.people, who), factor_change(venus, 79 * WAD // 100))


def test_after_a_new_grant_the_old_one_is_void(venus: VenusMarket) -> None:
    grant(venus, venus.people.stranger.address)

    with pytest.raises(GovernanceError, match="access denied"):
        venus.client.send(venus.people.risk_admin, factor_change(venus, 79 * WAD // 100))


def test_a_factor_above_ninety_percent_returns_a_code_and_changes_nothing(venus: VenusMarket) -> None:
    change = factor_change(venus, 90 * WAD // 100 + 1)
    assert code_of(venus, venus.people.risk_admin, change) == INVALID_COLLATERAL_FACTOR

    receipt = venus.client.send(venus.people.risk_admin, change)

    assert receipt["status"] == 1
    assert collateral_factor(venus) == WETH_FACTOR


def test_the_same_factor_again_is_refused(venus: VenusMarket) -> None:
    with pytest.raises(GovernanceError, match="old value is same as new value"):
        venus.client.send(venus.people.risk_admin, factor_change(venus, WETH_FACTOR))


def test_a_market_that_is_not_listed_has_no_factor(venus: VenusMarket) -> None:
    function = venus.comptroller.functions._setCollateralFactor(venus.weth.address, WAD // 2)

    with pytest.raises(GovernanceError, match="market not listed"):
        venus.client.send(venus.people.risk_admin, function)


def test_a_lower_factor_makes_old_debt_liquidatable(venus: VenusMarket) -> None:
    venus.client.send(venus.people.risk_admin, factor_change(venus, 74 * WAD // 100))

    # 74 % of 200 000 USD, less 150 000: one factor is both limits, so this lane is RAMP
    assert liquidity(venus, venus.people.borrower.address) == (0, 2_000 * WAD)
    give(venus, venus.people.liquidator, venus.vusdc, amount=20_000 * USDC_ONE)
    assert code_of(venus, venus.people.liquidator, liquidation(venus, repay=18_000 * USDC_ONE)) == NO_ERROR


def test_a_healthy_borrower_is_not_liquidated(venus: VenusMarket) -> None:
    give(venus, venus.people.liquidator, venus.vusdc, amount=20_000 * USDC_ONE)

    code = code_of(venus, venus.people.liquidator, liquidation(venus, repay=18_000 * USDC_ONE))

    assert code == TOKEN_COMPTROLLER_REJECTION


def test_after_a_price_fall_the_borrower_is_liquidated_at_the_incentive(venus: VenusMarket) -> None:
    move_price(venus, 1_800 * PRICE_ONE)
    assert liquidity(venus, venus.people.borrower.address) == (0, 6_000 * WAD)
    liquidator = venus.people.liquidator
    give(venus, liquidator, venus.vusdc, amount=20_000 * USDC_ONE)

    venus.client.send(liquidator, liquidation(venus, repay=18_000 * USDC_ONE))

    seized = venus.client.call(venus.vweth.functions.balanceOfUnderlying(liquidator.address))
    # 18 000 USD buy 10 WETH at 1 800 USD, and 10 % more
    assert seized == pytest.approx(11 * WETH_ONE, rel=1e-9)


def test_one_liquidation_repays_at_most_half_of_the_debt(venus: VenusMarket) -> None:
    move_price(venus, 1_800 * PRICE_ONE)
    liquidator = venus.people.liquidator
    allowed = venus.comptroller.functions.liquidateBorrowAllowed(
        venus.vusdc.address,
        venus.vweth.address,
        liquidator.address,
        venus.people.borrower.address,
        75_001 * USDC_ONE,
    )

    assert venus.client.call(allowed) == TOO_MUCH_REPAY


def test_nobody_supplies_above_the_cap(venus: VenusMarket) -> None:
    function = venus.comptroller.functions._setMarketSupplyCaps([venus.vweth.address], [100 * WETH_ONE])
    venus.client.send(venus.people.risk_admin, function)

    with pytest.raises(GovernanceError, match="market supply cap reached"):
        supply(venus, venus.people.stranger, venus.vweth, amount=WETH_ONE)
