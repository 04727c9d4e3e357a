"""The oracle spike: what it costs, when it pays, and which defence ends it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from core.cascade import Liquidity
from core.errors import SimulationError
from core.guardrails import DEFAULT_LIMITS
from core.market import MarketSnapshot, Scalar
from core.units import PRICE_ONE, WAD, Bps
from simulations.adversary.oracle_spike import (
    Defence,
    Finding,
    OracleTerms,
    cost_to_move,
    evaluate,
    largest_collateral,
    met_ltv,
    search_spikes,
)
from simulations.demo_market import demo_market

ALL = tuple(Defence)


def market(**changes: int) -> MarketSnapshot:
    """2,000 USD a coin, 20 M USDC free of 50 M, 21,000 coins supplied of a cap of 60,000."""
    demo = demo_market(1).snapshot()
    parameters = replace(demo.parameters, supply_cap=changes.pop("supply_cap", 60_000 * WAD))
    return replace(
        demo,
        parameters=parameters,
        oracle_price=2_000 * PRICE_ONE,
        total_collateral=21_000 * WAD,
        total_debt_supply=50_000_000 * 10**6,
        total_borrow=30_000_000 * 10**6,
        **changes,
    )


def findings(depth_usd: int, snapshot: MarketSnapshot | None = None) -> dict[tuple[Defence, ...], Finding]:
    report = search_spikes(snapshot or market(), Liquidity(depth_usd * WAD))
    return {found.defences: found for found in report.findings}


def test_lifting_the_price_costs_half_of_depth_times_the_square() -> None:
    """Depth 10 M, +10 %, window of one block, no fee: 10 M x 0.01 / 2 = 50,000, a little for holding."""
    cost = cost_to_move(Liquidity(10_000_000 * WAD), OracleTerms(1, Bps(0)), rise_bps=10_00, blocks=1)
    held = 10_000_000 * 0.01 * (1 - 0.8 ** (12 / 3600))
    assert cost == int(50_000 + held) + 1


def test_an_average_over_blocks_makes_a_short_spike_dear() -> None:
    """In one block of a window of 25 the spot price must rise 25 times as far: 625 times the cost."""
    depth = Liquidity(10_000_000 * WAD)
    short = cost_to_move(depth, OracleTerms(25, Bps(0)), rise_bps=10_00, blocks=1)
    full = cost_to_move(depth, OracleTerms(1, Bps(0)), rise_bps=10_00, blocks=1)
    assert short == pytest.approx(625 * full, rel=1e-3)


def test_holding_longer_costs_more() -> None:
    depth, terms = Liquidity(10_000_000 * WAD), OracleTerms()
    costs = [cost_to_move(depth, terms, rise_bps=10_00, blocks=blocks) for blocks in (25, 75, 300)]
    assert costs == sorted(costs)


def test_a_plan_by_hand() -> None:
    """1,000 coins worth 2 M, lifted by 50 % at 70 %: 2.1 M are borrowed; less 2 M and the cost of 40,000."""
    plan = evaluate(market(), Bps(70_00), rise_bps=50_00, blocks=25, collateral=1_000 * WAD, cost_usd=40_000)
    assert (plan.borrowed_usd, plan.collateral_usd, plan.profit_usd) == (2_100_000, 2_000_000, 60_000)


def test_no_plan_pays_below_the_inverse_of_the_ltv() -> None:
    """At 70 % the price must rise by 42.86 % before a loan is worth more than its collateral."""
    below = evaluate(market(), Bps(70_00), rise_bps=42_00, blocks=25, collateral=1_000 * WAD, cost_usd=0)
    above = evaluate(market(), Bps(70_00), rise_bps=43_00, blocks=25, collateral=1_000 * WAD, cost_usd=0)
    assert below.profit_usd < 0 < above.profit_usd


def test_a_loan_is_bounded_by_what_the_pool_holds() -> None:
    plan = evaluate(market(), Bps(70_00), rise_bps=100_00, blocks=25, collateral=10**6 * WAD, cost_usd=0)
    assert plan.borrowed_usd == 20_000_000


def test_each_defence_does_what_it_says() -> None:
    snapshot = market()
    assert met_ltv(snapshot, ()) == DEFAULT_LIMITS[Scalar.LTV].ceiling
    step = DEFAULT_LIMITS[Scalar.LTV].step_up
    assert met_ltv(snapshot, (Defence.GUARDRAILS,)) == snapshot.parameters.ltv_bps + step
    assert met_ltv(snapshot, (Defence.FRESHNESS,)) == 70_00
    tight = market(supply_cap=21_500 * WAD)
    assert largest_collateral(tight, Bps(70_00), rise_bps=50_00, defences=(Defence.SUPPLY_CAP,)) == 500 * WAD
    assert largest_collateral(tight, Bps(70_00), rise_bps=50_00, defences=()) > 500 * WAD


def test_a_full_cap_leaves_no_room() -> None:
    full = market(supply_cap=20_000 * WAD)
    assert largest_collateral(full, Bps(70_00), rise_bps=50_00, defences=(Defence.SUPPLY_CAP,)) == 0
    assert findings(1_000_000, full)[(Defence.SUPPLY_CAP,)].cheapest is None


def test_a_thin_market_pays_and_a_deep_one_does_not() -> None:
    assert findings(1_000_000)[()].cheapest is not None
    assert findings(10**9)[()].cheapest is None


def test_defences_never_make_an_attack_cheaper() -> None:
    for depth in (1_000_000, 5_000_000, 20_000_000):
        found = findings(depth)
        for defences, finding in found.items():
            for fewer in found:
                if set(fewer) < set(defences) and finding.cheapest is not None:
                    weaker = found[fewer].cheapest
                    assert weaker is not None
                    assert weaker.cost_usd <= finding.cheapest.cost_usd


def test_guardrails_and_freshness_raise_the_price_of_the_cheapest_attack() -> None:
    found = findings(2_000_000)
    bare, defended = found[()].cheapest, found[ALL].cheapest
    assert bare is not None
    assert defended is None or defended.cost_usd > 5 * bare.cost_usd


def test_a_cheapest_attack_really_pays_and_is_the_least_of_all_tried() -> None:
    finding = findings(2_000_000)[()]
    cheapest = finding.cheapest
    assert cheapest is not None and finding.most_profitable is not None
    assert cheapest.profit_usd > 0
    assert cheapest.borrowed_usd - cheapest.collateral_usd - cheapest.cost_usd == cheapest.profit_usd
    assert cheapest.cost_usd <= finding.most_profitable.cost_usd


def test_the_report_is_json_and_text() -> None:
    report = search_spikes(market(), Liquidity(2_000_000 * WAD))
    assert len(json.loads(report.to_json())["findings"]) == 8
    assert "supply cap, guardrails, freshness" in report.render()


@pytest.mark.parametrize("change", [{"oracle_price": 0}, {"total_debt_supply": 0}])
def test_a_market_without_price_or_supply_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(SimulationError, match="no price or no supply"):
        search_spikes(replace(market(), **change), Liquidity(WAD))
