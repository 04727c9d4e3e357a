"""The child's end of the pipe to whoever started it."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from core.errors import ConfigError


class Pipe:
    """Writes events as lines of JSON; to standard error as plain text when there is no pipe."""

    def __init__(self, descriptor: int | None) -> None:
        self._lock = threading.Lock()
        if descriptor is None:
            self._file = None
            return
        try:
            self._file = os.fdopen(descriptor, "w", encoding="utf-8")
        except OSError as error:
            raise ConfigError(
                f"--pipe {descriptor} is not an open descriptor", hint="leave it out"
            ) from error
        os.set_inheritable(descriptor, False)

    def send(self, event: dict[str, Any]) -> None:
        """Send one event; a parent that has gone is no error here (its end is noticed elsewhere)."""
        if self._file is None:
            if event["type"] != "message":
                print(json.dumps(event, sort_keys=True), file=sys.stderr)
            return
        with self._lock:
            if self._file.closed:
                return
            try:
                self._file.write(json.dumps(event) + "\n")
                self._file.flush()
            except BrokenPipeError:
                return

    def close(self) -> None:
        """Close the pipe; what is sent from here on is dropped."""
        if self._file is not None:
            with self._lock, contextlib.suppress(BrokenPipeError):
                self._file.close()


def when_parent_ends(act: Callable[[], None]) -> None:
    """Call ``act`` in a thread when standard input closes: the parent is gone, however it went."""

    def watch() -> None:
        while sys.stdin.buffer.read(4096):
            continue
        act()

    threading.Thread(target=watch, daemon=True).start()
