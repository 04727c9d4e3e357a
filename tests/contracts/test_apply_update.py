"""The adapter alone: coupling, lanes by effect, limits, and what is remembered."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from core.errors import GovernanceError, GuardrailError
from core.market import Parameters
from core.units import PRICE_ONE, Bps
from governance.rehearsal import ETHER, USD, known_key
from tests.contracts.conftest import ASSET, BANDS

if TYPE_CHECKING:
    from tests.contracts.conftest import AdapterBench, Stage

LTV, THRESHOLD = 0, 1


def rule_of(bench: AdapterBench, **fields: int) -> str:
    with pytest.raises(GuardrailError) as caught:
        bench.check(bench.altered(**fields))
    return caught.value.rule


def test_threshold_and_ltv_move_as_one(bench: AdapterBench) -> None:
    bench.apply(bench.update(value=75_30))
    after = bench.current()
    assert (after.ltv_bps, after.liquidation_threshold_bps) == (70_30, 75_30)


def test_a_threshold_alone_reverts_at_the_margin(bench: AdapterBench) -> None:
    assert rule_of(bench, liquidation_threshold_bps=75_30) == "coupling"


def test_below_the_margin_the_ltv_stays(stage: Stage) -> None:
    start = Parameters(Bps(65_00), Bps(75_00), Bps(5_00), 1_000 * ETHER, 1_000_000 * USD)
    bench = stage.bench(start=start)
    bench.apply(bench.altered(liquidation_threshold_bps=75_30))
    assert bench.current().ltv_bps == 65_00


def test_an_ltv_alone_rises_to_the_margin_and_no_further(stage: Stage) -> None:
    start = Parameters(Bps(69_80), Bps(75_00), Bps(5_00), 1_000 * ETHER, 1_000_000 * USD)
    bench = stage.bench(start=start)
    bench.check(bench.altered(ltv_bps=70_00))
    assert rule_of(bench, ltv_bps=70_01) == "coupling"


def test_two_scalars_revert(bench: AdapterBench) -> None:
    assert rule_of(bench, supply_cap=1_100 * ETHER, borrow_cap=1_100_000 * USD) == "coupling"


def test_no_change_reverts(bench: AdapterBench) -> None:
    assert rule_of(bench) == "unchanged"


def test_a_bonus_moves_either_way_in_the_slow_lane(bench: AdapterBench) -> None:
    bench.check(bench.altered(liquidation_bonus_bps=5_50))
    bench.check(bench.altered(liquidation_bonus_bps=4_50))


def test_a_supply_cap_below_supply_is_not_fast(bench: AdapterBench) -> None:
    bench.pretend(collateral=900 * ETHER)
    update = bench.altered(supply_cap=800 * ETHER)
    snapshot = replace(update.snapshot, total_collateral=900 * ETHER)
    bench.check(replace(update, snapshot=snapshot))
    bench.cut(bench.altered(supply_cap=900 * ETHER))
    assert bench.current().supply_cap == 900 * ETHER


def test_a_cap_moves_by_thirty_percent_at_most(bench: AdapterBench) -> None:
    bench.check(bench.altered(borrow_cap=1_300_000 * USD))
    assert rule_of(bench, borrow_cap=1_300_000 * USD + 1) == "step"


def test_a_disabled_field_reverts(bench: AdapterBench) -> None:
    bench.set_limits(LTV, enabled=False)
    with pytest.raises(GuardrailError) as caught:
        bench.check(bench.update())
    assert caught.value.rule == "disabled"


def test_limits_are_set_by_the_timelock_only(bench: AdapterBench) -> None:
    book = bench.limits.functions
    limits = bench.client.call(book.limitsOf(ASSET, LTV))
    with pytest.raises(GovernanceError, match="OwnableUnauthorizedAccount"):
        bench.client.send(bench.delegate, book.setLimits(ASSET, LTV, limits))
    with pytest.raises(GovernanceError, match="OwnableUnauthorizedAccount"):
        bench.client.send(bench.delegate, book.setDelegate(bench.delegate.address))


def test_tightening_reverts_for_all_but_the_delegate(bench: AdapterBench) -> None:
    limits = bench.client.call(bench.limits.functions.limitsOf(ASSET, LTV))
    with pytest.raises(GovernanceError, match="NotDelegate"):
        bench.client.send(bench.delegate, bench.limits.functions.tighten(ASSET, LTV, limits))


def test_nobody_but_the_markets_adapter_records(bench: AdapterBench) -> None:
    values = tuple(bench.current().as_dict().values())
    for record in (bench.limits.functions.record, bench.limits.functions.recordCut):
        with pytest.raises(GovernanceError, match="NotRecorder"):
            bench.send(record(ASSET, values, values))


def test_an_executed_change_is_remembered_per_field(bench: AdapterBench) -> None:
    bench.apply(bench.update(value=75_30))
    now = bench.client.timestamp()
    assert bench.client.call(bench.limits.functions.changesOf(ASSET, LTV)) == [(now, 30)]
    assert bench.client.call(bench.limits.functions.changesOf(ASSET, THRESHOLD)) == [(now, 30)]
    assert bench.client.call(bench.limits.functions.changesOf(ASSET, 2)) == []


def test_a_failed_write_leaves_no_change_behind(bench: AdapterBench) -> None:
    bench.client.send(bench.timelock, bench.market.functions.cheat(1))
    with pytest.raises(GuardrailError):
        bench.apply(bench.update())
    assert bench.client.call(bench.limits.functions.changesOf(ASSET, THRESHOLD)) == []


def test_a_safer_market_is_no_drift(bench: AdapterBench) -> None:
    update = bench.update()
    bench.pretend(price=9_000 * PRICE_ONE, utilisation_bps=0, collateral=0, borrow=0)
    bench.apply(update)
    assert bench.current().liquidation_threshold_bps == 75_50


def test_data_age_does_not_stop_execution(bench: AdapterBench) -> None:
    update = bench.update()
    bench.client.advance(96 * 3600)
    with pytest.raises(GuardrailError, match="DataTooOld"):
        bench.check(update)
    bench.apply(update)


def test_a_band_of_the_whole_price_cannot_be_set(bench: AdapterBench) -> None:
    with pytest.raises(GovernanceError, match="BadRules"):
        bench.send(bench.adapter.functions.listMarket(ASSET, (5_00, 50, (100_00, 0, 0, 0))))


def test_only_the_markets_own_asset_can_be_listed(bench: AdapterBench) -> None:
    with pytest.raises(GuardrailError, match="UnknownMarket"):
        bench.send(bench.adapter.functions.listMarket(known_key("x").address, (5_00, 50, BANDS)))
