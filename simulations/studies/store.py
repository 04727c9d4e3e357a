"""Runs on disk: one folder per run id, one Parquet file per finished chunk, a manifest that names them.

A chunk counts once the manifest names it with its hash.  Files are written aside, flushed and renamed, the
chunk before the manifest: whatever happens in between costs one chunk at the most, and a partial result is
never taken for a whole one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import SimulationError
from core.evidence import canonical_json, sha256
from simulations.runs import write_atomic
from simulations.studies.identity import Identity

MANIFEST = "manifest.json"
FORMAT = 1
SHOWN_DIGITS = 12
"""Of a run id, in folder names and on screens."""


@dataclass(slots=True)
class StoredRun:
    """One run's folder: what it is, and which chunks are finished (by number, their hashes)."""

    folder: Path
    identity: Identity
    finished: dict[int, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The short form of the run id."""
        return self.identity.run_id[:SHOWN_DIGITS]

    @property
    def missing(self) -> list[int]:
        """Chunks that are not finished, ascending."""
        return [n for n in range(self.identity.chunks) if n not in self.finished]

    @property
    def is_whole(self) -> bool:
        """Whether every chunk is finished."""
        return not self.missing

    def keep(self, chunk: int, table: pa.Table) -> None:
        """Write a finished chunk, then say so in the manifest.

        Raises:
            SimulationError: the disk is full, or the folder cannot be written.
        """
        data = _parquet(table)
        self._write(_chunk_path(self.folder, chunk), data)
        self.finished[chunk] = sha256(data).hex()
        self.save()

    def save(self) -> None:
        """Write the manifest."""
        hashes = {str(number): self.finished[number] for number in sorted(self.finished)}
        content = {"format": FORMAT, "run": self.identity.record(), "finished": hashes}
        self._write(self.folder / MANIFEST, canonical_json(content))

    def table(self) -> pa.Table:
        """Return all rows, in the order of the chunks.

        Raises:
            SimulationError: a chunk is not finished, missing, or not what the manifest says.
        """
        if not self.is_whole:
            raise SimulationError(
                f"run {self.name} has {len(self.finished)} of {self.identity.chunks} chunks",
                allowed="a finished run",
                hint=f"tribunate runs resume {self.name}",
            )
        return pa.concat_tables([self._read(number) for number in range(self.identity.chunks)])

    def result_hash(self) -> str:
        """Return the hash over all chunks in order, hex: equal on every engine and after every crash."""
        if not self.is_whole:
            raise SimulationError(f"run {self.name} is not finished", allowed="a finished run")
        return sha256("".join(self.finished[n] for n in range(self.identity.chunks)).encode()).hex()

    def forget_damaged(self) -> list[int]:
        """Drop finished chunks whose files are not what the manifest says; return their numbers."""
        damaged = [number for number in sorted(self.finished) if not self._is_intact(number)]
        for number in damaged:
            del self.finished[number]
        if damaged:
            self.save()
        return damaged

    def _is_intact(self, number: int) -> bool:
        path = _chunk_path(self.folder, number)
        return path.is_file() and sha256(path.read_bytes()).hex() == self.finished[number]

    def _read(self, number: int) -> pa.Table:
        path = _chunk_path(self.folder, number)
        data = path.read_bytes() if path.is_file() else b""
        if sha256(data).hex() != self.finished[number]:
            name = path.name
            raise SimulationError(
                f"{name} of run {self.name} is missing or was changed", hint="resume the run"
            )
        return pq.read_table(BytesIO(data))

    def _write(self, path: Path, data: bytes) -> None:
        try:
            write_atomic(path, data)
        except OSError as problem:
            raise SimulationError(
                f"{path.name} of run {self.name} could not be written: {problem.strerror}",
                hint="what was finished before is whole: make room, then resume",
            ) from problem


def open_run(parent: Path, identity: Identity) -> StoredRun:
    """Return the run of this identity, new or as far as it came; damaged chunks are forgotten."""
    folder = parent / identity.run_id[:SHOWN_DIGITS]
    if not (folder / MANIFEST).is_file():
        run = StoredRun(folder, identity)
        run.save()
        return run
    run = read_run(folder)
    if run.identity.run_id != identity.run_id:
        raise SimulationError(f"{folder.name} holds another run", hint="move that folder away")
    run.forget_damaged()
    return run


def read_run(folder: Path) -> StoredRun:
    """Return a run by its folder.

    Raises:
        SimulationError: there is no manifest, or it is not one.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise SimulationError(f"{folder} holds no run", allowed=f"a folder with {MANIFEST}")
    try:
        content = json.loads(path.read_bytes())
        if content["format"] != FORMAT:
            raise SimulationError(f"{path} has format {content['format']}", allowed=f"format {FORMAT}")
        finished = {int(number): str(digest) for number, digest in content["finished"].items()}
        return StoredRun(folder, Identity(**content["run"]), finished)
    except (ValueError, KeyError, TypeError) as problem:
        raise SimulationError(f"{path} is no manifest: {problem!r}") from problem


def list_runs(parent: Path) -> list[StoredRun]:
    """Return every run below ``parent``, newest first."""
    if not parent.is_dir():
        return []
    manifests = sorted(parent.glob(f"*/{MANIFEST}"), key=lambda path: path.stat().st_mtime, reverse=True)
    return [read_run(path.parent) for path in manifests]


def find_run(parent: Path, name: str) -> StoredRun:
    """Return the one run whose id begins with ``name``.

    Raises:
        SimulationError: none does, or several do.
    """
    found = [run for run in list_runs(parent) if run.identity.run_id.startswith(name)]
    if len(found) != 1:
        names = ", ".join(run.name for run in found or list_runs(parent)) or "none"
        raise SimulationError(f"{len(found)} runs begin with {name!r}", allowed=names)
    return found[0]


def differences(
    first: Mapping[str, Any], second: Mapping[str, Any], path: str = ""
) -> dict[str, tuple[Any, Any]]:
    """Return what two records differ in, by dotted name."""
    found: dict[str, tuple[Any, Any]] = {}
    for key in sorted({*first, *second}):
        mine, theirs, name = first.get(key), second.get(key), f"{path}{key}"
        if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
            found |= differences(mine, theirs, f"{name}.")
        elif mine != theirs:
            found[name] = (mine, theirs)
    return found


def _chunk_path(folder: Path, number: int) -> Path:
    return folder / f"chunk-{number:05d}.parquet"


def _parquet(table: pa.Table) -> bytes:
    buffer = BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()
