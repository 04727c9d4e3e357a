"""The double of Compound III behaves as the real one where an adapter can tell the difference."""

from __future__ import annotations

import pytest

from core.errors import GovernanceError
from core.units import PRICE_ONE, WAD
from tests.protocols.comet import (
    BORROW_FACTOR,
    LIQUIDATE_FACTOR,
    LIQUIDATION_FACTOR,
    SUPPLY_CAP,
    USDC_ONE,
    WETH_ONE,
    CometMarket,
    absorb,
    borrow,
    is_liquidatable,
    live_factors,
    move_price,
    supply,
    upgrade,
    write,
)
from tests.protocols.stage import error_pattern

FIRST = (BORROW_FACTOR, LIQUIDATE_FACTOR, LIQUIDATION_FACTOR, SUPPLY_CAP)
SETTERS = (
    ("updateAssetBorrowCollateralFactor", 79 * WAD // 100, 0),
    ("updateAssetLiquidateCollateralFactor", 84 * WAD // 100, 1),
    ("updateAssetLiquidationFactor", 94 * WAD // 100, 2),
    ("updateAssetSupplyCap", 9_000 * WETH_ONE, 3),
)


@pytest.mark.parametrize(("setter", "value", "place"), SETTERS)
def test_a_written_value_is_inert_until_the_upgrade(
    comet: CometMarket, setter: str, value: int, place: int
) -> None:
    write(comet, comet.people.risk_admin, setter, value=value)
    assert live_factors(comet) == FIRST

    upgrade(comet, comet.people.risk_admin)

    expected = list(FIRST)
    expected[place] = value
    assert live_factors(comet) == tuple(expected)


@pytest.mark.parametrize(("setter", "value", "place"), SETTERS)
def test_a_stranger_cannot_write(comet: CometMarket, setter: str, value: int, place: int) -> None:
    with pytest.raises(GovernanceError, match=error_pattern("Unauthorized()")):
        write(comet, comet.people.stranger, setter, value=value)


def test_a_stranger_cannot_upgrade(comet: CometMarket) -> None:
    with pytest.raises(GovernanceError, match=error_pattern("Unauthorized()")):
        upgrade(comet, comet.people.stranger)


def test_an_upgrade_makes_everything_live_that_others_have_written(comet: CometMarket) -> None:
    write(comet, comet.people.admin, "updateAssetSupplyCap", value=1 * WETH_ONE)

    write(comet, comet.people.risk_admin, "updateAssetBorrowCollateralFactor", value=79 * WAD // 100)
    upgrade(comet, comet.people.risk_admin)

    assert live_factors(comet)[3] == 1 * WETH_ONE


def test_a_borrow_factor_that_is_not_below_the_liquidate_factor_is_refused_at_the_upgrade(
    comet: CometMarket,
) -> None:
    write(comet, comet.people.risk_admin, "updateAssetBorrowCollateralFactor", value=LIQUIDATE_FACTOR)

    with pytest.raises(GovernanceError, match=error_pattern("BorrowCFTooLarge()")):
        upgrade(comet, comet.people.risk_admin)


def test_two_factors_in_one_basis_point_are_refused_too(comet: CometMarket) -> None:
    admin = comet.people.risk_admin
    write(comet, admin, "updateAssetLiquidateCollateralFactor", value=LIQUIDATE_FACTOR + 2)
    write(comet, admin, "updateAssetBorrowCollateralFactor", value=LIQUIDATE_FACTOR + 1)

    with pytest.raises(GovernanceError, match=error_pattern("BorrowCFTooLarge()")):
        upgrade(comet, admin)


def test_a_liquidate_factor_above_one_is_refused_at_the_upgrade(comet: CometMarket) -> None:
    write(comet, comet.people.risk_admin, "updateAssetLiquidateCollateralFactor", value=WAD + 1)

    with pytest.raises(GovernanceError, match=error_pattern("LiquidateCFTooLarge()")):
        upgrade(comet, comet.people.risk_admin)


def test_factors_are_cut_to_basis_points_and_caps_to_whole_tokens(comet: CometMarket) -> None:
    admin = comet.people.risk_admin
    write(comet, admin, "updateAssetBorrowCollateralFactor", value=79_99 * WAD // 100_00 + 10**14 - 1)
    write(comet, admin, "updateAssetSupplyCap", value=9_000 * WETH_ONE - 1)

    upgrade(comet, admin)

    factor, _, _, cap = live_factors(comet)
    assert (factor, cap) == (79_99 * WAD // 100_00, 8_999 * WETH_ONE)


def test_an_unknown_asset_cannot_be_written(comet: CometMarket) -> None:
    function = comet.configurator.functions.updateAssetSupplyCap
    with pytest.raises(GovernanceError, match=error_pattern("AssetDoesNotExist()")):
        comet.client.send(
            comet.people.risk_admin, function(comet.comet.address, comet.usdc.address, WETH_ONE)
        )


def test_nobody_borrows_above_the_borrow_factor(comet: CometMarket) -> None:
    newcomer = comet.people.stranger
    supply(comet, newcomer, comet.weth, amount=WETH_ONE)
    borrow(comet, newcomer, amount=1_600 * USDC_ONE)

    with pytest.raises(GovernanceError, match=error_pattern("NotCollateralized()")):
        borrow(comet, newcomer, amount=1)


def test_nobody_supplies_above_the_cap(comet: CometMarket) -> None:
    with pytest.raises(GovernanceError, match=error_pattern("SupplyCapExceeded()")):
        supply(comet, comet.people.stranger, comet.weth, amount=SUPPLY_CAP)


def test_a_lower_borrow_factor_leaves_old_debt_alone(comet: CometMarket) -> None:
    # 150 000 of 200 000 USD are borrowed: 75 %
    write(comet, comet.people.risk_admin, "updateAssetBorrowCollateralFactor", value=50 * WAD // 100)
    upgrade(comet, comet.people.risk_admin)

    assert not is_liquidatable(comet, comet.people.borrower.address)


def test_a_lower_liquidate_factor_does_not(comet: CometMarket) -> None:
    admin = comet.people.risk_admin
    write(comet, admin, "updateAssetBorrowCollateralFactor", value=70 * WAD // 100)
    write(comet, admin, "updateAssetLiquidateCollateralFactor", value=74_99 * WAD // 100_00)
    upgrade(comet, admin)

    assert is_liquidatable(comet, comet.people.borrower.address)


def test_after_a_price_fall_the_borrower_is_absorbed(comet: CometMarket) -> None:
    borrower = comet.people.borrower.address
    # 100 WETH at 1 700 USD weigh 144 500 USD
    move_price(comet, 1_700 * PRICE_ONE)
    assert is_liquidatable(comet, borrower)

    absorb(comet, borrower)

    # 95 % of 170 000 USD pay 150 000, and 11 500 are left to the borrower
    assert comet.client.call(comet.comet.functions.balanceOf(borrower)) == 11_500 * USDC_ONE
    assert comet.client.call(comet.comet.functions.borrowBalanceOf(borrower)) == 0
    assert comet.client.call(comet.comet.functions.totalBorrow()) == 0


def test_a_healthy_borrower_cannot_be_absorbed(comet: CometMarket) -> None:
    with pytest.raises(GovernanceError, match=error_pattern("NotLiquidatable()")):
        absorb(comet, comet.people.borrower.address)


def test_utilisation_is_debt_over_supply(comet: CometMarket) -> None:
    assert comet.client.call(comet.comet.functions.getUtilization()) == 15 * WAD // 100
