"""Who calls an extraordinary epoch, and whose call is heard; the journal remembers every call.

    price has fallen ─► may I call? ─► would I cut? ─► signed, journalled ─► sent
    a peer's call ─► signature ─► not its second in 7 d ─► the fall is there ─► journalled ─► joined

The agents' order only staggers them, so that one fall does not cost everybody's call of the week.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from agents.journal import Journal
from agents.watch import Watch
from core.calls import CALL_LOOK_BACK_SECONDS, CALL_SLOT_SECONDS, extraordinary_epoch, may_call_at
from core.errors import NegotiationError
from core.evidence import canonical_json
from core.messages import Phase, SignedMessage, message_from_dict, message_to_dict
from core.negotiation import EpochContext
from core.negotiation.reading import refusal

CONTENT_SECONDS = 3600
"""An agent that saw the fall and would not cut looks again after this time."""


class Caller:
    """One agent's calls, its own and those that it has heard."""

    def __init__(
        self,
        *,
        watch: Watch,
        journal: Journal,
        agent_id: int,
        rank: int,
        context_of: Callable[[int], EpochContext],
        sign: Callable[[int, Phase, int, int, bytes], SignedMessage],
        report: Callable[[dict[str, Any]], None],
    ) -> None:
        self._watch = watch
        self._journal = journal
        self._agent_id = agent_id
        self._rank = rank
        self._context_of = context_of
        self._sign = sign
        self._report = report
        self._busy = False
        self._looked_at = 0
        self._seen_at: int | None = None
        self._content_until = 0

    async def look(self, now: int) -> SignedMessage | None:
        """Look once at each new chain time; return a call of one's own, journalled, if it is time for one."""
        if self._busy or now <= self._looked_at or not self._may_call(now):
            return None
        self._busy, self._looked_at = True, now
        try:
            return await self._call(now)
        finally:
            self._busy = False

    def _may_call(self, now: int) -> bool:
        if now < self._content_until or now < may_call_at(self._journal.call_times(self._agent_id)):
            return False
        recent = self._journal.calls_since(now - CALL_LOOK_BACK_SECONDS)
        outcomes = [self._journal.outcome(epoch) for epoch in recent]
        return all(outcome is not None and outcome[0] != "proposed" for outcome in outcomes)

    async def _call(self, now: int) -> SignedMessage | None:
        facts = await asyncio.to_thread(self._watch.fall)
        if facts is None:
            self._seen_at = None
            return None
        self._seen_at = now if self._seen_at is None else self._seen_at
        if now < self._seen_at + self._rank * CALL_SLOT_SECONDS:
            return None
        self._report({"type": "working"})
        try:
            return await self._decide(facts, now)
        finally:
            self._report({"type": "worked"})

    async def _decide(self, facts: dict[str, Any], now: int) -> SignedMessage | None:
        """Judge the LTV, and call if it is too high."""
        if not await asyncio.to_thread(self._watch.wants_cut, facts):
            self._content_until = now + CONTENT_SECONDS
            return None
        # judging took its time: the call is about the newest block, and a peer's may have come meanwhile
        newest = await asyncio.to_thread(self._watch.fall)
        if newest is None or not self._may_call(now):
            return None
        epoch = extraordinary_epoch(newest["timestamp"])
        message = self._sign(epoch, Phase.CALL, 0, 0, canonical_json(newest))
        self._open(message, newest["timestamp"])
        self._report({"type": "call", "epoch": epoch, "by": self._agent_id})
        return message

    async def hear(self, message: SignedMessage) -> str:
        """Check a call and journal it; return why it is refused (empty when it is taken)."""
        if self.taken(message):
            return ""
        reason = refusal(message, self._context_of(message.epoch))
        if message.phase is not Phase.CALL or (message.round, message.attempt) != (0, 0):
            reason = reason or "not a call"
        if not reason:
            reason = await asyncio.to_thread(self._watch.fault, message.epoch, message.body())
        if reason or self.taken(message):  # it may have come twice while one was looked at
            return reason
        time = int(message.body()["timestamp"])
        again = may_call_at(self._journal.call_times(message.agent_id))
        if time < again:
            return f"a second call of agent {message.agent_id} within 7 d; the next not before {again}"
        self._open(message, time)
        return ""

    def taken(self, message: SignedMessage) -> bool:
        """Whether this very call is in the journal."""
        return any(known.digest == message.digest for known in self.calls_of(message.epoch))

    def calls_of(self, epoch: int) -> tuple[SignedMessage, ...]:
        """Return the calls of ``epoch`` that were taken, ascending by agent."""
        return tuple(message_from_dict(row) for row in self._journal.calls_of(epoch))

    def _open(self, message: SignedMessage, time: int) -> None:
        row = message_to_dict(message)
        self._journal.open_call(message.epoch, message.agent_id, time=time, message=row)


def call_in(announce: SignedMessage) -> SignedMessage | None:
    """Return the call that an extraordinary epoch's announce carries; ``None`` if there is no sound one."""
    try:
        call = message_from_dict(announce.body()["call"])
    except (NegotiationError, KeyError):
        return None
    return call if call.epoch == announce.epoch and call.phase is Phase.CALL else None
