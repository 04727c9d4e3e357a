"""kill -9 of one agent: three signers are enough."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from running import gone, kill, start_demo

VICTIM = "tail-empirical"
PACE = ("--epochs", "1", "--pace", "300")


@pytest.mark.parametrize("phase", ["commit", "reveal"])
def test_three_signers_execute_after_one_agent_is_killed(phase: str, tmp_path: Path) -> None:
    demo = start_demo(tmp_path, *PACE)
    victim_id = None
    for event in demo.follow():
        if event["phase"] == phase and victim_id is None:
            name = name_of(demo.folder, event)
            if name == VICTIM:
                victim_id = event["from"]
                kill(demo.pid_of(VICTIM))
    code, out, err = demo.finish()
    assert code == 0, err[-3000:]
    assert victim_id is not None, "the victim spoke"
    (epoch,) = json.loads(out)["epochs"]
    assert epoch["outcome"] == "executed"
    assert len(epoch["signers"]) == 3
    assert VICTIM not in epoch["signers"]
    assert epoch["parameters_after"] != epoch["parameters_before"]
    assert gone(tmp_path) == []


def name_of(folder: Path | None, event: dict[str, object]) -> str:
    """Return which agent's journal holds the message as its own: it is journalled before it is sent."""
    import sqlite3

    assert folder is not None
    for home in (folder / "agents").iterdir():
        with sqlite3.connect(f"file:{home / 'journal.sqlite'}?mode=ro", uri=True) as journal:
            rows = journal.execute("select body from events where kind = 'received'").fetchall()
        journal.close()
        mine = [json.loads(row[0])["event"] for row in rows]
        first = [m for m in mine if m["digest"] == event["digest"]]
        wallet = json.loads((home / "wallet.json").read_text())["address"]
        if first and signer(first[0]) == wallet.lower().removeprefix("0x"):
            return home.name
    return ""


def signer(message: dict[str, str]) -> str:
    from governance.signing import EcdsaVerifier

    found = EcdsaVerifier().signer_of(bytes.fromhex(message["digest"]), bytes.fromhex(message["signature"]))
    return "" if found is None else found.lower().removeprefix("0x")
