"""Venus behind ComptrollerAdapter and a whole DAO: one collateral factor, whose fall is a ramp."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.errors import GovernanceError, GuardrailError, TribunateError
from core.market import Scalar
from core.units import PRICE_ONE, WAD, Bps
from governance.rehearsal import DAY
from governance.signing import update_tuple
from tests.protocols.governed_venus import GovernedVenus
from tests.protocols.venus import (
    INVALID_COLLATERAL_FACTOR,
    USDC_ONE,
    WETH_ONE,
    borrow,
    collateral_factor,
    give,
    grant,
    liquidation,
    liquidity,
    move_price,
    supply,
)

SLOW, RAMP = 3, 2


def test_the_factor_is_a_threshold_and_there_is_no_ltv_and_no_bonus(governed_venus: GovernedVenus) -> None:
    assert governed_venus.dao.parameters(governed_venus.vweth).as_dict() == {
        "ltv_bps": 0,
        "liquidation_threshold_bps": 80_00,
        "liquidation_bonus_bps": 0,
        "supply_cap": 1_000 * WETH_ONE,
        "borrow_cap": 2**128 - 1,
        "is_open": 1,
    }


def test_what_freshness_compares_is_in_our_units(governed_venus: GovernedVenus) -> None:
    adapter = governed_venus.dao.adapter
    price, utilisation_bps, collateral, borrowed = governed_venus.market.client.call(
        adapter.functions.liveOf(governed_venus.vweth)
    )

    # 150 000 USDC of 1 000 000 are borrowed, and 100 WETH supplied
    assert (price, utilisation_bps) == (2_000 * PRICE_ONE, 15_00)
    assert (collateral, borrowed) == (100 * WETH_ONE, 150_000 * USDC_ONE)


def test_a_higher_factor_takes_the_slow_lane_and_lets_people_borrow_more(
    governed_venus: GovernedVenus,
) -> None:
    dao, market = governed_venus.dao, governed_venus.market
    update = dao.update(governed_venus.vweth, 80_50)
    assert dao.check(update) == SLOW

    dao.carry_out(update)

    assert collateral_factor(market) == 80_50 * WAD // 100_00
    # 80.50 % of 200 000 USD, less 150 000
    assert liquidity(market, market.people.borrower.address) == (11_000 * WAD, 0)


def test_a_lower_factor_is_a_ramp_of_half_a_percent_a_day(governed_venus: GovernedVenus) -> None:
    dao, market = governed_venus.dao, governed_venus.market
    update = dao.update(governed_venus.vweth, 78_80)
    assert dao.check(update) == RAMP

    dao.carry_out(update)
    assert collateral_factor(market) == 79_50 * WAD // 100_00
    with pytest.raises(GuardrailError, match="RampTooSoon"):
        dao.step(governed_venus.vweth)
    market.client.advance(DAY)
    dao.step(governed_venus.vweth)
    assert collateral_factor(market) == 79_00 * WAD // 100_00
    market.client.advance(DAY)
    dao.step(governed_venus.vweth)
    assert collateral_factor(market) == 78_80 * WAD // 100_00
    market.client.advance(DAY)
    with pytest.raises(GuardrailError, match="NoRamp"):
        dao.step(governed_venus.vweth)


def test_a_ramp_decides_the_next_liquidation(governed_venus: GovernedVenus) -> None:
    dao, market = governed_venus.dao, governed_venus.market
    dao.carry_out(dao.update(governed_venus.vweth, 79_50))
    give(market, market.people.liquidator, market.vusdc, amount=20_000 * USDC_ONE)

    # 100 WETH x 1 880 USD: 80.00 % of it is 150 400, 79.50 % is 149 460 USD
    move_price(market, 1_880 * PRICE_ONE)
    market.client.send(market.people.liquidator, liquidation(market, repay=18_000 * USDC_ONE))

    assert market.client.call(market.vusdc.functions.borrowBalanceStored(market.people.borrower.address)) == (
        pytest.approx(132_000 * USDC_ONE, rel=1e-3)
    )


def test_a_ramp_cannot_be_announced_as_a_cut(governed_venus: GovernedVenus) -> None:
    with pytest.raises(GovernanceError, match=r"NotFast\(lane=RAMP\)"):
        governed_venus.dao.announce(governed_venus.dao.update(governed_venus.vweth, 79_50))


def test_a_refusal_by_code_reverts_with_that_code(governed_venus: GovernedVenus) -> None:
    # the comptroller takes at most 90 %; guardrails here end at 93 %
    governed_venus.set_factor(89_80)
    dao = governed_venus.dao
    number = dao.propose(dao.update(governed_venus.vweth, 90_30))
    dao.make_executable(number)

    with pytest.raises(GovernanceError, match=rf"ComptrollerRefused\(code={INVALID_COLLATERAL_FACTOR}\)"):
        dao.execute(number)


def test_without_its_role_the_adapter_is_refused_by_the_comptroller(governed_venus: GovernedVenus) -> None:
    dao = governed_venus.dao
    number = dao.propose(dao.update(governed_venus.vweth, 80_50))
    dao.make_executable(number)
    grant(governed_venus.market, governed_venus.market.people.risk_admin.address)

    with pytest.raises(GovernanceError, match="access denied"):
        dao.execute(number)


def test_a_factor_that_somebody_else_moved_is_left_alone(governed_venus: GovernedVenus) -> None:
    dao = governed_venus.dao
    number = dao.propose(dao.update(governed_venus.vweth, 80_50))
    dao.make_executable(number)
    governed_venus.set_factor(79_00)

    with pytest.raises(GuardrailError, match=r"ValueMoved\(field=liquidation_threshold_bps"):
        dao.execute(number)


def test_a_borrow_cap_is_cut_within_an_hour(governed_venus: GovernedVenus) -> None:
    dao, market = governed_venus.dao, governed_venus.market
    dao.cut(dao.update(governed_venus.vusdc, 250_000 * USDC_ONE, scalar=Scalar.BORROW_CAP))

    supply(market, market.people.stranger, market.vweth, amount=100 * WETH_ONE)
    with pytest.raises(GovernanceError, match="market borrow cap reached"):
        borrow(market, market.people.stranger, amount=100_001 * USDC_ONE)


def test_a_supply_cap_rises_by_vote(governed_venus: GovernedVenus) -> None:
    dao, market = governed_venus.dao, governed_venus.market
    dao.carry_out(dao.update(governed_venus.vweth, 1_300 * WETH_ONE, scalar=Scalar.SUPPLY_CAP))

    assert (
        market.client.call(market.comptroller.functions.supplyCaps(governed_venus.vweth)) == 1_300 * WETH_ONE
    )


@pytest.mark.parametrize(
    ("field", "reason"), [("ltv_bps", "LtvAboveMargin"), ("liquidation_bonus_bps", "FieldAbsent")]
)
def test_a_field_that_the_protocol_lacks_cannot_move(
    governed_venus: GovernedVenus, field: str, reason: str
) -> None:
    update = governed_venus.dao.update(governed_venus.vweth, 80_50)
    moved = replace(update.expected, **{field: Bps(1_00)})

    with pytest.raises(TribunateError, match=reason):
        governed_venus.dao.propose(replace(update, proposed=moved))


def test_the_incentive_that_all_markets_share_counts_in_soundness(governed_venus: GovernedVenus) -> None:
    # 90.91 % x 110 % = 100.001 %
    update = governed_venus.dao.update(governed_venus.vweth, 90_91)

    with pytest.raises(GuardrailError, match=r"NothingLeftForDebt\(thresholdBps=9091, bonusBps=1000\)"):
        governed_venus.dao.check(update)


def test_a_token_is_no_market(governed_venus: GovernedVenus) -> None:
    update = governed_venus.dao.update(governed_venus.vweth, 80_50)

    with pytest.raises(GuardrailError, match="UnknownMarket"):
        governed_venus.dao.check(replace(update, market=governed_venus.market.weth.address))


def test_a_stranger_cannot_write_through_the_adapter(governed_venus: GovernedVenus) -> None:
    dao = governed_venus.dao
    row = update_tuple(dao.update(governed_venus.vweth, 80_50))

    with pytest.raises(GovernanceError, match="OwnableUnauthorizedAccount"):
        dao.client.send(dao.people.stranger, dao.adapter.functions.applyUpdates([row]))
