"""The candidate again, from nothing but the signed messages of an epoch.

Anybody who holds the messages (``--events`` writes them) can check who said what and that the proposed
value follows from it.  The announce names seats, quorum and what guardrails could reach; a reader who
does not trust it compares it with the chain at the announced block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from core.calls import is_extraordinary
from core.candidate import Member, candidate_of, models_of
from core.epoch import clamp, max_faulty
from core.errors import NegotiationError
from core.messages import Phase, SignedMessage, commitment, message_from_dict, require_bound
from core.negotiation.certificates import set_hash


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What an epoch's messages come to; ``value`` is ``None`` without a certified set or k bounds."""

    epoch: int
    current: int
    value: int | None
    attempt: int
    bounds: dict[int, int | None]
    signers: tuple[int, ...]
    models: tuple[bytes, ...] = ()

    @property
    def outcome(self) -> str:
        """proposed, no_change or no_agreement, as the messages alone have it."""
        if self.value == self.current:
            return "no_change"
        return "proposed" if self.signers else "no_agreement"


def recompute(
    messages: Iterable[SignedMessage], epoch: int, *, signer_of: Callable[[SignedMessage], str | None]
) -> Recomputed:
    """Return what the messages of ``epoch`` come to.

    Args:
        messages: In any order, with repetitions.
        epoch: Which epoch to look at.
        signer_of: Recovers the wallet that signed a message's digest, or ``None``.

    Raises:
        NegotiationError: there is no announce, a certified message is forged, or nobody called the epoch.
    """
    own = {m.digest: m for m in messages if m.epoch == epoch}.values()
    announce = _first(own, Phase.ANNOUNCE)
    facts = announce.body()
    wallets = {int(agent): wallet for agent, wallet in facts["seats"].items()}
    valid = [m for m in own if m.agent_id in wallets and signer_of(m) == wallets[m.agent_id]]
    if is_extraordinary(epoch):
        _check_call(facts, epoch, wallets=wallets, signer_of=signer_of)
    reveals = _certified(valid, wallets, facts["quorum"], round_=0, announce=announce, signer_of=signer_of)
    counters = _certified(valid, wallets, facts["quorum"], round_=1, announce=announce, signer_of=signer_of)
    current = int(facts["current"][facts["scalar"]])
    bounds = {
        agent: require_bound(counters.get(agent, reveal).body()) for agent, reveal in sorted(reveals.items())
    }
    members = {
        agent: Member(agent, bound, b"", bytes.fromhex(reveals[agent].body().get("model_id", "")))
        for agent, bound in bounds.items()
    }
    attempt, value, signers, left = _attempts(members, valid, facts, faulty=max_faulty(len(wallets)))
    return Recomputed(epoch, current, value, attempt, bounds, signers, models_of(left))


def _check_call(
    facts: dict[str, Any],
    epoch: int,
    *,
    wallets: dict[int, str],
    signer_of: Callable[[SignedMessage], str | None],
) -> None:
    """Refuse an extraordinary epoch whose announce carries no call that a seat has signed."""
    call = message_from_dict(facts.get("call") or {})
    sound = (call.epoch, call.phase) == (epoch, Phase.CALL) and call.agent_id in wallets
    if not sound or signer_of(call) != wallets[call.agent_id]:
        raise NegotiationError(f"epoch {epoch} was called by nobody", allowed="a call that a seat has signed")


def _attempts(
    members: dict[int, Member], messages: Sequence[SignedMessage], facts: dict[str, Any], *, faulty: int
) -> tuple[int, int | None, tuple[int, ...], list[Member]]:
    """Walk through the attempts as the machine does; return the last one, its value, signers and members.

    Whoever withheld a signature for a value within its own bound is left out of the next attempt; it ends
    with k signatures, with the current value, without anybody to leave out, or after f + 1 attempts.
    """
    left, attempt = list(members.values()), 0
    while True:
        value, signed = _value(left, facts), _signers(messages, attempt)
        if value is None or value == facts["current"][facts["scalar"]]:
            return attempt, value, (), left
        if len(signed) >= facts["quorum"]:
            return attempt, value, signed, left
        withheld = {
            m.agent_id for m in left if m.bound is not None and m.bound >= value and m.agent_id not in signed
        }
        if not withheld or attempt == faulty:
            return attempt, value, (), left
        left = [m for m in left if m.agent_id not in withheld]
        attempt += 1


def _first(messages: Iterable[SignedMessage], phase: Phase) -> SignedMessage:
    """Return the announce that the most messages answer."""
    all_messages = list(messages)
    found = [m for m in all_messages if m.phase is phase]
    if not found:
        raise NegotiationError("the messages hold no announce", allowed="all messages of an epoch")
    answers = [m.body().get("announce") for m in all_messages]
    return max(found, key=lambda m: answers.count(m.digest.hex()))


def _certified(
    messages: Sequence[SignedMessage],
    wallets: dict[int, str],
    quorum: int,
    *,
    round_: int,
    announce: SignedMessage,
    signer_of: Callable[[SignedMessage], str | None],
) -> dict[int, SignedMessage]:
    """Return the members of the set that ``quorum`` seats endorsed in ``round_``; empty when none is."""
    endorsements = [m for m in messages if m.phase is Phase.ENDORSE and m.round == round_]
    for certificate in (m for m in messages if m.phase is Phase.CERTIFICATE and m.round == round_):
        inner = [message_from_dict(entry) for entry in certificate.body()["members"]]
        wanted = Phase.REVEAL if round_ == 0 else Phase.COUNTER
        members = {m.agent_id: m for m in inner if m.phase is wanted}
        name = set_hash(members).hex()
        endorsers = {m.agent_id for m in endorsements if m.body().get("set") == name}
        if len(endorsers) < quorum:
            continue
        for message in inner:
            if message.agent_id not in wallets or signer_of(message) != wallets[message.agent_id]:
                raise NegotiationError(f"a certified {message.phase} of agent {message.agent_id} is forged")
        if round_ == 0:
            _check_commitments(inner, members, announce)
        return members
    return {}


def _check_commitments(
    inner: Sequence[SignedMessage], members: dict[int, SignedMessage], announce: SignedMessage
) -> None:
    commits = {m.agent_id: m.body() for m in inner if m.phase is Phase.COMMIT}
    for agent, reveal in members.items():
        promised = commits.get(agent, {})
        if promised.get("commitment") != commitment(reveal.payload):
            raise NegotiationError(f"agent {agent} revealed something else than it committed to")
        if promised.get("announce") != announce.digest.hex():
            raise NegotiationError(f"agent {agent} committed to another announce")


def _value(members: Sequence[Member], facts: dict[str, Any]) -> int | None:
    largest = candidate_of(members, facts["quorum"])
    return None if largest is None else clamp(largest, lowest=facts["lowest"], highest=facts["highest"])


def _signers(messages: Sequence[SignedMessage], attempt: int) -> tuple[int, ...]:
    """Return who agreed to one and the same update: the one that most signed."""
    agreed = [m for m in messages if m.phase is Phase.AGREE and m.attempt == attempt]
    digests = [m.body().get("update_digest") for m in agreed]
    if not digests:
        return ()
    common = max(digests, key=digests.count)
    return tuple(sorted(m.agent_id for m, digest in zip(agreed, digests, strict=True) if digest == common))
