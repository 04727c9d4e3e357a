"""Aave's caps in whole tokens, its freezing and its e-mode, as AaveV3Adapter has them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.errors import GovernanceError, GuardrailError
from core.market import Scalar
from core.units import WAD
from governance.rehearsal import DAY, HOUR
from tests.protocols.aave import (
    USDC_ONE,
    WETH_ONE,
    borrow,
    caps,
    category_parameters,
    collateral_parameters,
    enter_category,
    health_factor,
    repay,
    set_collateral,
    set_frozen,
    set_ltv_zero,
    supply,
)
from tests.protocols.governed_aave import CATEGORY_KEY, GovernedAave

FAST, RAMP, SLOW = 1, 2, 3
NO_CAP = 2**128 - 1


# ---- caps


def test_a_supply_cap_rises_by_vote_in_base_units_here_and_whole_tokens_there(
    governed_aave: GovernedAave,
) -> None:
    dao = governed_aave.dao
    dao.carry_out(dao.update(governed_aave.weth, 1_300 * WETH_ONE, scalar=Scalar.SUPPLY_CAP))

    assert caps(governed_aave.market, governed_aave.market.weth) == (1_300, 0)


def test_a_borrow_cap_is_the_reserves_own_and_cut_within_an_hour(governed_aave: GovernedAave) -> None:
    dao, market = governed_aave.dao, governed_aave.market
    update = dao.update(governed_aave.usdc, 250_000 * USDC_ONE, scalar=Scalar.BORROW_CAP)
    assert dao.check(update) == FAST

    dao.cut(update)

    assert caps(market, market.usdc) == (0, 250_000)
    supply(market, market.people.stranger, market.weth, amount=100 * WETH_ONE)
    with pytest.raises(GovernanceError, match=market.refusals.borrow_cap):
        borrow(market, market.people.stranger, amount=100_001 * USDC_ONE)


@pytest.mark.parametrize("cap", [1_100 * WETH_ONE + 1, 1_100 * WETH_ONE - 1])
def test_a_cap_that_is_no_whole_number_of_tokens_is_refused_at_submission(
    governed_aave: GovernedAave, cap: int
) -> None:
    with pytest.raises(GuardrailError, match=r"CapNotWhole\(cap=\d+, unit=1000000000000000000\)"):
        governed_aave.dao.propose(governed_aave.dao.update(governed_aave.weth, cap, scalar=Scalar.SUPPLY_CAP))


def test_a_cap_of_zero_which_would_lift_it_is_refused(governed_aave: GovernedAave) -> None:
    with pytest.raises(GuardrailError, match=r"CapNotWhole\(cap=0"):
        governed_aave.dao.announce(governed_aave.dao.update(governed_aave.usdc, 0, scalar=Scalar.BORROW_CAP))


def test_a_cut_of_the_supply_cap_ends_at_the_next_whole_token_above_supply(
    governed_aave: GovernedAave,
) -> None:
    dao, market = governed_aave.dao, governed_aave.market
    supply(market, market.people.stranger, market.weth, amount=500 * WETH_ONE + 1)
    number = dao.announce(dao.update(governed_aave.weth, 601 * WETH_ONE, scalar=Scalar.SUPPLY_CAP))
    supply(market, market.people.stranger, market.weth, amount=50 * WETH_ONE)
    dao.client.advance(HOUR)

    dao.cuts.execute(number, dao.people.stranger)

    assert caps(market, market.weth) == (651, 0)


def test_a_supply_cap_below_what_is_supplied_is_no_cut(governed_aave: GovernedAave) -> None:
    dao, market = governed_aave.dao, governed_aave.market
    supply(market, market.people.stranger, market.weth, amount=800 * WETH_ONE)

    assert dao.check(dao.update(governed_aave.weth, 899 * WETH_ONE, scalar=Scalar.SUPPLY_CAP)) == SLOW


def test_a_cut_takes_at_most_half_of_a_cap(governed_aave: GovernedAave) -> None:
    with pytest.raises(GuardrailError, match="CapCutTooDeep"):
        update = governed_aave.dao.update(governed_aave.usdc, 249_999 * USDC_ONE, scalar=Scalar.BORROW_CAP)
        governed_aave.dao.announce(update)


def test_a_first_cap_is_not_for_agents_to_set(governed_aave: GovernedAave) -> None:
    dao = governed_aave.dao
    assert dao.parameters(governed_aave.usdc).supply_cap == NO_CAP

    with pytest.raises(GuardrailError, match="CapCutTooDeep"):
        dao.announce(dao.update(governed_aave.usdc, 2_000_000 * USDC_ONE, scalar=Scalar.SUPPLY_CAP))


def test_nor_is_lifting_one(governed_aave: GovernedAave) -> None:
    dao = governed_aave.dao

    with pytest.raises(GuardrailError, match=r"StepTooLarge\(field=supply_cap"):
        dao.propose(dao.update(governed_aave.weth, NO_CAP, scalar=Scalar.SUPPLY_CAP))


# ---- soundness


def test_a_product_that_aave_rounds_down_to_one_is_refused_here(governed_aave: GovernedAave) -> None:
    # 95.24 % x 105.00 % = 100.002 %
    update = governed_aave.dao.update(governed_aave.weth, 95_24)

    with pytest.raises(GuardrailError, match=r"NothingLeftForDebt\(thresholdBps=9524, bonusBps=500\)"):
        governed_aave.dao.check(update)


def test_an_ltv_at_the_threshold_which_aave_takes_is_refused_here(governed_aave: GovernedAave) -> None:
    update = governed_aave.dao.update(governed_aave.weth, 82_50, scalar=Scalar.LTV)

    with pytest.raises(GuardrailError, match="LtvAboveMargin"):
        governed_aave.dao.check(update)


# ---- freezing


def freeze(governed: GovernedAave) -> None:
    set_frozen(governed.market, governed.market.people.risk_admin, frozen=True)


@pytest.mark.parametrize("aave_under_a_dao", ["v302"], indirect=True)
def test_in_3_0_a_frozen_reserve_is_governed_as_any_other(governed_aave: GovernedAave) -> None:
    freeze(governed_aave)

    governed_aave.dao.carry_out(governed_aave.dao.update(governed_aave.weth, 83_00))

    assert collateral_parameters(governed_aave.market) == (80_50, 83_00, 105_00)


@pytest.mark.parametrize("aave_under_a_dao", ["v36"], indirect=True)
def test_in_3_6_an_ltv_that_would_only_be_pending_is_refused_when_it_is_read_back(
    governed_aave: GovernedAave,
) -> None:
    dao = governed_aave.dao
    # a cut first, and a freeze, so that the LTV of before may be restored without a step
    dao.cut(dao.update(governed_aave.weth, 79_00, scalar=Scalar.LTV))
    freeze(governed_aave)
    number = dao.propose(dao.update(governed_aave.weth, 79_00, scalar=Scalar.LTV, epoch=2))
    dao.make_executable(number)

    with pytest.raises(GuardrailError, match=r"WriteDiffers\(field=ltv_bps, proposed=7900, found=0\)"):
        dao.execute(number)


@pytest.mark.parametrize("aave_under_a_dao", ["v36"], indirect=True)
@pytest.mark.parametrize(("first_ltv", "restored"), [(80_00, 80_00), (82_50, 82_49)])
def test_in_3_6_a_frozen_reserves_pending_ltv_outlives_a_change_of_its_threshold(
    governed_aave: GovernedAave, first_ltv: int, restored: int
) -> None:
    """And is lowered where it would be no longer below the threshold."""
    dao, market = governed_aave.dao, governed_aave.market
    risk_admin = market.people.risk_admin
    set_collateral(market, risk_admin, ltv=first_ltv, threshold=83_00, bonus=105_00)
    freeze(governed_aave)

    dao.carry_out(dao.update(governed_aave.weth, 82_50))

    assert collateral_parameters(market) == (0, 82_50, 105_00)
    set_frozen(market, risk_admin, frozen=False)
    set_ltv_zero(market, risk_admin, zero=False)
    assert collateral_parameters(market) == (restored, 82_50, 105_00)


def test_a_quorum_freezes_and_borrowers_may_still_repay_and_be_liquidated(
    governed_aave: GovernedAave,
) -> None:
    dao, market = governed_aave.dao, governed_aave.market
    before = health_factor(market, market.people.borrower)
    update = dao.update(governed_aave.weth, 0, scalar=Scalar.IS_OPEN)
    assert dao.check(update) == FAST

    dao.cut(update)

    now = dao.parameters(governed_aave.weth)
    assert (now.is_open, now.ltv_bps, now.liquidation_threshold_bps) == (0, 0, 82_50)
    assert health_factor(market, market.people.borrower) == pytest.approx(before, rel=1e-6)
    with pytest.raises(GovernanceError, match=market.refusals.frozen):
        supply(market, market.people.stranger, market.weth, amount=WETH_ONE)
    repay(market, market.people.borrower, amount=1_000 * USDC_ONE)


def test_a_thaw_is_voted_on_and_leaves_the_ltv_at_zero(governed_aave: GovernedAave) -> None:
    dao, market = governed_aave.dao, governed_aave.market
    dao.cut(dao.update(governed_aave.weth, 0, scalar=Scalar.IS_OPEN))
    thaw = dao.update(governed_aave.weth, 1, scalar=Scalar.IS_OPEN, epoch=2)
    assert dao.check(thaw) == SLOW

    dao.carry_out(thaw)

    now = dao.parameters(governed_aave.weth)
    assert (now.is_open, now.ltv_bps, now.liquidation_threshold_bps) == (1, 0, 82_50)
    supply(market, market.people.stranger, market.weth, amount=WETH_ONE)


def test_a_thaw_of_what_others_froze_gives_no_ltv_back_that_nobody_proposed(
    governed_aave: GovernedAave,
) -> None:
    dao = governed_aave.dao
    freeze(governed_aave)
    before = dao.parameters(governed_aave.weth)

    dao.carry_out(dao.update(governed_aave.weth, 1, scalar=Scalar.IS_OPEN))

    assert dao.parameters(governed_aave.weth) == replace(before, is_open=1)


def test_a_category_has_no_freeze(governed_aave: GovernedAave) -> None:
    with pytest.raises(GuardrailError, match=r"FieldAbsent\(field=is_open\)"):
        governed_aave.dao.announce(governed_aave.dao.update(CATEGORY_KEY, 0, scalar=Scalar.IS_OPEN))


# ---- e-mode


def test_a_category_is_a_market_without_caps(governed_aave: GovernedAave) -> None:
    assert governed_aave.dao.parameters(CATEGORY_KEY).as_dict() == {
        "ltv_bps": 90_00,
        "liquidation_threshold_bps": 93_00,
        "liquidation_bonus_bps": 2_00,
        "supply_cap": 0,
        "borrow_cap": 0,
        "is_open": 1,
    }


def test_a_categorys_threshold_rises_by_a_tenth_of_a_percent_at_most(governed_aave: GovernedAave) -> None:
    dao, market = governed_aave.dao, governed_aave.market
    with pytest.raises(GuardrailError, match=r"StepTooLarge\(field=liquidation_threshold_bps"):
        dao.propose(dao.update(CATEGORY_KEY, 93_11))
    enter_category(market, market.people.borrower)

    dao.carry_out(dao.update(CATEGORY_KEY, 93_10))

    assert category_parameters(market) == (90_00, 93_10, 102_00)
    # 200 000 USD x 93.10 % over 150 000 USD
    assert health_factor(market, market.people.borrower) == pytest.approx(12413 * WAD // 10_000, rel=1e-4)


def test_label_and_oracle_of_a_category_stay(governed_aave: GovernedAave) -> None:
    data = governed_aave.market.pool.functions.getEModeCategoryData(1)
    before = governed_aave.market.client.call(data)

    governed_aave.dao.carry_out(governed_aave.dao.update(CATEGORY_KEY, 93_10))

    after = governed_aave.market.client.call(data)
    assert tuple(after)[3:] == tuple(before)[3:]
    assert after[4] == "ETH against USD"


def test_a_categorys_ltv_is_cut_like_a_reserves(governed_aave: GovernedAave) -> None:
    dao = governed_aave.dao
    update = dao.update(CATEGORY_KEY, 85_00, scalar=Scalar.LTV)
    assert dao.check(update) == FAST

    dao.cut(update)

    assert category_parameters(governed_aave.market) == (85_00, 93_00, 102_00)


def test_but_not_to_zero_which_aave_refuses(governed_aave: GovernedAave) -> None:
    dao = governed_aave.dao
    number = dao.announce(dao.update(CATEGORY_KEY, 0, scalar=Scalar.LTV))
    dao.client.advance(HOUR)

    with pytest.raises(GovernanceError, match=governed_aave.market.refusals.invalid_category):
        dao.cuts.execute(number, dao.people.stranger)


def test_a_categorys_threshold_falls_by_a_ramp(governed_aave: GovernedAave) -> None:
    dao, market = governed_aave.dao, governed_aave.market
    update = dao.update(CATEGORY_KEY, 92_20)
    assert dao.check(update) == RAMP

    dao.carry_out(update)
    assert category_parameters(market) == (90_00, 92_50, 102_00)
    dao.client.advance(DAY)
    dao.step(CATEGORY_KEY)
    assert category_parameters(market) == (89_70, 92_20, 102_00)


def test_a_category_has_no_cap_to_move(governed_aave: GovernedAave) -> None:
    update = governed_aave.dao.update(CATEGORY_KEY, 93_10)
    proposed = replace(update.expected, supply_cap=1)

    with pytest.raises(GuardrailError, match=r"FieldDisabled\(field=supply_cap\)"):
        governed_aave.dao.propose(replace(update, proposed=proposed))


def test_reserve_and_category_are_two_markets_with_two_budgets(governed_aave: GovernedAave) -> None:
    dao, market = governed_aave.dao, governed_aave.market
    dao.carry_out(dao.update(governed_aave.weth, 83_00))

    dao.carry_out(dao.update(CATEGORY_KEY, 93_10, epoch=1))

    assert collateral_parameters(market) == (80_50, 83_00, 105_00)
    assert category_parameters(market) == (90_00, 93_10, 102_00)
