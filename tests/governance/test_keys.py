"""Keystores: made once, opened by their owner, and by nobody else."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from core.errors import ConfigError
from governance.keys import KeyDerivation, load_keystore, make_keystore


def test_a_key_is_the_same_after_loading(tmp_path: Path) -> None:
    made = make_keystore(tmp_path, "agent")
    assert load_keystore(tmp_path, "agent").address == made.address


def test_two_keys_differ(tmp_path: Path) -> None:
    assert make_keystore(tmp_path, "a").address != make_keystore(tmp_path, "b").address


def test_only_the_owner_can_read_the_files(tmp_path: Path) -> None:
    make_keystore(tmp_path, "agent")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"agent.json": 0o600, "agent.passphrase": 0o600}


def test_the_keystore_is_version_three_and_holds_no_plain_key(tmp_path: Path) -> None:
    make_keystore(tmp_path, "agent", derivation=KeyDerivation("scrypt", 2))
    content = json.loads((tmp_path / "agent.json").read_text())
    assert (content["version"], content["crypto"]["kdf"]) == (3, "scrypt")
    assert "private" not in json.dumps(content).lower()


def test_a_key_is_not_overwritten(tmp_path: Path) -> None:
    make_keystore(tmp_path, "agent")
    with pytest.raises(ConfigError, match="exists already"):
        make_keystore(tmp_path, "agent")


def test_a_missing_key_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"agent\.passphrase is missing"):
        load_keystore(tmp_path, "agent")


def test_a_passphrase_that_others_can_read_is_refused(tmp_path: Path) -> None:
    make_keystore(tmp_path, "agent")
    (tmp_path / "agent.passphrase").chmod(0o640)
    with pytest.raises(ConfigError) as caught:
        load_keystore(tmp_path, "agent")
    assert "mode 640" in caught.value.found
    assert caught.value.allowed == "600"


def test_another_keys_passphrase_does_not_open(tmp_path: Path) -> None:
    make_keystore(tmp_path, "a")
    make_keystore(tmp_path, "b")
    (tmp_path / "a.passphrase").write_text((tmp_path / "b.passphrase").read_text())
    with pytest.raises(ConfigError, match="does not open"):
        load_keystore(tmp_path, "a")


def test_a_broken_keystore_does_not_open(tmp_path: Path) -> None:
    make_keystore(tmp_path, "agent")
    (tmp_path / "agent.json").write_text("{}")
    with pytest.raises(ConfigError, match="does not open"):
        load_keystore(tmp_path, "agent")
