"""Snapshots of price histories by content hash: the same bars have the same name anywhere.

Canonical form: the header (asset, source, bar length) and the rows ``[close_time, close_e8]``, sorted,
integers only, as canonical JSON; its SHA-256 is the data root.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from core.errors import DataError
from core.evidence import canonical_json, sha256
from core.market import PriceHistory

FORMAT = "tribunate-prices-1"


def canonical_bytes(history: PriceHistory) -> bytes:
    """Return the bytes that stand for ``history``."""
    rows = [[int(t), int(c)] for t, c in zip(history.times, history.closes_e8, strict=True)]
    header = {"asset": history.asset, "source": history.source, "bar_seconds": history.bar_seconds}
    return canonical_json({"format": FORMAT, **header, "rows": sorted(rows)})


def data_root(history: PriceHistory) -> bytes:
    """Return the SHA-256 of the canonical form."""
    return sha256(canonical_bytes(history))


def parse(data: bytes, *, name: str) -> PriceHistory:
    """Return the history that ``data`` stands for.

    Raises:
        DataError: the bytes are not a canonical snapshot.
    """
    try:
        content = json.loads(data)
        rows = np.array(content["rows"], dtype=np.int64).reshape(-1, 2)
        history = PriceHistory(
            content["asset"],
            content["source"],
            content["bar_seconds"],
            np.ascontiguousarray(rows[:, 0]),
            np.ascontiguousarray(rows[:, 1]),
        )
    except (ValueError, KeyError, TypeError, OverflowError) as problem:
        raise DataError(f"{name} is not a price snapshot: {problem}") from problem
    if canonical_bytes(history) != data:
        raise DataError(f"{name} is not in canonical form", hint="load the source again")
    return history


def store(history: PriceHistory, folder: Path) -> Path:
    """Write ``history`` under its data root; return the path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{data_root(history).hex()}.json"
    partial = path.with_suffix(".partial")
    partial.write_bytes(canonical_bytes(history))
    partial.replace(path)
    return path


def load(path: Path) -> PriceHistory:
    """Return the history stored at ``path``.

    Raises:
        DataError: the file is missing, or its bytes do not match its name.
    """
    if not path.is_file():
        raise DataError(f"snapshot {path.name} is missing")
    data = path.read_bytes()
    if sha256(data).hex() != path.stem:
        raise DataError(f"snapshot {path.name} does not match its hash", hint="load the source again")
    return parse(data, name=path.name)
