"""``tribunate runs``: what a person and a script read of runs in chunks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from simulations.studies.conduct import conduct
from simulations.studies.identity import Identity, code_hash, plug_in_versions
from simulations.studies.store import open_run
from tribunate import cli

TASK = "tests.simulations.study_tasks:draws"
STUDY = Identity(TASK, {"seed": 7}, chunks=3, seed=7, code=code_hash(), plug_ins=plug_in_versions())
OTHER = replace(STUDY, seed=8, configuration={"seed": 8})


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """One finished run, and one that was never begun in earnest."""
    conduct(tmp_path, STUDY)
    open_run(tmp_path, OTHER)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.run(["runs", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_runs_are_listed(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, text, _ = said(capsys, "list", "--runs", str(runs))
    assert f"{STUDY.run_id[:12]}        3/3  seed 7" in text
    _, listed, _ = said(capsys, "list", "--runs", str(runs), "--json")
    assert {row["run"]: row["finished"] for row in json.loads(listed)} == {STUDY.run_id: 3, OTHER.run_id: 0}
    assert said(capsys, "list", "--runs", str(runs / "none"))[1].startswith("no runs in")


def test_a_run_is_shown_with_its_identity(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, text, _ = said(capsys, "show", STUDY.run_id[:8], "--runs", str(runs))
    assert TASK in text
    _, shown, _ = said(capsys, "show", OTHER.run_id[:8], "--runs", str(runs), "--json")
    record = json.loads(shown)
    assert (record["missing"], record["result"], record["identity"]["seed"]) == ([0, 1, 2], None, 8)


def test_a_stopped_run_is_gone_on_with(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text, progress = said(capsys, "resume", OTHER.run_id[:8], "--runs", str(runs), "--engine", "serial")
    assert (code, progress.splitlines()[-1]) == (0, "3 of 3 chunks")
    assert text == f"{OTHER.run_id[:12]} is whole: {open_run(runs, OTHER).result_hash()}\n"


def test_two_runs_are_compared(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, error = said(capsys, "compare", STUDY.run_id, OTHER.run_id, "--runs", str(runs))
    assert (code, "is not finished" in error) == (4, True)
    conduct(runs, OTHER)
    code, text, _ = said(capsys, "compare", STUDY.run_id, OTHER.run_id, "--runs", str(runs))
    assert (code, text.splitlines()[-1]) == (1, "the results differ")
    assert "configuration.seed" in text
    code, text, _ = said(capsys, "compare", STUDY.run_id, STUDY.run_id, "--runs", str(runs), "--json")
    assert (code, json.loads(text)) == (0, {"differences": {}, "equal_results": True})


@pytest.mark.parametrize("change", [{"code": "0" * 64}, {"plug_ins": {"garch-stress": "another"}}])
def test_a_run_of_other_code_is_not_gone_on_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, object]
) -> None:
    study = replace(STUDY, **change)  # type: ignore[arg-type]
    open_run(tmp_path, study)
    code, _, error = said(capsys, "resume", study.run_id, "--runs", str(tmp_path))
    assert code == 4
    assert "began with" in error or "has changed since" in error


def test_unknown_runs_and_engines_are_named(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, error = said(capsys, "show", "zz", "--runs", str(runs))
    assert (code, "0 runs begin with 'zz'" in error) == (4, True)
    assert said(capsys, "resume", "zz", "--engine", "cloud")[0] == 2
    code, _, error = said(capsys, "resume", OTHER.run_id, "--runs", str(runs), "--workers", "0")
    assert (code, "workers were 0" in error) == (2, True)
