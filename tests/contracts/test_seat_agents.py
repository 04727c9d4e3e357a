"""Seats: versions, spread over operators, vacated seats, and the table that a digest names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from web3.contract.contract import Contract

from contracts.artifacts import load_any_artifact
from core.errors import GovernanceError
from governance.client import ChainClient
from governance.devchain.back_ends import RunningChain
from governance.devchain.chain import Genesis
from governance.founding.demo import short_text
from governance.rehearsal import ETHER, GENESIS_TIME, HOUR, Rehearsal, known_key
from governance.signing import LocalSigner
from tests.chains import open_chain
from tests.contracts.registries import Registries, open_registries

OWNER = known_key("deployer")
OUTSIDER = known_key("outsider")


@pytest.fixture(scope="module")
def seat_chain() -> Iterator[RunningChain]:
    keys = [OWNER, OUTSIDER, *(agent(n) for n in range(1, 8))]
    balances = {bytes.fromhex(key.address[2:]): 10**3 * ETHER for key in keys}
    with open_chain(Genesis(GENESIS_TIME, balances)) as chain:
        yield chain


@pytest.fixture
def client(seat_chain: RunningChain) -> ChainClient:
    return ChainClient(seat_chain.url, artifacts=load_any_artifact)


@pytest.fixture
def registries(client: ChainClient) -> Registries:
    """Registries of the test's own with seven registered agents and no seat."""
    made = open_registries(client, OWNER)
    for number in range(1, 8):
        made.register(agent(number))
    return made


@pytest.fixture
def registry(registries: Registries) -> Contract:
    return registries.seats


def agent(number: int) -> LocalSigner:
    return known_key(f"seat agent {number}")


def request(agent_id: int, operator: str) -> tuple[int, bytes, bytes, bytes]:
    return agent_id, short_text(operator), short_text("neural"), short_text("exchange")


def seat(client: ChainClient, registry: Contract, *seats: tuple[int, str]) -> None:
    client.send(OWNER, registry.functions.seat([request(*one) for one in seats]))


FOUR = ((1, "a"), (2, "b"), (3, "c"), (4, "d"))


def test_seats_come_in_one_version_ascending(client: ChainClient, registry: Contract) -> None:
    seat(client, registry, *reversed(FOUR))
    assert client.call(registry.functions.seatVersion()) == 1
    assert [row[0] for row in client.call(registry.functions.seatsOf(1))] == [1, 2, 3, 4]
    assert client.call(registry.functions.isUsable(1))


@pytest.mark.parametrize(("seats", "faults", "needed"), [(4, 1, 3), (5, 1, 4), (6, 1, 5), (7, 2, 5)])
def test_faults_and_quorum_follow_from_the_number_of_seats(
    client: ChainClient, registry: Contract, *, seats: int, faults: int, needed: int
) -> None:
    seat(client, registry, *((n, f"operator {n}") for n in range(1, seats + 1)))
    assert client.call(registry.functions.faultsOf(1)) == faults
    assert client.call(registry.functions.signersNeeded(1)) == needed


def test_old_versions_stay_readable(client: ChainClient, registry: Contract) -> None:
    seat(client, registry, *FOUR)
    first = client.call(registry.functions.seatTableHash(1))
    seat(client, registry, (5, "e"))
    assert client.call(registry.functions.seatTableHash(1)) == first
    assert client.call(registry.functions.seatTableHash(2)) != first
    assert len(client.call(registry.functions.seatsOf(1))) == 4


def test_seating_reverts_for_others(client: ChainClient, registry: Contract) -> None:
    with pytest.raises(GovernanceError, match="OwnableUnauthorizedAccount"):
        client.send(OUTSIDER, registry.functions.seat([request(1, "a")]))


def test_seating_twice_reverts(client: ChainClient, registry: Contract) -> None:
    seat(client, registry, *FOUR)
    with pytest.raises(GovernanceError, match="AlreadySeated"):
        seat(client, registry, (1, "a"))


def test_seating_an_unknown_agent_reverts(client: ChainClient, registry: Contract) -> None:
    with pytest.raises(GovernanceError, match="NoWallet"):
        seat(client, registry, (99, "a"))


def test_one_wallet_cannot_hold_two_seats(client: ChainClient, registries: Registries) -> None:
    registries.register(agent(1))
    with pytest.raises(GovernanceError, match="WalletTaken"):
        seat(client, registries.seats, (1, "a"), (8, "b"))


def test_an_agent_without_a_transport_address_gets_no_seat(
    client: ChainClient, registries: Registries
) -> None:
    register = registries.identities.get_function_by_signature("register()")
    client.send(OUTSIDER, register())
    with pytest.raises(GovernanceError, match="NoTransport"):
        seat(client, registries.seats, (8, "a"))


def test_an_operator_holds_at_most_f_seats(client: ChainClient, registry: Contract) -> None:
    with pytest.raises(GovernanceError, match=r"OperatorHoldsTooMany\(operator=a, seats=2, allowed=1\)"):
        seat(client, registry, (1, "a"), (2, "a"), (3, "c"), (4, "d"))


def test_seven_seats_allow_two_of_one_operator(client: ChainClient, registry: Contract) -> None:
    seat(client, registry, (1, "a"), (2, "a"), *((n, f"operator {n}") for n in range(3, 8)))
    assert client.call(registry.functions.isUsable(1))


def test_three_seats_are_not_usable(client: ChainClient, registry: Contract) -> None:
    seat(client, registry, *FOUR[:3])
    assert not client.call(registry.functions.isUsable(1))


def test_unseating_makes_a_new_version(client: ChainClient, registry: Contract) -> None:
    seat(client, registry, *FOUR, (5, "e"))
    client.send(OWNER, registry.functions.unseat(3))
    assert [row[0] for row in client.call(registry.functions.seatsOf(2))] == [1, 2, 4, 5]
    assert not client.call(registry.functions.isSeatedAt(2, agent(3).address))
    assert client.call(registry.functions.isSeatedAt(1, agent(3).address))


def test_unseating_nobody_reverts(client: ChainClient, registry: Contract) -> None:
    seat(client, registry, *FOUR)
    with pytest.raises(GovernanceError, match="NotSeated"):
        client.send(OWNER, registry.functions.unseat(5))


def test_a_vacated_seat_may_leave_a_table_that_is_not_usable(
    client: ChainClient, registries: Registries
) -> None:
    registry = registries.seats
    seat(client, registry, (1, "a"), (2, "a"), *((n, f"operator {n}") for n in range(3, 8)))
    client.send(agent(7), registries.identities.functions.unsetAgentWallet(7))
    assert client.call(registry.functions.seatVersion()) == 2
    assert not client.call(registry.functions.isUsable(2))  # six seats, f = 1, operator a holds two


def test_an_update_reverts_on_an_unknown_table(dao: Rehearsal) -> None:
    with pytest.raises(GovernanceError, match="UnknownSeatTable"):
        dao.propose(replace(dao.update(), seat_table_hash=bytes(32)))


def leave(dao: Rehearsal, number: int) -> None:
    """One agent gives its seat up."""
    registry = dao.client.contract("AgentRegistry", dao.deployment.addresses["registry"])
    dao.client.send(dao.people.agents[number], registry.functions.unsetAgentWallet(number + 1))


def test_the_table_of_the_announce_stays_good_for_six_hours(dao: Rehearsal) -> None:
    update = dao.update()
    leave(dao, 3)
    dao.client.advance(HOUR - 60)
    assert dao.propose(update) == 1


def test_a_table_replaced_too_long_ago_reverts(dao: Rehearsal) -> None:
    table = dao.reader.seat_table().table_hash
    leave(dao, 3)
    dao.client.advance(6 * HOUR)
    with pytest.raises(GovernanceError, match="SeatTableSuperseded"):
        dao.propose(replace(dao.update(), seat_table_hash=table))


def test_a_signer_that_has_left_reverts(dao: Rehearsal) -> None:
    update = dao.update()
    leave(dao, 0)
    with pytest.raises(GovernanceError, match="SignersWithoutVoice"):
        dao.propose(update)


def test_a_table_of_three_reverts(dao: Rehearsal) -> None:
    leave(dao, 3)
    with pytest.raises(GovernanceError, match="SeatTableNotUsable"):
        dao.propose(dao.update())


def test_nobody_vacates_a_seat_whose_wallet_stands(client: ChainClient, registry: Contract) -> None:
    seat(client, registry, *FOUR)
    with pytest.raises(GovernanceError, match="StillItsWallet"):
        client.send(OUTSIDER, registry.functions.vacate(1))


def test_a_disabled_seat_has_no_voice_until_it_is_restored(client: ChainClient, registry: Contract) -> None:
    seat(client, registry, *FOUR)
    client.send(OWNER, registry.functions.setGuardian(OUTSIDER.address))
    client.send(OUTSIDER, registry.functions.disable(2))
    assert not client.call(registry.functions.isActive(agent(2).address))
    assert client.call(registry.functions.isSeatedAt(1, agent(2).address))
    assert client.call(registry.functions.lostSince(1, 0b1111)) == 0b0010
    client.send(OUTSIDER, registry.functions.restore(2))
    assert client.call(registry.functions.isActive(agent(2).address))


def test_a_disabled_seat_stays_disabled_when_others_come_and_go(
    client: ChainClient, registry: Contract
) -> None:
    seat(client, registry, (2, "b"), (3, "c"), (4, "d"), (5, "e"))
    client.send(OWNER, registry.functions.disable(4))
    seat(client, registry, (1, "a"))
    client.send(OWNER, registry.functions.unseat(2))
    seat(client, registry, (7, "g"))
    active = [n for n in range(1, 8) if client.call(registry.functions.isActive(agent(n).address))]
    assert active == [1, 3, 5, 7]


def test_the_guardians_term_ends(client: ChainClient, registry: Contract) -> None:
    seat(client, registry, *FOUR)
    client.send(OWNER, registry.functions.setGuardian(OUTSIDER.address))
    client.advance(180 * 24 * HOUR)
    with pytest.raises(GovernanceError, match="NotGuardian"):
        client.send(OUTSIDER, registry.functions.disable(2))


def test_a_stranger_disables_nobody(client: ChainClient, registry: Contract) -> None:
    seat(client, registry, *FOUR)
    with pytest.raises(GovernanceError, match="NotGuardian"):
        client.send(OUTSIDER, registry.functions.disable(2))
    with pytest.raises(GovernanceError, match="NotGuardian"):
        client.send(OUTSIDER, registry.functions.restore(2))


def test_a_disabled_agent_cannot_sign(dao: Rehearsal) -> None:
    seats = dao.client.contract("SeatRegistry", dao.deployment.addresses["seats"])
    dao.client.send(dao.people.guardian, seats.functions.disable(1))
    with pytest.raises(GovernanceError, match="SignersWithoutVoice"):
        dao.propose()
