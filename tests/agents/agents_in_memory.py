"""Four whole agents in one event loop: real shells, journals and signatures; messages pass through memory.

Chain time passes only when every agent is silent.  A node may lose its power at any write of its journal:
what it was doing is abandoned, and a new agent is made on the same file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from fake_dao import (
    AGENTS,
    DAO,
    HASHER,
    MANDATE,
    SEATS,
    SIGNERS,
    START,
    FakeGovernor,
    FakePrices,
    FakeReader,
    FakeStrategy,
    make_desk,
)

from agents.agent import RiskAgent
from agents.caller import Caller
from agents.journal import Journal
from agents.keeper import Keeper
from agents.scheduler import EpochCalendar
from agents.watch import Watch
from core.epoch import keeper_order
from core.messages import SignedMessage
from core.negotiation import EpochContext
from tribunate.dao import Dao, epoch_context, message_signer

CALENDAR = EpochCalendar(START, MANDATE.epoch_seconds, MANDATE.phases)
STEP_SECONDS = 60


class CachedHasher:
    """EIP-712 digests, each computed once: four agents look at the same messages."""

    message_digest = staticmethod(lru_cache(maxsize=4096)(HASHER.message_digest))
    update_digest = staticmethod(lru_cache(maxsize=256)(HASHER.update_digest))


VERIFIER = SimpleNamespace(signer_of=lru_cache(maxsize=4096)(DAO.verifier.signer_of))
CACHED_DAO = cast(Dao, SimpleNamespace(deployment=DAO.deployment, hasher=CachedHasher, verifier=VERIFIER))


class PowerCut(Exception):
    """The process has ended here."""


@dataclass(frozen=True)
class Cut:
    """Power goes just before, or just after, the ``event``-th event is on disk (counted from 1)."""

    event: int
    written: bool


class FragileJournal(Journal):
    """A journal that writes up to a cut and then nothing more."""

    def __init__(self, path: Path, cut: Cut | None = None) -> None:
        super().__init__(path)
        self._db.execute("pragma synchronous = off")  # a process that ends leaves its pages to the system
        self.cut = cut
        self.appended = 0
        self.dead = False

    def append(self, epoch: int, kind: str, body: dict[str, Any]) -> None:
        if not self.dead:
            self.appended += 1
            self.dead = self.cut is not None and self.appended >= self.cut.event
            if not self.dead or (self.cut is not None and self.cut.written):
                super().append(epoch, kind, body)
        if self.dead:
            raise PowerCut

    def open_call(self, epoch: int, agent_id: int, *, time: int, message: dict[str, Any]) -> None:
        if not self.dead:
            self.appended += 1
            self.dead = self.cut is not None and self.appended >= self.cut.event
            if not self.dead or (self.cut is not None and self.cut.written):
                super().open_call(epoch, agent_id, time=time, message=message)
        if self.dead:
            raise PowerCut

    def finish(self, epoch: int, outcome: str, reason: str) -> None:
        if self.dead:
            raise PowerCut
        super().finish(epoch, outcome, reason)


Loses = Callable[[int], bool]
"""Whether the n-th attempt at a delivery is lost (``patient``: what a dead node did not take waits)."""


@dataclass
class Network:
    """The wires, the chain, and one node per seat."""

    bounds: dict[int, int | None]
    journals: dict[int, Path]
    loses: Loses = lambda _delivery: False
    attempts: int = 1
    patient: bool = True
    refused: list[tuple[int, SignedMessage]] = field(default_factory=list)
    cuts: dict[int, Cut] = field(default_factory=dict)
    strategies: dict[int, FakeStrategy] = field(default_factory=dict)
    governor: FakeGovernor = field(default_factory=FakeGovernor)
    prices: dict[int, FakePrices] = field(default_factory=lambda: {a: FakePrices() for a in AGENTS})
    sent: list[SignedMessage] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    nodes: dict[int, Node] = field(default_factory=dict)
    deliveries: int = 0
    restarts: int = 0

    def __post_init__(self) -> None:
        for agent in AGENTS:
            self.nodes[agent] = Node(self, agent, FragileJournal(self.journals[agent], self.cuts.get(agent)))

    @property
    def reader(self) -> FakeReader:
        return self.governor.reader

    async def start(self, epoch: int, *agents: int) -> None:
        for agent in agents or AGENTS:
            if self.nodes[agent].journal.claim(epoch):
                await self.nodes[agent].do(self.nodes[agent].shell.start(epoch))

    async def run(self, epoch: int, *, seconds: int = 8_000, step: int = STEP_SECONDS) -> dict[int, str]:
        """Let time pass until every agent has finished ``epoch``; return the outcomes."""
        end = self.reader.time + seconds
        while self.reader.time <= end and not all(self.outcome(agent, epoch) for agent in AGENTS):
            await self.tick()
            self.reader.time += step
        return {agent: self.outcome(agent, epoch) for agent in AGENTS}

    async def tick(self) -> None:
        for node in list(self.nodes.values()):
            await node.do(node.shell.tick(self.reader.time))
        await self.settle()

    async def settle(self) -> None:
        """Wait until nobody has anything to do; put the dead back on their feet."""
        me = asyncio.current_task()
        while (others := asyncio.all_tasks() - {me}) or (dead := self._dead()):
            if others:
                await asyncio.gather(*others, return_exceptions=True)
                continue
            for agent in dead:
                await self.restart(agent)

    def _dead(self) -> list[int]:
        return [agent for agent, node in self.nodes.items() if node.journal.dead]

    async def restart(self, agent: int) -> None:
        """Make a new agent on the journal that the old one left, as a new process would."""
        self.restarts += 1
        self.nodes[agent].journal.close()
        self.nodes[agent] = node = Node(self, agent, FragileJournal(self.journals[agent]))
        for epoch in node.journal.running():
            await node.do(node.shell.start(epoch))
        waiting, self.refused = self.refused, []
        for destination, message in waiting:
            asyncio.get_running_loop().create_task(self._hand_over(destination, message))

    def deliver(self, destination: str, message: SignedMessage) -> None:
        self.sent.append(message)
        for _ in range(self.attempts):
            self.deliveries += 1
            if not self.loses(self.deliveries):
                (agent,) = (seat.agent_id for seat in SEATS.seats if seat.uagent == destination)
                asyncio.get_running_loop().create_task(self._hand_over(agent, message))
                return

    async def _hand_over(self, agent: int, message: SignedMessage) -> None:
        node = self.nodes[agent]
        await node.do(node.shell.receive(message))
        if node.journal.dead and self.patient:
            self.refused.append((agent, message))

    def outcome(self, agent: int, epoch: int) -> str:
        found = self.nodes[agent].journal.outcome(epoch)
        return "" if found is None else found[0]

    def keepers(self, epoch: int) -> tuple[int, ...]:
        return keeper_order(epoch, DAO.deployment.market, SEATS.table_hash, AGENTS)

    def spoken(self, agent: int) -> dict[tuple[Any, ...], set[bytes]]:
        """Return the digests that went over the wire under each of an agent's keys."""
        found: dict[tuple[Any, ...], set[bytes]] = {}
        for message in self.sent:
            if message.agent_id == agent:
                found.setdefault(message.key, set()).add(message.digest)
        return found


class Node:
    """One agent's process: it does nothing more once its power is gone."""

    def __init__(self, network: Network, agent: int, journal: FragileJournal) -> None:
        self._network = network
        self.journal = journal
        plain = FakeStrategy(lambda _seed: network.bounds[agent])
        self.strategy = network.strategies.get(agent, plain)
        keeper = Keeper(
            rank=network.keepers(0).index(agent),
            sink=network.governor,
            desk=network.governor,
            report=network.events.append,
        )
        self.desk = make_desk(agent, network.reader, self.strategy, prices=network.prices[agent])
        sign = message_signer(CACHED_DAO, SIGNERS[agent], agent)

        def context_of(epoch: int) -> EpochContext:
            return epoch_context(
                CACHED_DAO, epoch=epoch, seats=SEATS, me=agent, mandate=MANDATE, calendar=CALENDAR
            )

        caller = Caller(
            watch=Watch(self.desk),
            journal=journal,
            agent_id=agent,
            rank=network.keepers(0).index(agent),
            context_of=context_of,
            sign=sign,
            report=network.events.append,
        )
        self.shell = RiskAgent(
            seat=SEATS.seats[agent - 1],
            desk=self.desk,
            keeper=keeper,
            caller=caller,
            journal=journal,
            transport=self,
            context_of=context_of,
            sign=sign,
            report=network.events.append,
        )

    def send(self, destination: str, message: SignedMessage) -> None:
        if not self.journal.dead:
            self._network.deliver(destination, message)

    async def do(self, work: Any) -> None:
        try:
            if self.journal.dead:
                work.close()
            else:
                await work
        except PowerCut:
            return
