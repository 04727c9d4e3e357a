"""Which of the stored messages are valid, and what is wrong with the others."""

from __future__ import annotations

from core.candidate import Member
from core.errors import NegotiationError
from core.messages import Phase, SignedMessage, commitment, require_bound
from core.negotiation.model import EpochContext, State


def refusal(message: SignedMessage, context: EpochContext) -> str:
    """Say why a message cannot count at all (empty when it can)."""
    if message.epoch != context.epoch:
        return f"epoch {message.epoch} is not {context.epoch}"
    if message.agent_id not in context.wallets:
        return f"agent {message.agent_id} has no seat"
    if not context.verify(message):
        return "the signature is not that of the agent's seat"
    try:
        message.body()
    except NegotiationError as error:
        return error.found
    return ""


def commits_of(state: State) -> dict[int, SignedMessage]:
    """Return the commits to the announce that this agent follows."""
    if state.announce is None:
        return {}
    digest = state.announce.digest.hex()
    return {a: m for a, m in state.spoken(Phase.COMMIT).items() if m.body().get("announce") == digest}


def valid_reveals(state: State) -> dict[int, SignedMessage]:
    """Return the reveals that match their commits."""
    commits = commits_of(state)
    reveals = state.spoken(Phase.REVEAL)
    return {a: m for a, m in reveals.items() if a in commits and reveal_fault(state, commits[a], m) == ""}


def reveal_fault(state: State, commit: SignedMessage, reveal: SignedMessage) -> str:
    """Say what is wrong with a reveal (empty when nothing is).

    A model counts only if the announce lists it as its author's and live: one agent that names a revoked
    one could otherwise keep every update from the chain.
    """
    body = reveal.body()
    if body.get("announce") != commit.body().get("announce"):
        return "another announce"
    if commit.body().get("commitment") != commitment(reveal.payload):
        return "not what was committed to"
    try:
        require_bound(body)
        if len(bytes.fromhex(body["bundle_root"])) != 32:
            return "the bundle root is not 32 bytes"
        if body.get("model_id", "") not in ("", *_live_models(state, reveal.agent_id)):
            return "its model is not one of its author's live models"
    except (NegotiationError, KeyError, ValueError, TypeError) as error:
        return str(error)
    return ""


def _live_models(state: State, agent_id: int) -> tuple[str, ...]:
    """Return the models of an agent that were live at the announced block, hex."""
    announced = state.announce.body().get("models", {}) if state.announce is not None else {}
    return tuple(announced.get(str(agent_id), ()))


def valid_counters(state: State) -> dict[int, SignedMessage]:
    """Return the counters that lower, or keep, what their author revealed."""
    return {a: m for a, m in state.spoken(Phase.COUNTER, 1).items() if counter_fault(state, m) == ""}


def counter_fault(state: State, counter: SignedMessage) -> str:
    """Say what is wrong with a counter: it may only lower the bound that its author revealed."""
    reveal = state.certified[0].get(counter.agent_id)
    if reveal is None:
        return "its author is not in the certified set"
    try:
        bound, revealed = require_bound(counter.body()), require_bound(reveal.body())
    except NegotiationError as error:
        return error.found
    if revealed is None:
        return "" if bound is None else "its author abstained"
    return "" if bound is not None and bound <= revealed else "a counter may only lower the bound"


def members_of(state: State) -> tuple[Member, ...]:
    """Return the certified agents with the bound that stands after the counters."""
    counters = state.certified[1] if len(state.certified) > 1 else {}
    return tuple(
        Member(
            agent_id=agent,
            bound=require_bound(counters[agent].body() if agent in counters else reveal.body()),
            bundle_root=bytes.fromhex(reveal.body()["bundle_root"]),
            model_id=bytes.fromhex(reveal.body().get("model_id", "")),
        )
        for agent, reveal in sorted(state.certified[0].items())
    )
