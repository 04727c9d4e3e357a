"""What AaveV3Adapter asks of the pool before, at and after a write: nothing else has moved."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.errors import GovernanceError, GuardrailError
from core.market import Scalar
from core.position import Position
from core.proposal import ProposalState
from core.units import PRICE_ONE
from governance.signing import update_tuple
from tests.protocols.aave import (
    USDC_ONE,
    WETH_COLLATERAL,
    WETH_ONE,
    borrow,
    collateral_parameters,
    give,
    move_price,
    set_cap,
    set_collateral,
    supply,
)
from tests.protocols.governed_aave import CATEGORY_KEY, GovernedAave

VARIABLE_RATE = 2


def ready(governed: GovernedAave, value: int, *, positions_root: bytes = bytes(32)) -> int:
    """Return the number of a proposal for WETH's threshold that may be executed now."""
    number = governed.dao.propose(governed.dao.update(governed.weth, value, positions_root=positions_root))
    governed.dao.make_executable(number)
    return number


# ---- compare-and-swap, freshness


@pytest.mark.parametrize(
    ("ltv", "threshold", "bonus", "field"),
    [
        (79_00, 82_50, 105_00, "ltv_bps"),
        (80_00, 82_40, 105_00, "liquidation_threshold_bps"),
        (80_00, 82_50, 104_00, "liquidation_bonus_bps"),
    ],
)
def test_what_somebody_else_has_moved_is_not_overwritten(
    governed_aave: GovernedAave, ltv: int, threshold: int, bonus: int, field: str
) -> None:
    number = ready(governed_aave, 83_00)
    market = governed_aave.market
    set_collateral(market, market.people.risk_admin, ltv=ltv, threshold=threshold, bonus=bonus)

    with pytest.raises(GuardrailError, match=rf"ValueMoved\(field={field}"):
        governed_aave.dao.execute(number)
    assert collateral_parameters(market) == (ltv, threshold, bonus)


def test_a_cap_that_somebody_else_has_moved_counts_as_well(governed_aave: GovernedAave) -> None:
    number = ready(governed_aave, 83_00)
    market = governed_aave.market
    set_cap(market, market.people.risk_admin, "setSupplyCap", asset=market.weth, cap=1_001)

    with pytest.raises(GuardrailError, match=r"ValueMoved\(field=supply_cap"):
        governed_aave.dao.execute(number)


def test_a_price_fall_delays_a_slow_change_until_it_is_over(governed_aave: GovernedAave) -> None:
    dao, market = governed_aave.dao, governed_aave.market
    number = ready(governed_aave, 83_00)
    move_price(market, 1_799 * PRICE_ONE)
    with pytest.raises(GuardrailError, match=r"MarketDrift\(quantity=oracle_price"):
        dao.execute(number)
    assert dao.proposals.state(number) is ProposalState.QUEUED

    move_price(market, 1_800 * PRICE_ONE)
    dao.execute(number)
    assert collateral_parameters(market) == (80_50, 83_00, 105_00)


@pytest.mark.parametrize("quantity", ["total_collateral", "total_borrow"])
def test_a_rush_of_supply_or_borrowing_delays_it_too(governed_aave: GovernedAave, quantity: str) -> None:
    number = ready(governed_aave, 83_00)
    market, newcomer = governed_aave.market, governed_aave.market.people.stranger
    if quantity == "total_collateral":
        supply(market, newcomer, market.weth, amount=31 * WETH_ONE)
    else:
        # lenders come along, so that utilisation stays inside its own band
        supply(market, market.people.supplier, market.usdc, amount=1_000_000 * USDC_ONE)
        supply(market, newcomer, market.weth, amount=29 * WETH_ONE)
        borrow(market, newcomer, amount=46_000 * USDC_ONE)

    with pytest.raises(GuardrailError, match=rf"MarketDrift\(quantity={quantity}"):
        governed_aave.dao.execute(number)


def test_a_gift_to_the_pool_does_not_lower_its_utilisation(governed_aave: GovernedAave) -> None:
    market = governed_aave.market
    live = governed_aave.dao.adapter.functions.liveOf(governed_aave.weth)
    before = market.client.call(live)[1]
    give(market, market.people.stranger, market.usdc, amount=1_000_000 * USDC_ONE)
    a_token = market.client.call(market.pool.functions.getReserveData(market.usdc.address))[8]
    gift = market.usdc.functions.transfer(a_token, 1_000_000 * USDC_ONE)
    market.client.send(market.people.stranger, gift)

    assert market.client.call(live)[1] == before


# ---- the sample of positions


def borrowers_position(governed: GovernedAave, *, debt: int = 150_000 * USDC_ONE) -> Position:
    return Position(governed.market.people.borrower.address, 100 * WETH_ONE, debt)


def test_a_ramp_that_would_liquidate_a_named_position_waits_until_it_is_repaid(
    governed_aave: GovernedAave,
) -> None:
    dao, market = governed_aave.dao, governed_aave.market
    root = dao.name([borrowers_position(governed_aave)])
    number = ready(governed_aave, 82_00, positions_root=root)
    # 82.50 % of it is more than 150 000 USD, 82.00 % is less
    move_price(market, 1_825 * PRICE_ONE)
    with pytest.raises(GuardrailError, match=r"NewlyLiquidatable\(debt=150000000000, allowed="):
        dao.execute(number)
    assert collateral_parameters(market) == WETH_COLLATERAL

    borrower = market.people.borrower
    repayment = market.pool.functions.repay(
        market.usdc.address, 5_000 * USDC_ONE, VARIABLE_RATE, borrower.address
    )
    give(market, borrower, market.usdc, amount=5_000 * USDC_ONE)
    market.client.send(borrower, repayment)
    dao.execute(number)
    assert collateral_parameters(market) == (79_50, 82_00, 105_00)


def test_debt_taken_after_the_snapshot_blocks_nothing(governed_aave: GovernedAave) -> None:
    """A borrower with 500 USDC in the root loops up: 500 of 150 500 is inside half a percent."""
    dao, market = governed_aave.dao, governed_aave.market
    root = dao.name([borrowers_position(governed_aave, debt=500 * USDC_ONE)])
    number = ready(governed_aave, 82_00, positions_root=root)
    move_price(market, 1_825 * PRICE_ONE)

    dao.execute(number)

    assert collateral_parameters(market) == (79_50, 82_00, 105_00)


def test_a_named_position_that_stays_healthy_blocks_nothing(governed_aave: GovernedAave) -> None:
    root = governed_aave.dao.name([borrowers_position(governed_aave)])
    number = ready(governed_aave, 82_00, positions_root=root)

    governed_aave.dao.execute(number)

    assert collateral_parameters(governed_aave.market) == (79_50, 82_00, 105_00)


def test_a_named_position_that_was_liquidatable_before_blocks_nothing(governed_aave: GovernedAave) -> None:
    root = governed_aave.dao.name([borrowers_position(governed_aave)])
    number = ready(governed_aave, 82_00, positions_root=root)
    move_price(governed_aave.market, 1_700 * PRICE_ONE)

    governed_aave.dao.execute(number)

    assert collateral_parameters(governed_aave.market) == (79_50, 82_00, 105_00)


# ---- roles


def test_without_risk_admin_the_pool_refuses_the_adapter_with_its_own_error(
    governed_aave: GovernedAave,
) -> None:
    market, adapter = governed_aave.market, governed_aave.dao.adapter.address
    number = ready(governed_aave, 83_00)
    market.client.send(market.people.admin, market.acl.functions.removeRiskAdmin(adapter))

    with pytest.raises(GovernanceError, match=market.refusals.not_a_risk_admin):
        governed_aave.dao.execute(number)


@pytest.mark.parametrize(
    ("entry", "reason"), [("applyUpdates", "OwnableUnauthorizedAccount"), ("applyCut", "NotFastLane")]
)
def test_a_stranger_cannot_write_through_the_adapter(
    governed_aave: GovernedAave, entry: str, reason: str
) -> None:
    dao = governed_aave.dao
    row = update_tuple(dao.update(governed_aave.weth, 60_00, scalar=Scalar.LTV))
    argument = [row] if entry == "applyUpdates" else row

    with pytest.raises(GovernanceError, match=reason):
        dao.client.send(dao.people.stranger, dao.adapter.functions[entry](argument))


def test_a_stranger_cannot_name_what_is_watched(governed_aave: GovernedAave) -> None:
    dao = governed_aave.dao
    call = dao.adapter.functions.watch(governed_aave.weth, governed_aave.weth, governed_aave.usdc)

    with pytest.raises(GovernanceError, match="OwnableUnauthorizedAccount"):
        dao.client.send(dao.people.stranger, call)


# ---- batches


def test_two_reserves_change_as_one(governed_aave: GovernedAave) -> None:
    dao = governed_aave.dao
    updates = [
        dao.update(governed_aave.weth, 83_00),
        dao.update(governed_aave.usdc, 650_000 * USDC_ONE, scalar=Scalar.BORROW_CAP),
    ]
    number = dao.propose_batch(updates)
    dao.make_executable(number)

    dao.execute(number)

    assert collateral_parameters(governed_aave.market) == (80_50, 83_00, 105_00)
    assert dao.parameters(governed_aave.usdc).borrow_cap == 650_000 * USDC_ONE


@pytest.mark.parametrize("moved", ["weth", "usdc"])
def test_one_of_them_that_has_moved_keeps_both_from_changing(governed_aave: GovernedAave, moved: str) -> None:
    dao, market = governed_aave.dao, governed_aave.market
    updates = [
        dao.update(governed_aave.weth, 83_00),
        dao.update(governed_aave.usdc, 650_000 * USDC_ONE, scalar=Scalar.BORROW_CAP),
    ]
    number = dao.propose_batch(updates)
    dao.make_executable(number)
    set_cap(market, market.people.risk_admin, "setSupplyCap", asset=getattr(market, moved), cap=900_000)
    before = dao.parameters(governed_aave.weth), dao.parameters(governed_aave.usdc)

    with pytest.raises(GuardrailError, match=r"ValueMoved\(field=supply_cap"):
        dao.execute(number)
    assert (dao.parameters(governed_aave.weth), dao.parameters(governed_aave.usdc)) == before


def test_an_invalid_second_reserve_keeps_a_batch_out(governed_aave: GovernedAave) -> None:
    dao = governed_aave.dao
    updates = [
        dao.update(governed_aave.weth, 83_00),
        # 30 % is the largest step
        dao.update(governed_aave.usdc, 650_001 * USDC_ONE, scalar=Scalar.BORROW_CAP),
    ]

    with pytest.raises(GuardrailError, match=r"StepTooLarge\(field=borrow_cap"):
        dao.propose_batch(updates)


def test_a_cut_in_a_batch_takes_the_slow_lane(governed_aave: GovernedAave) -> None:
    dao = governed_aave.dao
    updates = [
        dao.update(governed_aave.weth, 79_50, scalar=Scalar.LTV),
        dao.update(governed_aave.usdc, 450_000 * USDC_ONE, scalar=Scalar.BORROW_CAP),
    ]
    ascending = sorted(updates, key=lambda update: int(update.market, 16))

    assert dao.check(*ascending) == 3


# ---- markets


def test_a_reserve_that_is_not_listed_is_unknown(governed_aave: GovernedAave) -> None:
    update = governed_aave.dao.update(governed_aave.weth, 83_00)

    with pytest.raises(GuardrailError, match="UnknownMarket"):
        governed_aave.dao.check(replace(update, market=governed_aave.market.pool.address))


@pytest.mark.parametrize("key", ["0x" + "00" * 20, "0x" + "00" * 19 + "02", "0x" + "11" * 20])
def test_what_aave_does_not_have_cannot_be_listed(governed_aave: GovernedAave, key: str) -> None:
    adapter = governed_aave.own_adapter()
    call = adapter.functions.listMarket(key, (2_50, 50, (10_00, 10_00, 30_00, 30_00)))

    with pytest.raises(GuardrailError, match="UnknownMarket"):
        governed_aave.market.client.send(governed_aave.market.people.stranger, call)


def test_a_market_that_is_not_watched_has_nothing_to_compare(governed_aave: GovernedAave) -> None:
    adapter, client = governed_aave.own_adapter(), governed_aave.market.client
    call = adapter.functions.listMarket(governed_aave.weth, (2_50, 50, (10_00, 10_00, 30_00, 30_00)))
    client.send(governed_aave.market.people.stranger, call)

    with pytest.raises(GovernanceError, match="NotWatched"):
        client.call(adapter.functions.liveOf(governed_aave.weth))


def test_only_reserves_are_watched_and_a_reserve_stands_for_itself(governed_aave: GovernedAave) -> None:
    adapter, owner = governed_aave.own_adapter(), governed_aave.market.people.stranger
    weth, usdc = governed_aave.weth, governed_aave.usdc
    for row, reason in (
        ((weth, weth, owner.address), "NotAReserve"),
        ((CATEGORY_KEY, owner.address, usdc), "NotAReserve"),
        ((weth, usdc, usdc), "NotItsCollateral"),
    ):
        with pytest.raises(GovernanceError, match=reason):
            governed_aave.market.client.send(owner, adapter.functions.watch(*row))
