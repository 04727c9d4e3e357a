"""The one message that crosses the wire, as a uAgents model.

Warning: uAgents hashes the schema of a model, its class name, field names and docstring included.
Any change here cuts an agent off from every deployed peer; tests/agents/test_transport.py pins the digest.
"""

from __future__ import annotations

from pydantic.v1 import StrictInt, StrictStr
from uagents import Model, Protocol
from uagents_core.protocol import ProtocolSpecification

from core.errors import NegotiationError
from core.messages import SignedMessage, message_from_dict, message_to_dict

PROTOCOL_NAME = "tribunate-negotiation"


class Bid(Model):  # type: ignore[misc]
    """A signed negotiation message of Tribunate, version 1."""

    epoch: StrictInt
    attempt: StrictInt
    round: StrictInt
    phase: StrictStr
    agent_id: StrictInt
    payload: StrictStr
    digest: StrictStr
    signature: StrictStr

    class Config:
        """Unknown fields are refused, not dropped."""

        extra = "forbid"


def negotiation_protocol() -> Protocol:
    """Return a fresh instance of the protocol; handlers are attached by the transport."""
    spec = ProtocolSpecification(name=PROTOCOL_NAME, version="1.0.0", interactions={Bid: set()})
    return Protocol(spec=spec)


def protocol_digest() -> str:
    """Return what agents compare before they talk: ``proto:`` and the SHA-256 of the messages' schemas."""
    return str(negotiation_protocol().digest)


def to_wire(message: SignedMessage) -> Bid:
    """Return the message as it is sent."""
    return Bid(**message_to_dict(message))


def from_wire(bid: Bid) -> SignedMessage:
    """Return the message that a peer sent.

    Raises:
        NegotiationError: a field is out of its range.
    """
    try:
        return message_from_dict(bid.dict())
    except UnicodeError as error:
        raise NegotiationError(f"a message is malformed: {error}") from error
