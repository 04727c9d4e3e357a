"""What is committed is what the sources compile to, as far as Python can tell."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.artifacts import FOLDER, REBUILD, load_artifact, load_mutant, stale_sources
from core.errors import ConfigError

LARGEST_RUNTIME_BYTES = 24_576


def test_artifacts_belong_to_the_sources() -> None:
    assert stale_sources() == (), REBUILD


def test_a_changed_source_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "A.sol").write_text("contract A {}")
    (tmp_path / "mutants.toml").write_text("")
    empty = hashlib.sha256(b"").hexdigest()
    manifest = {"sources": {"src/A.sol": empty, "src/Gone.sol": empty}, "mutants": empty}
    (tmp_path / "artifacts" / "manifest.json").write_text(json.dumps(manifest))
    assert stale_sources(tmp_path) == ("src/A.sol", "src/Gone.sol")


def test_every_contract_fits_the_size_limit() -> None:
    sizes = {
        path.stem: json.loads(path.read_text(encoding="utf-8"))["runtimeBytes"]
        for path in (FOLDER / "artifacts").glob("*.json")
        if path.stem != "manifest"
    }
    assert sizes
    assert {name: size for name, size in sizes.items() if size > LARGEST_RUNTIME_BYTES} == {}


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((FOLDER / "package-lock.json").read_text(encoding="utf-8"))
    entries = [entry for path, entry in lock["packages"].items() if path]
    assert entries
    assert all("resolved" not in entry and entry["integrity"].startswith("sha512-") for entry in entries)


def test_generated_files_follow_the_limits_table() -> None:
    script = FOLDER.parent / "scripts" / "generate.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_contract_has_abi_and_bytecode() -> None:
    artifact = load_artifact("ParameterGovernor")
    assert any(entry.get("name") == "proposeUpdate" for entry in artifact.abi)
    assert len(artifact.bytecode) > 10_000


def test_an_unknown_contract_names_those_there_are() -> None:
    with pytest.raises(ConfigError) as caught:
        load_artifact("Goverment")
    assert "ParameterGovernor" in caught.value.allowed


def test_a_broken_artifact_says_how_to_rebuild(tmp_path: Path) -> None:
    (tmp_path / "A.json").write_text("{")
    with pytest.raises(ConfigError) as caught:
        load_artifact("A", folder=tmp_path)
    assert caught.value.hint == REBUILD


def test_an_invariant_without_a_planted_bug_is_an_error() -> None:
    with pytest.raises(ConfigError, match="INV-0"):
        load_mutant("INV-0")
