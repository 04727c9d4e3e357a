"""The hardened uAgents transport: what the wire accepts, and what it does not."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from uagents import Model
from uagents_core.envelope import Envelope
from uagents_core.identity import Identity

from agents.transport import MAX_BODY_BYTES, UagentsTransport
from agents.wire import Bid, protocol_digest, to_wire
from core.messages import Phase, SignedMessage

MESSAGE = SignedMessage(1, 0, 0, Phase.COMMIT, 2, b'{"a":1}', b"\x01" * 32, b"\x02" * 65)
BID_DIGEST = Model.build_schema_digest(Bid)


class Phonebook:
    """A public fake of the ``Directory`` port."""

    def __init__(self) -> None:
        self.entries: dict[str, tuple[str, ...]] = {}

    def endpoints(self, uagent: str) -> tuple[str, ...]:
        return self.entries.get(uagent, ())


class Inbox:
    """Collects messages and lets a test wait for the n-th."""

    def __init__(self) -> None:
        self.messages: list[SignedMessage] = []
        self._news = asyncio.Condition()

    async def take(self, message: SignedMessage) -> None:
        async with self._news:
            self.messages.append(message)
            self._news.notify_all()

    async def wait_for(self, count: int) -> None:
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(lambda: len(self.messages) >= count), 10)


class Station:
    """One agent's transport with its inbox."""

    def __init__(self, name: str, book: Phonebook) -> None:
        self.inbox = Inbox()
        self.transport = UagentsTransport(
            name=name, seed=f"{name} {uuid.uuid4()}", directory=book, handler=self.inbox.take
        )

    async def post(self, body: str | bytes) -> int:
        """Hand ``body`` to the guarded server, without a port."""
        http = httpx.ASGITransport(app=self.transport.server)
        async with httpx.AsyncClient(transport=http, base_url="http://agent") as client:
            headers = {"content-type": "application/json"}
            return (await client.post("/submit", content=body, headers=headers)).status_code


@pytest.fixture
async def book() -> Phonebook:
    return Phonebook()


@pytest.fixture
async def alice(book: Phonebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Station]:
    monkeypatch.chdir(tmp_path)
    station = Station("alice", book)
    book.entries[station.transport.address] = (await station.transport.start(),)
    yield station
    await station.transport.stop()


def envelope(station: Station, who: Identity, payload: str | None = None, **changes: object) -> Envelope:
    """Return a signed envelope with a valid bid, unless told otherwise."""
    fields: dict[str, object] = {
        "version": 1,
        "sender": who.address,
        "target": station.transport.address,
        "session": uuid.uuid4(),
        "schema_digest": BID_DIGEST,
        "expires": int(time.time()) + 30,
    }
    made = Envelope(**{**fields, **changes})
    made.encode_payload(to_wire(MESSAGE).json() if payload is None else payload)
    made.sign(who)
    return made


async def test_a_message_crosses_between_two_agents(alice: Station, book: Phonebook) -> None:
    bob = Station("bob", book)
    book.entries[bob.transport.address] = (await bob.transport.start(),)
    # both agents live in this process: go over HTTP all the same, as two processes would
    who = Identity.from_seed("carol", 0)
    assert await alice.post(envelope(alice, who).model_dump_json()) == 200
    await alice.inbox.wait_for(1)
    assert alice.inbox.messages == [MESSAGE]
    await bob.transport.stop()


async def test_an_exact_replay_is_refused(alice: Station) -> None:
    body = envelope(alice, Identity.generate()).model_dump_json()
    assert await alice.post(body) == 200
    assert await alice.post(body) == 409


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"expires": int(time.time()) - 3600}, 400),
        ({"expires": None}, 400),
        ({"expires": int(time.time()) + 10_000_000}, 400),
        ({"nonce": 7}, 400),
    ],
    ids=["expired", "without expiry", "lives too long", "with nonce"],
)
async def test_an_envelope_that_is_not_fresh_is_refused(
    alice: Station, changes: dict[str, object], status: int
) -> None:
    assert await alice.post(envelope(alice, Identity.generate(), **changes).model_dump_json()) == status


async def test_an_unsigned_envelope_is_refused(alice: Station) -> None:
    made = envelope(alice, Identity.generate())
    made.signature = None
    assert await alice.post(made.model_dump_json()) == 403


async def test_a_user_sender_is_refused(alice: Station) -> None:
    made = envelope(alice, Identity.generate())
    made.sender = "user1" + made.sender[6:]
    assert await alice.post(made.model_dump_json()) == 403


async def test_a_tampered_payload_is_refused(alice: Station) -> None:
    made = envelope(alice, Identity.generate())
    made.encode_payload(to_wire(MESSAGE).json().replace('"epoch": 1', '"epoch": 2'))
    assert await alice.post(made.model_dump_json()) == 400


async def test_a_forged_sender_is_refused(alice: Station) -> None:
    made = envelope(alice, Identity.generate())
    made.sender = Identity.generate().address
    assert await alice.post(made.model_dump_json()) == 400


async def test_a_payload_that_is_not_base64_is_refused(alice: Station) -> None:
    who = Identity.generate()
    made = envelope(alice, who)
    made.payload = "%%%"
    made.sign(who)
    assert await alice.post(made.model_dump_json()) == 400


async def test_a_large_body_is_refused(alice: Station) -> None:
    assert await alice.post(b"x" * (MAX_BODY_BYTES + 1)) == 413


async def test_what_is_not_an_envelope_is_refused(alice: Station) -> None:
    assert await alice.post(b'{"hello": 1}') == 400


async def test_other_paths_are_closed(alice: Station) -> None:
    http = httpx.ASGITransport(app=alice.transport.server)
    async with httpx.AsyncClient(transport=http, base_url="http://agent") as client:
        for path in ("/messages", "/agent_info", "/"):
            answer = await client.get(path, headers={"x-forwarded-for": "127.0.0.1"})
            assert answer.status_code == 404


@pytest.mark.parametrize(
    "payload",
    ['{"epoch": "one"}', "[]", '{"epoch": 1}', to_wire(MESSAGE).json().replace("}", ', "more": 1}')],
)
async def test_a_signed_message_that_breaks_the_schema_silences_nobody(alice: Station, payload: str) -> None:
    who = Identity.generate()
    await alice.post(envelope(alice, who, payload=payload).model_dump_json())
    assert await alice.post(envelope(alice, who).model_dump_json()) == 200
    await alice.inbox.wait_for(1)
    assert alice.inbox.messages == [MESSAGE]


async def test_the_server_listens_on_the_loop_back_interface_only(alice: Station, book: Phonebook) -> None:
    (endpoint,) = book.entries[alice.transport.address]
    assert endpoint.startswith("http://127.0.0.1:")


async def test_stop_leaves_the_tasks_of_the_host_alone(
    book: Phonebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    station = Station("dave", book)
    await station.transport.start()
    host = asyncio.create_task(asyncio.Event().wait())
    await station.transport.stop()
    assert not host.done()
    host.cancel()


def test_the_schema_digest_is_frozen() -> None:
    """A change of name, field or docstring of ``Bid`` cuts off every deployed peer."""
    assert BID_DIGEST == "model:ea6adce7021902912809109c85947f8a509a7caa11c386e01654befe3d9638e4"


async def test_the_published_protocol_is_the_one_that_is_spoken(alice: Station) -> None:
    spoken = alice.transport.protocol_digests
    assert protocol_digest() in spoken
    assert protocol_digest() == "proto:e2b3a3d84f30636cf5488d770968e4fbb9c24427447ccdb62dcc1aa3ea19a959"
