"""Four negotiation machines in one process, with fake keys and a clock that the test moves.

Signatures are SHA-256 over a secret per agent: enough to tell who signed, nothing more.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from dataclasses import asdict, dataclass, field

from core.epoch import deadlines, keeper_order
from core.evidence import canonical_json
from core.mandate import PhaseSeconds
from core.market import MarketSnapshot, Parameters, Scalar
from core.messages import Phase, SignedMessage
from core.negotiation import (
    Assess,
    Assessed,
    Consumed,
    EpochContext,
    Finish,
    Forward,
    Judge,
    Judged,
    PrepareAnnounce,
    Received,
    Reconsider,
    Reconsidered,
    Reject,
    Speak,
    State,
    Submit,
    Tick,
    advance,
)
from core.units import Bps
from core.update import ParameterUpdate

NOW = Parameters(Bps(70_00), Bps(75_00), Bps(5_00), 10**24, 10**13)


def keccak(data: bytes) -> bytes:
    """Stand in for Keccak: any collision-free hash of 32 bytes will do for the machine."""
    return hashlib.sha3_256(data).digest()


def wallet(agent: int) -> str:
    return f"0x{agent:040x}"


def sign(agent: int, digest: bytes) -> bytes:
    return agent.to_bytes(32, "big") + hashlib.sha256(b"secret%d" % agent + digest).digest()


def recover(digest: bytes, signature: bytes) -> str | None:
    agent = int.from_bytes(signature[:32], "big")
    return wallet(agent) if sign(agent, digest) == signature else None


def message_digest(epoch: int, attempt: int, round_: int, phase: Phase, agent: int, payload: bytes) -> bytes:
    head = f"{epoch}|{attempt}|{round_}|{phase}|{agent}|".encode()
    return keccak(head + keccak(payload))


def verify(message: SignedMessage) -> bool:
    digest = message_digest(
        message.epoch, message.attempt, message.round, message.phase, message.agent_id, message.payload
    )
    return digest == message.digest and recover(digest, message.signature) == wallet(message.agent_id)


def update_digest(update: ParameterUpdate) -> bytes:
    return keccak(json.dumps(asdict(update), default=lambda b: b.hex(), sort_keys=True).encode())


@dataclass
class Player:
    """One agent: its bound, how it reconsiders, and whether it is alive or obstinate."""

    bound: int | None
    counter: int | None = None
    alive: bool = True
    signs: bool = True
    dies_after: Phase | None = None
    model_id: bytes = b""


@dataclass
class Network:
    """Delivers every message to every living agent, in order, until all is quiet."""

    players: dict[int, Player]
    epoch: int = 1
    highest: int = 75_50
    lowest: int = 75_00
    now: int = 0
    contexts: dict[int, EpochContext] = field(default_factory=dict)
    states: dict[int, State] = field(default_factory=dict)
    log: list[SignedMessage] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    submitted: list[tuple[int, Submit]] = field(default_factory=list)
    outcomes: dict[int, Finish] = field(default_factory=dict)
    live_models: dict[int, tuple[bytes, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        table = b"\x07" * 32
        order = keeper_order(self.epoch, "0xmarket", table, self.players)
        for agent in self.players:
            self.contexts[agent] = EpochContext(
                epoch=self.epoch,
                market="0xmarket",
                scalar=Scalar.LIQUIDATION_THRESHOLD,
                me=agent,
                wallets={a: wallet(a) for a in self.players},
                seat_table_hash=table,
                keepers=order,
                deadlines=deadlines(0, PhaseSeconds()),
                margin_bps=Bps(5_00),
                keccak=keccak,
                verify=verify,
                update_digest=update_digest,
                recover=recover,
            )
            self.states[agent] = State()

    @property
    def keepers(self) -> tuple[int, ...]:
        return next(iter(self.contexts.values())).keepers

    def run(self, *, until: int = 20_000, step: int = 60) -> None:
        """Move the clock until every living agent has finished, or ``until``."""
        while self.now <= until:
            for agent, player in self.players.items():
                if player.alive:
                    self.feed(agent, Tick(self.now))
            alive = [a for a, p in self.players.items() if p.alive]
            if all(a in self.outcomes for a in alive):
                return
            self.now += step

    def feed(self, agent: int, event: object) -> None:
        queue = deque([(agent, event)])
        while queue:
            who, what = queue.popleft()
            if not self.players[who].alive:
                continue
            self.states[who], effects = advance(self.states[who], what, self.contexts[who])
            for effect in effects:
                queue.extend(self._perform(who, effect))

    def _perform(self, who: int, effect: object) -> list[tuple[int, object]]:
        player = self.players[who]
        match effect:
            case PrepareAnnounce():
                return self._broadcast(who, Speak(Phase.ANNOUNCE, 0, 0, self.announce()))
            case Judge():
                return [(who, Judged(self.snapshot(), self.lowest, self.highest, self.reveal(who)))]
            case Speak():
                return self._broadcast(who, effect)
            case Forward(to, message):
                return [(to, Received(message))]
            case Reconsider(bound=bound):
                return [(who, Reconsidered({"bound": bound if player.counter is None else player.counter}))]
            case Assess(update):
                return [(who, self._assess(who, update))]
            case Submit():
                self.submitted.append((who, effect))
                return [(agent, Consumed()) for agent in self.players]
            case Reject():
                self.rejects.append(effect)
            case Finish():
                self.outcomes[who] = effect
        return []

    def _assess(self, who: int, update: ParameterUpdate) -> Assessed:
        player, value = self.players[who], update.proposed.liquidation_threshold_bps
        own = player.bound if player.counter is None else player.counter
        down = value < NOW.liquidation_threshold_bps
        if not player.signs or own is None or (own < value and not down):
            return Assessed(Phase.DISSENT, {"value": int(value), "reason": "above_bound"})
        digest = update_digest(update)
        body = {"update_digest": digest.hex(), "update_signature": sign(who, digest).hex()}
        return Assessed(Phase.AGREE, body)

    def _broadcast(self, who: int, speak: Speak) -> list[tuple[int, object]]:
        messages = self.speak(who, speak)
        if self.players[who].dies_after is speak.phase:
            self.players[who].alive = False
        return [(agent, Received(message)) for message in messages for agent in self.players]

    def speak(self, who: int, speak: Speak) -> list[SignedMessage]:
        message = signed(
            self.epoch, who, speak.phase, dict(speak.body), round_=speak.round, attempt=speak.attempt
        )
        self.log.append(message)
        return [message]

    def announce(self) -> dict[str, object]:
        return {
            "block": 1,
            "scalar": Scalar.LIQUIDATION_THRESHOLD.value,
            "seats": {str(agent): wallet(agent) for agent in self.players},
            "quorum": next(iter(self.contexts.values())).quorum,
            "current": NOW.as_dict(),
            "lowest": self.lowest,
            "highest": self.highest,
            "models": {str(a): [m.hex() for m in ids] for a, ids in self.live_models.items()},
        }

    def reveal(self, who: int) -> dict[str, object]:
        return {
            "bound": self.players[who].bound,
            "bundle_root": hashlib.sha256(b"bundle%d" % who).hexdigest(),
            "salt": f"{who}",
            "model_id": self.players[who].model_id.hex(),
        }

    def snapshot(self) -> MarketSnapshot:
        return MarketSnapshot(
            market="0xmarket",
            block_number=1,
            timestamp=0,
            parameters=NOW,
            oracle_price=2_000 * 10**8,
            total_collateral=10**21,
            total_debt_supply=10**13,
            total_borrow=6 * 10**12,
            reserves=0,
            positions_root=b"\x01" * 32,
        )


def signed(
    epoch: int, agent: int, phase: Phase, body: dict[str, object], *, round_: int = 0, attempt: int = 0
) -> SignedMessage:
    """Return a message that verifies."""
    payload = canonical_json(body)
    digest = message_digest(epoch, attempt, round_, phase, agent, payload)
    return SignedMessage(epoch, attempt, round_, phase, agent, payload, digest, sign(agent, digest))
