"""Whole agents, from the announce to the governor: over lost messages, and over a crash at every point."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from agents_in_memory import STEP_SECONDS, Cut, Network
from fake_dao import AGENTS, DAO, HASHER, SIGNERS, START, model_of

from agents.agent import PENDING_LIMIT
from core.lanes import Lane, lane_of
from core.messages import Phase, SignedMessage
from core.recompute import recompute
from tribunate.dao import signer_of_message

BOUNDS: dict[int, int | None] = {1: 77_85, 2: 78_40, 3: 76_10, 4: 75_90}
CANDIDATE = 75_50
"""The third largest bound is 76.10 %; one step from 75.00 % reaches 75.50 %."""

MEMORY = dict.fromkeys(AGENTS, Path(":memory:"))


def network(bounds: dict[int, int | None] = BOUNDS, **settings: object) -> Network:
    return Network(bounds, **{"journals": MEMORY, **settings})


async def test_four_agents_propose_the_third_largest_bound_inside_the_step() -> None:
    net = network()
    await net.start(1)
    assert await net.run(1) == dict.fromkeys(AGENTS, "proposed")
    ((update, signatures),) = net.governor.submitted
    assert update.proposed.liquidation_threshold_bps == CANDIDATE
    assert update.proposed.ltv_bps == 70_50, "the LTV stood at the margin and moves along"
    assert (update.low_bound, update.high_bound) == (76_10, 77_85)
    assert update.models == tuple(sorted(model_of(agent) for agent in AGENTS))
    digest = HASHER.update_digest(update)
    signers = [DAO.verifier.signer_of(digest, signature) for _, signature in signatures]
    assert signers == [wallet for wallet, _ in signatures]
    assert signers == sorted((s.address for s in SIGNERS.values()), key=lambda a: int(a, 16))


async def test_nobody_waits_for_a_deadline_when_all_speak() -> None:
    net = network()
    await net.start(1)
    await net.tick()
    assert net.reader.time == START
    assert net.reader.consumed == {1}


async def test_the_candidate_follows_from_the_sent_messages_alone() -> None:
    net = network()
    await net.start(1)
    await net.run(1)
    again = recompute(net.sent, 1, signer_of=lambda m: signer_of_message(DAO.hasher, DAO.verifier, m))
    assert (again.outcome, again.value, again.bounds) == ("proposed", CANDIDATE, BOUNDS)


async def test_bounds_below_the_current_value_start_a_ramp_as_far_as_guardrails_go() -> None:
    net = network({1: 60_00, 2: 74_00, 3: 45_00, 4: 50_00})
    await net.start(1)
    assert await net.run(1) == dict.fromkeys(AGENTS, "proposed")
    ((update, signatures),) = net.governor.submitted
    assert update.proposed.liquidation_threshold_bps == 73_50, "the budget of 30 days is 1.50 %"
    assert update.proposed.ltv_bps == 68_50
    assert lane_of(update.expected, update.proposed, total_collateral=10**21) is Lane.RAMP
    assert len(signatures) == len(AGENTS)


async def test_an_agent_that_names_a_revoked_model_counts_as_absent() -> None:
    net = network()
    for node in net.nodes.values():
        node.desk.models.revoked.add(3)
    await net.start(1)
    await net.run(1)
    ((update, _),) = net.governor.submitted
    assert update.models == tuple(sorted(model_of(agent) for agent in (1, 2, 4)))


async def test_bounds_at_the_current_value_change_nothing() -> None:
    net = network({1: 75_00, 2: 74_00, 3: 75_00, 4: 80_00})
    await net.start(1)
    assert await net.run(1) == dict.fromkeys(AGENTS, "no_change")
    assert net.governor.submitted == []


async def test_too_many_abstentions_end_without_agreement() -> None:
    net = network({1: None, 2: None, 3: 76_00, 4: 76_00})
    await net.start(1)
    assert await net.run(1) == dict.fromkeys(AGENTS, "no_agreement")


@pytest.mark.parametrize("phase", [0, 1, 2])
async def test_with_every_third_delivery_lost_for_good_all_end_alike(phase: int) -> None:
    net = network(loses=lambda delivery: delivery % 3 == phase)
    await net.start(1)
    outcomes = await net.run(1)
    assert len(set(outcomes.values())) == 1
    assert len(net.governor.submitted) == list(outcomes.values()).count("proposed") // len(AGENTS)


@pytest.mark.parametrize("phase", [0, 1, 2])
async def test_with_every_third_attempt_at_a_delivery_lost_the_outcome_is_the_same(phase: int) -> None:
    net = network(loses=lambda attempt: attempt % 3 == phase, attempts=2)
    await net.start(1)
    assert await net.run(1) == dict.fromkeys(AGENTS, "proposed")
    ((update, signatures),) = net.governor.submitted
    assert update.proposed.liquidation_threshold_bps == CANDIDATE
    assert len(signatures) == len(AGENTS)


async def test_when_every_delivery_is_lost_the_epoch_ends_without_agreement() -> None:
    net = network(loses=lambda _delivery: True)
    await net.start(1)
    assert await net.run(1) == dict.fromkeys(AGENTS, "no_agreement")


async def test_messages_of_an_epoch_that_has_not_begun_here_wait_for_it() -> None:
    net = network()
    late = net.keepers(1)[-1]
    await net.start(1, *(agent for agent in AGENTS if agent != late))
    await net.tick()
    assert net.outcome(late, 1) == ""
    assert not net.spoken(late)
    await net.start(1, late)
    assert await net.run(1) == dict.fromkeys(AGENTS, "proposed")
    assert Phase.REVEAL in {phase for _, phase, *_ in net.spoken(late)}


async def test_strangers_cannot_fill_the_room_for_waiting_messages() -> None:
    net = network()
    late = net.keepers(1)[-1]
    forged = SignedMessage(1, 0, 0, Phase.COMMIT, 2, b"{}", bytes(32), bytes(65))
    for number in range(2 * PENDING_LIMIT):
        await net.nodes[late].shell.receive(replace(forged, epoch=1 + number % 2, attempt=number))
    await net.start(1, *(agent for agent in AGENTS if agent != late))
    await net.tick()
    await net.start(1, late)
    assert await net.run(1) == dict.fromkeys(AGENTS, "proposed")
    assert net.reader.time <= START + 2 * STEP_SECONDS, "nobody waited for a deadline"


async def test_messages_of_a_finished_epoch_are_not_kept() -> None:
    net = network()
    await net.start(1)
    await net.run(1)
    before = len(net.sent)
    await net.nodes[1].shell.receive(net.sent[0])
    await net.settle()
    assert len(net.sent) == before


# --- a crash at every point --------------------------------------------------------------------------


@pytest.fixture
async def lengths() -> dict[int, int]:
    """How many events each agent's journal holds after an epoch in which nothing happens to anybody."""
    calm = network()
    await calm.start(1)
    await calm.run(1)
    return {agent: calm.nodes[agent].journal.appended for agent in AGENTS}


async def crashed(event: int, *, agent: int, written: bool, path: Path, patient: bool) -> Network:
    """Return the network after an epoch in which the power of ``agent`` went once."""
    cuts = {agent: Cut(event, written)}
    net = network(journals={**MEMORY, agent: path}, cuts=cuts, patient=patient)
    await net.start(1)
    await net.run(1)
    assert net.restarts == 1
    assert net.nodes[agent].journal.check() == "ok"
    return net


@pytest.mark.parametrize("written", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("rank", [0, 1])
async def test_a_crash_at_any_event_of_the_journal_changes_nothing(
    rank: int, written: bool, lengths: dict[int, int], tmp_path: Path
) -> None:
    agent = network().keepers(1)[rank]
    assert lengths[agent] > 20
    for event in range(1, lengths[agent] + 1):
        path = tmp_path / f"journal-{event}.sqlite"
        net = await crashed(event, agent=agent, written=written, path=path, patient=True)
        where = f"event {event} of {lengths[agent]}"
        assert {a: net.outcome(a, 1) for a in AGENTS} == dict.fromkeys(AGENTS, "proposed"), where
        ((update, _),) = net.governor.submitted
        assert update.proposed.liquidation_threshold_bps == CANDIDATE, where
        spoken = net.spoken(agent)
        assert {len(digests) for digests in spoken.values()} == {1}, f"{where}: two messages under one key"
        assert (1, Phase.REVEAL, 0, 0, agent) in spoken, where


async def test_the_others_go_on_when_a_crash_costs_an_agent_all_messages_of_the_moment(
    lengths: dict[int, int], tmp_path: Path
) -> None:
    agent = network().keepers(1)[0]
    for event in range(2, lengths[agent] + 1, 3):
        path = tmp_path / f"journal-{event}.sqlite"
        net = await crashed(event, agent=agent, written=True, path=path, patient=False)
        assert {net.outcome(a, 1) for a in AGENTS if a != agent} == {"proposed"}, f"event {event}"
        assert {len(digests) for digests in net.spoken(agent).values()} <= {1}, f"event {event}"
