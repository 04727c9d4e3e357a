"""Compiled kernels are found by their sources, so that none outlives a change."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from simulations import compiled

ROOT = Path(__file__).resolve().parents[2]


def test_the_tests_use_the_folder() -> None:
    assert os.environ[compiled.VARIABLE]


def test_a_changed_source_is_another_folder(tmp_path: Path) -> None:
    for name in ("core", "simulations"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    ask = [sys.executable, "-c", "from simulations.compiled import cache_folder; print(cache_folder().name)"]

    def folder() -> str:
        done = subprocess.run(ask, cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout

    before = folder()
    assert before == folder()
    rules = tmp_path / "simulations" / "kernels" / "rules.py"
    rules.write_text(rules.read_text(encoding="utf-8") + "\n# another rule\n", encoding="utf-8")
    assert folder() != before


def test_it_lies_in_the_user_s_cache_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert compiled.cache_folder().parent == tmp_path / "tribunate" / "compiled"
    monkeypatch.setenv(compiled.VARIABLE, "elsewhere")
    compiled.use_cache_folder()
    assert os.environ[compiled.VARIABLE] == "elsewhere"
