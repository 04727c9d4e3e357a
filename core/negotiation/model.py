"""What the negotiation machine is told (events), what it asks for (effects), and what it knows (state)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from core.epoch import Deadlines, max_faulty, quorum
from core.market import MarketSnapshot, Scalar
from core.messages import Phase, SignedMessage
from core.ports import Keccak
from core.units import Bps
from core.update import ParameterUpdate

Key = tuple[int, Phase, int, int, int]


class Stage(StrEnum):
    """Where an agent stands in its epoch."""

    AWAITING = "awaiting"
    JUDGING = "judging"
    COMMITTING = "committing"
    REVEALING = "revealing"
    CERTIFYING = "certifying"
    COUNTERING = "countering"
    AGREEING = "agreeing"
    SUBMITTING = "submitting"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class EpochContext:
    """What does not change during an epoch.

    ``verify`` says whether a message's digest and signature are those of its author's seat;
    ``update_digest`` and ``recover`` are the EIP-712 digest of an update and its signer.
    """

    epoch: int
    market: str
    scalar: Scalar
    me: int
    wallets: Mapping[int, str]
    seat_table_hash: bytes
    keepers: tuple[int, ...]
    deadlines: Deadlines
    margin_bps: Bps
    keccak: Keccak
    verify: Callable[[SignedMessage], bool]
    update_digest: Callable[[ParameterUpdate], bytes]
    recover: Callable[[bytes, bytes], str | None]

    @property
    def seats(self) -> int:
        """n."""
        return len(self.wallets)

    @property
    def faulty(self) -> int:
        """f."""
        return max_faulty(self.seats)

    @property
    def quorum(self) -> int:
        """k."""
        return quorum(self.seats)


# --- events: what happened -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tick:
    """The chain's clock."""

    now: int


@dataclass(frozen=True, slots=True)
class Received:
    """A message, one's own included."""

    message: SignedMessage


@dataclass(frozen=True, slots=True)
class Judged:
    """The announce agrees with the chain, and the strategy has answered.

    ``reveal`` is the body of the reveal to come (without the announce's digest); ``lowest`` and
    ``highest`` are what guardrails and open lanes can reach from the snapshot's value.
    """

    snapshot: MarketSnapshot
    lowest: int
    highest: int
    reveal: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """The announce of ``agent_id`` contradicts the chain or the mandate."""

    agent_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class Reconsidered:
    """The one chance to lower the bound has been taken or left."""

    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Assessed:
    """The whole vector has been simulated again: agree (with a signature over the update) or dissent."""

    phase: Phase
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Consumed:
    """The governor has taken a proposal for this epoch."""


Event = Tick | Received | Judged | Refused | Reconsidered | Assessed | Consumed

# --- effects: what the shell must do ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PrepareAnnounce:
    """Read the chain and speak the announce."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Check the announce against the chain and ask the strategy."""

    announce: SignedMessage


@dataclass(frozen=True, slots=True)
class Speak:
    """Sign, journal and send to every seat."""

    phase: Phase
    round: int
    attempt: int
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Forward:
    """Send somebody's message on to the keeper."""

    to: int
    message: SignedMessage


@dataclass(frozen=True, slots=True)
class Reconsider:
    """Simulate the standing candidate over fresh paths; ``seed`` comes from the certified set."""

    candidate: int | None
    bound: int | None
    seed: int


@dataclass(frozen=True, slots=True)
class Assess:
    """Simulate the whole vector again and sign it, or say why not."""

    update: ParameterUpdate


@dataclass(frozen=True, slots=True)
class Submit:
    """Send the signed update to the governor, signers ascending by address."""

    update: ParameterUpdate
    signatures: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Reject:
    """A message that the protocol refuses; recorded against its sender."""

    message: SignedMessage
    reason: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The epoch is over for this agent: proposed, no_change or no_agreement."""

    outcome: str
    reason: str


Effect = PrepareAnnounce | Judge | Speak | Forward | Reconsider | Assess | Submit | Reject | Finish


@dataclass(frozen=True, slots=True)
class State:
    """Everything that an agent knows in one epoch.

    ``asked`` names the effects that were already asked for, ``arrived`` when each message came.
    """

    stage: Stage = Stage.AWAITING
    now: int = 0
    messages: Mapping[Key, SignedMessage] = field(default_factory=dict)
    arrived: Mapping[Key, int] = field(default_factory=dict)
    asked: frozenset[str] = frozenset()
    refused: frozenset[int] = frozenset()
    announce: SignedMessage | None = None
    judged: Judged | None = None
    own: Mapping[str, Any] = field(default_factory=dict)
    round: int = 0
    certified: tuple[Mapping[int, SignedMessage], ...] = ()
    commits: Mapping[int, SignedMessage] = field(default_factory=dict)
    attempt: int = 0
    excluded: frozenset[int] = frozenset()
    update: ParameterUpdate | None = None
    outcome: str = ""
    reason: str = ""

    def spoken(self, phase: Phase, round_: int = 0, attempt: int = 0) -> dict[int, SignedMessage]:
        """Return the messages of one phase by author."""
        return {
            message.agent_id: message
            for (_, kind, in_round, in_attempt, _), message in self.messages.items()
            if (kind, in_round, in_attempt) == (phase, round_, attempt)
        }


Step = tuple[State, list[Effect]]


def say(state: State, name: str, *effects: Effect) -> Step:
    """Ask for effects once; nothing the second time."""
    if name in state.asked:
        return state, []
    return replace(state, asked=state.asked | {name}), list(effects)


def done(state: State, outcome: str, reason: str) -> State:
    """Return the finished state."""
    return replace(state, stage=Stage.DONE, outcome=outcome, reason=reason)


def rank_of(context: EpochContext, agent: int) -> int:
    """Return the place of ``agent`` in the order of keepers."""
    return context.keepers.index(agent)


def turn_begun(state: State, context: EpochContext, *, rank: int, base: int, seconds: int) -> bool:
    """Whether the keeper of ``rank`` may act: the first at once, each next one a turn after ``base``."""
    return rank == 0 or state.now >= base + rank * (seconds // context.seats)


def turn_over(state: State, context: EpochContext, *, rank: int, base: int, seconds: int) -> bool:
    """Whether the next keeper's turn has begun; the last one's never ends."""
    return rank + 1 < context.seats and state.now >= base + (rank + 1) * (seconds // context.seats)


def about(state: State, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body with the announce that it answers."""
    return {**body, "announce": state.announce.digest.hex() if state.announce else ""}
