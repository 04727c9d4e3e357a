"""Child processes: started in sessions of their own, heard through pipes, never left behind.

A child ends when its standard input closes, so that even kill -9 of the parent leaves nobody.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from core.errors import ChainError
from tribunate.threads import ONE_THREAD

STOP_SECONDS = 5.0


@dataclass(slots=True)
class Child:
    """One running process and the name that people see."""

    name: str
    process: subprocess.Popen[bytes]
    reader: threading.Thread


class Processes:
    """All children of a run, and the queue of what they say: (name, event)."""

    def __init__(self, *, stop_seconds: float = STOP_SECONDS) -> None:
        self._stop_seconds = stop_seconds
        self._children: dict[str, Child] = {}
        self.events: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop_all()

    def start(self, name: str, arguments: list[str], *, log: Path, folder: Path | None = None) -> None:
        """Start ``python -m ...`` with ``--pipe FD``; its lines of JSON arrive in ``events``."""
        read_end, write_end = os.pipe()
        os.set_inheritable(write_end, True)
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", *arguments, "--pipe", str(write_end)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                pass_fds=[write_end],
                cwd=folder,
                env=child_environment(),
                start_new_session=True,
            )
        os.close(write_end)
        lines = os.fdopen(read_end, encoding="utf-8")
        reader = threading.Thread(target=self._listen, args=(name, lines), daemon=True)
        self._children[name] = Child(name, process, reader)
        reader.start()

    def _listen(self, name: str, lines: IO[str]) -> None:
        with lines:
            for line in lines:
                self.events.put((name, json.loads(line)))
        self.events.put((name, {"type": "gone"}))

    def pid(self, name: str) -> int:
        """Return a child's process id."""
        return self._children[name].process.pid

    def alive(self, name: str) -> bool:
        """Whether a child is running."""
        return self._children[name].process.poll() is None

    def stop(self, name: str) -> None:
        """Ask a child to end, then make it."""
        process = self._children[name].process
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(self._stop_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        self._reap(name)

    def _reap(self, name: str) -> None:
        """Wait for a child that is ending, and close what held it to this process."""
        child = self._children[name]
        child.process.wait()
        if child.process.stdin is not None:
            child.process.stdin.close()
        child.reader.join(self._stop_seconds)

    def stop_all(self) -> None:
        """End every child: all are asked first, then waited for."""
        for child in self._children.values():
            if child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)
        for name in self._children:
            self.stop(name)


def child_environment() -> dict[str, str]:
    """Return the parent's environment with one thread per numeric library: the machine is shared."""
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
    return {**os.environ, **ONE_THREAD, "MALLOC_ARENA_MAX": "2", "PYTHONPATH": path}


def wait_for(
    processes: Processes,
    wanted: Callable[[str, dict[str, Any]], bool],
    *,
    seconds: float,
    what: str,
    on_event: Callable[[str, dict[str, Any]], None],
) -> tuple[str, dict[str, Any]]:
    """Return the first event that is ``wanted``; every event passes through ``on_event``.

    Raises:
        ChainError: a child ended, or nothing came in time.
    """
    import time

    end = time.monotonic() + seconds
    while True:
        try:
            name, event = processes.events.get(timeout=max(0.01, end - time.monotonic()))
        except queue.Empty:
            raise ChainError(
                f"{what} did not come within {seconds:.0f} s", hint="see the run's logs"
            ) from None
        on_event(name, event)
        if wanted(name, event):
            return name, event
        if event["type"] == "gone":
            raise ChainError(f"process {name!r} ended before {what}", hint="see its log in the run folder")
