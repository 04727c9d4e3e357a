"""Compound III's double behind CometAdapter and a whole DAO: written and made live in one go."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.errors import GovernanceError, GuardrailError, TribunateError
from core.market import Scalar
from core.units import PRICE_ONE, WAD, Bps
from governance.rehearsal import DAY
from governance.signing import update_tuple
from tests.protocols.comet import (
    SUPPLY_CAP,
    USDC_ONE,
    WETH_ONE,
    absorb,
    borrow,
    is_liquidatable,
    live_factors,
    move_price,
    supply,
    upgrade,
    write,
)
from tests.protocols.governed_comet import WBTC_ONE, GovernedComet
from tests.protocols.stage import error_pattern

FAST, RAMP, SLOW = 1, 2, 3
START_BPS = (80_00, 85_00, 95_00)


def live_bps(governed: GovernedComet) -> tuple[int, int, int]:
    """Return borrow, liquidate and liquidation factor as Comet itself says them."""
    borrow_factor, liquidate_factor, liquidation_factor, _ = live_factors(governed.market)
    return borrow_factor * 100_00 // WAD, liquidate_factor * 100_00 // WAD, liquidation_factor * 100_00 // WAD


def test_the_bonus_is_what_an_absorbed_account_loses(governed_comet: GovernedComet) -> None:
    assert governed_comet.dao.parameters(governed_comet.weth).as_dict() == {
        "ltv_bps": 80_00,
        "liquidation_threshold_bps": 85_00,
        "liquidation_bonus_bps": 5_00,
        "supply_cap": SUPPLY_CAP,
        "borrow_cap": 0,
        "is_open": 1,
    }


def test_what_freshness_compares_is_in_our_units(governed_comet: GovernedComet) -> None:
    live = governed_comet.dao.adapter.functions.liveOf(governed_comet.weth)

    # 150 000 USDC of 1 000 000 are borrowed, and 100 WETH supplied
    assert tuple(governed_comet.market.client.call(live)) == (
        2_000 * PRICE_ONE,
        15_00,
        100 * WETH_ONE,
        150_000 * USDC_ONE,
    )


@pytest.mark.parametrize(
    ("scalar", "value", "expected"),
    [
        (Scalar.LIQUIDATION_THRESHOLD, 85_50, (80_50, 85_50, 95_00)),
        (Scalar.LIQUIDATION_BONUS, 5_50, (80_00, 85_00, 94_50)),
    ],
)
def test_a_slow_change_is_live_when_it_is_executed(
    governed_comet: GovernedComet, scalar: Scalar, value: int, expected: tuple[int, int, int]
) -> None:
    dao = governed_comet.dao
    update = dao.update(governed_comet.weth, value, scalar=scalar)
    assert dao.check(update) == SLOW

    dao.carry_out(update)

    assert live_bps(governed_comet) == expected


def test_a_higher_threshold_saves_who_would_have_been_absorbed(governed_comet: GovernedComet) -> None:
    market = governed_comet.market
    governed_comet.dao.carry_out(governed_comet.dao.update(governed_comet.weth, 85_50))

    # 100 WETH x 1 760 USD: 85.00 % of it is 149 600 USD, 85.50 % is 150 480
    move_price(market, 1_760 * PRICE_ONE)
    assert not is_liquidatable(market, market.people.borrower.address)
    move_price(market, 1_750 * PRICE_ONE)
    assert absorb(market, market.people.borrower.address)["status"] == 1


def test_a_ramp_lowers_the_threshold_step_by_step(governed_comet: GovernedComet) -> None:
    dao, market = governed_comet.dao, governed_comet.market
    update = dao.update(governed_comet.weth, 84_20)
    assert dao.check(update) == RAMP

    dao.carry_out(update)
    assert live_bps(governed_comet) == (79_50, 84_50, 95_00)
    market.client.advance(DAY)
    dao.step(governed_comet.weth)
    assert live_bps(governed_comet) == (79_20, 84_20, 95_00)


def test_a_cut_of_the_borrow_factor_takes_an_hour_and_touches_no_old_debt(
    governed_comet: GovernedComet,
) -> None:
    dao, market = governed_comet.dao, governed_comet.market
    update = dao.update(governed_comet.weth, 0, scalar=Scalar.LTV)
    assert dao.check(update) == FAST

    dao.cut(update)

    assert live_bps(governed_comet) == (0, 85_00, 95_00)
    assert not is_liquidatable(market, market.people.borrower.address)
    supply(market, market.people.stranger, market.weth, amount=WETH_ONE)
    with pytest.raises(GovernanceError, match=error_pattern("NotCollateralized()")):
        borrow(market, market.people.stranger, amount=USDC_ONE)


def test_a_cut_of_the_cap_ends_at_what_is_supplied(governed_comet: GovernedComet) -> None:
    dao, market = governed_comet.dao, governed_comet.market
    supply(market, market.people.stranger, market.weth, amount=5_899 * WETH_ONE + 1)
    update = dao.update(governed_comet.weth, 6_000 * WETH_ONE, scalar=Scalar.SUPPLY_CAP)
    number = dao.announce(update)
    supply(market, market.people.stranger, market.weth, amount=100 * WETH_ONE)
    market.client.advance(3_600)

    dao.cuts.execute(number, dao.people.stranger)

    # 6 099 WETH and one base unit: up to the next whole token
    assert live_factors(market)[3] == 6_100 * WETH_ONE


@pytest.mark.parametrize(
    ("setter", "value", "what"),
    [
        ("updateAssetBorrowCollateralFactor", 79 * WAD // 100, "borrowCollateralFactor"),
        ("updateAssetLiquidateCollateralFactor", 86 * WAD // 100, "liquidateCollateralFactor"),
        ("updateAssetLiquidationFactor", 94 * WAD // 100, "liquidationFactor"),
        ("updateAssetSupplyCap", 2 * SUPPLY_CAP, "supplyCap"),
    ],
)
def test_what_somebody_else_has_written_never_becomes_live_by_us(
    governed_comet: GovernedComet, setter: str, value: int, what: str
) -> None:
    dao, market = governed_comet.dao, governed_comet.market
    number = dao.propose(dao.update(governed_comet.weth, 85_50))
    dao.make_executable(number)
    write(market, market.people.admin, setter, value=value)

    with pytest.raises(GuardrailError, match=rf"ForeignWrites\(what={what}"):
        dao.execute(number)
    assert live_bps(governed_comet) == START_BPS


def test_nor_a_written_rate_or_another_factory(governed_comet: GovernedComet) -> None:
    dao, market = governed_comet.dao, governed_comet.market
    update = dao.update(governed_comet.weth, 85_50)
    configurator, admin = market.configurator.functions, market.people.admin
    written = list(market.client.call(configurator.getConfiguration(market.comet.address)))
    # 1 % a year
    written[8] = WAD // 100
    market.client.send(admin, configurator.setConfiguration(market.comet.address, tuple(written)))
    with pytest.raises(GuardrailError, match=r"ForeignWrites\(what=supplyPerSecondInterestRateBase\(\)"):
        dao.propose(update)

    written[8] = 0
    market.client.send(admin, configurator.setConfiguration(market.comet.address, tuple(written)))
    market.client.send(admin, configurator.setFactory(market.comet.address, market.people.stranger.address))
    with pytest.raises(GuardrailError, match="ForeignFactory"):
        dao.propose(update)


def test_a_write_is_not_foreign_once_it_is_live(governed_comet: GovernedComet) -> None:
    dao, market = governed_comet.dao, governed_comet.market
    write(market, market.people.admin, "updateAssetSupplyCap", value=2 * SUPPLY_CAP)
    upgrade(market, market.people.admin)

    dao.carry_out(dao.update(governed_comet.weth, 85_50))

    assert live_bps(governed_comet)[1] == 85_50


def test_a_foreign_write_to_another_collateral_counts_as_well(governed_comet: GovernedComet) -> None:
    market = governed_comet.market
    function = market.configurator.functions.updateAssetSupplyCap
    call = function(market.comet.address, governed_comet.wbtc, 101 * WBTC_ONE)
    market.client.send(market.people.admin, call)

    with pytest.raises(GuardrailError, match=r"ForeignWrites\(what=supplyCap"):
        governed_comet.dao.announce(governed_comet.dao.update(governed_comet.weth, 0, scalar=Scalar.LTV))


def test_two_collaterals_change_as_one(governed_comet: GovernedComet) -> None:
    dao = governed_comet.dao
    updates = [dao.update(governed_comet.weth, 85_50), dao.update(governed_comet.wbtc, 77_50)]
    number = dao.propose_batch(updates)
    dao.make_executable(number)

    dao.execute(number)

    assert live_bps(governed_comet)[1] == 85_50
    assert dao.parameters(governed_comet.wbtc).liquidation_threshold_bps == 77_50


def test_a_second_collateral_that_has_moved_keeps_both_from_changing(governed_comet: GovernedComet) -> None:
    dao, market = governed_comet.dao, governed_comet.market
    updates = [dao.update(governed_comet.weth, 85_50), dao.update(governed_comet.wbtc, 77_50)]
    number = dao.propose_batch(updates)
    dao.make_executable(number)
    function = market.configurator.functions.updateAssetSupplyCap
    market.client.send(
        market.people.admin, function(market.comet.address, governed_comet.wbtc, 101 * WBTC_ONE)
    )
    upgrade(market, market.people.admin)

    with pytest.raises(GuardrailError, match=r"ValueMoved\(field=supply_cap"):
        dao.execute(number)
    assert live_bps(governed_comet) == START_BPS


def test_without_its_role_the_adapter_is_refused(governed_comet: GovernedComet) -> None:
    dao = governed_comet.dao
    number = dao.propose(dao.update(governed_comet.weth, 85_50))
    dao.make_executable(number)
    governed_comet.let_in(governed_comet.market.people.risk_admin.address)

    with pytest.raises(GovernanceError, match=error_pattern("Unauthorized()")):
        dao.execute(number)


def test_a_threshold_at_the_liquidation_factor_is_unsound(governed_comet: GovernedComet) -> None:
    # absorbed at 95.00 %, collateral would credit just the debt
    update = governed_comet.dao.update(governed_comet.weth, 85_50)
    proposed = replace(update.proposed, ltv_bps=Bps(90_00), liquidation_threshold_bps=Bps(95_00))

    with pytest.raises(GuardrailError, match=r"NothingLeftForDebt\(thresholdBps=9500, bonusBps=500\)"):
        governed_comet.dao.check(replace(update, proposed=proposed))


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("borrow_cap", 1, "FieldAbsent"),
        ("supply_cap", SUPPLY_CAP + 1, "CapNotWhole"),
    ],
)
def test_what_comet_cannot_hold_is_refused_at_submission(
    governed_comet: GovernedComet, field: str, value: int, reason: str
) -> None:
    update = governed_comet.dao.update(governed_comet.weth, 85_50)
    proposed = replace(update.expected, **{field: value})  # type: ignore[arg-type]

    with pytest.raises(TribunateError, match=reason):
        governed_comet.dao.propose(replace(update, proposed=proposed))


def test_there_is_no_freeze_that_leaves_repaying_open(governed_comet: GovernedComet) -> None:
    with pytest.raises(GuardrailError, match=r"FieldAbsent\(field=is_open\)"):
        governed_comet.dao.announce(governed_comet.dao.update(governed_comet.weth, 0, scalar=Scalar.IS_OPEN))


def test_the_base_token_is_no_market(governed_comet: GovernedComet) -> None:
    update = governed_comet.dao.update(governed_comet.weth, 85_50)

    with pytest.raises(GuardrailError, match="UnknownMarket"):
        governed_comet.dao.check(replace(update, market=governed_comet.market.usdc.address))


def test_a_stranger_cannot_write_through_the_adapter(governed_comet: GovernedComet) -> None:
    dao = governed_comet.dao
    row = update_tuple(dao.update(governed_comet.weth, 85_50))

    with pytest.raises(GovernanceError, match="OwnableUnauthorizedAccount"):
        dao.client.send(dao.people.stranger, dao.adapter.functions.applyUpdates([row]))
