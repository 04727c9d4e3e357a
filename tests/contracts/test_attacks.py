"""Attacks by name: what somebody gains by them, and what stops it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.errors import GovernanceError, GuardrailError
from core.evidence import merkle_proof
from core.market import Scalar
from core.position import Position
from core.proposal import ProposalState
from governance.cuts import CutState
from governance.founding.demo import report_price
from governance.reader import position_value
from governance.rehearsal import DAY, ETHER, HOUR, USD, Rehearsal, known_key
from governance.signing import CURVE_ORDER, Eip712Hasher, keccak, update_tuple
from tests.contracts.conftest import ASSET, AdapterBench, Stage


def test_flash_borrowed_votes_count_nothing(dao: Rehearsal) -> None:
    """Votes borrowed after the snapshot have no weight; before it they must be held for hours."""
    people = dao.people
    token = dao.client.contract("GovernanceToken", dao.deployment.addresses["governance_token"])
    number = dao.propose()
    dao.open_voting()
    dao.client.send(people.deployer, token.functions.transfer(people.stranger.address, 500_000 * ETHER))
    dao.client.send(people.stranger, token.functions.delegate(people.stranger.address))
    dao.proposals.veto(number, people.stranger)
    dao.client.send(people.stranger, token.functions.transfer(people.deployer.address, 500_000 * ETHER))
    assert dao.proposals.show(number).votes_against == 0
    assert dao.proposals.state(number) is ProposalState.ACTIVE


def test_dust_vetoes_neither_kill_nor_stretch(dao: Rehearsal) -> None:
    """Twenty wallets with a wei each: under half the threshold nothing is extended."""
    people, deployer = dao.people, dao.people.deployer
    token = dao.client.contract("GovernanceToken", dao.deployment.addresses["governance_token"])
    dust = [known_key(f"dust {n}") for n in range(5)]
    for wallet in dust:
        dao.client.pay(deployer, wallet.address, ETHER)
        dao.client.send(deployer, token.functions.transfer(wallet.address, 1))
        dao.client.send(wallet, token.functions.delegate(wallet.address))
    number = dao.propose()
    end = dao.proposals.show(number).window_end
    dao.client.request("evm_mine", end - HOUR)
    for wallet in dust:
        dao.proposals.veto(number, wallet)
    assert dao.proposals.show(number).window_end == end
    dao.client.request("evm_mine", end + 1)
    dao.queue_and_wait(number)
    dao.proposals.execute(number, people.stranger)
    assert dao.proposals.state(number) is ProposalState.EXECUTED


def test_a_veto_in_the_last_second_counts(dao: Rehearsal) -> None:
    number = dao.propose()
    end = dao.proposals.show(number).window_end
    dao.client.request("evm_mine", end - 1)  # the vote is in the block of the window's last second
    dao.proposals.veto(number, dao.people.large)
    assert dao.client.timestamp() == end
    assert dao.proposals.state(number) is ProposalState.DEFEATED


def test_a_whale_that_borrows_after_the_snapshot_blocks_no_ramp(bench: AdapterBench) -> None:
    """At the snapshot it owed 400; it now owes 90,000 at health factor 1.  400 count."""
    whale = known_key("whale").address
    root = bench.name([(whale, 10 * ETHER, 400 * USD)])
    bench.send(bench.market.functions.owe(whale, 90_000 * USD, 75_00))
    bench.apply(replace(bench.update(value=74_50), positions_root=root))
    assert bench.current().liquidation_threshold_bps == 74_50


def test_a_whale_at_health_factor_one_blocks_no_emergency_cut(dao: Rehearsal) -> None:
    """A cut changes nobody's health factor: no position is looked at."""
    number = dao.announce(dao.update(60_00, scalar=Scalar.LTV))
    dao.client.advance(HOUR)
    market = dao.client.contract("DemoLendingMarket", dao.deployment.addresses["market"])
    borrower = dao.config.borrowers[0].account
    before = dao.client.call(market.functions.healthFactor(borrower))
    dao.cuts.execute(number, dao.people.stranger)
    assert dao.client.call(market.functions.healthFactor(borrower)) >= before - 10**12  # a second's interest


def test_healthy_positions_push_no_endangered_one_out_of_the_sample(bench: AdapterBench) -> None:
    """A proposer names sixty-four small healthy ones first; the one that matters is larger."""
    small = [(known_key(f"small {n}").address, ETHER, (n + 1) * USD) for n in range(64)]
    large = (known_key("large debtor").address, 100 * ETHER, 60_000 * USD)
    root = bench.name([*small, large])
    assert bench.client.call(bench.sample.functions.sizeOf(root)) == 64
    bench.send(bench.market.functions.owe(large[0], large[2], 75_00))
    with pytest.raises(GuardrailError, match="NewlyLiquidatable"):
        bench.apply(replace(bench.update(value=74_50), positions_root=root))


def test_a_position_outside_the_signed_root_cannot_be_named(bench: AdapterBench) -> None:
    rows = [(known_key(name).address, ETHER, 10 * USD) for name in ("one", "two", "three")]
    values = [position_value(Position(*row)) for row in rows]
    root = bench.name(rows)
    proof = merkle_proof(values, values[0], keccak)
    grown = (rows[0][0], rows[0][1], 99 * USD)
    with pytest.raises(GovernanceError, match="NotInRoot"):
        bench.send(bench.sample.functions.name(root, *grown, proof))
    with pytest.raises(GovernanceError, match="AlreadyNamed"):
        bench.send(bench.sample.functions.name(root, *rows[0], proof))


def test_nobody_holds_up_an_emergency_cut(dao: Rehearsal) -> None:
    """Guardian, leaving signers and a crash of the price: the cut is executed all the same."""
    people = dao.people
    seats = dao.client.contract("SeatRegistry", dao.deployment.addresses["seats"])
    number = dao.announce(dao.update(60_00, scalar=Scalar.LTV))
    dao.client.send(people.guardian, seats.functions.disable(1))
    with pytest.raises(GovernanceError, match="there is no proposal"):
        dao.proposals.cancel(number, people.guardian)
    with pytest.raises(GovernanceError, match="there is no proposal"):
        dao.proposals.withdraw(number, people.agents[0])
    registry = dao.client.contract("AgentRegistry", dao.deployment.addresses["registry"])
    for place in (1, 2):
        dao.client.send(people.agents[place], registry.functions.unsetAgentWallet(place + 1))
    now = dao.client.timestamp()
    report_price(dao.client, dao.deployment, people.reporter, price=10**8, observed_at=now)
    dao.client.advance(HOUR)
    dao.cuts.execute(number, people.stranger)
    assert dao.reader.parameters().ltv_bps == 60_00


def test_a_delegate_cannot_switch_an_emergency_cut_off(bench: AdapterBench) -> None:
    book = bench.limits.functions
    bench.send(book.setDelegate(bench.delegate.address))
    limits = list(bench.client.call(book.limitsOf(ASSET, 0)))
    bench.client.send(bench.delegate, book.tighten(ASSET, 0, (False, *limits[1:])))
    bench.cut(bench.update(Scalar.LTV, 60_00))
    assert bench.current().ltv_bps == 60_00


def test_a_field_that_the_owner_has_closed_is_not_cut(bench: AdapterBench) -> None:
    bench.set_limits(0, enabled=False)
    with pytest.raises(GuardrailError, match="FieldDisabled"):
        bench.cut(bench.update(Scalar.LTV, 60_00))


def test_lowering_the_value_first_stops_no_cut(bench: AdapterBench) -> None:
    """One-sided compare-and-swap: it executes while it still lowers the live value."""
    update = bench.update(Scalar.LTV, 60_00)
    current = bench.current()
    bench.send(bench.market.functions.force(tuple(replace(current, ltv_bps=69_00).as_dict().values())))
    bench.cut(update)
    assert bench.current().ltv_bps == 60_00
    bench.client.advance(DAY)
    with pytest.raises(GuardrailError, match="NothingToLower"):
        bench.cut(update)


def test_a_cut_that_was_never_executed_lapses(dao: Rehearsal) -> None:
    number = dao.announce(dao.update(60_00, scalar=Scalar.LTV))
    dao.client.advance(25 * HOUR + 1)
    assert dao.cuts.state(number) is CutState.LAPSED
    with pytest.raises(GovernanceError, match="CutNotReady"):
        dao.cuts.execute(number, dao.people.stranger)


def test_caps_are_cut_by_half_at_most(bench: AdapterBench) -> None:
    with pytest.raises(GuardrailError, match="CapCutTooDeep"):
        bench.cut(bench.altered(borrow_cap=499_999 * USD))
    bench.cut(bench.altered(borrow_cap=500_000 * USD))


def test_a_supply_cap_is_not_cut_below_what_came_in_meanwhile(bench: AdapterBench) -> None:
    update = bench.altered(supply_cap=600 * ETHER)
    bench.pretend(collateral=700 * ETHER)
    bench.cut(update)
    assert bench.current().supply_cap == 700 * ETHER


def test_the_budget_is_not_escaped_at_a_windows_edge(bench: AdapterBench) -> None:
    """A calendar month would allow 150 bps on its last day and on the next; a trailing window does not."""
    for value in (75_50, 76_00, 76_50):
        bench.apply(bench.update(value=value))
        bench.client.advance(3 * DAY)
    bench.client.advance(30 * DAY - 9 * DAY - 60)
    with pytest.raises(GuardrailError, match="BudgetExceeded"):
        bench.check(bench.update(value=77_00))


def test_a_year_of_small_steps_stays_inside_every_window(bench: AdapterBench) -> None:
    """The ratchet: each step is legal, and every thirty days hold at most 150 bps."""
    moves: list[tuple[int, int]] = []
    bench.set_limits(1, ceiling=95_00)
    end = bench.client.timestamp() + 365 * DAY
    while bench.client.timestamp() < end:
        now, value = bench.client.timestamp(), bench.current().liquidation_threshold_bps
        recent = sum(move for at, move in moves if at > now - 30 * DAY)
        update = bench.update(value=value + 50)
        if recent + 50 <= 150 and value + 50 <= 93_00:
            bench.apply(update)
            moves.append((bench.client.timestamp(), 50))
        elif value + 50 <= 93_00:
            with pytest.raises(GuardrailError, match="BudgetExceeded"):
                bench.check(update)
        bench.client.advance(3 * DAY + 1)
    assert all(sum(m for at, m in moves if 0 <= at - start < 30 * DAY) <= 150 for start, _ in moves)
    assert bench.current().liquidation_threshold_bps - 75_00 <= 150 * 13


def test_a_market_named_twice_in_a_batch_reverts(bench: AdapterBench) -> None:
    row = update_tuple(bench.update())
    with pytest.raises(GuardrailError, match="MarketsNotAscending"):
        bench.send(bench.adapter.functions.applyUpdates([row, row]))
    assert bench.current().liquidation_threshold_bps == 75_00


@pytest.mark.parametrize("other", ["chain", "gate"])
def test_a_signature_for_another_place_is_worth_nothing_here(dao: Rehearsal, other: str) -> None:
    update, gate = dao.update(), dao.deployment.verifying_contract
    hashers = {
        "chain": Eip712Hasher(dao.client.chain_id + 1, gate),
        "gate": Eip712Hasher(dao.client.chain_id, dao.deployment.addresses["governor"]),
    }
    digest = hashers[other].update_digest(update)
    pairs = [(agent.address, agent.sign(digest)) for agent in dao.people.agents[:3]]
    with pytest.raises(GovernanceError, match="BadSignature"):
        dao.proposals.submit(update, pairs, sender=dao.people.stranger)


def test_an_epochs_signatures_are_worth_nothing_in_the_next(dao: Rehearsal) -> None:
    update = dao.update()
    pairs = dao.signed(update)
    dao.proposals.submit(update, pairs, sender=dao.people.stranger)
    with pytest.raises(GovernanceError, match="EpochConsumed"):
        dao.proposals.submit(update, pairs, sender=dao.people.stranger)
    with pytest.raises(GovernanceError, match="BadSignature"):
        dao.proposals.submit(replace(update, epoch=2), pairs, sender=dao.people.stranger)


def test_one_digest_passes_one_lane_once(dao: Rehearsal) -> None:
    """A cut's signatures bring it in once, whatever door is tried afterwards."""
    cut = dao.update(60_00, scalar=Scalar.LTV)
    dao.announce(cut)
    with pytest.raises(GovernanceError, match="EpochConsumed"):
        dao.propose(cut)
    with pytest.raises(GovernanceError, match="EpochConsumed"):
        dao.announce(cut)


def test_a_malleated_signature_reverts(dao: Rehearsal) -> None:
    update = dao.update()
    (signer, good), *others = dao.signed(update)
    s = CURVE_ORDER - int.from_bytes(good[32:64], "big")
    twin = good[:32] + s.to_bytes(32, "big") + bytes([55 - good[64]])
    with pytest.raises(GovernanceError, match="BadSignature"):
        dao.proposals.submit(update, [(signer, twin), *others], sender=dao.people.stranger)


def test_a_removed_agents_old_signature_counts_no_more(dao: Rehearsal) -> None:
    update = dao.update()
    pairs = dao.signed(update)
    registry = dao.client.contract("AgentRegistry", dao.deployment.addresses["registry"])
    dao.client.send(dao.people.agents[0], registry.functions.unsetAgentWallet(1))
    with pytest.raises(GovernanceError, match="SignersWithoutVoice"):
        dao.proposals.submit(update, pairs, sender=dao.people.stranger)


def test_a_market_that_calls_back_changes_nothing_twice(stage: Stage) -> None:
    bench = stage.bench(market="ReentrantMarket")
    row = update_tuple(bench.update())
    for call in (
        bench.adapter.functions.rampStep(ASSET),
        bench.adapter.functions.applyUpdates([row]),
    ):
        data = call._encode_transaction_data()
        bench.send(bench.market.functions.plan(bench.adapter.address, data))
        with bench.rewound():
            bench.apply(bench.update())
            assert bench.current().liquidation_threshold_bps == 75_50
            assert bench.client.call(bench.market.functions.refusal()) != b""


def test_an_armed_ramp_is_stopped_by_its_guardian_and_by_its_signers(dao: Rehearsal) -> None:
    people = dao.people
    governor = dao.client.contract("ParameterGovernor", dao.deployment.addresses["governor"])
    number = dao.propose(dao.update(74_00))
    dao.close_window()
    dao.queue_and_wait(number)
    dao.proposals.execute(number, people.stranger)
    with pytest.raises(GovernanceError, match="NotGuardian"):
        dao.client.send(people.stranger, governor.functions.stopRamp(dao.proposals.governor_id(number)))
    with dao.rewound():
        dao.client.send(people.guardian, governor.functions.stopRamp(dao.proposals.governor_id(number)))
        assert stopped(dao, number)
    for agent in people.agents[:2]:
        dao.proposals.withdraw(number, agent)
    assert stopped(dao, number)
    dao.client.advance(DAY)
    with pytest.raises(GuardrailError, match="NoRamp"):
        dao.client.send(people.stranger, dao.proposals.ramp_step_call(number))
    assert dao.reader.parameters().liquidation_threshold_bps == 74_50


def stopped(dao: Rehearsal, number: int) -> bool:
    ramp = dao.proposals.ramp(number)
    return ramp is not None and ramp.stopped and ramp.ended


def test_one_signer_cannot_stop_a_ramp(dao: Rehearsal) -> None:
    number = dao.propose(dao.update(74_00))
    dao.close_window()
    dao.queue_and_wait(number)
    dao.proposals.execute(number, dao.people.stranger)
    dao.proposals.withdraw(number, dao.people.agents[0])
    dao.client.advance(DAY)
    dao.client.send(dao.people.stranger, dao.proposals.ramp_step_call(number))
    assert dao.reader.parameters().liquidation_threshold_bps == 74_00


def test_a_vetoed_change_returns_through_a_full_holder_vote_only(dao: Rehearsal) -> None:
    """The agents' epoch is consumed; the holders' own governor calls the adapter by the same timelock."""
    people, at = dao.people, dao.deployment.addresses
    update = dao.update()
    number = dao.propose(update)
    dao.open_voting()
    dao.proposals.veto(number, people.large)
    with pytest.raises(GovernanceError, match="EpochConsumed"):
        dao.propose(replace(dao.update(), attempt=1))
    token = dao.client.contract("GovernanceToken", at["governance_token"])
    holders = dao.client.contract("HolderGovernor", at["holder_governor"])
    adapter = dao.client.contract("DemoMarketAdapter", at["adapter"])
    dao.client.send(people.deployer, token.functions.delegate(people.deployer.address))
    dao.client.advance(1)
    call = adapter.functions.applyUpdates([update_tuple(update)])._encode_transaction_data()
    action = [adapter.address], [0], [call]
    dao.client.send(people.deployer, holders.functions.propose(*action, "bring it back"))
    proposal = dao.client.call(holders.functions.hashProposal(*action, keccak(b"bring it back")))
    dao.client.advance(12 * HOUR + 1)
    dao.client.send(people.deployer, holders.functions.castVote(proposal, 1))
    dao.client.advance(5 * DAY)
    by_hash = [*action, keccak(b"bring it back")]
    queue = holders.get_function_by_signature("queue(address[],uint256[],bytes[],bytes32)")
    dao.client.send(people.stranger, queue(*by_hash))
    dao.client.advance(DAY)
    execute = holders.get_function_by_signature("execute(address[],uint256[],bytes[],bytes32)")
    dao.client.send(people.stranger, execute(*by_hash))
    assert dao.reader.parameters().liquidation_threshold_bps == 75_50
