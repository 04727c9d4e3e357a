"""One whole demo, shared by every test that only looks at what it left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import DemoProcess, FinishedDemo, start_demo


def _watch(demo: DemoProcess) -> tuple[set[str], list[str]]:
    """Read the parent's environment and open files while the agents negotiate."""
    files: set[str] = set()
    environments: list[str] = []
    proc = Path(f"/proc/{demo.process.pid}")
    for _event in demo.follow():
        try:
            files |= {str(link.readlink()) for link in (proc / "fd").iterdir()}
            environments.append((proc / "environ").read_text(errors="replace"))
        except OSError:
            continue
    return files, environments


@pytest.fixture(scope="session")
def finished_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FinishedDemo]:
    base = tmp_path_factory.mktemp("demo")
    demo = start_demo(base, "--seed", "7")
    files, environments = _watch(demo)
    code, out, err = demo.finish()
    assert code == 0, err[-3000:]
    assert demo.folder is not None
    yield FinishedDemo(
        code, json.loads(out), out, err, demo.events, demo.folder, frozenset(files), tuple(environments)
    )
