"""A fitted model's state as canonical bytes: what its commitment hashes.

Numbers are written as the hexadecimal form of their doubles, arrays as the SHA-256 of their bytes, so that
the same estimates give the same bytes on any machine.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from core.evidence import canonical_json, sha256

Field = str | int | float | NDArray[np.float64] | None


def state_bytes(model: str, fields: Mapping[str, Field]) -> bytes:
    """Return canonical JSON of a model's name and ``fields``.

    >>> state_bytes("m", {"a": 0.5, "n": 2})
    b'{"model":"m","state":{"a":"0x1.0000000000000p-1","n":2}}'
    """
    state = {name: _plain(value) for name, value in fields.items()}
    return canonical_json({"model": model, "state": state})


def _plain(value: Field) -> str | int | None:
    if isinstance(value, np.ndarray):
        return sha256(np.ascontiguousarray(value).tobytes()).hex()
    return value.hex() if isinstance(value, float) else value
