"""The numbered invariants of contracts/SPEC.md, each against the real bytecode and against a planted bug.

``test_invariant_holds[INV-n]`` is the test that ``contracts/mutants.toml`` names; the same function must
fail on the bytecode with the bug, or it would prove nothing.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from contracts.artifacts import FOLDER
from core.errors import GovernanceError, GuardrailError, TribunateError
from core.market import Parameters, Scalar
from core.proposal import ProposalState
from core.units import PRICE_ONE, Bps
from governance.rehearsal import DAY, ETHER, HOUR, TIMELOCK_SECONDS, USD
from governance.signing import update_tuple

if TYPE_CHECKING:
    from tests.contracts.conftest import Stage

LTV, THRESHOLD, BONUS, SUPPLY_CAP, BORROW_CAP = range(5)


def refused(error: type[TribunateError], name: str) -> pytest.RaisesExc[TribunateError]:
    """Expect the Solidity error ``name``."""
    return pytest.raises(error, match=rf"^{name}\(")


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


def a_quorum_of_distinct_seats_signs(stage: Stage) -> None:
    dao = stage.dao()
    update = dao.update()
    agents = dao.people.agents
    governor = dao.client.contract("ParameterGovernor", dao.deployment.addresses["governor"])

    def bring(pairs: list[tuple[str, bytes]]) -> None:
        signers, proofs = [s for s, _ in pairs], [p for _, p in pairs]
        function = governor.functions.proposeUpdate(update_tuple(update), signers, proofs)
        dao.client.send(dao.people.stranger, function)

    with refused(GovernanceError, "TooFewSigners"):
        bring(dao.signed(update, agents[:2]))
    with refused(GovernanceError, "SignersNotAscending"):
        bring(dao.signed(update, [agents[0], agents[1], agents[1]]))
    outsiders = sorted([*agents[:2], dao.people.stranger], key=lambda a: int(a.address, 16))
    with refused(GovernanceError, "SignerNotSeated"):
        bring(dao.signed(update, outsiders))
    (first, proof), second, third = dao.signed(update, agents[:3])
    with refused(GovernanceError, "BadSignature"):
        bring([(first, second[1]), second, third])
    bring([(first, proof), second, third])


def an_epoch_is_consumed_once(stage: Stage) -> None:
    dao = stage.dao()
    dao.propose(dao.update(75_40))
    assert dao.reader.epoch_consumed(1)
    with refused(GovernanceError, "EpochConsumed"):
        dao.propose(replace(dao.update(75_30), attempt=1))
    dao.propose(dao.update(75_30, epoch=2))


def a_veto_at_the_threshold_kills_at_once(stage: Stage) -> None:
    dao = stage.dao()
    people = dao.people
    token = dao.client.contract("GovernanceToken", dao.deployment.addresses["governance_token"])
    # votable: 1 000 000 less the treasury's 100 000; 0.5 % of it is 4 500, of which small holds 1 800
    dao.client.send(people.large, token.functions.transfer(people.stranger.address, 3_600 * ETHER))
    number = dao.propose()
    dao.open_voting()
    dao.proposals.veto(number, people.small)
    assert dao.proposals.state(number) is ProposalState.ACTIVE
    dao.proposals.veto(number, people.large)  # 1 800 + 2 700 = 4 500
    assert dao.proposals.state(number) is ProposalState.DEFEATED
    dao.close_window()
    assert dao.proposals.state(number) is ProposalState.DEFEATED


def nothing_executes_early_or_late(stage: Stage) -> None:
    dao = stage.dao()
    number = dao.propose()
    view = dao.proposals.show(number)
    assert view.window_end == view.created + 72 * HOUR
    dao.client.request("evm_mine", view.window_end - 1)  # a transaction now is in the window's last second
    with refused(GovernanceError, "GovernorUnexpectedProposalState"):
        dao.proposals.queue(number, dao.people.stranger)
    dao.client.request("evm_mine", view.window_end)
    dao.proposals.queue(number, dao.people.stranger)
    eta = dao.client.timestamp() + TIMELOCK_SECONDS
    dao.client.request("evm_mine", eta - 2)
    with refused(GovernanceError, "TimelockUnexpectedOperationState"):
        dao.proposals.execute(number, dao.people.stranger)
    dao.client.request("evm_mine", eta + 7 * DAY - 1)
    with dao.rewound():
        dao.proposals.execute(number, dao.people.stranger)
    dao.client.request("evm_mine", eta + 7 * DAY)
    with refused(GovernanceError, "GovernorUnexpectedProposalState"):
        dao.proposals.execute(number, dao.people.stranger)


def only_the_slow_lane_is_open(stage: Stage) -> None:
    bench = stage.bench()
    for lane, update in (
        ("FAST", bench.update(Scalar.LTV, 69_50)),
        ("FAST", bench.update(Scalar.BORROW_CAP, 900_000 * USD)),
        ("FAST", bench.update(Scalar.SUPPLY_CAP, 900 * ETHER)),
        ("RAMP", bench.update(Scalar.LIQUIDATION_THRESHOLD, 74_50)),
    ):
        with pytest.raises(GuardrailError, match=rf"^LaneNotOpen\(lane={lane}\)"):
            bench.check(update)
    bench.check(bench.update(Scalar.BORROW_CAP, 1_100_000 * USD))


def only_the_timelock_writes(stage: Stage) -> None:
    bench = stage.bench()
    update = update_tuple(bench.update())
    with refused(GovernanceError, "NotTimelock"):
        bench.client.send(bench.delegate, bench.adapter.functions.applyUpdate(update))
    bench.client.send(bench.timelock, bench.adapter.functions.applyUpdate(update))


def data_at_submission_are_at_most_six_hours_old(stage: Stage) -> None:
    bench = stage.bench()
    now, update = bench.client.timestamp(), bench.update()
    bench.check(replace(update, snapshot=replace(update.snapshot, data_time=now - 6 * HOUR)))
    with refused(GuardrailError, "DataTooOld"):
        bench.check(replace(update, snapshot=replace(update.snapshot, data_time=now - 6 * HOUR - 1)))
    with refused(GuardrailError, "DataFromTheFuture"):
        bench.check(replace(update, snapshot=replace(update.snapshot, data_time=now + 1)))


def one_agent_cannot_cancel_and_two_can(stage: Stage) -> None:
    dao = stage.dao()
    number = dao.propose()
    dao.proposals.withdraw(number, dao.people.agents[0])
    assert dao.proposals.state(number) is ProposalState.PENDING
    with refused(GovernanceError, "NotASigner"):
        dao.proposals.withdraw(number, dao.people.agents[0])
    dao.proposals.withdraw(number, dao.people.agents[1])
    assert dao.proposals.state(number) is ProposalState.CANCELED


def a_transferred_identity_loses_its_seat(stage: Stage) -> None:
    dao = stage.dao()
    registry = dao.client.contract("AgentRegistry", dao.deployment.addresses["registry"])
    agent, version = dao.people.agents[0], dao.reader.seat_table().version
    transfer = registry.functions.transferFrom(agent.address, dao.people.stranger.address, 1)
    dao.client.send(agent, transfer)
    table = dao.reader.seat_table()
    assert table.version == version + 1
    assert [seat.agent_id for seat in table.seats] == [2, 3, 4]
    assert dao.client.call(registry.functions.getAgentWallet(1)) == "0x" + "00" * 20


def a_delegate_only_tightens(stage: Stage) -> None:
    bench = stage.bench()
    bench.client.send(bench.timelock, bench.adapter.functions.setDelegate(bench.delegate.address))
    limits = list(bench.client.call(bench.adapter.functions.limitsOf(LTV)))

    def tighten(index: int, value: int) -> None:
        changed = [value if n == index else old for n, old in enumerate(limits)]
        bench.client.send(bench.delegate, bench.adapter.functions.tighten(LTV, tuple(changed)))

    looser = ((1, 9_99), (2, 90_01), (3, 51), (4, 51), (6, 3 * DAY - 1), (7, 151), (8, 151))
    for index, value in looser:
        with refused(GovernanceError, "NotTighter"):
            tighten(index, value)
    tighten(3, 49)
    assert bench.client.call(bench.adapter.functions.limitsOf(LTV))[3] == 49


INVARIANTS: dict[str, Callable[[Stage], None]] = {
    "INV-1": ltv_is_below_the_threshold,
    "INV-2": a_liquidation_leaves_something_for_the_debt,
    "INV-3": values_stay_between_floor_and_ceiling,
    "INV-4": nothing_but_the_proposal_is_written,
    "INV-5": one_move_is_at_most_one_step,
    "INV-6": moves_are_a_minimum_delay_apart,
    "INV-7": gross_moves_stay_within_thirty_days_budget,
    "INV-8": the_live_value_is_the_expected_one,
    "INV-9": a_riskier_market_stops_execution,
    "INV-10": a_quorum_of_distinct_seats_signs,
    "INV-11": an_epoch_is_consumed_once,
    "INV-12": a_veto_at_the_threshold_kills_at_once,
    "INV-13": nothing_executes_early_or_late,
    "INV-14": only_the_slow_lane_is_open,
    "INV-15": only_the_timelock_writes,
    "INV-16": data_at_submission_are_at_most_six_hours_old,
    "INV-17": one_agent_cannot_cancel_and_two_can,
    "INV-18": a_transferred_identity_loses_its_seat,
    "INV-19": a_delegate_only_tightens,
}


def planted() -> dict[str, str]:
    """Planted bugs by invariant, with the test that kills each."""
    mutants = tomllib.loads((FOLDER / "mutants.toml").read_text(encoding="utf-8"))["mutant"]
    return {mutant["invariant"]: mutant["killed_by"] for mutant in mutants}


@pytest.mark.parametrize("invariant", INVARIANTS)
def test_invariant_holds(stage: Stage, invariant: str) -> None:
    INVARIANTS[invariant](stage)


@pytest.mark.parametrize(
    ("mutated_stage", "invariant"),
    [(n, n) for n in INVARIANTS],
    ids=list(INVARIANTS),
    indirect=["mutated_stage"],
)
def test_planted_bug_is_killed(mutated_stage: Stage, invariant: str) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        INVARIANTS[invariant](mutated_stage)


def test_every_invariant_has_a_planted_bug_that_its_test_kills() -> None:
    expected = {n: f"tests/contracts/test_invariants.py::test_invariant_holds[{n}]" for n in INVARIANTS}
    assert planted() == expected


def test_every_invariant_is_in_the_specification() -> None:
    text = (FOLDER / "SPEC.md").read_text(encoding="utf-8")
    assert [n for n in INVARIANTS if f"| {n} |" not in text] == []
