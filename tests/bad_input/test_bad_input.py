"""Bad input: the exit code and the message of every case in cases.toml, and never a traceback."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tribunate.cli import run

CASES: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("cases.toml").read_text())["case"]


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 60
    assert len({case["name"] for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_message_says_what_was_found(
    case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in case.get("files", {}).items():
        filled = content.replace("{tmp}", str(tmp_path)).replace("{70000x}", "x" * 70_000)
        (tmp_path / name).write_text(filled)
    code = run([part.replace("{tmp}", str(tmp_path)) for part in case["command"]])
    said = capsys.readouterr().err
    assert code == case["code"], said
    assert said.startswith("error: ")
    assert case["says"] in said.replace(str(tmp_path), "{tmp}")
    assert "allowed:" in said or "hint:" in said
    assert "Traceback" not in said and "this is a bug" not in said
