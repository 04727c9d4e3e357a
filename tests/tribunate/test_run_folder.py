"""Run folders: which is the last one, what is none, and files that are never half written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import ConfigError
from tribunate.run_folder import RunFolder, create, find, read_json, write_json

ROOT = Path(__file__).resolve().parents[2]
WRITE_FOR_EVER = """
import sys
from itertools import count
from pathlib import Path
from tribunate.run_folder import write_json

for number in count():
    write_json(Path(sys.argv[1]), {"number": number, "filler": ["x"] * 20_000})
    print(number, flush=True)
"""


def deployed(path: Path) -> RunFolder:
    path.mkdir(parents=True)
    (path / "deployment.json").write_text("{}")
    return RunFolder(path)


def test_the_newest_run_is_found_by_its_name(tmp_path: Path) -> None:
    newest = deployed(tmp_path / "2026-11-20T10-33-00-0000")
    deployed(tmp_path / "2026-11-20T10-32-59-ffff")
    deployed(tmp_path / "2025-12-31T23-59-59-ffff")
    assert find(None, base=tmp_path) == newest


def test_a_run_that_never_deployed_is_passed_over(tmp_path: Path) -> None:
    older = deployed(tmp_path / "2026-11-20T10-33-00-0000")
    (tmp_path / "2026-11-20T11-00-00-0000").mkdir()
    assert find(None, base=tmp_path) == older


def test_a_named_run_is_taken_though_it_is_not_the_newest(tmp_path: Path) -> None:
    older = deployed(tmp_path / "2026-11-20T10-33-00-0000")
    deployed(tmp_path / "2026-11-20T11-00-00-0000")
    assert find(older.path, base=tmp_path) == older


@pytest.mark.parametrize("base", ["", "no-such-folder"])
def test_without_any_run_the_hint_is_the_demo(tmp_path: Path, base: str) -> None:
    with pytest.raises(ConfigError, match="there is no run in") as refused:
        find(None, base=tmp_path / base)
    assert "tribunate demo" in refused.value.hint


@pytest.mark.parametrize("name", [".", "absent"])
def test_a_folder_without_a_deployment_is_no_run(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="is not a run folder"):
        find(tmp_path / name, base=tmp_path)


def test_two_runs_of_one_second_have_folders_of_their_own(tmp_path: Path) -> None:
    folders = {create(tmp_path / "runs").path for _ in range(5)}
    assert len(folders) == 5
    assert all((path / "data").is_dir() for path in folders)


def test_a_run_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot make a run folder") as refused:
        create(tmp_path / "file")
    assert refused.value.hint == "--runs DIR"


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1, "a": ["\N{SNOWMAN}"]})
    assert read_json(tmp_path / "a.json") == {"a": ["\N{SNOWMAN}"], "b": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"], "no temporary file is left"


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert read_json(path) == {"a": 1}


@pytest.mark.parametrize(
    ("content", "says"), [(b"", "not JSON"), (b'{"a"', "not JSON"), (b"\xff", "not JSON"), (b"[1]", "a list")]
)
def test_what_is_not_one_json_object_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ConfigError, match=says) as refused:
        read_json(tmp_path / "a.json")
    assert refused.value.allowed == "one JSON object"


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize("rounds", [1, 4])
def test_kill_9_amid_writes_leaves_a_whole_file(tmp_path: Path, rounds: int) -> None:
    path = tmp_path / "a.json"
    command = [sys.executable, "-c", WRITE_FOR_EVER, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        told = [int(child.stdout.readline()) for _ in range(rounds)][-1]
        while path.is_file() and read_json(path)["number"] < told + rounds:
            continue
        child.kill()
    assert read_json(path)["number"] >= told
