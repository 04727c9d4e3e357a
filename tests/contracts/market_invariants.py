"""Numbered invariants of one adapter before a market: limits, lanes, ramps, cuts and what is written.

Each function must pass on the real bytecode and fail on the one with the planted bug (test_invariants.py).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from core.errors import GovernanceError, GuardrailError
from core.market import Parameters, Scalar
from core.units import PRICE_ONE, Bps
from governance.price_cap import PriceCap, PriceCapUpdate
from governance.rehearsal import DAY, ETHER, HOUR, USD, known_key
from governance.signing import update_tuple
from tests.contracts.conftest import ASSET, LIMIT_NAMES, refused

if TYPE_CHECKING:
    from tests.contracts.conftest import Stage

LTV, THRESHOLD, BONUS, SUPPLY_CAP, BORROW_CAP, IS_OPEN = range(6)


def ltv_is_below_the_threshold(stage: Stage) -> None:
    start = Parameters(Bps(74_60), Bps(75_00), Bps(5_00), 1_000 * ETHER, 1_000_000 * USD)
    bench = stage.bench(start=start, margin_bps=0)
    bench.check(bench.altered(ltv_bps=74_99))
    with refused(GuardrailError, "LtvNotBelowThreshold"):
        bench.check(bench.altered(ltv_bps=75_00))


def a_liquidation_leaves_something_for_the_debt(stage: Stage) -> None:
    start = Parameters(Bps(85_00), Bps(93_00), Bps(7_30), 1_000 * ETHER, 1_000_000 * USD)
    bench = stage.bench(start=start)
    bench.check(bench.altered(liquidation_bonus_bps=7_52))  # 0.93 x 1.0752 = 0.999936
    with refused(GuardrailError, "NothingLeftForDebt"):
        bench.check(bench.altered(liquidation_bonus_bps=7_53))  # 0.93 x 1.0753 = 1.000029


def values_stay_between_floor_and_ceiling(stage: Stage) -> None:
    start = Parameters(Bps(70_00), Bps(75_00), Bps(1_20), 1_000 * ETHER, 1_000_000 * USD)
    bench = stage.bench(start=start)
    bench.check(bench.altered(liquidation_bonus_bps=1_00))
    with refused(GuardrailError, "BelowFloor"):
        bench.check(bench.altered(liquidation_bonus_bps=99))
    bench.set_limits(BONUS, ceiling=1_50)
    bench.check(bench.altered(liquidation_bonus_bps=1_50))
    with refused(GuardrailError, "AboveCeiling"):
        bench.check(bench.altered(liquidation_bonus_bps=1_51))


def nothing_but_the_proposal_is_written(stage: Stage) -> None:
    bench = stage.bench()
    bench.client.send(bench.timelock, bench.market.functions.cheat(1))
    with refused(GuardrailError, "WriteDiffers"):
        bench.apply(bench.update())
    assert bench.current().liquidation_threshold_bps == 75_00
    bench.client.send(bench.timelock, bench.market.functions.cheat(0))
    bench.apply(bench.update())
    assert bench.current().liquidation_threshold_bps == 75_50


def one_move_is_at_most_one_step(stage: Stage) -> None:
    bench = stage.bench()
    bench.check(bench.update(value=75_50))
    with refused(GuardrailError, "StepTooLarge"):
        bench.check(bench.update(value=75_51))


def moves_are_a_minimum_delay_apart(stage: Stage) -> None:
    bench = stage.bench()
    bench.apply(bench.update(value=75_10))
    applied = bench.client.timestamp()
    bench.client.request("evm_mine", applied + 3 * DAY - 1)
    with refused(GuardrailError, "TooSoon"):
        bench.check(bench.update(value=75_20))
    bench.client.request("evm_mine", applied + 3 * DAY)
    bench.check(bench.update(value=75_20))


def gross_moves_stay_within_thirty_days_budget(stage: Stage) -> None:
    bench = stage.bench()
    for value in (75_50, 76_00, 76_50):
        bench.apply(bench.update(value=value))
        bench.client.advance(3 * DAY)
    with refused(GuardrailError, "BudgetExceeded"):
        bench.check(bench.update(value=76_51))
    bench.client.advance(21 * DAY)  # the first move is now 30 days old
    bench.check(bench.update(value=77_00))


def the_live_value_is_the_expected_one(stage: Stage) -> None:
    bench = stage.bench()
    update = bench.update()
    other = replace(bench.current(), borrow_cap=1_000_001 * USD)
    bench.client.send(bench.timelock, bench.market.functions.force(tuple(other.as_dict().values())))
    with refused(GuardrailError, "ValueMoved"):
        bench.apply(update)
    bench.apply(bench.update())


def a_riskier_market_stops_execution(stage: Stage) -> None:
    bench = stage.bench()
    update = bench.update()
    for worse in (
        {"price": 1_800 * PRICE_ONE - 1},
        {"utilisation_bps": 60_01},
        {"collateral": 130 * ETHER + 1},
        {"borrow": 130_000 * USD + 1},
    ):
        bench.pretend(**worse)
        with refused(GuardrailError, "MarketDrift"):
            bench.apply(update)
    bench.pretend(
        price=1_800 * PRICE_ONE, utilisation_bps=60_00, collateral=130 * ETHER, borrow=130_000 * USD
    )
    bench.apply(update)


def only_the_timelock_writes(stage: Stage) -> None:
    bench = stage.bench()
    row = update_tuple(bench.update())
    with refused(GovernanceError, "OwnableUnauthorizedAccount"):
        bench.client.send(bench.delegate, bench.adapter.functions.applyUpdates([row]))
    bench.send(bench.adapter.functions.applyUpdates([row]))


def data_at_submission_are_at_most_six_hours_old(stage: Stage) -> None:
    bench = stage.bench()
    now, update = bench.client.timestamp(), bench.update()
    bench.check(replace(update, snapshot=replace(update.snapshot, data_time=now - 6 * HOUR)))
    with refused(GuardrailError, "DataTooOld"):
        bench.check(replace(update, snapshot=replace(update.snapshot, data_time=now - 6 * HOUR - 1)))
    with refused(GuardrailError, "DataFromTheFuture"):
        bench.check(replace(update, snapshot=replace(update.snapshot, data_time=now + 1)))


def a_delegate_only_tightens(stage: Stage) -> None:
    bench = stage.bench()
    book = bench.limits.functions
    bench.send(book.setDelegate(bench.delegate.address))
    limits = dict(zip(LIMIT_NAMES, bench.client.call(book.limitsOf(ASSET, LTV)), strict=True))

    def tighten(**changes: int) -> None:
        changed = tuple((limits | changes).values())
        bench.client.send(bench.delegate, book.tighten(ASSET, LTV, changed))

    looser = (("floor", 9_99), ("ceiling", 90_01), ("stepUp", 51), ("stepDown", 51))
    looser += (("minDelaySeconds", 3 * DAY - 1), ("budgetUp", 151), ("budgetDown", 151))
    looser += (("relativeUp", True), ("relativeDown", True), ("unitDecimals", 1))
    for name, value in looser:
        with refused(GovernanceError, "NotTighter"):
            tighten(**{name: value})
    tighten(stepUp=49)
    kept = dict(zip(LIMIT_NAMES, bench.client.call(book.limitsOf(ASSET, LTV)), strict=True))
    assert kept == limits | {"stepUp": 49}


def a_ramp_steps_fifty_bps_a_day_for_a_week(stage: Stage) -> None:
    bench = stage.bench()
    bench.apply(bench.update(value=73_60))
    assert bench.current().liquidation_threshold_bps == 74_50
    stepped = bench.client.timestamp()
    bench.client.request("evm_mine", stepped + DAY - 2)
    with refused(GuardrailError, "RampTooSoon"):
        bench.step()
    bench.client.request("evm_mine", stepped + DAY - 1)
    bench.step()
    assert bench.current().liquidation_threshold_bps == 74_00
    bench.client.request("evm_mine", stepped + 7 * DAY)
    with refused(GuardrailError, "NoRamp"):
        bench.step()


def a_change_endangers_little_debt(stage: Stage) -> None:
    bench = stage.bench()
    root = bench.name([(known_key("whale").address, 10 * ETHER, 501 * USD)])
    bench.send(bench.market.functions.owe(known_key("whale").address, 501 * USD, 74_90))
    ramp = replace(bench.update(value=74_50), positions_root=root)
    with refused(GuardrailError, "NewlyLiquidatable"):  # 0.5 % of 100 000 is 500
        bench.apply(ramp)
    bench.send(bench.market.functions.owe(known_key("whale").address, 500 * USD, 74_90))
    bench.apply(ramp)
    assert bench.current().liquidation_threshold_bps == 74_50


def a_market_is_cut_once_a_day(stage: Stage) -> None:
    bench = stage.bench()
    bench.cut(bench.update(Scalar.LTV, 60_00))
    cut = bench.client.timestamp()
    bench.client.request("evm_mine", cut + DAY - 2)
    with refused(GuardrailError, "CutTooSoon"):
        bench.cut(bench.update(Scalar.LTV, 50_00))
    bench.client.request("evm_mine", cut + DAY - 1)
    bench.cut(bench.update(Scalar.LTV, 50_00))
    assert bench.current().ltv_bps == 50_00


def a_batch_names_each_market_once(stage: Stage) -> None:
    bench = stage.bench()
    row = update_tuple(bench.update())
    with refused(GuardrailError, "MarketsNotAscending"):
        bench.client.call(bench.adapter.functions.requireSubmittable([row, row]))


def a_cut_is_undone_once_and_no_further(stage: Stage) -> None:
    bench = stage.bench(margin_bps=4_00)
    bench.cut(bench.update(Scalar.LTV, 60_00))
    bench.check(bench.update(Scalar.LTV, 70_00))
    with refused(GuardrailError, "StepTooLarge"):  # 1 bps above the value before the cut
        bench.check(bench.update(Scalar.LTV, 70_01))
    bench.apply(bench.update(Scalar.LTV, 65_00))
    bench.client.advance(3 * DAY)
    with refused(GuardrailError, "StepTooLarge"):
        bench.check(bench.update(Scalar.LTV, 70_00))


def a_collateral_factor_stays_below_the_inferred_ceiling(stage: Stage) -> None:
    bench = stage.bench()
    ceiling = bench.client.deploy(bench.timelock, "FixedCeiling", 75_30)
    bench.send(bench.adapter.functions.setCeiling(ASSET, ceiling))
    bench.check(bench.update(value=75_30))
    with refused(GuardrailError, "AboveCeilingByInference"):
        bench.check(bench.update(value=75_31))
    bench.check(bench.update(value=74_00))


def a_price_cap_is_not_below_the_live_ratio(stage: Stage) -> None:
    """Live 1.20.  Snapshot 1.16 growing 10 % a year: 140 days old it caps at 1.204, 8 days old at 1.163."""
    bench = stage.bench()
    client, now = bench.client, bench.client.timestamp()
    expected = PriceCap(1_150_000_000_000_000_000, now - 200 * DAY, Bps(10_00))
    owner = bench.timelock.address
    values = expected.snapshot_ratio, expected.snapshot_timestamp, 10_00
    feed = client.deploy(bench.timelock, "PriceCapFeed", owner, 12 * 10**17, values)
    adapter = client.contract("PriceCapAdapter", client.deploy(bench.timelock, "PriceCapAdapter", owner))
    rules = (5_00, 15_00, 1_00, 3_00, 5_00, 3 * DAY, 7 * DAY)
    bench.send(adapter.functions.listFeed(feed, rules))

    def check(age_days: int) -> None:
        proposed = PriceCap(1_160_000_000_000_000_000, now - age_days * DAY, Bps(10_00))
        update = PriceCapUpdate(
            1, feed, 0, bytes(32), expected, proposed, 0, 0, bytes(32), bytes(32), now + HOUR
        )
        client.call(adapter.functions.requireCapSubmittable(update_tuple(update)))

    check(140)
    with refused(GuardrailError, "PriceCapBelowRatio"):
        check(8)


def a_freeze_takes_the_ltv_with_it(stage: Stage) -> None:
    bench = stage.bench()
    with refused(GuardrailError, "LtvNotCoupled"):
        bench.check(bench.altered(is_open=0))
    with refused(GuardrailError, "NotOneScalar"):
        bench.check(bench.altered(is_open=0, ltv_bps=0, borrow_cap=1))
    bench.cut(bench.update(Scalar.IS_OPEN, 0))
    assert (bench.current().is_open, bench.current().ltv_bps) == (0, 0)
    with pytest.raises(GuardrailError, match="NothingToLower"):
        bench.cut(bench.update(Scalar.IS_OPEN, 1))
    bench.apply(bench.update(Scalar.IS_OPEN, 1))
    assert (bench.current().is_open, bench.current().ltv_bps) == (1, 0)
