"""What agents say to one another in an epoch.

A message's payload is canonical JSON; its EIP-712 digest covers epoch, attempt, round, phase, agent
and the Keccak hash of the payload.  A uAgents envelope around it is transport, not evidence.

    (call ─►) announce ─► commit ─► reveal ─► certificate/endorse ─► counter ─► certificate/endorse
                                                                              ─► agree | dissent
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.errors import NegotiationError
from core.evidence import canonical_json, sha256
from core.units import NANO


class Phase(StrEnum):
    """What a message is; the order is the transcript's order."""

    CALL = "call"
    ANNOUNCE = "announce"
    COMMIT = "commit"
    REVEAL = "reveal"
    CERTIFICATE = "certificate"
    ENDORSE = "endorse"
    COUNTER = "counter"
    AGREE = "agree"
    DISSENT = "dissent"


MAX_PAYLOAD_BYTES = 64_000


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """One message with the EIP-712 digest that its author signed.

    ``agent_id`` is the author's seat; ``digest`` is recomputed from the other fields at the edge and
    the signature checked against the seat's wallet before a message reaches the state machine.
    """

    epoch: int
    attempt: int
    round: int
    phase: Phase
    agent_id: int
    payload: bytes
    digest: bytes
    signature: bytes

    @property
    def key(self) -> tuple[int, Phase, int, int, int]:
        """What makes a message one of a kind: handlers are idempotent by it."""
        return (self.epoch, self.phase, self.round, self.attempt, self.agent_id)

    def body(self) -> dict[str, Any]:
        """Return the payload as a dictionary.

        Raises:
            NegotiationError: the payload is not one JSON object in canonical form.
        """
        if len(self.payload) > MAX_PAYLOAD_BYTES:
            raise NegotiationError(
                f"a {self.phase} payload had {len(self.payload)} bytes",
                allowed=f"at most {MAX_PAYLOAD_BYTES}",
            )
        try:
            body = json.loads(self.payload)
            canonical = canonical_json(body)
        except (ValueError, TypeError, RecursionError) as error:
            raise NegotiationError(
                f"a {self.phase} payload is not canonical JSON: {error}",
                allowed="one object, sorted keys, no floats",
            ) from error
        if not isinstance(body, dict) or canonical != self.payload:
            raise NegotiationError(
                f"a {self.phase} payload is not canonical JSON", allowed="one object, sorted keys, no floats"
            )
        return body


def message_to_dict(message: SignedMessage) -> dict[str, Any]:
    """Return the message as it is written to journals, events and certificates."""
    return {
        "epoch": message.epoch,
        "attempt": message.attempt,
        "round": message.round,
        "phase": message.phase.value,
        "agent_id": message.agent_id,
        "payload": message.payload.decode(),
        "digest": message.digest.hex(),
        "signature": message.signature.hex(),
    }


def message_from_dict(value: dict[str, Any]) -> SignedMessage:
    """Return the message that ``value`` describes; the caller checks digest and signature.

    Raises:
        NegotiationError: a field is missing or of the wrong type.
    """
    try:
        numbers = [value[name] for name in ("epoch", "attempt", "round", "agent_id")]
        if any(type(number) is not int or not 0 <= number < 2**63 for number in numbers):
            raise ValueError("epoch, attempt, round and agent_id are whole numbers from 0")
        return SignedMessage(
            epoch=numbers[0],
            attempt=numbers[1],
            round=numbers[2],
            phase=Phase(value["phase"]),
            agent_id=numbers[3],
            payload=str(value["payload"]).encode(),
            digest=bytes.fromhex(value["digest"]),
            signature=bytes.fromhex(value["signature"]),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise NegotiationError(f"a message is malformed: {error}", allowed="docs/protocol.md") from error


def commitment(reveal_payload: bytes) -> str:
    """Return what a commit publishes of the reveal that follows (the reveal holds a salt)."""
    return sha256(reveal_payload).hex()


def require_bound(body: dict[str, Any]) -> int | None:
    """Return the bound in a reveal or counter; ``None`` when its author abstains.

    Raises:
        NegotiationError: the bound is not a whole number from 0, or absurdly large.
    """
    bound = body.get("bound")
    if bound is None:
        return None
    if type(bound) is not int or not 0 <= bound < NANO**5:
        raise NegotiationError(f"a bound was {bound!r}", allowed="a whole number from 0, or null")
    return bound
