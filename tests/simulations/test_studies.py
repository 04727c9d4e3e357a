"""Runs in chunks: the same id for the same numbers, the same hash on every engine and after every crash."""

from __future__ import annotations

import importlib.util
import json
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import ConfigError, SimulationError
from simulations.studies.conduct import conduct
from simulations.studies.engines import PoolEngine, RayEngine, SerialEngine
from simulations.studies.identity import Identity, code_hash, plug_in_versions
from simulations.studies.store import differences, find_run, list_runs, open_run, read_run

ROOT = Path(__file__).resolve().parents[2]
TASKS = "tests.simulations.study_tasks"
STUDY = Identity(f"{TASKS}:draws", {"seed": 7}, chunks=6, seed=7, data="d", code="c", plug_ins={"a": "1"})


@pytest.mark.parametrize(
    "change",
    [
        {"task": f"{TASKS}:raises"},
        {"configuration": {"seed": 8}},
        {"chunks": 7},
        {"seed": 8},
        {"data": "e"},
        {"code": "d"},
        {"plug_ins": {"a": "2"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_changes_a_number_changes_the_id(change: dict[str, object]) -> None:
    assert replace(STUDY, **change).run_id != STUDY.run_id  # type: ignore[arg-type]


def test_the_order_of_keys_does_not() -> None:
    one, two = {"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1}
    assert replace(STUDY, configuration=one).run_id == replace(STUDY, configuration=two).run_id


def test_the_code_s_hash_follows_its_text(tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    source = tmp_path / "core" / "rule.py"
    source.write_text("ONE = 1\n", encoding="utf-8")
    before = code_hash(tmp_path)
    assert code_hash(tmp_path) == before
    source.write_text("ONE = 2\n", encoding="utf-8")
    assert code_hash(tmp_path) != before
    assert "garch-stress" in plug_in_versions()


def test_serial_and_pool_give_the_same_bytes(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    serial = conduct(tmp_path / "a", STUDY, progress=lambda *done: seen.append(done))
    pool = conduct(tmp_path / "b", STUDY, engine=PoolEngine(2))
    assert serial.result_hash() == pool.result_hash()
    assert seen == [(n, 6) for n in range(1, 7)]
    table = pool.table()
    assert table.column("chunk").to_pylist() == [n for n in range(6) for _ in range(10)]


def test_ray_gives_the_same_bytes_or_is_named_as_missing(tmp_path: Path) -> None:
    """Ray is an extra: where it is installed it must agree, elsewhere the error says what to install."""
    if importlib.util.find_spec("ray") is None:
        with pytest.raises(ConfigError, match="Ray is not installed"):
            RayEngine()
        return
    found = conduct(tmp_path / "ray", STUDY, engine=RayEngine(workers=1))
    assert found.result_hash() == conduct(tmp_path / "serial", STUDY).result_hash()


def test_a_finished_run_is_not_computed_again(tmp_path: Path) -> None:
    conduct(tmp_path, STUDY)
    asked: list[tuple[int, int]] = []
    conduct(tmp_path, STUDY, progress=lambda *done: asked.append(done))
    assert asked == []


def test_a_worker_that_is_killed_is_named_and_the_run_goes_on_afterwards(tmp_path: Path) -> None:
    configuration = {"seed": 7, "mark": str(tmp_path / "mark")}
    study = replace(STUDY, task=f"{TASKS}:dies_once", configuration=configuration)
    with pytest.raises(SimulationError, match="worker died"):
        conduct(tmp_path / "runs", study, engine=PoolEngine(1))
    stopped = open_run(tmp_path / "runs", study)
    assert 3 in stopped.missing
    whole = conduct(tmp_path / "runs", study, engine=PoolEngine(1))
    again = conduct(tmp_path / "other", study)
    assert whole.result_hash() == again.result_hash()


def test_kill_9_of_the_conductor_and_resume_give_the_same_hash(tmp_path: Path) -> None:
    configuration = {"seed": 7, "mark": str(tmp_path / "mark")}
    study = replace(STUDY, task=f"{TASKS}:dies_once", configuration=configuration)
    program = (
        "import json, sys; from pathlib import Path\n"
        "from simulations.studies.conduct import conduct\n"
        "from simulations.studies.identity import Identity\n"
        "conduct(Path(sys.argv[1]), Identity(**json.loads(sys.argv[2])))\n"
    )
    arguments = [sys.executable, "-c", program, str(tmp_path / "runs"), json.dumps(study.record())]
    killed = subprocess.run(arguments, cwd=ROOT, check=False, capture_output=True)
    assert killed.returncode == -9
    assert sorted(open_run(tmp_path / "runs", study).finished) == [0, 1, 2]
    assert subprocess.run(arguments, cwd=ROOT, check=True, capture_output=True).returncode == 0
    assert (
        read_run(tmp_path / "runs" / study.run_id[:12]).result_hash()
        == conduct(tmp_path / "other", study).result_hash()
    )


def test_a_plug_in_that_raises_is_named_with_its_chunk(tmp_path: Path) -> None:
    study = replace(STUDY, task=f"{TASKS}:raises")
    for engine in (SerialEngine(), PoolEngine(1)):
        with pytest.raises(SimulationError, match=r"raised in chunk 1: ZeroDivisionError"):
            conduct(tmp_path, study, engine=engine)
    assert 0 in open_run(tmp_path, study).finished


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (f"{TASKS}:returns_a_list", "returned list"),
        (f"{TASKS}:nothing", "cannot be found"),
        ("no.such.module:f", "cannot be found"),
    ],
)
def test_a_task_that_is_none_is_named(tmp_path: Path, task: str, message: str) -> None:
    with pytest.raises(SimulationError, match=message):
        conduct(tmp_path, replace(STUDY, task=task))


def test_a_chunk_that_was_changed_or_lost_is_not_taken_and_is_made_again(tmp_path: Path) -> None:
    run = conduct(tmp_path, STUDY)
    before = run.result_hash()
    (run.folder / "chunk-00002.parquet").write_bytes(b"no parquet")
    (run.folder / "chunk-00004.parquet").unlink()
    with pytest.raises(SimulationError, match=r"chunk-00002\.parquet of run"):
        run.table()
    assert open_run(tmp_path, STUDY).missing == [2, 4]
    assert conduct(tmp_path, STUDY).result_hash() == before


def test_an_unfinished_run_gives_neither_rows_nor_hash(tmp_path: Path) -> None:
    run = open_run(tmp_path, STUDY)
    with pytest.raises(SimulationError, match="0 of 6 chunks"):
        run.table()
    with pytest.raises(SimulationError, match="not finished"):
        run.result_hash()


def test_a_disk_that_takes_no_more_is_named_and_what_was_finished_stays(tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk: the system refuses the write alike."""
    program = (
        "import resource, signal, sys; from pathlib import Path\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from tests.simulations.test_studies import STUDY\n"
        "from simulations.studies.conduct import conduct\n"
        "limit = lambda done, _: done == 2 and resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "conduct(Path(sys.argv[1]), STUDY, progress=limit)\n"
    )
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 100
    arguments = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(arguments, cwd=ROOT, check=False, capture_output=True, text=True)
    assert "SimulationError: chunk-00002.parquet of run" in done.stderr
    assert sorted(open_run(tmp_path, STUDY).finished) == [0, 1]


def test_runs_are_listed_found_and_compared(tmp_path: Path) -> None:
    other = replace(STUDY, configuration={"seed": 8}, seed=8)
    first, second = conduct(tmp_path, STUDY), conduct(tmp_path, other)
    assert {run.name for run in list_runs(tmp_path)} == {first.name, second.name}
    assert find_run(tmp_path, first.name[:8]).identity.run_id == STUDY.run_id
    with pytest.raises(SimulationError, match="2 runs begin"):
        find_run(tmp_path, "")
    assert differences(first.identity.record(), second.identity.record()) == {
        "configuration.seed": (7, 8),
        "seed": (7, 8),
    }
    assert list_runs(tmp_path / "nowhere") == []


@pytest.mark.parametrize("text", ["", "[]", '{"format": 9}', '{"format": 1, "run": {}, "finished": {}}'])
def test_a_folder_that_is_no_run_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(SimulationError, match="holds no run"):
        read_run(tmp_path)
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(SimulationError):
        read_run(tmp_path)


def test_bad_identities_and_engines_are_named() -> None:
    with pytest.raises(SimulationError, match="chunks were 0"):
        replace(STUDY, chunks=0)
    with pytest.raises(SimulationError, match="task was"):
        replace(STUDY, task="module")
    with pytest.raises(ConfigError, match="workers were 0"):
        PoolEngine(0)
