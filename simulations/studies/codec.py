"""Studies as plain values for hashes and manifests, and back; a float is its hexadecimal form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from core.errors import SimulationError

FLOAT = "float"


def encode(value: Any) -> Any:
    """Return dataclasses, mappings, sequences and scalars as what canonical JSON takes.

    >>> encode((1, 0.5, "x"))
    [1, {'float': '0x1.0000000000000p-1'}, 'x']

    Raises:
        SimulationError: a value of another kind.
    """
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return {FLOAT: value.hex()}
    if is_dataclass(value):
        return {one.name: encode(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): encode(part) for key, part in value.items()}
    if isinstance(value, Sequence):
        return [encode(part) for part in value]
    raise SimulationError(f"a {type(value).__name__} has no plain form", allowed="numbers, names, records")


def decode(value: Any) -> Any:
    """Return what :func:`encode` wrote, records as dictionaries and sequences as tuples."""
    if isinstance(value, Mapping):
        if set(value) == {FLOAT}:
            return float.fromhex(value[FLOAT])
        return {key: decode(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return tuple(decode(part) for part in value)
    return value
