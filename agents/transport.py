"""uAgents, hardened: the only module that touches its private names.

uAgents 0.26 as it comes accepts replays and expired envelopes, dies of one malformed signed message,
binds to every interface, and waits half a minute for Fetch.ai services that we do not need.  What this
module changes, each with a test in tests/agents/test_transport.py:

- no Almanac, Agentverse or ledger query; peers come from the ``Directory`` port;
- the server binds to 127.0.0.1 (a reverse proxy with TLS stands in front of it in production);
- an envelope must be signed by an agent address, unexpired, of at most two minutes' life, at most
  256 kB, without nonce (nonce and expiry are interchangeable in the digest), and new;
- a payload that breaks its schema is dropped, and the next message is handled;
- start and stop take no network round trip and cancel only the agent's own tasks.

Warning: an envelope is transport, not evidence.  What counts is the EIP-712 signature inside.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import uagents.agent as uagents_agent
import uvicorn
from tenacity import AsyncRetrying, RetryError, retry_if_result, stop_after_attempt, wait_exponential
from uagents import Agent, Context
from uagents.asgi import ASGIServer
from uagents.registration import AgentRegistrationPolicy
from uagents.resolver import Resolver
from uagents_core.envelope import Envelope
from uagents_core.types import DeliveryStatus

from agents.wire import Bid, from_wire, negotiation_protocol, to_wire
from core.errors import NegotiationError
from core.messages import SignedMessage
from core.ports import Directory

MAX_BODY_BYTES = 256_000
MAX_LIFE_SECONDS = 120
HOST = "127.0.0.1"

Handler = Callable[[SignedMessage], Awaitable[None]]
log = logging.getLogger("tribunate.transport")


class DirectoryResolver(Resolver):  # type: ignore[misc]
    """Resolve a uAgents address through the ``Directory`` port, off the event loop."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def resolve(self, destination: str) -> tuple[str | None, list[str]]:
        """Return the address and its end points; nothing for a stranger."""
        endpoints = await asyncio.to_thread(self._directory.endpoints, destination)
        return (destination, list(endpoints)) if endpoints else (None, [])


class NoRegistration(AgentRegistrationPolicy):  # type: ignore[misc]
    """The agent registers on the DAO's chain, not with Fetch.ai."""

    async def register(self, *_args: Any, **_kwargs: Any) -> None:
        """Do nothing."""


class GuardedServer(ASGIServer):  # type: ignore[misc]
    """Checks size, signature, age and newness of an envelope before uAgents sees it."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._seen: dict[tuple[str, bytes], int] = {}
        self.refused: dict[str, int] = {}

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Serve ``POST /submit`` and nothing else."""
        if scope["type"] != "http":
            return
        if scope["path"] != "/submit" or scope["method"] != "POST":
            await self._refuse(send, 404, "not found")
            return
        body = await _read(receive)
        status, reason = (413, "too large") if body is None else self._fault(body)
        if reason or body is None:
            await self._refuse(send, status, reason)
            return
        await super().__call__(_without_sync_header(scope), _replay(body), send)

    def _fault(self, body: bytes) -> tuple[int, str]:
        """Say what is wrong with an envelope; remember it when nothing is."""
        try:
            envelope = Envelope.model_validate_json(body)
        except ValueError:
            return 400, "not an envelope"
        now = int(time.time())
        if not envelope.sender.startswith("agent1") or envelope.signature is None:
            return 403, "unsigned sender"
        if envelope.nonce is not None:
            return 400, "nonce is not supported"
        if envelope.expires is None or not now < envelope.expires <= now + MAX_LIFE_SECONDS:
            return 400, "expired"
        if not _verified(envelope):
            return 400, "bad signature"
        return self._remember(envelope, now)

    def _remember(self, envelope: Envelope, now: int) -> tuple[int, str]:
        # a signature is malleable (s, n - s), so the digest is the key
        key = (envelope.sender, envelope._digest())
        for old in [k for k, expires in self._seen.items() if expires < now]:
            del self._seen[old]
        if key in self._seen:
            return 409, "replay"
        self._seen[key] = int(envelope.expires or 0)
        return 200, ""

    async def _refuse(self, send: Any, status: int, reason: str) -> None:
        self.refused[reason] = self.refused.get(reason, 0) + 1
        await self._asgi_send(send=send, status_code=status, body={"error": reason})


def _verified(envelope: Envelope) -> bool:
    try:
        base64.b64decode(envelope.payload or "", validate=True).decode()
        return bool(envelope.verify())
    except Exception as error:  # ecdsa, bech32 and base64 raise six unrelated types here
        log.debug("envelope refused: %s", error)
        return False


async def _read(receive: Any) -> bytes | None:
    """Return the body, or ``None`` when it is too large."""
    body = b""
    while True:
        part = await receive()
        body += bytes(part.get("body", b""))
        if len(body) > MAX_BODY_BYTES:
            return None
        if not part.get("more_body"):
            return body


def _replay(body: bytes) -> Callable[[], Awaitable[dict[str, Any]]]:
    parts: Iterator[dict[str, Any]] = iter(({"type": "http.request", "body": body, "more_body": False},))

    async def receive() -> dict[str, Any]:
        return next(parts, {"type": "http.disconnect"})

    return receive


def _without_sync_header(scope: dict[str, Any]) -> dict[str, Any]:
    # a synchronous caller would leave a Future behind before anything is verified
    headers = [(name, value) for name, value in scope["headers"] if name.lower() != b"x-uagents-connection"]
    return {**scope, "headers": headers}


class HardenedAgent(Agent):  # type: ignore[misc]
    """An agent that never calls Fetch.ai's services and survives malformed payloads."""

    def __init__(self, *, name: str, seed: str, resolver: Resolver, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            name=name,
            seed=seed,
            resolve=resolver,
            registration_policy=NoRegistration(),
            loop=loop,
            network="testnet",
            log_level=logging.ERROR,
            agentverse=f"http://{HOST}:9",
            enable_agent_inspector=False,
            publish_agent_details=False,
            report_events=False,
            mark_inactive_on_shutdown=False,
        )
        self._server = GuardedServer(port=0, loop=loop, queries=self._queries, logger=self._logger)

    @property
    def server(self) -> GuardedServer:
        """The guarded server in front of this agent."""
        return self._server

    async def _update_agent_status(self, active: bool) -> None:
        """Not report to Agentverse: stock retries for 33 seconds before start-up handlers run."""

    async def _process_single_message(self, *args: Any, **kwargs: Any) -> None:
        try:
            await super()._process_single_message(*args, **kwargs)
        except Exception as error:  # stock: one malformed payload ends the queue for ever
            log.warning("dropped a message: %s", type(error).__name__)


class _QuietServer(uvicorn.Server):
    """A server that leaves signals to its host process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class UagentsTransport:
    """Sends and receives :class:`SignedMessage` between processes."""

    def __init__(self, *, name: str, seed: str, directory: Directory, handler: Handler) -> None:
        # seam: stock asks the Fetch.ai ledger in every constructor
        uagents_agent.get_almanac_contract = lambda *_args, **_kwargs: None
        loop = asyncio.get_running_loop()
        self._agent = HardenedAgent(name=name, seed=seed, resolver=DirectoryResolver(directory), loop=loop)
        self._handler = handler
        self._sends: set[asyncio.Task[None]] = set()
        self._http: _QuietServer | None = None
        self._serving: asyncio.Task[None] | None = None
        protocol = negotiation_protocol()
        protocol.on_message(Bid)(self._on_bid)
        self._agent.include(protocol)

    @property
    def address(self) -> str:
        """This agent's uAgents address."""
        return str(self._agent.address)

    @property
    def protocol_digests(self) -> frozenset[str]:
        """Digests of what this agent answers to."""
        return frozenset(self._agent.protocols)

    @property
    def server(self) -> GuardedServer:
        """The guarded HTTP application (tests drive it without a port)."""
        return self._agent.server

    async def start(self, *, port: int = 0) -> str:
        """Bind, serve, and return the end point; port 0 lets the system choose."""
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((HOST, port))
        config = uvicorn.Config(
            self._agent.server, log_level="error", lifespan="off", proxy_headers=False, access_log=False
        )
        self._http = _QuietServer(config)
        self._serving = asyncio.create_task(self._http.serve(sockets=[bound]))
        self._agent.setup()
        return f"http://{HOST}:{bound.getsockname()[1]}/submit"

    def send(self, destination: str, message: SignedMessage) -> None:
        """Send in the background; peers that are not up yet are tried again for a while."""
        task = asyncio.create_task(self._deliver(destination, message))
        self._sends.add(task)
        task.add_done_callback(self._sends.discard)

    async def _deliver(self, destination: str, message: SignedMessage) -> None:
        retrying = AsyncRetrying(
            retry=retry_if_result(lambda delivered: not delivered),
            stop=stop_after_attempt(6),
            wait=wait_exponential(multiplier=0.2, max=3),
        )
        try:
            await retrying(self._try, destination, message)
        except RetryError:
            log.warning("agent %s did not take a %s", destination[:16], message.phase)

    async def _try(self, destination: str, message: SignedMessage) -> bool:
        # a context keeps what it sends: a fresh one for each message
        status = await self._agent._build_context().send(destination, to_wire(message))
        return bool(status.status == DeliveryStatus.DELIVERED)

    async def _on_bid(self, _ctx: Context, _sender: str, bid: Bid) -> None:
        try:
            message = from_wire(bid)
        except NegotiationError as error:
            log.warning("dropped a message: %s", error.found)
            return
        await self._handler(message)

    async def stop(self) -> None:
        """Stop serving and cancel this agent's own tasks, and nobody else's."""
        if self._http is not None:
            self._http.should_exit = True
        agent = self._agent
        own = {agent._registration_task, agent._message_queue_task, agent._dispenser_task}
        tasks = [t for t in (*own, *agent._interval_tasks, *self._sends) if t is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._serving is not None:
            await asyncio.wait({self._serving}, timeout=3)
        agent._dispatcher.unregister(agent.address, agent)
