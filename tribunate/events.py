"""The event file of a run: one signed message a line, with the domain that its digest belongs to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import DataError, NegotiationError
from core.messages import SignedMessage, message_from_dict
from core.recompute import Recomputed, recompute
from governance.signing import EcdsaVerifier, Eip712Hasher
from tribunate.dao import signer_of_message


@dataclass(frozen=True, slots=True)
class Event:
    """One line: who sent what to whom, and the signed message itself."""

    sender: int
    to: tuple[int, ...]
    chain_id: int
    governor: str
    message: SignedMessage


def read_events(path: Path) -> list[Event]:
    """Return the events of a file.

    Raises:
        DataError: the file is missing, or a line is not an event; names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(
            f"cannot read {path}: {error.strerror}", hint="`tribunate demo --events FILE`"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not text: {error}", allowed="one event a line, as JSON") from error
    return list(_parsed(lines, path))


def _parsed(lines: list[str], path: Path) -> Iterator[Event]:
    for number, line in enumerate(lines, 1):
        try:
            value: dict[str, Any] = json.loads(line)
            message = message_from_dict({**value, "agent_id": value["from"]})
            yield Event(value["from"], tuple(value["to"]), value["chain_id"], value["governor"], message)
        except (ValueError, KeyError, TypeError, NegotiationError) as error:
            raise DataError(f"{path.name}, line {number} is not an event: {error}") from error


def recompute_epoch(events: list[Event], epoch: int) -> Recomputed:
    """Return what the events of ``epoch`` come to, from nothing but themselves.

    Raises:
        NegotiationError: there is no announce, or a certified message is forged.
    """
    verifier = EcdsaVerifier()
    hashers = {(e.chain_id, e.governor): Eip712Hasher(e.chain_id, e.governor) for e in events}
    if len(hashers) != 1:
        raise NegotiationError(f"the events belong to {len(hashers)} deployments", allowed="one")
    (hasher,) = hashers.values()
    return recompute(
        (event.message for event in events), epoch, signer_of=lambda m: signer_of_message(hasher, verifier, m)
    )
