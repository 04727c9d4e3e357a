"""Aave V3: caps, freezing and e-mode, the other fields that a risk admin governs."""

from __future__ import annotations

import pytest

from core.errors import GovernanceError
from core.units import WAD
from tests.protocols.aave import (
    USDC_ONE,
    WETH_COLLATERAL,
    WETH_ONE,
    AaveMarket,
    borrow,
    caps,
    category_parameters,
    collateral_parameters,
    enter_category,
    health_factor,
    liquidate,
    set_cap,
    set_category,
    set_collateral,
    set_frozen,
    set_ltv_zero,
    supply,
)

CAP_SETTERS = ("setSupplyCap", "setBorrowCap")


def test_caps_are_whole_tokens_and_none_at_first(aave: AaveMarket) -> None:
    assert caps(aave, aave.weth) == (0, 0)

    set_cap(aave, aave.people.risk_admin, "setSupplyCap", asset=aave.weth, cap=200)
    set_cap(aave, aave.people.risk_admin, "setBorrowCap", asset=aave.weth, cap=50)

    assert caps(aave, aave.weth) == (200, 50)


@pytest.mark.parametrize("setter", CAP_SETTERS)
def test_a_stranger_cannot_set_a_cap(aave: AaveMarket, setter: str) -> None:
    with pytest.raises(GovernanceError, match=aave.refusals.not_a_risk_admin):
        set_cap(aave, aave.people.stranger, setter, asset=aave.weth, cap=200)


def test_nobody_supplies_above_the_supply_cap(aave: AaveMarket) -> None:
    set_cap(aave, aave.people.risk_admin, "setSupplyCap", asset=aave.weth, cap=101)

    with pytest.raises(GovernanceError, match=aave.refusals.supply_cap):
        supply(aave, aave.people.stranger, aave.weth, amount=WETH_ONE + 2)


def test_nobody_borrows_above_the_borrow_cap(aave: AaveMarket) -> None:
    set_cap(aave, aave.people.risk_admin, "setBorrowCap", asset=aave.usdc, cap=150_500)
    supply(aave, aave.people.stranger, aave.weth, amount=WETH_ONE)

    with pytest.raises(GovernanceError, match=aave.refusals.borrow_cap):
        borrow(aave, aave.people.stranger, amount=501 * USDC_ONE)


def test_a_cap_below_what_is_supplied_is_accepted_and_takes_nothing_away(aave: AaveMarket) -> None:
    before = health_factor(aave, aave.people.borrower)

    set_cap(aave, aave.people.risk_admin, "setSupplyCap", asset=aave.weth, cap=1)

    assert health_factor(aave, aave.people.borrower) == pytest.approx(before, rel=1e-6)


def test_nobody_supplies_what_is_frozen(aave: AaveMarket) -> None:
    set_frozen(aave, aave.people.risk_admin, frozen=True)

    with pytest.raises(GovernanceError, match=aave.refusals.frozen):
        supply(aave, aave.people.stranger, aave.weth, amount=WETH_ONE)


def test_freezing_leaves_the_borrowers_health_alone(aave: AaveMarket) -> None:
    before = health_factor(aave, aave.people.borrower)

    set_frozen(aave, aave.people.risk_admin, frozen=True)

    assert health_factor(aave, aave.people.borrower) == pytest.approx(before, rel=1e-6)


def test_a_stranger_cannot_freeze(aave: AaveMarket) -> None:
    with pytest.raises(GovernanceError):
        set_frozen(aave, aave.people.stranger, frozen=True)


@pytest.mark.parametrize("aave", ["v302"], indirect=True)
def test_in_3_0_freezing_leaves_the_ltv(aave: AaveMarket) -> None:
    set_frozen(aave, aave.people.risk_admin, frozen=True)

    assert collateral_parameters(aave) == WETH_COLLATERAL


@pytest.mark.parametrize("aave", ["v36"], indirect=True)
def test_in_3_6_freezing_zeroes_the_ltv_and_a_thaw_does_not_bring_it_back(aave: AaveMarket) -> None:
    set_frozen(aave, aave.people.risk_admin, frozen=True)
    assert collateral_parameters(aave) == (0, 82_50, 105_00)

    set_frozen(aave, aave.people.risk_admin, frozen=False)
    assert collateral_parameters(aave) == (0, 82_50, 105_00)

    set_ltv_zero(aave, aave.people.risk_admin, zero=False)
    assert collateral_parameters(aave) == WETH_COLLATERAL


@pytest.mark.parametrize("aave", ["v36"], indirect=True)
def test_in_3_6_an_ltv_written_while_frozen_is_live_only_later(aave: AaveMarket) -> None:
    set_frozen(aave, aave.people.risk_admin, frozen=True)

    set_collateral(aave, aave.people.risk_admin, ltv=78_00, threshold=82_00, bonus=105_00)
    assert collateral_parameters(aave) == (0, 82_00, 105_00)

    set_frozen(aave, aave.people.risk_admin, frozen=False)
    set_ltv_zero(aave, aave.people.risk_admin, zero=False)
    assert collateral_parameters(aave) == (78_00, 82_00, 105_00)


def test_the_category_of_a_borrower_decides_its_threshold(aave: AaveMarket) -> None:
    set_category(aave, aave.people.risk_admin, ltv=90_00, threshold=93_00, bonus=102_00)

    enter_category(aave, aave.people.borrower)

    # 200 000 USD x 93.00 % over 150 000 USD
    assert health_factor(aave, aave.people.borrower) == pytest.approx(124 * WAD // 100, rel=1e-6)


def test_the_risk_admin_changes_the_category(aave: AaveMarket) -> None:
    set_category(aave, aave.people.risk_admin, ltv=90_00, threshold=93_00, bonus=102_00)
    enter_category(aave, aave.people.borrower)

    set_category(aave, aave.people.risk_admin, ltv=89_90, threshold=92_90, bonus=102_00)

    assert category_parameters(aave) == (89_90, 92_90, 102_00)
    # 200 000 USD x 92.90 % over 150 000 USD
    assert health_factor(aave, aave.people.borrower) == pytest.approx(12387 * WAD // 10_000, rel=1e-4)


def test_a_reserves_threshold_does_not_touch_who_is_in_a_category(aave: AaveMarket) -> None:
    set_category(aave, aave.people.risk_admin, ltv=90_00, threshold=93_00, bonus=102_00)
    enter_category(aave, aave.people.borrower)

    set_collateral(aave, aave.people.risk_admin, ltv=70_00, threshold=74_99, bonus=105_00)

    with pytest.raises(GovernanceError, match=aave.refusals.healthy):
        liquidate(aave)


def test_a_stranger_cannot_change_the_category(aave: AaveMarket) -> None:
    with pytest.raises(GovernanceError, match=aave.refusals.not_a_risk_admin):
        set_category(aave, aave.people.stranger, ltv=90_00, threshold=93_00, bonus=102_00)


@pytest.mark.parametrize(
    ("ltv", "threshold", "bonus"), [(93_01, 93_00, 102_00), (0, 93_00, 102_00), (90_00, 93_00, 107_60)]
)
def test_unsound_categories_are_refused(aave: AaveMarket, ltv: int, threshold: int, bonus: int) -> None:
    # 93.00 % x 107.60 % = 100.068 %
    with pytest.raises(GovernanceError, match=aave.refusals.invalid_category):
        set_category(aave, aave.people.risk_admin, ltv=ltv, threshold=threshold, bonus=bonus)
