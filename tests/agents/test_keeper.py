"""Keepers act in their order, and come back an hour after the contracts have refused."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from fake_dao import START, FakeGovernor

from agents.keeper import Keeper
from core.errors import ChainError, GovernanceError
from core.ports import DueAct

TURN = 600
QUEUE = DueAct(1, "queue", START)
EXECUTE = DueAct(1, "execute", START)
DRIFT = GovernanceError("MarketDrift: the price fell by 12.00 %")


def keeper(governor: FakeGovernor, *, rank: int = 0, report: Any = lambda _event: None) -> Keeper:
    return Keeper(rank=rank, sink=governor, desk=governor, report=report, turn_seconds=TURN)


@pytest.mark.parametrize("rank", [0, 1, 3])
async def test_each_keeper_waits_for_its_turn_and_no_longer(rank: int) -> None:
    governor = FakeGovernor(waiting=(QUEUE,))
    hands = keeper(governor, rank=rank)
    await hands.look(START + rank * TURN - 1)
    assert governor.performed == []
    await hands.look(START + rank * TURN)
    assert governor.performed == [QUEUE]


async def test_what_is_done_is_reported() -> None:
    events: list[dict[str, Any]] = []
    await keeper(FakeGovernor(waiting=(QUEUE,)), report=events.append).look(START)
    assert events == [{"type": "queue", "proposal": 1, "transaction": "0x02"}]


async def test_cuts_and_ramp_steps_are_reported_by_what_they_belong_to() -> None:
    events: list[dict[str, Any]] = []
    waiting = (DueAct(1, "execute_cut", START), DueAct(2, "ramp_step", START))
    await keeper(FakeGovernor(waiting=waiting), report=events.append).look(START)
    assert events == [
        {"type": "execute_cut", "cut": 1, "transaction": "0x02"},
        {"type": "ramp_step", "proposal": 2, "transaction": "0x02"},
    ]


async def test_a_refused_cut_does_not_hold_up_the_proposal_of_its_number() -> None:
    governor = FakeGovernor(waiting=(DueAct(1, "execute_cut", START),), refusal=DRIFT)
    hands = keeper(governor)
    await hands.look(START)
    governor.waiting = (EXECUTE,)
    await hands.look(START + 1)
    assert governor.performed == [DueAct(1, "execute_cut", START), EXECUTE]


async def test_with_nothing_due_nothing_is_done() -> None:
    governor = FakeGovernor()
    await keeper(governor).look(START + 10 * TURN)
    assert governor.performed == []


async def test_a_quiet_chain_is_asked_once_per_block() -> None:
    class Counting(FakeGovernor):
        asked = 0

        def due(self) -> tuple[DueAct, ...]:
            self.asked += 1
            return super().due()

    governor = Counting()
    hands = keeper(governor)
    for now in (START, START, START + 1, START + 1):
        await hands.look(now)
    assert governor.asked == 2
    governor.waiting = (QUEUE,)
    for now in (START + 2, START + 2):
        await hands.look(now)
    assert governor.asked == 4, "what waits is looked at each time"


async def test_a_refused_act_is_tried_again_an_hour_of_chain_time_later() -> None:
    events: list[dict[str, Any]] = []
    governor = FakeGovernor(waiting=(EXECUTE,), refusal=DRIFT)
    hands = keeper(governor, report=events.append)
    for now in (START, START + 1, START + 3_599):
        await hands.look(now)
    assert governor.performed == [EXECUTE]
    assert events == [{"type": "refused", "proposal": 1, "act": "execute", "found": DRIFT.found}]
    governor.refusal = None
    await hands.look(START + 3_600)
    assert governor.performed == [EXECUTE, EXECUTE]
    assert events[-1]["type"] == "execute"


async def test_a_refusal_of_one_act_does_not_hold_up_another() -> None:
    governor = FakeGovernor(waiting=(EXECUTE,), refusal=DRIFT)
    hands = keeper(governor)
    await hands.look(START)
    governor.waiting = (EXECUTE, DueAct(2, "execute", START), QUEUE)
    await hands.look(START + 1)
    assert governor.performed == [EXECUTE, DueAct(2, "execute", START), QUEUE]


async def test_a_chain_that_is_away_is_no_refusal() -> None:
    governor = FakeGovernor(waiting=(EXECUTE,), refusal=ChainError("no answer"))
    hands = keeper(governor)
    with pytest.raises(ChainError, match="no answer"):
        await hands.look(START)
    governor.refusal = None
    await hands.look(START + 1)
    assert governor.performed == [EXECUTE, EXECUTE]


class SlowGovernor(FakeGovernor):
    """Performs only when the test lets it."""

    def __init__(self) -> None:
        super().__init__(waiting=(QUEUE,))
        self.begun, self.let_go = threading.Event(), threading.Event()

    def perform(self, due: DueAct) -> str:
        self.begun.set()
        assert self.let_go.wait(10)
        return super().perform(due)


async def test_there_is_one_look_at_a_time() -> None:
    governor = SlowGovernor()
    hands = keeper(governor)
    first = asyncio.create_task(hands.look(START))
    await asyncio.to_thread(governor.begun.wait, 10)
    await hands.look(START)
    assert governor.performed == [], "the second look returned while the first was at work"
    governor.let_go.set()
    await first
    assert governor.performed == [QUEUE]
