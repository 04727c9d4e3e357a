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
from core.lanes import Lane
from core.market import Parameters, Scalar
from core.ports import TransportBinding
from core.proposal import ProposalState
from core.units import PRICE_ONE, Bps
from governance.price_cap import PriceCap, PriceCapUpdate
from governance.registry import AgentCard, AgentDirectory
from governance.rehearsal import DAY, ETHER, HOUR, TIMELOCK_SECONDS, USD, known_key
from governance.signing import keccak, update_tuple
from tests.contracts.conftest import ASSET, LIMIT_NAMES

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


def each_change_has_its_lane_by_effect(stage: Stage) -> None:
    dao = stage.dao()
    for lane, update in (
        ("RAMP", dao.update(74_50)),
        ("SLOW", dao.update(75_50)),
        ("SLOW", dao.update(5_50, scalar=Scalar.LIQUIDATION_BONUS)),
    ):
        with pytest.raises(GovernanceError, match=rf"^NotFast\(lane={lane}\)"):
            dao.announce(update)
    cut = dao.update(69_50, scalar=Scalar.LTV)
    with pytest.raises(GuardrailError, match=r"^LaneNotOpen\(lane=FAST\)"):
        dao.propose(cut)
    dao.announce(cut)
    assert dao.proposals.show(dao.propose(dao.update(74_50, epoch=2))).lane is Lane.RAMP


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
    book = bench.limits.functions
    bench.send(book.setDelegate(bench.delegate.address))
    limits = dict(zip(LIMIT_NAMES, bench.client.call(book.limitsOf(ASSET, LTV)), strict=True))

    def tighten(**changes: int) -> None:
        changed = tuple((limits | changes).values())
        bench.client.send(bench.delegate, book.tighten(ASSET, LTV, changed))

    looser = (("floor", 9_99), ("ceiling", 90_01), ("stepUp", 51), ("stepDown", 51))
    looser += (("minDelaySeconds", 3 * DAY - 1), ("budgetUp", 151), ("budgetDown", 151))
    for name, value in looser:
        with refused(GovernanceError, "NotTighter"):
            tighten(**{name: value})
    tighten(stepUp=49)
    assert bench.client.call(book.limitsOf(ASSET, LTV))[3] == 49


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


def a_cut_waits_an_hour(stage: Stage) -> None:
    dao = stage.dao()
    number = dao.announce(dao.update(60_00, scalar=Scalar.LTV))
    announced = dao.client.timestamp()
    dao.client.request("evm_mine", announced + HOUR - 2)
    with refused(GovernanceError, "CutNotReady"):
        dao.cuts.execute(number, dao.people.stranger)
    dao.client.request("evm_mine", announced + HOUR - 1)
    dao.cuts.execute(number, dao.people.stranger)
    assert dao.reader.parameters().ltv_bps == 60_00


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


def two_lost_seats_stop_execution_unreported(stage: Stage) -> None:
    dao = stage.dao()
    registry = dao.client.contract("AgentRegistry", dao.deployment.addresses["registry"])
    number = dao.propose()
    dao.close_window()
    dao.queue_and_wait(number)
    dao.client.send(dao.people.agents[0], registry.functions.unsetAgentWallet(1))
    with dao.rewound():
        dao.proposals.execute(number, dao.people.stranger)
    dao.client.send(dao.people.agents[1], registry.functions.unsetAgentWallet(2))
    with refused(GovernanceError, "BackingLost"):
        dao.proposals.execute(number, dao.people.stranger)


def a_revoked_model_blocks_what_rests_on_it(stage: Stage) -> None:
    dao = stage.dao(sealed=False)
    adapter = dao.client.contract("DemoMarketAdapter", dao.deployment.addresses["adapter"])
    timelock = dao.deployment.addresses["timelock"]
    dao.client.send(dao.people.deployer, adapter.functions.transferOwnership(timelock))
    models = dao.client.contract("ModelRegistry", dao.deployment.addresses["models"])
    content = (keccak(b"data"), keccak(b"code"), keccak(b"model"), [])
    dao.client.send(dao.people.stranger, models.functions.publish(content, ""))
    model = bytes(dao.client.call(models.functions.idOf(content, dao.people.stranger.address)))
    number = dao.propose(replace(dao.update(), models=(model,)))
    dao.close_window()
    dao.queue_and_wait(number)
    with dao.rewound():
        dao.proposals.execute(number, dao.people.stranger)
    dao.client.send(dao.people.deployer, models.functions.revoke(model, "trained on a poisoned feed"))
    with refused(GovernanceError, "ModelNotLive"):
        dao.proposals.execute(number, dao.people.stranger)


def the_guardian_disables_at_most_f_seats(stage: Stage) -> None:
    dao = stage.dao()
    seats = dao.client.contract("SeatRegistry", dao.deployment.addresses["seats"])
    dao.client.send(dao.people.guardian, seats.functions.disable(1))
    with refused(GovernanceError, "TooManyDisabled"):
        dao.client.send(dao.people.guardian, seats.functions.disable(2))
    assert not dao.client.call(seats.functions.isActive(dao.people.agents[0].address))


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


def a_transport_address_is_bound_by_its_own_key(stage: Stage) -> None:
    dao = stage.dao()
    directory, stranger = AgentDirectory(dao.client, dao.deployment), dao.people.stranger
    victim = known_key(f"transport of {dao.people.agents[0].address}")
    digest = directory.binding_digest(stranger.address, directory.entry(1).card.uagent)
    forged = TransportBinding(victim.public_key, stranger.sign(digest), stranger.sign(digest))
    with refused(GovernanceError, "BadTransportProof"):
        directory.register(stranger, AgentCard("", (), b""), forged)
    genuine = TransportBinding(victim.public_key, victim.sign(digest), stranger.sign(digest))
    directory.register(stranger, AgentCard("", (), b""), genuine)


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
    "INV-14": each_change_has_its_lane_by_effect,
    "INV-15": only_the_timelock_writes,
    "INV-16": data_at_submission_are_at_most_six_hours_old,
    "INV-17": one_agent_cannot_cancel_and_two_can,
    "INV-18": a_transferred_identity_loses_its_seat,
    "INV-19": a_delegate_only_tightens,
    "INV-20": a_ramp_steps_fifty_bps_a_day_for_a_week,
    "INV-21": a_change_endangers_little_debt,
    "INV-22": a_cut_waits_an_hour,
    "INV-23": a_market_is_cut_once_a_day,
    "INV-24": two_lost_seats_stop_execution_unreported,
    "INV-25": a_revoked_model_blocks_what_rests_on_it,
    "INV-26": the_guardian_disables_at_most_f_seats,
    "INV-27": a_batch_names_each_market_once,
    "INV-28": a_cut_is_undone_once_and_no_further,
    "INV-29": a_collateral_factor_stays_below_the_inferred_ceiling,
    "INV-30": a_transport_address_is_bound_by_its_own_key,
    "INV-31": a_price_cap_is_not_below_the_live_ratio,
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
