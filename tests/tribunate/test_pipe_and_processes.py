"""Children and their pipes: nobody dies unnoticed, and nobody is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from core.errors import ChainError, ConfigError
from tribunate.demo.processes import Processes, wait_for
from tribunate.pipe import Pipe

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 15
CHILD = """
import signal, sys, threading
from tribunate.pipe import Pipe, when_parent_ends

stop = threading.Event()
pipe = Pipe(int(sys.argv[-1]))
when_parent_ends(stop.set)
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
pipe.send({"type": "ready"})
stop.wait()
pipe.send({"type": "ending"})
"""
PARENT = """
import sys
from pathlib import Path
from tribunate.demo.processes import Processes

children = Processes()
for name in ("one", "two"):
    children.start(name, ["child_for_test"], log=Path("log"), folder=Path.cwd())
    children.events.get(timeout=15)
print(children.pid("one"), children.pid("two"), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "child_for_test.py").write_text(textwrap.dedent(CHILD))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


@pytest.fixture
def children(folder: Path) -> Iterator[Processes]:
    with Processes() as started:
        yield started


def start(children: Processes, folder: Path, name: str, *arguments: str) -> None:
    children.start(name, ["child_for_test", *arguments], log=folder / f"{name}.log", folder=folder)
    assert children.events.get(timeout=SECONDS) == (name, {"type": "ready"})


def ended(pids: list[int]) -> bool:
    """Wait until the processes have ended (a zombie has)."""
    alive = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    _, left = psutil.wait_procs(alive, timeout=SECONDS)
    return not left


def no_event(_name: str, _event: dict[str, Any]) -> None:
    """Take no notice."""


def test_a_child_that_dies_is_noticed(children: Processes, folder: Path) -> None:
    start(children, folder, "one")
    os.kill(children.pid("one"), signal.SIGKILL)
    assert children.events.get(timeout=SECONDS) == ("one", {"type": "gone"})
    with pytest.raises(ChainError, match="process 'one' ended before the seat"):
        children.events.put(("one", {"type": "gone"}))
        wait_for(children, lambda _n, _e: False, seconds=SECONDS, what="the seat", on_event=no_event)


def test_a_child_that_cannot_start_is_noticed_and_its_log_says_why(children: Processes, folder: Path) -> None:
    children.start("one", ["no_such_module_for_test"], log=folder / "one.log", folder=folder)
    assert children.events.get(timeout=SECONDS) == ("one", {"type": "gone"})
    assert "no_such_module_for_test" in (folder / "one.log").read_text()


def test_what_does_not_come_in_time_is_an_error(children: Processes, folder: Path) -> None:
    start(children, folder, "one")
    with pytest.raises(ChainError, match="the seat did not come within 0 s"):
        wait_for(children, lambda _n, _e: True, seconds=0.01, what="the seat", on_event=no_event)


def test_every_event_passes_by_until_the_wanted_one(children: Processes) -> None:
    told = [("one", {"type": "a"}), ("two", {"type": "gone"}), ("one", {"type": "b"})]
    for event in told:
        children.events.put(event)
    seen: list[tuple[str, dict[str, Any]]] = []
    found = wait_for(
        children,
        lambda name, _event: name == "two",
        seconds=SECONDS,
        what="two",
        on_event=lambda name, event: seen.append((name, event)),
    )
    assert found == told[1], "the end of a child may be what one waits for"
    assert seen == told[:2]


def test_stop_all_leaves_nobody(children: Processes, folder: Path) -> None:
    for name in ("one", "two", "three"):
        start(children, folder, name)
    pids = [children.pid(name) for name in ("one", "two", "three")]
    children.stop_all()
    assert not any(children.alive(name) for name in ("one", "two", "three"))
    assert ended(pids)


def test_a_child_is_asked_before_it_is_killed(children: Processes, folder: Path) -> None:
    start(children, folder, "one")
    children.stop("one")
    events = [children.events.get(timeout=SECONDS) for _ in range(2)]
    assert events == [("one", {"type": "ending"}), ("one", {"type": "gone"})]


def test_a_deaf_child_is_killed(folder: Path) -> None:
    children = Processes(stop_seconds=0.2)
    start(children, folder, "one", "deaf")
    children.stop("one")
    assert not children.alive("one")
    assert children.events.get(timeout=SECONDS) == ("one", {"type": "gone"})


def test_an_exception_in_the_parent_leaves_nobody(folder: Path) -> None:
    with pytest.raises(KeyboardInterrupt), Processes() as children:
        start(children, folder, "one")
        pid = children.pid("one")
        raise KeyboardInterrupt
    assert ended([pid])


def test_children_end_when_their_parent_is_killed(folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)])}
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
        parent.kill()
    assert ended(pids)


# --- the child's end of the pipe ---------------------------------------------------------------------


def test_events_arrive_as_lines_of_json() -> None:
    read_end, write_end = os.pipe()
    pipe = Pipe(write_end)
    pipe.send({"type": "ready", "name": "\N{SNOWMAN}"})
    pipe.close()
    with os.fdopen(read_end) as reader:
        assert json.loads(reader.readline()) == {"type": "ready", "name": "\N{SNOWMAN}"}


def test_a_pipe_is_not_inherited_by_grandchildren() -> None:
    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, True)
    pipe = Pipe(write_end)
    assert not os.get_inheritable(write_end)
    pipe.close()
    os.close(read_end)


def test_a_parent_that_has_gone_is_no_error() -> None:
    read_end, write_end = os.pipe()
    pipe = Pipe(write_end)
    os.close(read_end)
    for _ in range(2):
        pipe.send({"type": "ready"})
    pipe.close()


def test_what_is_sent_after_the_end_is_dropped() -> None:
    read_end, write_end = os.pipe()
    pipe = Pipe(write_end)
    pipe.close()
    pipe.send({"type": "late"})
    with os.fdopen(read_end) as reader:
        assert reader.read() == ""


def test_without_a_pipe_events_are_told_on_standard_error_but_not_messages(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pipe = Pipe(None)
    pipe.send({"type": "message", "payload": "long"})
    pipe.send({"type": "ready"})
    assert capsys.readouterr().err == '{"type": "ready"}\n'


def test_a_descriptor_that_is_not_open_is_refused() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    os.close(write_end)
    with pytest.raises(ConfigError, match=f"--pipe {write_end} is not an open descriptor"):
        Pipe(write_end)
