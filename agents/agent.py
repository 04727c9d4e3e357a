"""The shell around the negotiation machine: journal, perform, feed back.

    chain clock ─► scheduler ─► start / tick ─┐
    peers ─► transport ─► receive ────────────┼─► feed ─► advance ─► journal ─► perform ─┐
    a fallen price, a peer's call ─► caller ──┤                                          │
                                              └──────────── answers (worker thread) ◄────┘

An event is journalled before its effects are performed.  After a crash the machine is replayed from the
journal; effects that were asked for and not answered are performed again, and one's own messages are sent
again (peers are idempotent by key).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from agents.caller import Caller, call_in
from agents.codec import event_from_row, event_to_row
from agents.desk import Desk, seed_of
from agents.journal import Journal
from agents.keeper import Keeper
from core.calls import is_extraordinary
from core.errors import NegotiationError, TribunateError
from core.evidence import canonical_json
from core.messages import Phase, SignedMessage, message_to_dict, require_bound
from core.negotiation import (
    Assess,
    Consumed,
    Effect,
    EpochContext,
    Event,
    Finish,
    Forward,
    Judge,
    PrepareAnnounce,
    Received,
    Reconsider,
    Refused,
    Reject,
    Speak,
    State,
    Submit,
    Tick,
    advance,
)
from core.negotiation.reading import refusal
from core.ports import Seat

log = logging.getLogger("tribunate.agent")

Answer = TypeVar("Answer")

PENDING_LIMIT = 500
"""Messages of one seat that are kept for epochs that have not begun here."""


class Transport(Protocol):
    """Sends a message to a peer in the background."""

    def send(self, destination: str, message: SignedMessage) -> None:
        """Send to a uAgents address."""
        ...


@dataclass(slots=True)
class Running:
    """One epoch in progress."""

    context: EpochContext
    state: State = field(default_factory=State)


class RiskAgent:
    """One seat's voice.  All methods run on one event loop."""

    def __init__(
        self,
        *,
        seat: Seat,
        desk: Desk,
        keeper: Keeper,
        caller: Caller,
        journal: Journal,
        transport: Transport,
        context_of: Callable[[int], EpochContext],
        sign: Callable[[int, Phase, int, int, bytes], SignedMessage],
        report: Callable[[dict[str, Any]], None],
    ) -> None:
        self._seat = seat
        self._desk = desk
        self._keeper = keeper
        self._caller = caller
        self._journal = journal
        self._transport = transport
        self._context_of = context_of
        self._sign = sign
        self._report = report
        self._running: dict[int, Running] = {}
        self._pending: dict[int, list[SignedMessage]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._peers: Mapping[int, str] = {s.agent_id: s.uagent for s in desk.seats.seats}

    # --- doors ---------------------------------------------------------------------------------------

    async def start(self, epoch: int) -> None:
        """Begin ``epoch``, or take it up again from the journal after a crash."""
        running = Running(self._context_of(epoch))
        self._running[epoch] = running
        asked = self._replay(epoch, running)
        self._said_again(running.state.spoken(Phase.CALL))
        for call in self._caller.calls_of(epoch):
            self._feed(epoch, Received(call))
        self._perform_all(epoch, asked)
        for message in self._pending.pop(epoch, []):
            self._feed(epoch, Received(message))

    async def tick(self, now: int) -> None:
        """Pass the chain's time on; see what has become of submitted updates and open proposals."""
        for epoch in list(self._running):
            await self._look_for_proposal(epoch)
            self._feed(epoch, Tick(now))
        await self._keeper.look(now)
        self._spawn(self._watch(now))

    async def receive(self, message: SignedMessage) -> None:
        """Take a peer's message; one for an epoch that has not begun here waits for it."""
        if message.phase is Phase.CALL:
            await self._hear(message)
        elif message.epoch in self._running:
            self._feed(message.epoch, Received(message))
        elif self._journal.outcome(message.epoch) is None:
            self._keep(message)
            if message.phase is Phase.ANNOUNCE and is_extraordinary(message.epoch):
                await self._hear(call_in(message))

    # --- calls ---------------------------------------------------------------------------------------

    async def _watch(self, now: int) -> None:
        """Call an extraordinary epoch if the price has fallen and nobody else has."""
        call = await self._caller.look(now)
        if call is not None:
            await self._join(call)

    async def _hear(self, call: SignedMessage | None) -> str:
        """Join the epoch of a peer's call that proves itself; return why not (empty when joined)."""
        if call is None:
            return "no sound call"
        reason = await self._caller.hear(call)
        if reason:
            self._refuse(call, reason)
        else:
            await self._join(call)
        return reason

    async def _join(self, call: SignedMessage) -> None:
        if call.epoch in self._running:
            self._feed(call.epoch, Received(call))
        elif self._journal.outcome(call.epoch) is None:
            await self.start(call.epoch)

    async def _judge_called(self, epoch: int, effect: Judge) -> None:
        """Judge only what a call has opened; an announce without a sound one is its keeper's fault."""
        reason = await self._hear(call_in(effect.announce))
        if reason:
            self._feed(epoch, Refused(effect.announce.agent_id, reason))
        elif epoch in self._running:
            self._judge(epoch, effect)

    def _keep(self, message: SignedMessage) -> None:
        """Keep a seat's message for later; nobody can fill the room of another seat."""
        if refusal(message, self._context_of(message.epoch)):
            return
        kept = (known for messages in self._pending.values() for known in messages)
        if sum(known.agent_id == message.agent_id for known in kept) < PENDING_LIMIT:
            self._pending.setdefault(message.epoch, []).append(message)

    async def stop(self) -> None:
        """Cancel what is being worked on; the journal knows where to go on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- machine -------------------------------------------------------------------------------------

    def _feed(self, epoch: int, event: Event) -> None:
        running = self._running.get(epoch)
        if running is None:
            return
        state, effects = advance(running.state, event, running.context)
        if isinstance(event, Tick) and not effects and state.stage is running.state.stage:
            running.state = state
            return
        if state is not running.state:
            kind, body = event_to_row(event)
            self._journal.append(epoch, kind, {"now": state.now, "event": body})
            self._send_own(event)
        running.state = state
        self._perform_all(epoch, effects)

    def _perform_all(self, epoch: int, effects: list[Effect]) -> None:
        for effect in effects:
            if epoch in self._running:
                self._perform(epoch, effect)

    def _replay(self, epoch: int, running: Running) -> list[Effect]:
        """Walk through the journal; return the effects that still wait for their answer."""
        open_effects: list[Effect] = []
        for kind, row in self._journal.events(epoch):
            for event in (Tick(row["now"]), event_from_row(kind, row["event"])):
                running.state, effects = advance(running.state, event, running.context)
                open_effects += effects
        return [effect for effect in open_effects if not self._answered(effect, running.state)]

    def _answered(self, effect: Effect, state: State) -> bool:
        me = self._seat.agent_id
        match effect:
            case PrepareAnnounce():
                return self._said_again(state.spoken(Phase.ANNOUNCE))
            case Judge(announce):
                followed = state.announce is not None and announce.digest == state.announce.digest
                return state.judged is not None or not followed
            case Speak(phase, round_, attempt, _):
                return self._said_again(state.spoken(phase, round_, attempt))
            case Reconsider():
                return me in state.spoken(Phase.COUNTER, 1)
            case Assess(update):
                answers = (state.spoken(phase, 0, update.attempt) for phase in (Phase.AGREE, Phase.DISSENT))
                return update != state.update or any(me in answer for answer in answers)
            case Reject():
                return True
        return False

    def _said_again(self, spoken: Mapping[int, SignedMessage]) -> bool:
        """Whether this agent is among those who have spoken; if so, say it again: it may not have left."""
        own = spoken.get(self._seat.agent_id)
        if own is not None:
            self._broadcast(own)
        return own is not None

    # --- effects -------------------------------------------------------------------------------------

    def _perform(self, epoch: int, effect: Effect) -> None:
        running = self._running[epoch]
        scalar = running.context.scalar
        match effect:
            case PrepareAnnounce():
                self._spawn(self._announce(epoch))
            case Judge():
                if is_extraordinary(epoch):
                    self._spawn(self._judge_called(epoch, effect))
                else:
                    self._judge(epoch, effect)
            case Speak():
                self._speak(epoch, effect)
            case Forward(to, message):
                self._transport.send(self._peers[to], message)
                self._report_message(message, to=[to])
            case Reconsider():
                self._answer(epoch, effect, self._desk.reconsider, running.state.judged, scalar, effect)
            case Assess():
                self._assess(epoch, effect)
            case Submit():
                self._spawn(self._submit(epoch, effect))
            case Reject(message, reason):
                self._refuse(message, reason)
            case Finish(outcome, reason):
                self._finish(epoch, outcome, reason)

    def _refuse(self, message: SignedMessage, reason: str) -> None:
        self._journal.reject(message.epoch, message.agent_id, message.phase, reason)
        head = {"type": "reject", "epoch": message.epoch, "from": message.agent_id}
        self._report({**head, "reason": reason})

    def _judge(self, epoch: int, effect: Judge) -> None:
        scalar = self._running[epoch].context.scalar
        self._answer(epoch, effect, self._desk.judge, epoch, effect.announce, scalar)

    def _assess(self, epoch: int, effect: Assess) -> None:
        state, scalar = self._running[epoch].state, self._running[epoch].context.scalar
        if state.announce is None or state.judged is None:
            raise NegotiationError("asked to assess before judging")
        seed, bound = seed_of(state.announce.digest), standing_bound(state, self._seat.agent_id)
        self._answer(epoch, effect, self._desk.assess, state.judged, scalar, effect, bound=bound, seed=seed)

    def _answer(
        self, epoch: int, effect: Effect, work: Callable[..., Event], *args: Any, **settings: Any
    ) -> None:
        async def run() -> None:
            event = await self._work(work, *args, **settings)
            running = self._running.get(epoch)
            # an answer about an attempt that has ended would be taken for one about the next
            if running is not None and not self._answered(effect, running.state):
                self._feed(epoch, event)

        self._spawn(run())

    async def _work(self, work: Callable[..., Answer], *args: Any, **settings: Any) -> Answer:
        """Work in a thread of its own, and say so: whoever moves the clock of a demo waits."""
        self._report({"type": "working"})
        try:
            return await asyncio.to_thread(work, *args, **settings)
        finally:
            self._report({"type": "worked"})

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._guard(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except TribunateError as error:
            log.error("%s", error.found)
            self._report({"type": "error", "error": type(error).__name__, "found": error.found})

    async def _announce(self, epoch: int) -> None:
        running = self._running[epoch]
        calls = running.state.spoken(Phase.CALL)
        if is_extraordinary(epoch) and not calls:
            raise NegotiationError(f"epoch {epoch} has no call to announce", hint="the next keeper may have")
        call = message_to_dict(calls[min(calls)]) if calls else None
        scalar = running.context.scalar
        body = await self._work(self._desk.announce_body, scalar, call=call)
        # an earlier keeper's may have come meanwhile: two would split the seats
        if running.state.announce is not None:
            return
        self._speak(epoch, Speak(Phase.ANNOUNCE, 0, 0, body))

    def _speak(self, epoch: int, effect: Speak) -> None:
        """Sign, journal, then send: a message that peers may hold is always on this disk."""
        payload = canonical_json(dict(effect.body))
        message = self._sign(epoch, effect.phase, effect.round, effect.attempt, payload)
        self._feed(epoch, Received(message))

    def _send_own(self, event: Event) -> None:
        """Send a message of one's own, once it is journalled and before anything follows from it."""
        if isinstance(event, Received) and event.message.agent_id == self._seat.agent_id:
            self._broadcast(event.message)

    def _broadcast(self, message: SignedMessage) -> None:
        others = [agent for agent in self._peers if agent != self._seat.agent_id]
        self._report_message(message, to=others)
        for agent in others:
            self._transport.send(self._peers[agent], message)

    def _report_message(self, message: SignedMessage, *, to: list[int]) -> None:
        head = {"type": "message", "from": message.agent_id, "by": self._seat.agent_id, "to": to}
        self._report({**head, **message_to_dict(message)})

    async def _submit(self, epoch: int, effect: Submit) -> None:
        if not await asyncio.to_thread(self._desk.reader.epoch_consumed, epoch):
            await self._keeper.submit(epoch, effect)
        await self._look_for_proposal(epoch)

    async def _look_for_proposal(self, epoch: int) -> None:
        if await asyncio.to_thread(self._desk.reader.epoch_consumed, epoch):
            self._feed(epoch, Consumed())

    def _finish(self, epoch: int, outcome: str, reason: str) -> None:
        if self._journal.outcome(epoch) is None:
            self._journal.finish(epoch, outcome, reason)
        self._report({"type": "finish", "epoch": epoch, "outcome": outcome, "reason": reason})
        self._running.pop(epoch, None)


def standing_bound(state: State, agent: int) -> int | None:
    """Return an agent's own bound: its counter's if it sent one, else what it revealed."""
    spoken = state.spoken(Phase.COUNTER, 1).get(agent) or state.spoken(Phase.REVEAL).get(agent)
    return None if spoken is None else require_bound(spoken.body())
