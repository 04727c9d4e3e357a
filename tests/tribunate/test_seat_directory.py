"""Whom an agent writes to: seated peers, at end points that they have signed, who speak its protocol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from uagents_core.identity import Identity

from agents.binding import attest, bind
from agents.wire import PROTOCOL_NAME, protocol_digest
from core.ports import Seat, SeatTable
from governance.overview import read_overview
from governance.registry import PROTOCOL_DIGEST, AgentCard
from governance.rehearsal import Rehearsal
from tribunate.dao import Dao, SeatDirectory, connect
from tribunate.guardrail_text import overview_record

ENDPOINT = ("http://127.0.0.1:9100/submit",)
OTHER = "proto:" + "0" * 64


@pytest.fixture(scope="module")
def deployed() -> Iterator[Rehearsal]:
    rehearsal = Rehearsal()
    yield rehearsal
    rehearsal.close()


@pytest.fixture
def rehearsal(deployed: Rehearsal) -> Iterator[Rehearsal]:
    with deployed.rewound():
        yield deployed


class Peer:
    """A registered agent, seen by another that thinks it seated."""

    def __init__(self, rehearsal: Rehearsal, spoken: str) -> None:
        self.rehearsal = rehearsal
        self.dao: Dao = connect(rehearsal.client.rpc_url, rehearsal.deployment)
        self.identity = Identity.from_seed("a peer of the directory's tests", 0)
        self.wallet = rehearsal.people.stranger
        digest = self.dao.directory.binding_digest(self.wallet.address, self.identity.address)
        card = AgentCard(self.identity.address, ENDPOINT, attest(self.identity, ENDPOINT), spoken)
        binding = bind(self.identity, self.wallet, digest)
        self.agent_id = self.dao.directory.register(self.wallet, card, binding)
        self.events: list[dict[str, Any]] = []
        seat = Seat(self.agent_id, self.wallet.address, self.identity.address, "o", "f", "s")
        self.seen = SeatDirectory(
            self.dao,
            SeatTable(1, bytes(32), (seat,)),
            protocol_digest=protocol_digest(),
            report=self.events.append,
        )

    def endpoints(self) -> tuple[str, ...]:
        return self.seen.endpoints(self.identity.address)


def test_a_peer_of_the_same_protocol_is_written_to(rehearsal: Rehearsal) -> None:
    peer = Peer(rehearsal, protocol_digest())
    assert (peer.endpoints(), peer.events) == (ENDPOINT, [])
    assert peer.dao.directory.entry(peer.agent_id).card.protocol_digest == protocol_digest()


def test_a_peer_that_names_no_protocol_is_written_to(rehearsal: Rehearsal) -> None:
    peer = Peer(rehearsal, "")
    assert (peer.endpoints(), peer.events) == (ENDPOINT, [])


def test_a_peer_of_another_protocol_is_refused_and_named_once(rehearsal: Rehearsal) -> None:
    peer = Peer(rehearsal, OTHER)
    assert [peer.endpoints() for _ in range(3)] == [(), (), ()]
    (event,) = peer.events
    assert (event["type"], event["agent_id"], event["reason"]) == ("peer_refused", peer.agent_id, "protocol")
    assert event["found"] == f"agent {peer.agent_id} speaks protocol '{OTHER}', not {protocol_digest()}"


def test_a_peer_that_has_been_upgraded_is_written_to_again(rehearsal: Rehearsal) -> None:
    peer = Peer(rehearsal, OTHER)
    assert peer.endpoints() == ()
    peer.dao.directory.update_protocol(peer.wallet, peer.agent_id, protocol_digest())
    assert peer.endpoints() == ENDPOINT


def test_what_a_peer_writes_there_cannot_steer_a_terminal(rehearsal: Rehearsal) -> None:
    peer = Peer(rehearsal, "\x1b[2J" + "x" * 500)
    peer.endpoints()
    (event,) = peer.events
    assert "\x1b" not in event["found"] and len(event["found"]) < 240


def test_a_stranger_is_not_written_to_whatever_it_speaks(rehearsal: Rehearsal) -> None:
    peer = Peer(rehearsal, protocol_digest())
    assert peer.seen.endpoints(Identity.from_seed("nobody", 0).address) == ()
    assert peer.events == []


def test_a_forged_end_point_is_refused_before_the_protocol_is_looked_at(rehearsal: Rehearsal) -> None:
    peer = Peer(rehearsal, OTHER)
    peer.dao.directory.update_endpoints(
        peer.wallet, peer.agent_id, endpoints=("http://elsewhere",), attestation=b"forged"
    )
    assert (peer.endpoints(), peer.events) == ((), [])


def test_the_key_on_chain_names_the_protocol() -> None:
    assert f"protocolDigest:{PROTOCOL_NAME}" == PROTOCOL_DIGEST


def test_the_overview_says_what_each_seat_speaks(rehearsal: Rehearsal) -> None:
    directory = connect(rehearsal.client.rpc_url, rehearsal.deployment).directory
    directory.update_protocol(rehearsal.people.agents[1], 2, OTHER)
    seen = overview_record(read_overview(rehearsal.client, rehearsal.deployment))
    assert [seat["protocol_digest"] for seat in seen["seats"]] == ["", OTHER, "", ""]
