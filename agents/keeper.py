"""Keepers carry a signed update to the chain, a proposal through its timelock, a ramp down its steps.

The order is that of the epoch; the next keeper acts when a turn has passed without anything happening.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from core.errors import ChainError, TribunateError
from core.negotiation import Submit
from core.ports import DueAct, ProposalDesk, ProposalSink

log = logging.getLogger("tribunate.keeper")


class Keeper:
    """One agent's turn at the chain; ``rank`` is its place in the order of keepers."""

    def __init__(
        self,
        *,
        rank: int,
        sink: ProposalSink,
        desk: ProposalDesk,
        report: Callable[[dict[str, Any]], None],
        turn_seconds: int = 600,
    ) -> None:
        self._rank = rank
        self._sink = sink
        self._desk = desk
        self._report = report
        self._turn_seconds = turn_seconds
        self._refused: dict[tuple[int, str], int] = {}
        self._quiet_at = -1
        self._busy = asyncio.Lock()

    async def submit(self, epoch: int, effect: Submit) -> None:
        """Bring the update into its lane."""
        transaction = await asyncio.to_thread(self._sink.submit, effect.update, effect.signatures)
        self._report({"type": "submitted", "epoch": epoch, "transaction": transaction})

    async def look(self, now: int) -> None:
        """Do what is due, if it is this keeper's turn; one look at a time."""
        if self._busy.locked() or now == self._quiet_at:
            return
        async with self._busy:
            waiting = await asyncio.to_thread(self._desk.due)
            if not waiting:
                self._quiet_at = now  # nothing can fall due before the next block
            for due in waiting:
                if now >= due.since + self._rank * self._turn_seconds and self._may_try(due, now):
                    await self._perform(due, now)

    def _may_try(self, due: DueAct, now: int) -> bool:
        """After a refusal (``MarketDrift``) try again an hour of chain time later."""
        return now >= self._refused.get((due.number, due.act), 0)

    async def _perform(self, due: DueAct, now: int) -> None:
        try:
            transaction = await asyncio.to_thread(self._desk.perform, due)
        except ChainError:
            raise
        except TribunateError as error:
            self._refused[(due.number, due.act)] = now + 3600
            self._report({"type": "refused", **_which(due), "act": due.act, "found": error.found})
            return
        self._report({"type": due.act, **_which(due), "transaction": transaction})


def _which(due: DueAct) -> dict[str, int]:
    """Return what is acted on: cuts and proposals are numbered apart."""
    return {"cut" if due.act == "execute_cut" else "proposal": due.number}
