"""Certificates: k endorsements make a set of reveals, or of counters, the set.

Nobody can then show different sets to different peers (MECHANISM.md, step 3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.errors import NegotiationError
from core.evidence import sha256
from core.messages import Phase, SignedMessage, message_from_dict, message_to_dict
from core.negotiation.model import (
    EpochContext,
    Reject,
    Speak,
    Stage,
    State,
    Step,
    about,
    done,
    say,
    turn_begun,
)
from core.negotiation.reading import (
    commits_of,
    counter_fault,
    refusal,
    reveal_fault,
    valid_counters,
    valid_reveals,
)


def certifying(state: State, context: EpochContext) -> Step:
    """Propose, endorse, and adopt the set that k seats have endorsed."""
    times = context.deadlines
    base, end = (
        (times.reveal, times.certificate) if state.round == 0 else (times.counter, times.counter_certificate)
    )
    certified = _certified_set(state, context)
    if certified is not None:
        return _adopt(state, certified)
    if state.now >= end:
        return done(state, "no_agreement", f"no certified set in round {state.round}"), []
    for rank, keeper in enumerate(context.keepers):
        if not turn_begun(state, context, rank=rank, base=base, seconds=end - base):
            break
        state, effects = _keep(state, context, rank=rank, keeper=keeper)
        if effects:
            return state, effects
    return state, []


def _keep(state: State, context: EpochContext, *, rank: int, keeper: int) -> Step:
    """Propose the set if it is my turn; endorse a valid proposal of the keeper whose turn it is."""
    proposal = state.spoken(Phase.CERTIFICATE, state.round).get(keeper)
    if proposal is None:
        if keeper != context.me:
            return state, []
        own = _own_set(state)
        if state.round == 0 and len(own) < context.quorum:
            return state, []
        body = about(state, {"members": _listed(state, own)})
        return say(state, f"certificate:{state.round}", Speak(Phase.CERTIFICATE, state.round, 0, body))
    name = f"endorse:{state.round}:{rank}"
    if name in state.asked:
        return state, []
    members, fault = read_certificate(state, proposal, context)
    if not fault and _missing(state, members, context):
        fault = "a message that was forwarded in time is missing"
    if fault:
        state, _ = say(state, name)
        return state, [Reject(proposal, fault)]
    body = about(state, {"set": set_hash(members).hex(), "keeper": keeper})
    return say(state, name, Speak(Phase.ENDORSE, state.round, rank, body))


def _own_set(state: State) -> dict[int, SignedMessage]:
    return valid_reveals(state) if state.round == 0 else valid_counters(state)


def _listed(state: State, members: Mapping[int, SignedMessage]) -> list[dict[str, Any]]:
    """Return the members' messages, commits first in round 0, as a certificate carries them."""
    commits = commits_of(state) if state.round == 0 else {}
    chosen = [commits[agent] for agent in sorted(members) if agent in commits]
    return [message_to_dict(message) for message in (*chosen, *(members[agent] for agent in sorted(members)))]


def _missing(state: State, members: Mapping[int, SignedMessage], context: EpochContext) -> bool:
    """Whether the set lacks a message that this agent held before the deadline."""
    limit = context.deadlines.reveal if state.round == 0 else context.deadlines.counter
    timely = {a for a, m in _own_set(state).items() if state.arrived.get(m.key, limit + 1) <= limit}
    return not timely <= set(members)


def set_hash(members: Mapping[int, SignedMessage]) -> bytes:
    """Return what an endorsement names: the hash over the members' digests, ascending by agent."""
    return sha256(b"".join(members[agent].digest for agent in sorted(members)))


def read_certificate(
    state: State, proposal: SignedMessage, context: EpochContext
) -> tuple[dict[int, SignedMessage], str]:
    """Return a certificate's members and what is wrong with it (empty when nothing is)."""
    body = proposal.body()
    if state.announce is None or body.get("announce") != state.announce.digest.hex():
        return {}, "another announce"
    try:
        messages = [message_from_dict(entry) for entry in body["members"]]
    except (NegotiationError, KeyError, TypeError) as error:
        return {}, f"unreadable: {error}"
    for message in messages:
        fault = refusal(message, context)
        if fault:
            return {}, fault
    if state.round == 0:
        return _read_reveals(state, messages, context)
    counters = {m.agent_id: m for m in messages if m.phase is Phase.COUNTER}
    bad = [a for a, m in counters.items() if counter_fault(state, m)]
    return counters, f"counter of agent {bad[0]}: {counter_fault(state, counters[bad[0]])}" if bad else ""


def _read_reveals(
    state: State, messages: list[SignedMessage], context: EpochContext
) -> tuple[dict[int, SignedMessage], str]:
    commits = {m.agent_id: m for m in messages if m.phase is Phase.COMMIT}
    reveals = {m.agent_id: m for m in messages if m.phase is Phase.REVEAL}
    for agent, reveal in reveals.items():
        fault = reveal_fault(state, commits[agent], reveal) if agent in commits else "no commit"
        if fault:
            return {}, f"reveal of agent {agent}: {fault}"
    if len(reveals) < context.quorum:
        return {}, f"{len(reveals)} reveals, {context.quorum} are needed"
    return reveals, ""


def _certified_set(state: State, context: EpochContext) -> SignedMessage | None:
    """Return the certificate that k seats have endorsed, if there is one."""
    for rank, keeper in enumerate(context.keepers):
        proposal = state.spoken(Phase.CERTIFICATE, state.round).get(keeper)
        if proposal is None:
            continue
        members, fault = read_certificate(state, proposal, context)
        if fault:
            continue
        name = set_hash(members).hex()
        votes = state.spoken(Phase.ENDORSE, state.round, rank).values()
        if sum(vote.body().get("set") == name for vote in votes) >= context.quorum:
            return proposal
    return None


def _adopt(state: State, certificate: SignedMessage) -> Step:
    """Make the certified set the set, and go on to the counters or to the candidate."""
    messages = [message_from_dict(entry) for entry in certificate.body()["members"]]
    wanted = Phase.REVEAL if state.round == 0 else Phase.COUNTER
    members = {m.agent_id: m for m in messages if m.phase is wanted}
    commits = {m.agent_id: m for m in messages if m.phase is Phase.COMMIT} or state.commits
    stage = Stage.COUNTERING if state.round == 0 else Stage.AGREEING
    certified = (*state.certified, members)
    return replace(state, stage=stage, certified=certified, commits=commits), []
