"""The demo from end to end: executed, vetoed, cut, ramped, and everything it leaves can be checked."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import urllib.request
from itertools import pairwise
from pathlib import Path

import pytest
from running import ROOT, FinishedDemo, cli, gone

from core.calls import fall_bps, is_extraordinary, lowest_cut_bps
from core.market import Scalar, parameters_from, with_scalar
from core.messages import Phase
from core.ramp import RAMP_STEP_BPS
from core.units import Bps
from tribunate.demo.cast import CAST
from tribunate.events import read_events, recompute_epoch


def test_the_first_epoch_is_executed_and_changes_the_market(finished_demo: FinishedDemo) -> None:
    first = finished_demo.result["epochs"][0]
    assert first["outcome"] == "executed"
    before, after = parameters_from(first["parameters_before"]), parameters_from(first["parameters_after"])
    assert after.liquidation_threshold_bps > before.liquidation_threshold_bps
    scalar = after.liquidation_threshold_bps
    assert after == with_scalar(before, Scalar.LIQUIDATION_THRESHOLD, scalar, margin_bps=Bps(5_00))
    assert len(first["signers"]) >= 3
    assert len(first["transactions"]) == 3, "proposed, queued, executed"


def test_the_second_epoch_is_vetoed_and_changes_nothing(finished_demo: FinishedDemo) -> None:
    second = finished_demo.result["epochs"][1]
    assert second["outcome"] == "vetoed"
    assert second["parameters_before"] == second["parameters_after"]
    assert second["lane"] == "SLOW"
    assert second["proposal_id"] == 2


def test_the_four_epochs_come_in_their_order_and_lanes(finished_demo: FinishedDemo) -> None:
    played = [(entry["lane"], entry["outcome"]) for entry in finished_demo.result["epochs"]]
    assert played == [("SLOW", "executed"), ("SLOW", "vetoed"), ("FAST", "executed"), ("RAMP", "executed")]


def test_an_agent_calls_after_the_fall_and_the_ltv_is_cut(finished_demo: FinishedDemo) -> None:
    cut = finished_demo.result["epochs"][2]
    before, after = parameters_from(cut["parameters_before"]), parameters_from(cut["parameters_after"])
    assert is_extraordinary(cut["epoch"])
    assert cut["called_by"] in {role.name for role in CAST}
    assert after == with_scalar(before, Scalar.LTV, after.ltv_bps, margin_bps=Bps(5_00))
    assert lowest_cut_bps(before.ltv_bps, Bps(10_00)) <= after.ltv_bps < before.ltv_bps
    assert (cut["proposal_id"], cut["cut_id"]) == (None, 1)
    assert len(cut["transactions"]) == 2, "announced, executed"
    assert len(cut["signers"]) >= 3


def test_the_announce_carries_a_signed_call_that_shows_the_fall(finished_demo: FinishedDemo) -> None:
    epoch = finished_demo.result["epochs"][2]["epoch"]
    messages = {e.message.digest: e.message for e in read_events(finished_demo.events)}.values()
    calls = {m.digest.hex(): m for m in messages if m.phase is Phase.CALL}
    assert {m.epoch for m in calls.values()} == {epoch}, "calls in one slot are one epoch"
    (announce,) = (m for m in messages if m.phase is Phase.ANNOUNCE and m.epoch == epoch)
    facts = calls[announce.body()["call"]["digest"]].body()
    assert fall_bps(facts["highest"], facts["oracle_price"]) >= 15_00


def test_the_cut_is_executed_an_hour_after_it_was_announced(finished_demo: FinishedDemo) -> None:
    shown = json.loads(cli("cut", "show", "1", "--json", run=finished_demo.folder).stdout)
    assert shown["state"] == "executed"
    assert shown["executable_at"] - shown["announced_at"] == 3600
    assert shown["proposed"]["ltv_bps"] == finished_demo.result["epochs"][2]["parameters_after"]["ltv_bps"]
    text = cli("cut", "show", "1", run=finished_demo.folder).stdout
    for words in ("LTV", "safer", "called by", "nobody holds it up", "tribunate cut verify 1"):
        assert words in text
    assert "executed" in cli("cut", "list", run=finished_demo.folder).stdout


def test_the_evidence_behind_the_cut_is_made_again(finished_demo: FinishedDemo) -> None:
    found = cli("cut", "verify", "1", "--json", run=finished_demo.folder)
    assert found.returncode == 0, found.stdout
    assert json.loads(found.stdout)["holds"]


def test_the_ramp_goes_down_by_at_most_half_a_per_cent_a_day(finished_demo: FinishedDemo) -> None:
    ramp = finished_demo.result["epochs"][3]
    first = ramp["parameters_before"]["liquidation_threshold_bps"]
    values = [first, *(step["value_bps"] for step in ramp["steps"])]
    assert len(ramp["steps"]) >= 1
    assert all(0 < before - after <= RAMP_STEP_BPS for before, after in pairwise(values))
    times = [step["time"] for step in ramp["steps"]]
    assert all(later - earlier >= 24 * 3600 for earlier, later in pairwise(times))
    assert ramp["parameters_after"]["liquidation_threshold_bps"] == values[-1]
    assert len({step["transaction"] for step in ramp["steps"]}) == len(ramp["steps"])


def test_a_ramp_s_page_shows_its_steps(finished_demo: FinishedDemo) -> None:
    number = finished_demo.result["epochs"][3]["proposal_id"]
    steps = finished_demo.result["epochs"][3]["steps"]
    record = json.loads(cli("proposal", "show", str(number), "--json", run=finished_demo.folder).stdout)
    assert record["lane"] == "RAMP"
    assert record["ramp"]["steps"] == steps
    text = cli("proposal", "show", str(number), run=finished_demo.folder).stdout
    assert f"step {len(steps)} of {len(steps)}" in text
    assert "RAMP" in cli("proposal", "list", run=finished_demo.folder).stdout


def test_the_result_holds_what_the_readme_promises(finished_demo: FinishedDemo) -> None:
    result = finished_demo.result
    assert Path(result["run_dir"]) == finished_demo.folder.resolve()
    wanted = {
        "outcome",
        "lane",
        "proposal_id",
        "governor_id",
        "parameters_before",
        "parameters_after",
        "signers",
        "dissenters",
        "transactions",
        "steps",
        "called_by",
        "cut_id",
    }
    for epoch in result["epochs"]:
        assert wanted <= set(epoch)
    assert "synthetic" in finished_demo.stderr.splitlines()[0]


def test_every_candidate_follows_from_the_events_alone(finished_demo: FinishedDemo) -> None:
    events = read_events(finished_demo.events)
    for epoch in finished_demo.result["epochs"]:
        again = recompute_epoch(events, epoch["epoch"])
        kind, number = ("cut", epoch["cut_id"]) if epoch["cut_id"] else ("proposal", epoch["proposal_id"])
        shown = json.loads(cli(kind, "show", str(number), "--json", run=finished_demo.folder).stdout)
        scalar = "ltv_bps" if kind == "cut" else "liquidation_threshold_bps"
        before = epoch["parameters_before"][scalar]
        assert again.outcome == "proposed"
        assert again.value == shown["proposed"][scalar]
        assert (again.value > before) is (epoch["lane"] == "SLOW")


def test_events_name_epoch_phase_sender_receivers_and_digest(finished_demo: FinishedDemo) -> None:
    lines = [json.loads(line) for line in finished_demo.events.read_text().splitlines()]
    assert all({"epoch", "phase", "from", "to", "digest"} <= set(line) for line in lines)
    assert {line["phase"] for line in lines} >= {"announce", "commit", "reveal", "certificate", "agree"}
    assert (finished_demo.folder / "events.ndjson").read_text() == finished_demo.events.read_text()


def test_four_operators_and_four_numbers(finished_demo: FinishedDemo) -> None:
    events = read_events(finished_demo.events)
    bounds = recompute_epoch(events, 1).bounds
    assert len(bounds) == 4
    assert len(set(bounds.values())) == 4, "families differ in inputs or model class, so numbers differ"
    reveals = [e.message.body() for e in events if e.message.phase is Phase.REVEAL]
    assert len({body["data_root"] for body in reveals[:4]}) == 2, "two data sources"


def test_the_parent_never_holds_an_agents_key(finished_demo: FinishedDemo) -> None:
    assert finished_demo.environments, "the parent was watched"
    secret_files = [f for f in finished_demo.seen_files if "/agents/" in f and "agent.log" not in f]
    assert secret_files == []
    for home in (finished_demo.folder / "agents").iterdir():
        for name in ("wallet", "uagent"):
            passphrase = (home / f"{name}.passphrase").read_text()
            assert all(passphrase not in environment for environment in finished_demo.environments)
            assert (home / f"{name}.passphrase").stat().st_mode & 0o077 == 0


def test_no_process_is_left(finished_demo: FinishedDemo) -> None:
    assert gone(finished_demo.folder) == []


def test_proposal_show_explains_the_change(finished_demo: FinishedDemo) -> None:
    shown = cli("proposal", "show", "1", run=finished_demo.folder)
    assert shown.returncode == 0
    for text in ("75.00 % →", "riskier", "Signed", "Veto", "re-run: tribunate proposal verify 1"):
        assert text in shown.stdout


def test_proposal_verify_makes_every_part_again(finished_demo: FinishedDemo) -> None:
    found = cli("proposal", "verify", "1", "--json", run=finished_demo.folder)
    assert found.returncode == 0, found.stdout
    record = json.loads(found.stdout)
    assert record["holds"]
    kinds = {part["kind"] for part in record["parts"]}
    assert kinds == {"exact", "tolerant", "rendered"}


@pytest.mark.parametrize("name", ["outcomes.json", "data.json", "decision.json", "explanation.json"])
def test_a_changed_file_is_named(finished_demo: FinishedDemo, tmp_path: Path, name: str) -> None:
    copy = tmp_path / "run"
    shutil.copytree(finished_demo.folder, copy)
    path = copy / "agents" / "closed-form" / "epoch-1" / name
    digit = re.compile(r"[0-8](?=[,.\]}])")
    changed, count = digit.subn(lambda found: str(int(found[0]) + 1), path.read_text(), count=1)
    assert count == 1
    path.write_text(changed)
    found = cli("proposal", "verify", "1", run=copy)
    assert found.returncode == 1
    assert "closed-form" in found.stdout.splitlines()[-1]


def test_a_second_veto_comes_too_late(finished_demo: FinishedDemo) -> None:
    late = cli("proposal", "veto", "1", "--yes", run=finished_demo.folder)
    assert late.returncode == 1
    assert late.stderr.startswith("error:")
    assert "Traceback" not in late.stderr


def test_the_chain_is_served_again(finished_demo: FinishedDemo) -> None:
    command = [sys.executable, "-m", "tribunate", "chain", "--json", "--run", str(finished_demo.folder)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        about = json.loads(server.stdout.readline())
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}).encode()
        request = urllib.request.Request(about["url"], body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert int(json.load(answer)["result"], 16) == about["chain_id"]
        deployment = finished_demo.folder / "deployment.json"
        listed = cli("proposal", "list", "--json", "--rpc", about["url"], "--deployment", str(deployment))
        states = [row["state"] for row in json.loads(listed.stdout)["proposals"]]
        assert states == ["executed", "defeated", "executed"]
    finally:
        server.terminate()
        server.wait(10)
        assert server.stdout is not None
        server.stdout.close()
