"""Epochs by the chain's clock: each starts once, at its time or not at all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.journal import Journal
from agents.scheduler import EpochCalendar, EpochScheduler
from core.calls import extraordinary_epoch
from core.mandate import FAST_PHASES, PhaseSeconds

FIRST = 1_000
DAY = 86_400
CALENDAR = EpochCalendar(FIRST, DAY, PhaseSeconds(announce=100, commit=50))
JOINABLE = 150


class Rig:
    """A scheduler with a clock that the test sets, and a record of what it was told to do."""

    def __init__(self, journal: Journal, *, poll_seconds: float = 0.5) -> None:
        self.now = FIRST
        self.started: list[int] = []
        self.ticks: list[int] = []
        self.failing_ticks = 0
        self.three_ticks = asyncio.Event()
        self.scheduler = EpochScheduler(
            calendar=CALENDAR,
            journal=journal,
            clock=self._clock,
            start=self._start,
            tick=self._tick,
            poll_seconds=poll_seconds,
        )

    async def look_at(self, *times: int) -> None:
        for self.now in times:
            await self.scheduler.look()

    async def _clock(self) -> int:
        return self.now

    async def _start(self, epoch: int) -> None:
        self.started.append(epoch)

    async def _tick(self, now: int) -> None:
        self.ticks.append(now)
        if len(self.ticks) >= 3:
            self.three_ticks.set()
        if len(self.ticks) <= self.failing_ticks:
            raise RuntimeError("the chain is away")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal.sqlite")
    yield opened
    opened.close()


def test_epoch_1_starts_first_and_each_next_one_a_period_later() -> None:
    assert [CALENDAR.start_of(epoch) for epoch in (1, 2, 10)] == [FIRST, FIRST + DAY, FIRST + 9 * DAY]


@pytest.mark.parametrize(
    ("now", "epoch"),
    [
        (0, None),
        (FIRST - DAY, None),
        (FIRST - 1, None),
        (FIRST, 1),
        (FIRST + JOINABLE - 1, 1),
        (FIRST + JOINABLE, None),
        (FIRST + DAY - 1, None),
        (FIRST + DAY, 2),
        (FIRST + DAY + JOINABLE - 1, 2),
        (FIRST + DAY + JOINABLE, None),
    ],
)
def test_an_epoch_is_joinable_from_its_start_to_the_end_of_its_commits(now: int, epoch: int | None) -> None:
    assert CALENDAR.joinable(now) == epoch


def test_a_called_epoch_starts_when_its_number_says_and_is_never_joined_by_the_clock() -> None:
    epoch = extraordinary_epoch(FIRST)
    times = CALENDAR.deadlines_of(epoch)
    assert CALENDAR.start_of(epoch) == times.start == 1_080, "the slot of two minutes that holds 1 000 ends"
    assert times.announce - times.start == FAST_PHASES.announce
    assert times.commit - times.announce == FAST_PHASES.commit
    assert CALENDAR.joinable(times.start) == 1


async def test_an_epoch_starts_once_however_often_one_looks(journal: Journal) -> None:
    rig = Rig(journal)
    await rig.look_at(FIRST, FIRST, FIRST + 1, FIRST + JOINABLE - 1)
    assert rig.started == [1]
    assert rig.ticks == [FIRST, FIRST, FIRST + 1, FIRST + JOINABLE - 1]


async def test_an_epoch_starts_once_even_over_a_restart(journal: Journal) -> None:
    before, after = Rig(journal), Rig(journal)
    await before.look_at(FIRST)
    await after.look_at(FIRST + 1)
    assert (before.started, after.started) == ([1], [])


async def test_before_the_first_epoch_nothing_starts(journal: Journal) -> None:
    rig = Rig(journal)
    await rig.look_at(0, FIRST - 1)
    assert rig.started == []


async def test_a_clock_that_jumps_into_an_epoch_starts_it(journal: Journal) -> None:
    rig = Rig(journal)
    await rig.look_at(FIRST, FIRST + 4 * DAY + JOINABLE - 1)
    assert rig.started == [1, 5]


async def test_epochs_whose_commits_have_ended_are_skipped(journal: Journal) -> None:
    rig = Rig(journal)
    await rig.look_at(FIRST + JOINABLE, FIRST + DAY + JOINABLE, FIRST + 2 * DAY)
    assert rig.started == [3]
    assert journal.running() == [3]


async def test_a_failing_tick_is_no_reason_to_start_the_epoch_again(journal: Journal) -> None:
    rig = Rig(journal)
    rig.failing_ticks = 1
    with pytest.raises(RuntimeError, match="the chain is away"):
        await rig.look_at(FIRST)
    await rig.look_at(FIRST)
    assert rig.started == [1]
    assert rig.ticks == [FIRST, FIRST]


async def test_apscheduler_goes_on_looking_after_a_tick_has_failed(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    rig = Rig(journal, poll_seconds=0.01)
    rig.failing_ticks = 1
    with caplog.at_level(logging.ERROR, logger="tribunate.scheduler"):
        rig.scheduler.run()
        await asyncio.wait_for(rig.three_ticks.wait(), 10)
        rig.scheduler.stop()
    assert rig.started == [1]
    assert "a look at the clock failed: the chain is away" in caplog.text


async def test_stop_before_run_and_twice_is_harmless(journal: Journal) -> None:
    rig = Rig(journal)
    rig.scheduler.stop()
    rig.scheduler.run()
    rig.scheduler.stop()
    rig.scheduler.stop()
