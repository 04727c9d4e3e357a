"""Extraordinary epochs: one agent calls, the others look for themselves, and the LTV is cut."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from agents_in_memory import CACHED_DAO, Cut, Network
from fake_dao import AGENTS, DAO, MANDATE, SIGNERS, START, FakePrices, FakeStrategy

from agents.watch import Watch
from core.calls import (
    CALL_EVERY_SECONDS,
    CALL_MAX_AGE_SECONDS,
    CALL_SLOT_SECONDS,
    extraordinary_epoch,
    extraordinary_start,
)
from core.evidence import canonical_json
from core.lanes import Lane, lane_of
from core.messages import Phase, SignedMessage, message_to_dict
from core.negotiation import Refused
from core.recommendation import Observation, Recommendation
from core.recompute import recompute
from tribunate.dao import message_signer, signer_of_message

HOUR = 3600
CUT: dict[int, int | None] = {1: 60_00, 2: 66_00, 3: 65_00, 4: 72_00}
CANDIDATE = 65_00
"""The third largest; from 70.00 % the mandate allows a loss of a tenth, to 63.00 %."""

STEP = 20
"""Seconds between two looks at the clock; a keeper's turn is 60 s here."""

MEMORY = dict.fromkeys(AGENTS, Path(":memory:"))
NOW = START + 5 * HOUR
EPOCH = extraordinary_epoch(NOW)
FALLEN = (2_000, 1_900, 1_800, 1_700, 1_640)
"""Closes of the five hours after the start: 18 % below the highest."""


def network(
    bounds: dict[int, int | None] = CUT, *, closes: tuple[int, ...] = FALLEN, **settings: Any
) -> Network:
    """Return four agents at 5 h, when the oracle says what the last close says."""
    prices = {agent: FakePrices(closes) for agent in AGENTS}
    net = Network(bounds, **{"journals": MEMORY, "prices": prices, **settings})
    reader = net.reader
    reader.time = reader.block_time = NOW
    reader.price = closes[-1] * 10**8
    return net


def calls(net: Network) -> list[SignedMessage]:
    return sorted({m for m in net.sent if m.phase is Phase.CALL}, key=lambda m: (m.epoch, m.agent_id))


def facts(net: Network, agent: int = 1, **changes: Any) -> dict[str, Any]:
    found = Watch(net.nodes[agent].desk).fall()
    assert found is not None
    return {**found, **changes}


def call(net: Network, agent: int, *, epoch: int = EPOCH, **changes: Any) -> SignedMessage:
    """Return a call that verifies, with some facts changed."""
    body = canonical_json(facts(net, **changes))
    return message_signer(CACHED_DAO, SIGNERS[agent], agent)(epoch, Phase.CALL, 0, 0, body)


async def heard(net: Network, message: SignedMessage, *, by: int) -> list[str]:
    """Return what ``by`` has recorded against the call's author."""
    await net.nodes[by].shell.receive(message)
    return [reason for _, _, reason in net.nodes[by].journal.rejects(message.epoch)]


# --- the whole way -----------------------------------------------------------------------------------


async def test_a_fall_brings_one_call_and_a_cut_that_four_agents_sign() -> None:
    net = network()
    outcomes = await net.run(EPOCH, step=STEP)
    assert outcomes == dict.fromkeys(AGENTS, "proposed")
    assert [m.agent_id for m in calls(net)] == [net.keepers(0)[0]], "the first in the order, once"
    ((update, signatures),) = net.governor.submitted
    assert update.epoch == EPOCH
    assert (update.proposed.ltv_bps, update.proposed.liquidation_threshold_bps) == (CANDIDATE, 75_00)
    assert lane_of(update.expected, update.proposed, total_collateral=10**21) is Lane.FAST
    assert len(signatures) == len(AGENTS)


async def test_the_epoch_starts_at_the_end_of_its_slot_and_waits_for_nobody() -> None:
    net = network()
    await net.run(EPOCH, step=STEP)
    assert extraordinary_start(EPOCH) - NOW <= CALL_SLOT_SECONDS
    assert net.reader.time <= extraordinary_start(EPOCH) + 2 * STEP


async def test_agents_that_find_nothing_safe_cut_as_far_as_the_mandate_allows() -> None:
    net = network(dict.fromkeys(AGENTS, 0))
    await net.run(EPOCH, step=STEP)
    ((update, _),) = net.governor.submitted
    assert update.proposed.ltv_bps == 63_00, "a tenth of the borrowing power"


async def test_the_cut_follows_from_the_sent_messages_alone() -> None:
    net = network()
    await net.run(EPOCH, step=STEP)
    again = recompute(net.sent, EPOCH, signer_of=lambda m: signer_of_message(DAO.hasher, DAO.verifier, m))
    assert (again.outcome, again.value, again.current) == ("proposed", CANDIDATE, 70_00)


async def test_an_ordinary_epoch_goes_on_beside_a_called_one() -> None:
    net = network()
    net.reader.time = START
    await net.start(1)
    net.reader.time = NOW
    assert await net.run(EPOCH, step=STEP) == dict.fromkeys(AGENTS, "proposed")
    assert net.outcome(1, 1) != ""


class Slow(FakeStrategy):
    """Fifteen minutes of chain time pass while it judges."""

    def recommend(self, observation: Observation) -> Recommendation:
        self.reader.time = self.reader.block_time = NOW + 900
        return super().recommend(observation)


async def test_a_call_is_about_the_newest_block_however_long_the_judgement_took() -> None:
    slow = Slow(lambda _seed: 60_00)
    net = network(strategies={network().keepers(0)[0]: slow})
    slow.reader = net.reader  # type: ignore[attr-defined]
    await net.tick()
    (claim,) = calls(net)
    assert claim.epoch == extraordinary_epoch(NOW + 900)
    assert claim.body()["timestamp"] == NOW + 900


# --- when nobody calls -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("closes", "why"),
    [
        ((2_000, 1_900, 1_800, 1_750, 1_701), "14.95 % is below the mandate's 15 %"),
        ((2_000, 2_100, 2_300, 2_500, 2_900), "a rise is no fall"),
    ],
)
async def test_without_a_fall_nobody_calls(closes: tuple[int, ...], why: str) -> None:
    net = network(closes=closes)
    await net.tick()
    assert calls(net) == [], why


async def test_a_fall_that_is_older_than_a_day_is_no_reason() -> None:
    later = (*FALLEN, *([1_640] * 23))
    net = network(closes=later)
    net.reader.time = net.reader.block_time = START + 28 * HOUR
    await net.tick()
    assert calls(net) == [], "the highest price of the last 24 h is 1 900, 13.7 % above"


async def test_agents_whose_own_judgement_leaves_the_ltv_do_not_call() -> None:
    net = network(dict.fromkeys(AGENTS, 70_00))
    for _ in range(20):
        await net.tick()
        net.reader.time += STEP
        net.reader.block_time = net.reader.time
    assert calls(net) == []
    assert all(len(node.strategy.shown) == 1 for node in net.nodes.values()), "and ask again an hour later"


async def test_an_agent_that_abstains_does_not_call() -> None:
    net = network({**CUT, 1: None, 2: None, 3: None, 4: None})
    await net.tick()
    assert calls(net) == []


async def test_the_next_in_the_order_calls_when_the_first_would_not() -> None:
    content = network().keepers(0)[0]
    net = network({**CUT, content: 70_00})
    for _ in range(10):
        await net.tick()
        net.reader.time += STEP
        net.reader.block_time = net.reader.time
    assert [m.agent_id for m in calls(net)] == [net.keepers(0)[1]]


async def test_who_is_alone_with_its_fear_calls_once() -> None:
    caller = network().keepers(0)[0]
    net = network({agent: 60_00 if agent == caller else 80_00 for agent in AGENTS})
    assert await net.run(EPOCH, step=STEP) == dict.fromkeys(AGENTS, "no_change")
    for _ in range(20):
        await net.tick()
        net.reader.time += STEP
        net.reader.block_time = net.reader.time
    assert len(calls(net)) == 1


async def test_after_a_call_that_changed_nothing_another_agent_may_call_as_the_fall_goes_on() -> None:
    caller = network().keepers(0)[0]
    net = network({agent: 60_00 if agent == caller else 80_00 for agent in AGENTS})
    await net.run(EPOCH, step=STEP)
    net.bounds.update(dict.fromkeys(AGENTS, 65_00))
    net.reader.time = net.reader.block_time = later = NOW + 2 * HOUR
    outcomes = await net.run(extraordinary_epoch(later), step=STEP)
    assert outcomes == dict.fromkeys(AGENTS, "proposed")
    assert [m.agent_id for m in calls(net)][1] != caller


async def test_after_a_cut_nobody_calls_for_a_day() -> None:
    net = network()
    await net.run(EPOCH, step=STEP)
    for hours in (1, 10, 23):
        net.reader.time = net.reader.block_time = NOW + hours * HOUR
        await net.tick()
    assert len(calls(net)) == 1


# --- calls that are refused --------------------------------------------------------------------------


async def test_a_true_call_is_heard() -> None:
    net = network()
    assert await heard(net, call(net, 2), by=1) == []
    assert net.nodes[1].journal.running() == [EPOCH]


@pytest.mark.parametrize("name", ["market", "scalar", "mandate_hash", "timestamp", "oracle_price"])
async def test_a_call_that_lies_about_the_chain_is_refused_by_the_name_of_the_lie(name: str) -> None:
    net = network()
    lie = 1 if name in ("timestamp", "oracle_price") else "00"
    assert await heard(net, call(net, 2, **{name: lie}), by=1) == [f"the call contradicts the chain: {name}"]
    assert net.nodes[1].journal.running() == []


@pytest.mark.parametrize("block", [None, -1, "1", True, 10**9])
async def test_a_call_about_no_block_is_refused(block: Any) -> None:
    net = network()
    (reason,) = await heard(net, call(net, 2, block=block), by=1)
    assert "block" in reason


async def test_a_call_without_the_fall_is_refused() -> None:
    net = network()
    (reason,) = await heard(net, call(net, 2, highest=1_900 * 10**8), by=1)
    assert reason == "the call shows a fall of 1368 bps, 15.00 % are needed"


async def test_a_call_that_one_s_own_data_do_not_show_is_refused() -> None:
    """Half of 15 % is 7.5 %: from 1 773 to 1 640 it is 7.50 %, from 1 772 it is 7.44 %."""
    for highest, believed in ((1_773, True), (1_772, False)):
        net = network()
        claim = call(net, 2)
        net.nodes[1].desk.source.later_usd = (highest, 1_640)
        net.nodes[1].desk.source.before_usd = highest
        reasons = await heard(net, claim, by=1)
        assert (reasons == []) is believed
        assert believed or "one's own data" in reasons[0]


async def test_a_call_of_another_epoch_s_number_is_refused() -> None:
    net = network()
    (reason,) = await heard(net, call(net, 2, epoch=EPOCH + 1), by=1)
    assert reason == f"epoch {EPOCH + 1} does not belong to the call's block"


@pytest.mark.parametrize(("age", "taken"), [(CALL_MAX_AGE_SECONDS, True), (CALL_MAX_AGE_SECONDS + 1, False)])
async def test_a_call_is_heard_for_ten_minutes(age: int, taken: bool) -> None:
    net = network()
    claim = call(net, 2)
    net.reader.time = NOW + age
    assert (await heard(net, claim, by=1) == []) is taken


async def test_a_call_with_a_stranger_s_or_a_broken_signature_is_refused() -> None:
    net = network()
    true = call(net, 2)
    assert "signature" in (await heard(net, replace(true, agent_id=3), by=1))[0]
    assert "no seat" in (await heard(net, replace(true, agent_id=9), by=1))[-1]


async def test_a_second_call_of_one_agent_within_seven_days_is_refused() -> None:
    net = network()
    assert await heard(net, call(net, 2), by=1) == []
    for later, taken in ((CALL_EVERY_SECONDS - 1, False), (CALL_EVERY_SECONDS, True)):
        net.reader.time = net.reader.block_time = NOW + later
        net.prices[1].later_usd = (2_000,) * (5 + later // HOUR - 1) + (1_640,)
        claim = call(net, 2, epoch=extraordinary_epoch(NOW + later))
        reasons = await heard(net, claim, by=1)
        assert (reasons == []) is taken
        assert taken or "second call of agent 2 within 7 d" in reasons[0]


async def test_two_agents_may_call_the_same_epoch() -> None:
    net = network()
    for claim in (call(net, 2), call(net, 3)):
        assert [await heard(net, claim, by=agent) for agent in AGENTS] == [[]] * len(AGENTS)
    assert all(len(node.journal.calls_of(EPOCH)) == 2 for node in net.nodes.values())
    assert await net.run(EPOCH, step=STEP) == dict.fromkeys(AGENTS, "proposed")


async def test_the_same_call_again_changes_nothing() -> None:
    net = network()
    claim = call(net, 2)
    assert await heard(net, claim, by=1) == await heard(net, claim, by=1) == []
    assert len(net.nodes[1].journal.calls_of(EPOCH)) == 1


# --- what is lost on the way -------------------------------------------------------------------------


async def test_an_agent_that_missed_the_call_joins_by_the_announce() -> None:
    net = network()
    late = net.keepers(EPOCH)[-1]
    lost = iter(range(10**6))
    deaf = {"deliver": net.deliver}

    def deliver(destination: str, message: SignedMessage) -> None:
        if message.phase is Phase.CALL and destination == f"agent1q{late}":
            next(lost)
            return
        deaf["deliver"](destination, message)

    net.deliver = deliver  # type: ignore[method-assign]
    net.prices[late].later_usd = (1_800, 1_800, 1_800, 1_800, 1_640)
    assert await net.run(EPOCH, step=STEP) == dict.fromkeys(AGENTS, "proposed")
    assert next(lost) > 0, "a call was lost"


@pytest.mark.parametrize("call_of", ["nobody", "another epoch", "a liar"])
async def test_an_announce_without_a_sound_call_is_its_keeper_s_fault(call_of: str) -> None:
    net = network()
    keeper, other = net.keepers(EPOCH)[:2]
    true = call(net, keeper)
    carried = {
        "nobody": None,
        "another epoch": message_to_dict(replace(true, epoch=EPOCH + 1)),
        "a liar": message_to_dict(call(net, keeper, oracle_price=1)),
    }[call_of]
    assert await heard(net, true, by=other) == []
    body = canonical_json({"call": carried, "block": 1})
    announce = message_signer(CACHED_DAO, SIGNERS[keeper], keeper)(EPOCH, Phase.ANNOUNCE, 0, 0, body)
    net.reader.time = extraordinary_start(EPOCH)
    await net.nodes[other].do(net.nodes[other].shell.tick(net.reader.time))
    await net.nodes[other].shell.receive(announce)
    await net.settle()
    kinds = [kind for kind, _ in net.nodes[other].journal.events(EPOCH)]
    assert "refused" in kinds and "judged" not in kinds
    assert Refused.__name__.lower() in kinds


# --- a crash at every point --------------------------------------------------------------------------


@pytest.fixture
async def lengths() -> dict[int, int]:
    """How many rows each agent's journal holds after a called epoch in which nothing else happens."""
    calm = network()
    await calm.run(EPOCH, step=STEP)
    return {agent: calm.nodes[agent].journal.appended for agent in AGENTS}


@pytest.mark.parametrize("written", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("place", ["caller", "peer"])
async def test_a_crash_at_any_row_of_the_journal_loses_no_call(
    place: str, written: bool, lengths: dict[int, int], tmp_path: Path
) -> None:
    order = network().keepers(0)
    agent = order[0] if place == "caller" else order[1]
    for event in range(1, lengths[agent] + 1):
        journals = {**MEMORY, agent: tmp_path / f"journal-{event}.sqlite"}
        net = network(journals=journals, cuts={agent: Cut(event, written)})
        outcomes = await net.run(EPOCH, step=STEP)
        where = f"row {event} of {lengths[agent]}"
        assert outcomes == dict.fromkeys(AGENTS, "proposed"), where
        assert [m.agent_id for m in calls(net)] == [order[0]], where
        ((update, _),) = net.governor.submitted
        assert update.proposed.ltv_bps == CANDIDATE, where
        assert {len(digests) for digests in net.spoken(agent).values()} == {1}, where


async def test_a_call_is_remembered_over_a_restart(tmp_path: Path) -> None:
    caller = network().keepers(0)[0]
    net = network(journals={**MEMORY, caller: tmp_path / "journal.sqlite"})
    await net.run(EPOCH, step=STEP)
    await net.restart(caller)
    net.reader.time = net.reader.block_time = NOW + CALL_EVERY_SECONDS - 1
    hours = CALL_EVERY_SECONDS // HOUR + 3
    net.prices[caller].later_usd = (2_000,) * hours + (1_640,)
    await net.tick()
    assert [m.agent_id for m in calls(net) if m.agent_id == caller] == [caller]


def test_the_mandate_asks_for_a_fall_of_fifteen_per_cent() -> None:
    assert MANDATE.fast_price_fall_bps == 15_00
