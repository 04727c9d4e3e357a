"""Epochs by the DAO's clock: APScheduler looks at it, the journal makes each epoch happen once.

The schedule is not in the scheduler's store: what epoch it is follows from block timestamps, a claim row
keeps it from running twice, and epochs that were running when the process died are taken up again.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from agents.journal import Journal
from core.calls import extraordinary_start, is_extraordinary
from core.epoch import Deadlines, deadlines, epoch_at
from core.mandate import FAST_PHASES, PhaseSeconds

log = logging.getLogger("tribunate.scheduler")


@dataclass(frozen=True, slots=True)
class EpochCalendar:
    """When epochs start: epoch 1 at ``first_start``, then every ``epoch_seconds``.

    An extraordinary epoch starts when its number says (core/calls.py), with phases of its own.
    """

    first_start: int
    epoch_seconds: int
    phases: PhaseSeconds
    fast_phases: PhaseSeconds = FAST_PHASES

    def start_of(self, epoch: int) -> int:
        """Return when ``epoch`` starts, chain time."""
        if is_extraordinary(epoch):
            return extraordinary_start(epoch)
        return self.first_start + (epoch - 1) * self.epoch_seconds

    def deadlines_of(self, epoch: int) -> Deadlines:
        """Return the deadlines of ``epoch``, chain time."""
        phases = self.fast_phases if is_extraordinary(epoch) else self.phases
        return deadlines(self.start_of(epoch), phases)

    def joinable(self, now: int) -> int | None:
        """Return the epoch that one may still join at ``now``: from its start to the end of its commits."""
        genesis = self.first_start - self.epoch_seconds
        epoch = epoch_at(now, genesis=genesis, epoch_seconds=self.epoch_seconds)
        if epoch < 1:
            return None
        return epoch if now < self.deadlines_of(epoch).commit else None


class EpochScheduler:
    """Calls ``tick(now)`` at every look at the chain's clock, and ``start(epoch)`` once per epoch."""

    def __init__(
        self,
        *,
        calendar: EpochCalendar,
        journal: Journal,
        clock: Callable[[], Awaitable[int]],
        start: Callable[[int], Awaitable[None]],
        tick: Callable[[int], Awaitable[None]],
        poll_seconds: float = 0.5,
    ) -> None:
        self._calendar = calendar
        self._journal = journal
        self._clock = clock
        self._start = start
        self._tick = tick
        self._poll_seconds = poll_seconds
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._scheduler.add_listener(self._report, EVENT_JOB_ERROR)

    def run(self) -> None:
        """Begin to look at the clock, in the running event loop."""
        trigger = IntervalTrigger(seconds=self._poll_seconds)
        self._scheduler.add_job(self.look, trigger, max_instances=1, coalesce=True, misfire_grace_time=None)
        self._scheduler.start()

    async def look(self) -> None:
        """Look once: start the epoch of this moment if nobody has, then pass the time on."""
        now = await self._clock()
        epoch = self._calendar.joinable(now)
        if epoch is not None and self._journal.claim(epoch):
            await self._start(epoch)
        await self._tick(now)

    def stop(self) -> None:
        """Stop looking."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    @staticmethod
    def _report(event: JobExecutionEvent) -> None:
        log.error("a look at the clock failed: %s", event.exception)
