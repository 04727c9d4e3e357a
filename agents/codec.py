"""Machine events as journal rows, and back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from core.errors import NegotiationError
from core.market import MarketSnapshot, parameters_from
from core.messages import Phase, message_from_dict, message_to_dict
from core.negotiation import Assessed, Consumed, Event, Judged, Received, Reconsidered, Refused, Tick


def event_to_row(event: Event) -> tuple[str, dict[str, Any]]:
    """Return (kind, body) of an event."""
    match event:
        case Tick(now):
            return "tick", {"now": now}
        case Received(message):
            return "received", message_to_dict(message)
        case Judged(snapshot, lowest, highest, reveal):
            body = {"snapshot": snapshot_to_dict(snapshot), "lowest": lowest, "highest": highest}
            return "judged", {**body, "reveal": dict(reveal)}
        case Refused(agent_id, reason):
            return "refused", {"agent_id": agent_id, "reason": reason}
        case Reconsidered(body):
            return "reconsidered", dict(body)
        case Assessed(phase, body):
            return "assessed", {"phase": phase.value, "body": dict(body)}
        case Consumed():
            return "consumed", {}


def event_from_row(kind: str, body: dict[str, Any]) -> Event:
    """Return the event of a journal row.

    Raises:
        NegotiationError: the kind is unknown (a newer journal).
    """
    match kind:
        case "tick":
            return Tick(body["now"])
        case "received":
            return Received(message_from_dict(body))
        case "judged":
            snapshot = snapshot_from_dict(body["snapshot"])
            return Judged(snapshot, body["lowest"], body["highest"], body["reveal"])
        case "refused":
            return Refused(body["agent_id"], body["reason"])
        case "reconsidered":
            return Reconsidered(body)
        case "assessed":
            return Assessed(Phase(body["phase"]), body["body"])
        case "consumed":
            return Consumed()
    raise NegotiationError(
        f"the journal holds an event of kind {kind!r}", hint="run the version that wrote it"
    )


def snapshot_to_dict(snapshot: MarketSnapshot) -> dict[str, Any]:
    """Return a snapshot in plain types (integers and hex)."""
    values = asdict(snapshot)
    values["parameters"] = snapshot.parameters.as_dict()
    values["positions_root"] = snapshot.positions_root.hex()
    return values


def snapshot_from_dict(values: dict[str, Any]) -> MarketSnapshot:
    """Return the snapshot that ``values`` describes, the inverse of ``snapshot_to_dict``."""
    parameters = parameters_from(values["parameters"])
    root = bytes.fromhex(values["positions_root"])
    return MarketSnapshot(**{**values, "parameters": parameters, "positions_root": root})
