"""Aave V3 behind AaveV3Adapter and a whole DAO: real reserves are governed in every lane."""

from __future__ import annotations

import pytest

from core.errors import GovernanceError, GuardrailError
from core.market import Scalar
from core.proposal import ProposalState
from core.units import PRICE_ONE, WAD
from governance.rehearsal import DAY, HOUR, WINDOW_SECONDS
from tests.protocols.aave import (
    USDC_ONE,
    WETH_COLLATERAL,
    WETH_ONE,
    borrow,
    collateral_parameters,
    health_factor,
    liquidate,
    move_price,
    set_collateral,
    supply,
)
from tests.protocols.governed_aave import GovernedAave

FAST, RAMP, SLOW = 1, 2, 3


def test_the_adapter_reads_excess_bonus_and_base_unit_caps(governed_aave: GovernedAave) -> None:
    found = governed_aave.dao.parameters(governed_aave.weth)

    assert found.as_dict() == {
        "ltv_bps": 80_00,
        "liquidation_threshold_bps": 82_50,
        "liquidation_bonus_bps": 5_00,
        "supply_cap": 1_000 * WETH_ONE,
        "borrow_cap": 2**128 - 1,
        "is_open": 1,
    }


def test_what_freshness_compares_is_in_our_units(governed_aave: GovernedAave) -> None:
    live = governed_aave.dao.adapter.functions.liveOf(governed_aave.weth)
    price, utilisation_bps, collateral, borrowed = governed_aave.market.client.call(live)

    # 150 000 USDC of 1 000 000 are borrowed, rounded up, and 100 WETH supplied
    assert (price, utilisation_bps, collateral) == (2_000 * PRICE_ONE, 15_01, 100 * WETH_ONE)
    assert borrowed == pytest.approx(150_000 * USDC_ONE, rel=1e-6)


def test_a_slow_change_is_live_on_aave_and_decides_the_next_liquidation(governed_aave: GovernedAave) -> None:
    dao, market = governed_aave.dao, governed_aave.market
    update = dao.update(governed_aave.weth, 83_00)
    assert dao.check(update) == SLOW
    dao.carry_out(update)
    assert collateral_parameters(market) == (80_50, 83_00, 105_00)

    # 100 WETH x 1 815 USD: 82.50 % of it is less than 150 000 USD, 83.00 % is more
    move_price(market, 1_815 * PRICE_ONE)
    assert health_factor(market, market.people.borrower) > WAD
    move_price(market, 1_800 * PRICE_ONE)
    assert liquidate(market, cover=USDC_ONE)["status"] == 1


def test_a_bonus_moves_by_vote_and_nothing_else_with_it(governed_aave: GovernedAave) -> None:
    dao = governed_aave.dao
    dao.carry_out(dao.update(governed_aave.weth, 5_50, scalar=Scalar.LIQUIDATION_BONUS))

    assert collateral_parameters(governed_aave.market) == (80_00, 82_50, 105_50)


def test_fields_that_nobody_governs_stay_as_they_are(governed_aave: GovernedAave) -> None:
    def others() -> int:
        pool = governed_aave.market.pool.functions
        bits = governed_aave.market.client.call(pool.getConfiguration(governed_aave.weth))[0]
        # LTV and threshold are the lowest 32 bits
        return int(bits) >> 32

    before = others()
    governed_aave.dao.carry_out(governed_aave.dao.update(governed_aave.weth, 83_00))

    assert others() == before


def test_a_vetoed_change_never_reaches_aave(governed_aave: GovernedAave) -> None:
    dao = governed_aave.dao
    number = dao.propose(dao.update(governed_aave.weth, 83_00))
    dao.client.advance(12 * HOUR + 2)
    dao.proposals.veto(number, dao.people.large)
    assert dao.proposals.state(number) is ProposalState.DEFEATED
    dao.client.advance(WINDOW_SECONDS)

    with pytest.raises(GovernanceError, match="GovernorUnexpectedProposalState"):
        dao.proposals.queue(number, dao.people.stranger)
    assert collateral_parameters(governed_aave.market) == WETH_COLLATERAL


def test_a_cut_lowers_the_ltv_within_an_hour_and_touches_no_old_debt(governed_aave: GovernedAave) -> None:
    dao, market = governed_aave.dao, governed_aave.market
    before = health_factor(market, market.people.borrower)
    update = dao.update(governed_aave.weth, 60_00, scalar=Scalar.LTV)
    assert dao.check(update) == FAST

    dao.cut(update)

    assert collateral_parameters(market) == (60_00, 82_50, 105_00)
    assert health_factor(market, market.people.borrower) == pytest.approx(before, rel=1e-5)


def test_a_cut_to_zero_stops_new_borrowing(governed_aave: GovernedAave) -> None:
    dao, market = governed_aave.dao, governed_aave.market
    dao.cut(dao.update(governed_aave.weth, 0, scalar=Scalar.LTV))
    assert collateral_parameters(market) == (0, 82_50, 105_00)
    supply(market, market.people.stranger, market.weth, amount=WETH_ONE)

    with pytest.raises(GovernanceError):
        borrow(market, market.people.stranger, amount=USDC_ONE)


def test_a_cut_waits_its_hour(governed_aave: GovernedAave) -> None:
    dao = governed_aave.dao
    number = dao.announce(dao.update(governed_aave.weth, 60_00, scalar=Scalar.LTV))
    dao.client.advance(HOUR - 60)

    with pytest.raises(GovernanceError, match="CutNotReady"):
        dao.cuts.execute(number, dao.people.stranger)


def test_a_cut_never_raises_what_somebody_else_has_lowered_further(governed_aave: GovernedAave) -> None:
    dao, market = governed_aave.dao, governed_aave.market
    number = dao.announce(dao.update(governed_aave.weth, 60_00, scalar=Scalar.LTV))
    set_collateral(market, market.people.risk_admin, ltv=50_00, threshold=82_50, bonus=105_00)
    dao.client.advance(HOUR)

    with pytest.raises(GuardrailError, match="NothingToLower"):
        dao.cuts.execute(number, dao.people.stranger)


def test_a_ramp_lowers_the_threshold_by_half_a_percent_a_day(governed_aave: GovernedAave) -> None:
    dao, market = governed_aave.dao, governed_aave.market
    update = dao.update(governed_aave.weth, 81_20)
    assert dao.check(update) == RAMP

    dao.carry_out(update)
    assert collateral_parameters(market) == (79_50, 82_00, 105_00)
    with pytest.raises(GuardrailError, match="RampTooSoon"):
        dao.step(governed_aave.weth)
    dao.client.advance(DAY)
    dao.step(governed_aave.weth)
    assert collateral_parameters(market) == (79_00, 81_50, 105_00)
    dao.client.advance(DAY)
    dao.step(governed_aave.weth)
    assert collateral_parameters(market) == (78_70, 81_20, 105_00)


def test_a_ramp_goes_on_while_the_price_falls_and_ends_in_a_liquidation(governed_aave: GovernedAave) -> None:
    dao, market = governed_aave.dao, governed_aave.market
    number = dao.propose(dao.update(governed_aave.weth, 82_00))
    dao.make_executable(number)
    # 100 WETH x 1 825 USD: 82.50 % of it is more than 150 000 USD, 82.00 % is less
    move_price(market, 1_825 * PRICE_ONE)
    assert health_factor(market, market.people.borrower) > WAD

    dao.execute(number)

    assert liquidate(market, cover=USDC_ONE)["status"] == 1


def test_a_ramp_does_not_step_over_what_somebody_else_has_moved(governed_aave: GovernedAave) -> None:
    dao, market = governed_aave.dao, governed_aave.market
    dao.carry_out(dao.update(governed_aave.weth, 81_50))
    set_collateral(market, market.people.risk_admin, ltv=79_50, threshold=82_40, bonus=105_00)
    dao.client.advance(DAY)

    with pytest.raises(GuardrailError, match="RampMoved"):
        dao.step(governed_aave.weth)


def test_the_guardian_stops_what_remains_of_a_ramp(governed_aave: GovernedAave) -> None:
    dao = governed_aave.dao
    number = dao.propose(dao.update(governed_aave.weth, 81_50))
    dao.make_executable(number)
    dao.execute(number)
    governor = dao.founded.contract("ParameterGovernor", "governor")
    dao.client.send(dao.people.guardian, governor.functions.stopRamp(dao.proposals.governor_id(number)))
    dao.client.advance(DAY)

    with pytest.raises(GuardrailError, match="NoRamp"):
        dao.step(governed_aave.weth)
    assert collateral_parameters(governed_aave.market) == (79_50, 82_00, 105_00)
