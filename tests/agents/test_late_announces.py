"""Announces that cross between whole agents, and an agent that goes down between two judgements."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from agents_in_memory import CACHED_DAO, Cut, Network
from fake_dao import AGENTS, DAO, MANDATE, SEATS, SIGNERS, START, FakeGovernor, FakeReader, FakeStrategy

from core.epoch import keeper_order
from core.evidence import canonical_json
from core.market import MarketSnapshot
from core.messages import Phase, SignedMessage
from core.recommendation import Observation, Recommendation
from tribunate.dao import message_signer

BOUND = 76_10
FIRST, SECOND, THIRD, _ = keeper_order(1, DAO.deployment.market, SEATS.table_hash, AGENTS)
SECOND_TURN = START + MANDATE.phases.announce // len(AGENTS)


def announced_by(net: Network, agent: int) -> SignedMessage:
    """Return what the keeper has announced; its wires were slow."""
    body = net.nodes[agent].desk.announce_body(MANDATE.scalar_of(1))
    sign = message_signer(CACHED_DAO, SIGNERS[agent], agent)
    return sign(1, Phase.ANNOUNCE, 0, 0, canonical_json(body))


def followed(net: Network) -> dict[int, str]:
    """Return which announce each agent's commit answers."""
    return {m.agent_id: m.body()["announce"] for m in net.sent if m.phase is Phase.COMMIT}


@dataclass
class Interrupted(FakeReader):
    """A chain during whose first reading something happens."""

    happens: list[Callable[[], None]] = field(default_factory=list)

    def market_snapshot(self, block: int | None = None) -> MarketSnapshot:
        if block is None and self.happens:
            self.happens.pop()()
        return super().market_snapshot(block)


class Thoughtful(FakeStrategy):
    """Its first judgement ends when all agents have come to theirs."""

    def __init__(self, together: threading.Barrier) -> None:
        super().__init__(lambda _seed: BOUND)
        self._together = [together]

    def recommend(self, observation: Observation) -> Recommendation:
        if self._together:
            self._together.pop().wait(10)
        return super().recommend(observation)


async def test_a_keeper_that_is_overtaken_while_it_reads_the_chain_says_nothing() -> None:
    loop, reader = asyncio.get_running_loop(), Interrupted(time=SECOND_TURN)
    memory = dict.fromkeys(AGENTS, Path(":memory:"))
    net = Network(dict.fromkeys(AGENTS, BOUND), memory, governor=FakeGovernor(reader))
    announce = announced_by(net, FIRST)

    def overtake() -> None:
        for agent in AGENTS:
            shell = net.nodes[agent].shell
            asyncio.run_coroutine_threadsafe(shell.receive(announce), loop).result(10)

    reader.happens.append(overtake)
    await net.start(1)
    outcomes = await net.run(1)
    assert not [m for m in net.sent if m.phase is Phase.ANNOUNCE and m.agent_id == SECOND]
    assert followed(net) == dict.fromkeys(AGENTS, announce.digest.hex())
    assert set(outcomes.values()) == {"proposed"}


async def crossed(journals: dict[int, Path], cuts: dict[int, Cut]) -> tuple[Network, str]:
    """Run an epoch in which all judge the second keeper's announce when the first one's comes."""
    loop = asyncio.get_running_loop()

    def arrive() -> None:
        for agent in AGENTS:
            node = net.nodes[agent]
            asyncio.run_coroutine_threadsafe(node.do(node.shell.receive(announce)), loop).result(10)

    together = threading.Barrier(len(AGENTS), action=arrive)
    strategies: dict[int, FakeStrategy] = {agent: Thoughtful(together) for agent in AGENTS}
    net = Network(dict.fromkeys(AGENTS, BOUND), journals, strategies=strategies, cuts=cuts)
    net.reader.time = SECOND_TURN
    announce = announced_by(net, FIRST)
    await net.start(1)
    outcomes = await net.run(1)
    assert set(outcomes.values()) == {"proposed"}
    assert len(net.governor.submitted) == 1
    return net, announce.digest.hex()


async def test_an_announce_that_comes_during_the_judgement_is_judged_next_by_all() -> None:
    net, earliest = await crossed(dict.fromkeys(AGENTS, Path(":memory:")), {})
    assert {m.agent_id for m in net.sent if m.phase is Phase.ANNOUNCE} == {FIRST, SECOND}
    assert followed(net) == dict.fromkeys(AGENTS, earliest)


@pytest.mark.parametrize("written", [True, False])
@pytest.mark.parametrize("event", [2, 3, 4, 5], ids=["announce", "judged", "judged again", "commit"])
async def test_an_agent_that_ends_around_the_second_judgement_goes_on(
    tmp_path: Path, event: int, written: bool
) -> None:
    journals = {agent: tmp_path / f"{agent}.sqlite" for agent in AGENTS}
    net, earliest = await crossed(journals, {THIRD: Cut(event, written=written)})
    assert net.restarts == 1
    assert followed(net) == dict.fromkeys(AGENTS, earliest)
    assert all(len(digests) == 1 for digests in net.spoken(THIRD).values())
