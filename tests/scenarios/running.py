"""Run the demo as a user does, in a process of its own, and look at what it leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 420


@dataclass
class DemoProcess:
    """One running demo; its run folder appears below ``runs``."""

    process: subprocess.Popen[str]
    runs: Path
    events: Path
    samples: list[dict[str, Any]] = field(default_factory=list)

    @property
    def folder(self) -> Path | None:
        found = sorted(self.runs.glob("*")) if self.runs.is_dir() else []
        return found[0] if found else None

    def finish(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=LIMIT_SECONDS)
        return self.process.returncode, out, err

    def follow(self) -> Iterator[dict[str, Any]]:
        """Yield the events as they are written, until the process ends."""
        position = 0
        while self.process.poll() is None:
            lines = self.events.read_text().splitlines(keepends=True) if self.events.is_file() else []
            whole = [line for line in lines if line.endswith("\n")]
            for line in whole[position:]:
                yield json.loads(line)
            position = len(whole)
            time.sleep(0.02)

    def pid_of(self, agent: str) -> int:
        assert self.folder is not None
        return int((self.folder / "agents" / agent / "pid").read_text())


@dataclass(frozen=True)
class FinishedDemo:
    """What one demo printed and left."""

    code: int
    result: dict[str, Any]
    stdout: str
    stderr: str
    events: Path
    folder: Path
    seen_files: frozenset[str]
    environments: tuple[str, ...]


def start_demo(base: Path, *arguments: str) -> DemoProcess:
    """Start ``tribunate demo --json`` with its output below ``base``."""
    runs, events = base / "runs", base / "events.ndjson"
    command = [sys.executable, "-m", "tribunate", "demo", "--json", "--runs", str(runs)]
    process = subprocess.Popen(
        [*command, "--events", str(events), *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    return DemoProcess(process, runs, events)


def cli(*arguments: str, run: Path | None = None, seconds: float = 240) -> subprocess.CompletedProcess[str]:
    """Run one command of the command line."""
    extra = ["--run", str(run)] if run else []
    command = [sys.executable, "-m", "tribunate", *arguments, *extra]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False)


def processes_of(folder: Path) -> list[int]:
    """Return every living process whose command line or working folder lies in ``folder``."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes().decode(errors="replace")
            where = str((entry / "cwd").readlink())
        except OSError:
            continue
        if str(folder) in command or where.startswith(str(folder)):
            found.append(int(entry.name))
    return found


def gone(folder: Path, *, seconds: float = 10) -> list[int]:
    """Wait until no process of ``folder`` is left; return those that are."""
    end = time.monotonic() + seconds
    while (left := processes_of(folder)) and time.monotonic() < end:
        time.sleep(0.1)
    return left


def kill(pid: int) -> None:
    """Kill without warning."""
    os.kill(pid, signal.SIGKILL)
