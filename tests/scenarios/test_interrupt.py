"""Ctrl-C at any moment: exit 130, nobody left, every file whole."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import tomllib
from pathlib import Path

import pytest
from running import gone, start_demo

MOMENTS = 20
IN_DEFAULT_RUN = (3, 9, 15)
LATEST_SECONDS = 18.0


def moment(number: int) -> float:
    """Return when the n-th interrupt comes: one in each twentieth of a run, seeded."""
    width = LATEST_SECONDS / MOMENTS
    return 0.5 + (number + random.Random(number).random()) * width


@pytest.mark.parametrize(
    "number",
    [pytest.param(n, marks=[] if n in IN_DEFAULT_RUN else [pytest.mark.long]) for n in range(MOMENTS)],
)
def test_an_interrupt_leaves_everything_whole(number: int, tmp_path: Path) -> None:
    demo = start_demo(tmp_path, "--epochs", "1", "--paths", "400")
    with pytest.raises(subprocess.TimeoutExpired):
        demo.process.wait(moment(number))
    demo.process.send_signal(signal.SIGINT)
    code, _, err = demo.finish()
    assert code == 130, err[-2000:]
    assert "Traceback" not in err
    assert gone(tmp_path) == []
    for path in tmp_path.rglob("*"):
        check(path)


def check(path: Path) -> None:
    """Read one file as what its name says it is."""
    if path.suffix == ".sqlite":
        connection = sqlite3.connect(path)
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
        connection.close()
    elif path.suffix == ".json":
        json.loads(path.read_text())
    elif path.suffix == ".ndjson":
        for line in path.read_text().splitlines():
            json.loads(line)
    elif path.suffix == ".toml":
        tomllib.loads(path.read_text())
