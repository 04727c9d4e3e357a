"""The invariants that ``core`` states too, against ``core`` itself and against bugs planted in its text."""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from core.errors import ConfigError, GovernanceError, GuardrailError
from core.guardrails import DEFAULT_LIMITS, Change
from core.market import Parameters, Scalar
from core.proposal import ProposalRecord, ProposalState
from core.units import Bps

HOUR, DAY = 3600, 24 * 3600
THRESHOLD = Scalar.LIQUIDATION_THRESHOLD
START = Parameters(Bps(70_00), Bps(75_00), Bps(5_00), 0, 0)


def ltv_is_below_the_threshold(market: ModuleType) -> None:
    market.validate_parameters(Parameters(Bps(74_99), Bps(75_00), Bps(5_00), 0, 0))
    with pytest.raises(ConfigError, match="not below the liquidation threshold"):
        market.validate_parameters(Parameters(Bps(75_00), Bps(75_00), Bps(5_00), 0, 0))


def a_liquidation_leaves_something_for_the_debt(market: ModuleType) -> None:
    market.validate_parameters(Parameters(Bps(70_00), Bps(80_00), Bps(24_99), 0, 0))
    with pytest.raises(ConfigError, match=r"threshold 80\.00 % with bonus 25\.00 %"):  # 0.80 x 1.25 = 1
        market.validate_parameters(Parameters(Bps(70_00), Bps(80_00), Bps(25_00), 0, 0))


def check(guardrails: ModuleType, proposed: int, *, changes: tuple[Change, ...] = (), now: int = 0) -> None:
    limits = DEFAULT_LIMITS[THRESHOLD]
    guardrails.check_field(THRESHOLD, 75_00, proposed, limits=limits, changes=changes, now=now)


def values_stay_below_the_ceiling(guardrails: ModuleType) -> None:
    limits = DEFAULT_LIMITS[THRESHOLD]
    guardrails.check_field(THRESHOLD, 92_60, 93_00, limits=limits, changes=(), now=0)
    with pytest.raises(GuardrailError) as caught:
        guardrails.check_field(THRESHOLD, 92_60, 93_01, limits=limits, changes=(), now=0)
    assert caught.value.rule == "ceiling"


def coupled_fields_move_together(market: ModuleType) -> None:
    moved = market.with_scalar(START, THRESHOLD, 75_50, margin_bps=Bps(5_00))
    assert (moved.ltv_bps, moved.liquidation_threshold_bps) == (70_50, 75_50)


def one_move_is_at_most_one_step(guardrails: ModuleType) -> None:
    check(guardrails, 75_50)
    with pytest.raises(GuardrailError) as caught:
        check(guardrails, 75_51)
    assert caught.value.rule == "step"


def moves_are_a_minimum_delay_apart(guardrails: ModuleType) -> None:
    earlier = (Change(THRESHOLD, 1_000, 10),)
    check(guardrails, 75_10, changes=earlier, now=1_000 + 3 * DAY)
    with pytest.raises(GuardrailError) as caught:
        check(guardrails, 75_10, changes=earlier, now=1_000 + 3 * DAY - 1)
    assert caught.value.rule == "delay"


def gross_moves_stay_within_the_budget(guardrails: ModuleType) -> None:
    earlier = tuple(Change(THRESHOLD, time, 50) for time in (1_000, 1_000 + 3 * DAY, 1_000 + 6 * DAY))
    check(guardrails, 75_50, changes=earlier, now=1_000 + 30 * DAY)
    with pytest.raises(GuardrailError) as caught:
        check(guardrails, 75_01, changes=earlier, now=1_000 + 30 * DAY - 1)
    assert caught.value.rule == "budget"


RECORD = ProposalRecord(created=0, votable_supply=1_000, faulty=1)  # threshold: 0.5 % of 1 000 = 5


def a_veto_at_the_threshold_kills_at_once(proposal: ModuleType) -> None:
    record = proposal.vote_against(RECORD, 4, 13 * HOUR)
    assert proposal.state_at(record, 13 * HOUR) is proposal.ProposalState.ACTIVE
    record = proposal.vote_against(record, 1, 13 * HOUR)
    assert proposal.state_at(record, 13 * HOUR) is proposal.ProposalState.DEFEATED


def nothing_executes_early_or_late(proposal: ModuleType) -> None:
    with pytest.raises(GovernanceError):
        proposal.queue(RECORD, 72 * HOUR)
    queued = proposal.queue(RECORD, 72 * HOUR + 1)
    eta = 96 * HOUR + 1
    with pytest.raises(GovernanceError):
        proposal.execute(queued, eta - 1)
    assert proposal.execute(queued, eta).executed
    assert proposal.execute(queued, eta + 7 * DAY).executed
    with pytest.raises(GovernanceError):
        proposal.execute(queued, eta + 7 * DAY + 1)


def one_agent_cannot_cancel_and_two_can(proposal: ModuleType) -> None:
    once = proposal.withdraw(RECORD, HOUR)
    assert not once.canceled
    assert proposal.withdraw(once, HOUR).canceled


def each_change_has_its_lane_by_effect(lanes: ModuleType) -> None:
    def lane(**changes: int) -> str:
        return str(lanes.lane_of(START, replace(START, **changes), total_collateral=0))  # type: ignore[arg-type]

    assert lane(liquidation_threshold_bps=74_50) == "ramp"
    assert lane(ltv_bps=60_00) == "fast"
    assert lane(liquidation_bonus_bps=4_00) == "slow"
    assert lane(liquidation_threshold_bps=75_50) == "slow"


def a_ramp_steps_fifty_bps_a_day(ramp: ModuleType) -> None:
    assert ramp.ramp_plan(75_00, 73_60) == ((0, 74_50), (DAY, 74_00), (2 * DAY, 73_60))


def a_cap_is_cut_by_half_at_most(guardrails: ModuleType) -> None:
    current = Parameters(Bps(70_00), Bps(75_00), Bps(5_00), 1_000, 900)
    assert guardrails.cuttable(current, Scalar.BORROW_CAP, supplied=0) == (450, 900)
    assert guardrails.cuttable(current, Scalar.SUPPLY_CAP, supplied=700) == (700, 1_000)
    assert guardrails.cuttable(current, Scalar.LTV, supplied=0) == (0, 70_00)


def a_cut_is_undone_no_further_than_it_went(guardrails: ModuleType) -> None:
    cut = guardrails.Cut(time=0, before=70_00)
    assert guardrails.restores(cut, 60_00, 70_00, 30 * DAY)
    assert not guardrails.restores(cut, 60_00, 70_01, 30 * DAY)
    assert not guardrails.restores(cut, 60_00, 70_00, 30 * DAY + 1)
    assert not guardrails.restores(replace(cut, restored=True), 60_00, 70_00, DAY)


CHECKS: dict[str, tuple[str, Callable[[ModuleType], None]]] = {
    "INV-1": ("core.market", ltv_is_below_the_threshold),
    "INV-2": ("core.market", a_liquidation_leaves_something_for_the_debt),
    "INV-3": ("core.guardrails", values_stay_below_the_ceiling),
    "INV-4": ("core.market", coupled_fields_move_together),
    "INV-5": ("core.guardrails", one_move_is_at_most_one_step),
    "INV-6": ("core.guardrails", moves_are_a_minimum_delay_apart),
    "INV-7": ("core.guardrails", gross_moves_stay_within_the_budget),
    "INV-12": ("core.proposal", a_veto_at_the_threshold_kills_at_once),
    "INV-13": ("core.proposal", nothing_executes_early_or_late),
    "INV-14": ("core.lanes", each_change_has_its_lane_by_effect),
    "INV-17": ("core.proposal", one_agent_cannot_cancel_and_two_can),
    "INV-20": ("core.ramp", a_ramp_steps_fifty_bps_a_day),
    "INV-23": ("core.guardrails", a_cap_is_cut_by_half_at_most),
    "INV-28": ("core.guardrails", a_cut_is_undone_no_further_than_it_went),
}
MUTANTS = tomllib.loads((Path(__file__).parent / "core_mutants.toml").read_text(encoding="utf-8"))["mutant"]


@pytest.fixture
def mutated(request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    """A module of core with one line changed, loaded beside the real one."""
    mutant = request.param
    source = importlib.import_module(mutant["module"]).__file__
    assert source is not None
    text = Path(source).read_text(encoding="utf-8")
    assert text.count(mutant["find"]) == 1, f"{mutant['find']!r} must stand once in {mutant['module']}"
    name = f"mutated_{mutant['invariant'].replace('-', '_').lower()}"
    module = ModuleType(name)
    sys.modules[name] = module  # dataclasses look their module up
    exec(compile(text.replace(mutant["find"], mutant["replace"]), name, "exec"), module.__dict__)
    yield module
    del sys.modules[name]


@pytest.mark.parametrize("invariant", CHECKS)
def test_core_invariant_holds(invariant: str) -> None:
    module, holds = CHECKS[invariant]
    holds(importlib.import_module(module))


@pytest.mark.parametrize("mutated", MUTANTS, ids=[m["invariant"] for m in MUTANTS], indirect=True)
def test_bug_planted_in_core_is_killed(mutated: ModuleType, request: pytest.FixtureRequest) -> None:
    invariant = request.node.callspec.id
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        CHECKS[invariant][1](mutated)


def test_every_core_invariant_has_a_planted_bug() -> None:
    assert [m["invariant"] for m in MUTANTS] == list(CHECKS)
    assert all(m["module"] == CHECKS[m["invariant"]][0] for m in MUTANTS)


def test_a_fresh_record_is_pending() -> None:
    assert importlib.import_module("core.proposal").state_at(RECORD, 0) is ProposalState.PENDING
