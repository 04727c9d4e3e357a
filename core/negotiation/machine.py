"""The machine itself: take an event, then walk through the stages until nothing changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from core.messages import Phase, SignedMessage
from core.negotiation.agreement import agreeing, submitting
from core.negotiation.bidding import awaiting, committing, countering, judging, revealing
from core.negotiation.certificates import certifying
from core.negotiation.model import (
    Assessed,
    Consumed,
    EpochContext,
    Event,
    Finish,
    Judged,
    Received,
    Reconsidered,
    Refused,
    Reject,
    Speak,
    Stage,
    State,
    Step,
    Tick,
    about,
    done,
    say,
)
from core.negotiation.reading import refusal


def advance(state: State, event: Event, context: EpochContext) -> Step:
    """Return the state after ``event`` and what the shell must do now.

    Time never goes backwards; a finished epoch takes no more events.
    """
    if state.stage is Stage.DONE:
        return state, []
    state, effects = _take(state, event, context)
    before = None
    while state is not before and state.stage is not Stage.DONE:
        before = state
        state, more = _STAGES[state.stage](state, context)
        effects += more
    if state.stage is Stage.DONE:
        effects.append(Finish(state.outcome, state.reason))
    return state, effects


def _take(state: State, event: Event, context: EpochContext) -> Step:
    """Put one event into the state."""
    match event:
        case Tick(now):
            return replace(state, now=max(now, state.now)), []
        case Received(message):
            return _receive(state, message, context)
        case Judged(reveal=reveal):
            if state.judged is not None or state.announce is None:
                return state, []
            own = {**reveal, "announce": state.announce.digest.hex()}
            return replace(state, judged=event, own=own), []
        case Refused(agent_id, _):
            refused = state.refused | {agent_id}
            # judging begins anew, and who left its own announce to this one may speak after all
            spoken = context.me in state.spoken(Phase.ANNOUNCE)
            asked = state.asked - ({"judge"} if spoken else {"judge", "announce"})
            return replace(state, stage=Stage.AWAITING, announce=None, refused=refused, asked=asked), []
        case Reconsidered(body):
            return say(state, "counter", Speak(Phase.COUNTER, 1, 0, about(state, body)))
        case Assessed(phase, body):
            return say(state, f"answer:{state.attempt}", Speak(phase, 0, state.attempt, about(state, body)))
        case Consumed():
            return done(state, "proposed", "the governor holds a proposal for this epoch"), []


def _receive(state: State, message: SignedMessage, context: EpochContext) -> Step:
    """Store a message once; refuse strangers, forgeries and contradictions."""
    reason = refusal(message, context)
    if reason:
        return state, [Reject(message, reason)]
    known = state.messages.get(message.key)
    if known is not None:
        same = known.digest == message.digest
        return state, [] if same else [Reject(message, "contradicts an earlier message of the same agent")]
    messages = {**state.messages, message.key: message}
    arrived = {**state.arrived, message.key: state.now}
    return replace(state, messages=messages, arrived=arrived), []


_STAGES: dict[Stage, Callable[[State, EpochContext], Step]] = {
    Stage.AWAITING: awaiting,
    Stage.JUDGING: judging,
    Stage.COMMITTING: committing,
    Stage.REVEALING: revealing,
    Stage.CERTIFYING: certifying,
    Stage.COUNTERING: countering,
    Stage.AGREEING: agreeing,
    Stage.SUBMITTING: submitting,
}
