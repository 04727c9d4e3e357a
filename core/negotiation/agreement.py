"""From the certified set to k signatures, and to the chain (MECHANISM.md, steps 4, 6 and 7)."""

from __future__ import annotations

from dataclasses import replace

from core.candidate import build_update, candidate_of, transcript_root
from core.epoch import clamp
from core.errors import NegotiationError
from core.messages import Phase
from core.negotiation.model import (
    Assess,
    EpochContext,
    Stage,
    State,
    Step,
    Submit,
    done,
    rank_of,
    say,
    turn_begun,
)
from core.negotiation.reading import members_of


def agreeing(state: State, context: EpochContext) -> Step:
    """Compute the candidate, ask for an answer, and count the signatures."""
    if state.update is None:
        return _next_update(state, context)
    agreed = agreements(state, context)
    answered = set(agreed) | set(state.spoken(Phase.DISSENT, 0, state.attempt))
    late = state.now >= context.deadlines.agree(state.attempt)
    if len(answered) < context.seats and not late:
        return say(state, f"assess:{state.attempt}", Assess(state.update))
    if len(agreed) >= context.quorum:
        return replace(state, stage=Stage.SUBMITTING), []
    return _next_attempt(state, context, agreed=set(agreed))


def _next_update(state: State, context: EpochContext) -> Step:
    """Compute the candidate of this attempt; end the epoch if it changes nothing."""
    if state.judged is None or state.announce is None:
        return done(state, "no_agreement", "no judgement of one's own"), []
    if state.now < context.deadlines.attempt_start(state.attempt) and state.attempt > 0:
        return state, []
    members = tuple(m for m in members_of(state) if m.agent_id not in state.excluded)
    value = candidate_of(members, context.quorum)
    if value is None:
        return done(state, "no_agreement", f"fewer than {context.quorum} bounds"), []
    judged = state.judged
    value = clamp(value, lowest=judged.lowest, highest=judged.highest)
    if value == judged.snapshot.parameters.field(context.scalar):
        return done(state, "no_change", f"the candidate {value} is the current value"), []
    root = transcript_root(state.announce, state.commits, state.certified, context.keccak)
    update = build_update(
        context=context,
        snapshot=judged.snapshot,
        value=value,
        attempt=state.attempt,
        members=members,
        all_members=members_of(state),
        transcript=root,
    )
    return replace(state, update=update), []


def agreements(state: State, context: EpochContext) -> dict[int, bytes]:
    """Return the valid signatures over this attempt's update, by agent."""
    if state.update is None:
        return {}
    digest = context.update_digest(state.update)
    found: dict[int, bytes] = {}
    for agent, message in state.spoken(Phase.AGREE, 0, state.attempt).items():
        body = message.body()
        try:
            signature = bytes.fromhex(body["update_signature"])
        except (KeyError, ValueError, TypeError):
            continue
        if (
            body.get("update_digest") == digest.hex()
            and context.recover(digest, signature) == context.wallets[agent]
        ):
            found[agent] = signature
    return found


def _next_attempt(state: State, context: EpochContext, *, agreed: set[int]) -> Step:
    """Leave out those who withheld a signature for a value within their own bound, or give up."""
    if state.update is None:
        raise NegotiationError("an attempt ended before it had an update")
    value = state.update.proposed.field(context.scalar)
    withheld = {
        m.agent_id
        for m in members_of(state)
        if m.bound is not None and m.bound >= value and m.agent_id not in agreed
    }
    attempt = state.attempt + 1
    if not withheld - state.excluded or attempt > context.faulty:
        return done(state, "no_agreement", f"{len(agreed)} of {context.quorum} signatures"), []
    excluded = state.excluded | withheld
    return replace(state, attempt=attempt, excluded=excluded, update=None), []


def submitting(state: State, context: EpochContext) -> Step:
    """Submit when it is this keeper's turn, until the attempt is void."""
    if state.update is None:
        raise NegotiationError("submitting without an update")
    times = context.deadlines
    end = times.attempt_start(state.attempt + 1)
    if state.now >= end:
        return done(state, "no_agreement", "nobody submitted in time"), []
    base = times.agree(state.attempt)
    rank = rank_of(context, context.me)
    if not turn_begun(state, context, rank=rank, base=base, seconds=end - base):
        return state, []
    signatures = [(context.wallets[agent], sig) for agent, sig in agreements(state, context).items()]
    ordered = tuple(sorted(signatures, key=lambda pair: int(pair[0], 16)))
    return say(state, f"submit:{state.attempt}", Submit(state.update, ordered))
