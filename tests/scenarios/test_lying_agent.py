"""One agent of four lies in the real network: it gets nothing, and a forged result is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from running import cli, gone

from core.epoch import candidate_value


@pytest.mark.parametrize(
    "lie",
    [
        "forge",
        "low",
        pytest.param("high", marks=pytest.mark.long),
        pytest.param("withhold", marks=pytest.mark.long),
        pytest.param("equivocate", marks=pytest.mark.long),
    ],
)
def test_a_liar_gets_nothing(lie: str, tmp_path: Path) -> None:
    arguments = ("--lie", lie, "--paths", "400", "--runs", str(tmp_path), "--json")
    found = cli("attack", "lying-agent", *arguments, seconds=420)
    assert found.returncode == 0, found.stderr[-2000:]
    report = json.loads(found.stdout)
    assert report["held"]
    if lie == "forge":
        assert report["outcome"] == "executed", "a consistent forgery passes the chain"
        assert report["named_parts"] == ["deep-quantile: outcomes"], "and is named by who re-runs it"
        verified = cli("proposal", "verify", "1", run=Path(report["run_dir"]))
        assert verified.returncode == 1
        assert "deep-quantile: outcomes" in verified.stdout.splitlines()[-1]
    if lie in ("high", "low"):
        honest = [bound for name, bound in report["bounds"].items() if name != report["liar"]]
        assert report["bounds"][report["liar"]] == {"high": 93_00, "low": 20_00}[lie], "as it was revealed"
        assert min(honest) <= report["unclamped"] <= max(honest)
    if lie == "low":
        found = Path(report["run_dir"]) / "agents" / report["liar"] / "epoch-1" / "decision.json"
        true_bound = json.loads(found.read_text())["bound"]
        assert candidate_value([*honest, true_bound], 3) != report["unclamped"], (
            "a reveal moves the candidate"
        )
    assert gone(tmp_path) == []
