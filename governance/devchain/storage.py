"""Key-value storage of the chain: memory, written through to SQLite once per block."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from eth.db.backends.base import BaseDB


class Store(BaseDB):
    """All keys in memory; :meth:`flush` writes what changed in one transaction.

    A process that is killed loses at most the block that it was making: SQLite's write-ahead log keeps
    either all of a block or nothing.  ``path=None`` keeps nothing on disk.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._values: dict[bytes, bytes] = {}
        self._changed: dict[bytes, bytes | None] = {}
        self._connection: sqlite3.Connection | None = None
        if path is not None:
            connection = sqlite3.connect(path, check_same_thread=False)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS entry (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID"
            )
            self._values = dict(connection.execute("SELECT key, value FROM entry"))
            self._connection = connection

    def __getitem__(self, key: bytes) -> bytes:
        return self._values[key]

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._values[key] = value
        self._changed[key] = value

    def __delitem__(self, key: bytes) -> None:
        del self._values[key]
        self._changed[key] = None

    def _exists(self, key: bytes) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)

    def flush(self) -> None:
        """Write every change since the last flush, all or nothing."""
        if self._connection is not None:
            kept = [(key, value) for key, value in self._changed.items() if value is not None]
            gone = [(key,) for key, value in self._changed.items() if value is None]
            with self._connection:
                self._connection.executemany("INSERT OR REPLACE INTO entry VALUES (?, ?)", kept)
                self._connection.executemany("DELETE FROM entry WHERE key = ?", gone)
        self._changed.clear()

    def close(self) -> None:
        """Close the file; what was not flushed is dropped."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
