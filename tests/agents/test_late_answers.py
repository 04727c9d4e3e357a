"""A strategy that is slower than the epoch: what it says of a void attempt is not said of the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from agents_in_memory import CALENDAR, Network
from fake_dao import AGENTS, START, FakeStrategy

from core.epoch import deadlines
from core.messages import Phase
from core.recommendation import Observation, Recommendation

END_OF_ATTEMPT_0 = deadlines(START, CALENDAR.phases).agree(0)


class Withholding(FakeStrategy):
    """Calls 78.40 % safe, but no single value that it is asked to sign."""

    def __init__(self) -> None:
        super().__init__(lambda _seed: 78_40)

    def recommend(self, observation: Observation) -> Recommendation:
        if observation.floor == observation.ceiling:
            return Recommendation(observation.scalar, None, (), (), (), "not this one")
        return super().recommend(observation)


class Slow(FakeStrategy):
    """While it thinks about the update of attempt 0, the attempt ends."""

    def __init__(self, let_time_pass: Callable[[], None]) -> None:
        super().__init__(lambda _seed: 76_10)
        self._let_time_pass = let_time_pass

    def recommend(self, observation: Observation) -> Recommendation:
        judged_with = self.shown[0].seed if self.shown else None
        if observation.floor == observation.ceiling and observation.seed == judged_with:
            self._let_time_pass()
        return super().recommend(observation)


async def test_an_answer_that_comes_after_its_attempt_is_dropped() -> None:
    loop = asyncio.get_running_loop()

    def let_time_pass() -> None:
        shell = net.nodes[2].shell
        asyncio.run_coroutine_threadsafe(shell.tick(END_OF_ATTEMPT_0), loop).result(10)

    net = Network(
        dict.fromkeys(AGENTS, 76_10),
        dict.fromkeys(AGENTS, Path(":memory:")),
        strategies={1: Withholding(), 2: Slow(let_time_pass)},
    )
    await net.start(1)
    await net.tick()
    answers = {Phase.AGREE, Phase.DISSENT}
    assert {m.agent_id for m in net.sent if m.phase in answers} == {1, 3, 4}
    assert net.governor.submitted == [], "two signatures are no quorum"
