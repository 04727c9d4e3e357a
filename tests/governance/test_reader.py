"""What the chain says of a market, its limits, its seats and its agents."""

from __future__ import annotations

import pytest

from core.errors import GovernanceError
from core.evidence import merkle_proof, verify_proof
from core.guardrails import DEFAULT_LIMITS, Change
from core.market import Scalar
from core.ports import TransportBinding
from core.units import PRICE_ONE
from governance.reader import position_value, positions_root
from governance.registry import AgentCard, AgentDirectory
from governance.rehearsal import ETHER, USD, Rehearsal, known_key
from governance.signing import keccak

UNKNOWN = "agent1qnobody"


def test_a_snapshot_is_what_was_deployed(dao: Rehearsal) -> None:
    market = dao.reader.market_snapshot()
    assert market.market == dao.deployment.market
    assert market.parameters == dao.config.parameters
    assert market.oracle_price == 2_000 * PRICE_ONE
    assert market.total_collateral == 30 * ETHER
    assert 36_000 * USD <= market.total_borrow < 36_001 * USD
    assert market.utilisation_bps == 3_61  # 36 000 and interest over 1 000 000, rounded up


def test_a_snapshot_of_an_old_block_does_not_move(dao: Rehearsal) -> None:
    block = dao.client.block_number()
    before = dao.reader.market_snapshot(block)
    dao.move_price(1_500 * PRICE_ONE)
    dao.client.advance(10**6)
    assert dao.reader.market_snapshot(block) == before
    assert dao.reader.market_snapshot().oracle_price == 1_500 * PRICE_ONE


def test_contract_and_core_agree_on_utilisation(dao: Rehearsal) -> None:
    market = dao.client.contract("DemoLendingMarket", dao.deployment.addresses["market"])
    utilisation, borrow = dao.client.call(market.functions.borrowState())
    snapshot = dao.reader.market_snapshot()
    assert (snapshot.utilisation_bps, snapshot.total_borrow) == (utilisation, borrow)


def test_positions_ascend_and_carry_interest(dao: Rehearsal) -> None:
    dao.client.advance(10**6)
    positions = dao.reader.positions()
    accounts = [position.account.lower() for position in positions]
    assert accounts == sorted(accounts)
    assert {position.collateral for position in positions} == {10 * ETHER}
    assert all(position.debt > 12_000 * USD for position in positions)


def test_the_positions_root_proves_each_position(dao: Rehearsal) -> None:
    positions = dao.reader.positions()
    root = dao.reader.market_snapshot().positions_root
    values = [position_value(position) for position in positions]
    for value in values:
        assert verify_proof(root, value, merkle_proof(values, value, keccak), keccak)
    assert positions_root(positions[:2]) != root
    assert positions_root(()) == bytes(32)


def test_limits_start_as_the_defaults(dao: Rehearsal) -> None:
    assert dao.reader.limits() == DEFAULT_LIMITS


def test_changes_are_what_was_executed(dao: Rehearsal) -> None:
    assert dao.reader.changes() == ()
    number = dao.propose()
    dao.close_window()
    dao.queue_and_wait(number)
    dao.proposals.execute(number, dao.people.stranger)
    now = dao.reader.chain_time()
    assert set(dao.reader.changes()) == {
        Change(Scalar.LTV, now, 50),
        Change(Scalar.LIQUIDATION_THRESHOLD, now, 50),
    }


def test_the_mandate_is_on_chain_by_its_hash(dao: Rehearsal) -> None:
    assert dao.reader.mandate_hash() == keccak(dao.config.mandate.canonical())


def test_seats_are_as_attested(dao: Rehearsal) -> None:
    table = dao.reader.seat_table()
    assert [seat.agent_id for seat in table.seats] == [1, 2, 3, 4]
    assert [seat.family for seat in table.seats] == ["formula", "neural"] * 2
    assert [seat.uagent for seat in table.seats] == [transport_of(dao, place) for place in range(4)]
    assert table == dao.reader.seat_table(table.version)


def test_a_transport_address_changed_after_seating_is_not_believed(dao: Rehearsal) -> None:
    before = [seat.uagent for seat in dao.reader.seat_table().seats]
    directory, agent = AgentDirectory(dao.client, dao.deployment), dao.people.agents[0]
    other = known_key("another transport")
    uagent = directory.uagent_address(other.public_key)
    digest = directory.binding_digest(agent.address, uagent)
    binding = TransportBinding(other.public_key, other.sign(digest), agent.sign(digest))
    directory.bind(agent, 1, binding)
    assert [seat.uagent for seat in dao.reader.seat_table().seats] == ["", *before[1:]]


# ---- directory


def test_a_peer_is_found_by_its_transport_address(dao: Rehearsal) -> None:
    entry = dao.reader.directory_entry(transport_of(dao, 2))
    assert entry is not None
    assert (entry.agent_id, entry.wallet, entry.seated) == (3, dao.people.agents[2].address, True)
    assert entry.card.endpoints == ("http://127.0.0.1:9002",)


def test_an_unknown_peer_is_none(dao: Rehearsal) -> None:
    assert dao.reader.directory_entry(UNKNOWN) is None


def transport_of(dao: Rehearsal, place: int) -> str:
    return AgentDirectory(dao.client, dao.deployment).entry(place + 1).card.uagent


def test_a_transport_address_has_one_holder(dao: Rehearsal) -> None:
    """Nobody can claim another's: the registry asks for a signature of its key."""
    directory, stranger = AgentDirectory(dao.client, dao.deployment), dao.people.stranger
    victim = known_key(f"transport of {dao.people.agents[2].address}")
    digest = directory.binding_digest(stranger.address, transport_of(dao, 2))
    forged = TransportBinding(victim.public_key, stranger.sign(digest), stranger.sign(digest))
    with pytest.raises(GovernanceError, match="BadTransportProof"):
        directory.register(stranger, AgentCard("", ("http://evil",), b""), forged)
    found = directory.find(transport_of(dao, 2))
    assert [(entry.agent_id, entry.seated) for entry in found] == [(3, True)]


def test_an_unbound_identity_is_found_by_its_wallet(dao: Rehearsal) -> None:
    """An agent that was cut between its two transactions finds what it has begun."""
    directory, stranger = AgentDirectory(dao.client, dao.deployment), dao.people.stranger
    dao.client.send(stranger, directory.contract.get_function_by_signature("register()")())
    (entry,) = directory.of_wallet(stranger.address)
    assert (entry.agent_id, entry.card.uagent) == (5, "")


def test_an_agent_moves_its_end_points(dao: Rehearsal) -> None:
    directory = AgentDirectory(dao.client, dao.deployment)
    agent = dao.people.agents[2]
    directory.update_endpoints(agent, 3, endpoints=("http://127.0.0.1:7",), attestation=b"signed")
    card = directory.entry(3).card
    assert (card.endpoints, card.attestation) == (("http://127.0.0.1:7",), b"signed")


@pytest.mark.parametrize("value", [b"", b"{", b"7", b'"http://x"', b"\xff"])
def test_end_points_that_are_no_list_count_as_none(dao: Rehearsal, value: bytes) -> None:
    registry = dao.client.contract("AgentRegistry", dao.deployment.addresses["registry"])
    dao.client.send(dao.people.agents[0], registry.functions.setMetadata(1, "endpoint", value))
    assert AgentDirectory(dao.client, dao.deployment).entry(1).card.endpoints == ()
