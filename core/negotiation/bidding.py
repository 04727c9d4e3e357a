"""Announce, judge, commit, reveal, and the one chance to lower a bound (MECHANISM.md, steps 1, 2 and 5)."""

from __future__ import annotations

from dataclasses import replace

from core.candidate import candidate_of
from core.errors import NegotiationError
from core.evidence import canonical_json
from core.messages import Phase, SignedMessage, commitment, require_bound
from core.negotiation.certificates import set_hash
from core.negotiation.model import (
    Effect,
    EpochContext,
    Forward,
    Judge,
    PrepareAnnounce,
    Reconsider,
    Speak,
    Stage,
    State,
    Step,
    done,
    say,
    turn_begun,
    turn_over,
)
from core.negotiation.reading import commits_of, members_of, valid_counters, valid_reveals


def awaiting(state: State, context: EpochContext) -> Step:
    """Wait for the announce of the keeper whose turn it is, or be that keeper."""
    times = context.deadlines
    if state.now < times.start:
        return state, []
    length = times.announce - times.start
    heard = state.spoken(Phase.ANNOUNCE)
    for rank, keeper in enumerate(context.keepers):
        if not turn_begun(state, context, rank=rank, base=times.start, seconds=length):
            break
        if keeper in heard and keeper not in state.refused:
            return replace(state, announce=heard[keeper], stage=Stage.JUDGING), []
        # a keeper that comes late leaves it to the next: two announces would split the seats
        over = turn_over(state, context, rank=rank, base=times.start, seconds=length)
        if keeper == context.me and keeper not in state.refused and not over:
            return say(state, "announce", PrepareAnnounce())
    if state.now >= times.commit:
        return done(state, "no_agreement", "nobody announced the epoch"), []
    return state, []


def judging(state: State, context: EpochContext) -> Step:
    """Ask the strategy once, then commit to its answer; or turn to the announce that all should follow."""
    if state.announce is None:
        raise NegotiationError("judging without an announce")
    if state.judged is None:
        if state.now >= context.deadlines.certificate:
            return done(state, "no_agreement", "the judgement came after the certificate's deadline"), []
        return say(state, "judge", Judge(state.announce))
    better = preferred(state, context)
    if better.digest != state.announce.digest:
        return replace(state, announce=better, judged=None, own={}, asked=state.asked - {"judge"}), []
    body = {
        "announce": state.announce.digest.hex(),
        "commitment": commitment(canonical_json(dict(state.own))),
    }
    state, effects = say(state, "commit", Speak(Phase.COMMIT, 0, 0, body))
    return replace(state, stage=Stage.COMMITTING), effects


def preferred(state: State, context: EpochContext) -> SignedMessage:
    """Return the announce to commit to: of those that a quorum can still answer, the earliest keeper's.

    Announces cross when one is spoken as its keeper's turn ends.  An agent that has not committed turns to
    the earliest keeper's; with more than f commits to others that one has lost, and nobody need follow it.
    """
    if state.announce is None:
        raise NegotiationError("nothing to prefer without an announce")
    if state.now >= context.deadlines.commit:
        return state.announce
    heard, start = state.spoken(Phase.ANNOUNCE), context.deadlines.start
    seconds = context.deadlines.announce - start
    answered = [message.body().get("announce") for message in state.spoken(Phase.COMMIT).values()]
    for rank, keeper in enumerate(context.keepers):
        if not turn_begun(state, context, rank=rank, base=start, seconds=seconds):
            break
        if keeper in heard and keeper not in state.refused:
            digest = heard[keeper].digest.hex()
            if sum(answer != digest for answer in answered) <= context.faulty:
                return heard[keeper]
    return state.announce


def committing(state: State, context: EpochContext) -> Step:
    """Reveal when all have committed, or at the deadline."""
    if len(commits_of(state)) < context.seats and state.now < context.deadlines.commit:
        return state, []
    state, effects = say(state, "reveal", Speak(Phase.REVEAL, 0, 0, state.own))
    return replace(state, stage=Stage.REVEALING), effects


def revealing(state: State, context: EpochContext) -> Step:
    """Collect reveals; forward them to the keeper if some are missing at the deadline."""
    reveals = valid_reveals(state)
    if len(reveals) < context.seats and state.now < context.deadlines.reveal:
        return state, []
    forwards: list[Effect] = []
    keeper = context.keepers[0]
    if len(reveals) < context.seats and keeper != context.me:
        commits = commits_of(state)
        known = [*reveals.values(), *(commits[agent] for agent in reveals)]
        forwards = [Forward(keeper, message) for message in known if message.agent_id != keeper]
    return replace(state, stage=Stage.CERTIFYING, round=0), forwards


def countering(state: State, context: EpochContext) -> Step:
    """Take or leave the one chance to lower the bound, and collect the others' answers."""
    members = state.certified[0]
    if context.me in members and "reconsider" not in state.asked:
        bound = require_bound(members[context.me].body())
        standing = candidate_of(members_of(state), context.quorum)
        seed = int.from_bytes(set_hash(members)[:4], "big")
        return say(state, "reconsider", Reconsider(standing, bound, seed))
    if len(valid_counters(state)) < len(members) and state.now < context.deadlines.counter:
        return state, []
    forwards: list[Effect] = []
    keeper = context.keepers[0]
    if len(valid_counters(state)) < len(members) and keeper != context.me:
        forwards = [Forward(keeper, m) for a, m in valid_counters(state).items() if a != keeper]
    return replace(state, stage=Stage.CERTIFYING, round=1), forwards
