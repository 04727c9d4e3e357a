"""One SQLite journal per agent: what happened, in order, and which epochs were claimed.

WAL with full synchronisation, one writer.  An event is in the journal before its effects are performed, so
that a crash at any point resumes: the machine is replayed, and effects that were not answered are
performed again (they are idempotent).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.errors import ConfigError, NegotiationError

SCHEMA = """
create table if not exists events (
    seq integer primary key autoincrement,
    epoch integer not null,
    kind text not null,
    body text not null
);
create index if not exists events_by_epoch on events (epoch, seq);
create table if not exists claims (
    epoch integer primary key,
    state text not null check (state in ('running', 'done')),
    outcome text not null default '',
    reason text not null default ''
);
create table if not exists calls (
    epoch integer not null,
    agent_id integer not null,
    time integer not null,
    message text not null,
    primary key (epoch, agent_id)
);
create table if not exists rejects (
    seq integer primary key autoincrement,
    epoch integer not null,
    agent_id integer not null,
    phase text not null,
    reason text not null
);
"""


class Journal:
    """An agent's memory on disk.

    Warning: one process per file; the connection is not shared between threads at the same time.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the file.

        Raises:
            ConfigError: the file is not SQLite.
        """
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = full")
            self._db.executescript(SCHEMA)
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise ConfigError(
                f"{path} is not a journal: {error}",
                allowed="the SQLite file of this agent",
                hint="restore it, or start an agent with a fresh home",
            ) from error

    def append(self, epoch: int, kind: str, body: dict[str, Any]) -> None:
        """Write one event; it is on disk when this returns."""
        row = (epoch, kind, json.dumps(body, sort_keys=True))
        self._db.execute("insert into events (epoch, kind, body) values (?, ?, ?)", row)

    def events(self, epoch: int) -> Iterator[tuple[str, dict[str, Any]]]:
        """Return the events of ``epoch`` in the order in which they happened."""
        rows = self._db.execute("select kind, body from events where epoch = ? order by seq", (epoch,))
        for kind, body in rows.fetchall():
            yield kind, json.loads(body)

    def reject(self, epoch: int, agent_id: int, phase: str, reason: str) -> None:
        """Record a refused message against its sender."""
        row = (epoch, agent_id, phase, reason[:200])
        self._db.execute("insert into rejects (epoch, agent_id, phase, reason) values (?, ?, ?, ?)", row)

    def rejects(self, epoch: int) -> list[tuple[int, str, str]]:
        """Return (agent, phase, reason) of what was refused in ``epoch``."""
        query = "select agent_id, phase, reason from rejects where epoch = ? order by seq"
        return list(self._db.execute(query, (epoch,)))

    def claim(self, epoch: int) -> bool:
        """Claim ``epoch``; true exactly once, however often it is scheduled."""
        row = self._db.execute(
            "insert into claims values (?, 'running', '', '') on conflict do nothing", (epoch,)
        )
        return row.rowcount == 1

    def open_call(self, epoch: int, agent_id: int, *, time: int, message: dict[str, Any]) -> None:
        """Record a call and claim its epoch, both or neither; nothing changes the second time."""
        row = (epoch, agent_id, time, json.dumps(message, sort_keys=True))
        self._db.execute("begin immediate")
        try:
            self._db.execute("insert into calls values (?, ?, ?, ?) on conflict do nothing", row)
            self.claim(epoch)
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")

    def call_times(self, agent_id: int) -> list[int]:
        """Return when an agent has called, chain time."""
        rows = self._db.execute("select time from calls where agent_id = ? order by time", (agent_id,))
        return [int(time) for (time,) in rows]

    def calls_since(self, time: int) -> list[int]:
        """Return the epochs that were called at ``time`` or later."""
        rows = self._db.execute("select distinct epoch from calls where time >= ? order by epoch", (time,))
        return [int(epoch) for (epoch,) in rows]

    def calls_of(self, epoch: int) -> list[dict[str, Any]]:
        """Return the signed calls of ``epoch``, ascending by agent."""
        query = "select message from calls where epoch = ? order by agent_id"
        return [json.loads(message) for (message,) in self._db.execute(query, (epoch,))]

    def running(self) -> list[int]:
        """Return the epochs that were claimed and not finished: what a restart takes up again."""
        rows = self._db.execute("select epoch from claims where state = 'running' order by epoch")
        return [int(epoch) for (epoch,) in rows]

    def finish(self, epoch: int, outcome: str, reason: str) -> None:
        """Close a claimed epoch.

        Raises:
            NegotiationError: the epoch was never claimed.
        """
        change = (outcome, reason, epoch)
        row = self._db.execute(
            "update claims set state = 'done', outcome = ?, reason = ? where epoch = ?", change
        )
        if row.rowcount != 1:
            raise NegotiationError(f"epoch {epoch} was never claimed", allowed="a claimed epoch")

    def outcome(self, epoch: int) -> tuple[str, str] | None:
        """Return (outcome, reason) of a finished epoch."""
        query = "select outcome, reason from claims where epoch = ? and state = 'done'"
        row = self._db.execute(query, (epoch,)).fetchone()
        return (str(row[0]), str(row[1])) if row else None

    def check(self) -> str:
        """Return SQLite's own integrity check: ``ok`` when the file is sound, else what is wrong."""
        try:
            return str(self._db.execute("pragma integrity_check").fetchone()[0])
        except sqlite3.DatabaseError as error:
            return str(error)

    def close(self) -> None:
        """Close the file."""
        self._db.close()
