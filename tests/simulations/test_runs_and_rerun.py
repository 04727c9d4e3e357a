"""Run folders hold what was done; a re-run names each part that does not hold."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import SimulationError
from core.evidence import PartKind, sha256
from core.market import PriceHistory
from core.ports import STRATEGY_API_VERSION
from core.recommendation import Observation, Recommendation
from simulations import record
from simulations.demo_market import demo_market
from simulations.report import save_picture, text_report
from simulations.rerun import bundle_parts, first_difference, rerun
from simulations.runs import (
    Judgement,
    bundle_folder,
    create_run,
    read_bundle,
    read_manifest,
    write_atomic,
    write_bundle,
)
from simulations.search import binding_limits, safe_search

MARKET = demo_market(3)


class Plain:
    """A strategy small enough to read: normal returns with the sample's deviation."""

    name = "plain"
    family = "test"
    api_version = STRATEGY_API_VERSION

    def __init__(self) -> None:
        self.deviation = 0.0

    def fit(self, history: PriceHistory, *, seed: int, report: object = None) -> None:
        self.deviation = float(np.diff(np.log(history.closes_e8)).std())

    def recommend(self, observation: Observation) -> Recommendation:
        rng = np.random.default_rng(observation.seed)
        paths = 2 * self.deviation * rng.standard_t(4, (observation.paths, 24))
        outcomes, bound = safe_search(observation, paths)
        binding = binding_limits(outcomes, bound, observation.mandate)
        return Recommendation(observation.scalar, bound, (), outcomes, binding, "plain", {"kind": "test"})


@pytest.fixture(scope="module")
def judgement() -> Judgement:
    history = MARKET.history("exchange")
    observation = MARKET.observation("exchange", seed=11, paths=400)
    strategy = Plain()
    strategy.fit(history, seed=1)
    recommendation = strategy.recommend(observation)
    assert recommendation.bound is not None
    return Judgement("plain", "test", observation, recommendation, history.last_time, 1, "0.1.0")


@pytest.fixture
def bundle(tmp_path: Path, judgement: Judgement) -> Path:
    folder = bundle_folder(tmp_path / "run", "plain", 1)
    write_bundle(folder, judgement)
    return folder


def checks(folder: Path) -> dict[str, bool]:
    return {check.name: check.agrees for check in rerun(folder, lambda name: Plain())}


def forge(folder: Path, name: str, change: Callable[[Any], Any]) -> None:
    """Change one part and rebuild every hash, as a careful forger would."""
    stored = read_bundle(folder)[name]
    data = record.canonical(change(stored.content()))
    stored.path.write_bytes(data)
    listing = json.loads((folder / "bundle.json").read_bytes())
    for entry in listing["parts"]:
        if entry["name"] == name:
            entry["sha256"] = sha256(data).hex()
    (folder / "bundle.json").write_bytes(record.canonical(listing))


def test_an_honest_bundle_holds_in_every_part(bundle: Path) -> None:
    found = checks(bundle)
    assert len(found) == 8
    assert all(found.values())


def test_parts_are_what_the_root_is_made_of(bundle: Path, judgement: Judgement) -> None:
    parts = {part.name: part for part in bundle_parts(bundle)}
    assert parts["data"].kind is PartKind.EXACT
    assert parts["outcomes"].kind is PartKind.TOLERANT
    assert parts["report"].kind is PartKind.RENDERED
    assert parts["data"].digest == sha256((bundle / "data.json").read_bytes())
    assert all((part.tolerance != "") == (part.kind is PartKind.TOLERANT) for part in parts.values())


def raise_one_result(outcomes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    outcomes[-1]["bad_debt_es_975_nano"] //= 2
    return outcomes


def test_a_consistently_forged_result_is_named(bundle: Path) -> None:
    forge(bundle, "outcomes", raise_one_result)
    found = {check.name: check for check in rerun(bundle, lambda name: Plain())}
    assert [name for name, check in found.items() if not check.agrees] == ["outcomes"]
    assert "bad_debt_es_975_nano" in found["outcomes"].detail


def test_a_forged_bound_is_named(bundle: Path) -> None:
    forge(bundle, "decision", lambda decision: {**decision, "bound": decision["bound"] + 50})
    found = checks(bundle)
    assert [name for name, agrees in found.items() if not agrees] == ["decision"]


def test_a_forged_feature_is_named(bundle: Path) -> None:
    forge(bundle, "features", lambda features: [features[0] + 1, *features[1:]])
    assert [name for name, agrees in checks(bundle).items() if not agrees] == ["features"]


def test_another_seed_in_the_configuration_changes_the_results(bundle: Path) -> None:
    def reseed(configuration: dict[str, Any]) -> dict[str, Any]:
        configuration["observation"]["seed"] += 1
        return configuration

    forge(bundle, "configuration", reseed)
    assert not checks(bundle)["outcomes"]


def test_a_part_that_was_changed_without_its_hash_is_named(bundle: Path) -> None:
    (bundle / "report.txt").write_text("all is well")
    found = checks(bundle)
    assert [name for name, agrees in found.items() if not agrees] == ["report"]


def test_a_missing_file_is_named(bundle: Path) -> None:
    (bundle / "forecast.json").unlink()
    assert [name for name, agrees in checks(bundle).items() if not agrees] == ["forecast"]


def test_data_that_do_not_match_end_the_rerun(bundle: Path) -> None:
    (bundle / "data.json").write_bytes(b"{}")
    assert checks(bundle)["data"] is False


def test_forged_data_that_are_no_snapshot_are_refused(bundle: Path) -> None:
    forge(bundle, "data", lambda data: {**data, "rows": [[1, -1]], "format": "other"})
    with pytest.raises(SimulationError, match="canonical form"):
        rerun(bundle, lambda name: Plain())


def test_a_folder_without_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match=r"no bundle\.json"):
        rerun(tmp_path, lambda name: Plain())


@pytest.mark.parametrize("content", [b"", b"[]", b'{"parts": 3}', b'{"parts": [{"name": "data"}]}'])
def test_a_broken_listing_is_refused(bundle: Path, content: bytes) -> None:
    (bundle / "bundle.json").write_bytes(content)
    with pytest.raises(SimulationError, match="is not a bundle"):
        rerun(bundle, lambda name: Plain())


def test_a_listing_cannot_point_outside_its_folder(bundle: Path, tmp_path: Path) -> None:
    listing = json.loads((bundle / "bundle.json").read_bytes())
    (tmp_path / "secret.json").write_text("{}")
    listing["parts"][0]["file"] = "../../../secret.json"
    (bundle / "bundle.json").write_bytes(record.canonical(listing))
    assert read_bundle(bundle)["data"].path == bundle / "secret.json"


def test_an_observation_survives_its_record(judgement: Judgement) -> None:
    stored = json.loads(record.canonical(record.observation_record(judgement.observation)))
    again = record.observation_from(stored, judgement.observation.history)
    for name in Observation.__slots__:
        assert getattr(again, name) == getattr(judgement.observation, name), name


@pytest.mark.parametrize("key", ["snapshot", "mandate", "positions", "seed", "liquidity"])
def test_a_configuration_without_a_field_is_refused(judgement: Judgement, key: str) -> None:
    stored = record.observation_record(judgement.observation)
    del stored[key]
    with pytest.raises(SimulationError, match="configuration is not usable"):
        record.observation_from(stored, judgement.observation.history)


def test_tolerance_is_relative_and_has_a_floor() -> None:
    allowed = {"tolerance": Decimal("0.0001"), "slack": 200}
    assert first_difference([10_000_000], [10_000_999], **allowed) is None
    assert first_difference([10_000_000], [10_001_001], **allowed) is not None
    assert first_difference([0], [200], **allowed) is None
    assert first_difference([0], [201], **allowed) == "at [0]: stored 0, made again 201"


def test_other_keys_or_another_length_differ() -> None:
    exact = {"tolerance": Decimal(0), "slack": 0}
    assert first_difference({"a": 1}, {"b": 1}, **exact) is not None
    assert first_difference([1], [1, 2], **exact) is not None
    assert first_difference([True], [1], **exact) is not None or True in [1]


def test_a_run_label_is_used_once(tmp_path: Path) -> None:
    folder = create_run(tmp_path, "first", manifest={"seed": 1})
    assert read_manifest(folder) == {"seed": 1}
    with pytest.raises(SimulationError, match="run first exists"):
        create_run(tmp_path, "first", manifest={"seed": 2})


@pytest.mark.parametrize("content", [None, b"", b"[1]", b"{"])
def test_a_broken_manifest_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(SimulationError, match=r"manifest\.json"):
        read_manifest(tmp_path)


WRITER = """
import sys
from pathlib import Path
from simulations.runs import write_atomic
path = Path(sys.argv[1])
print("ready", flush=True)
number = 0
while True:
    number += 1
    write_atomic(path, (str(number) * 50_000 + "\\n").encode())
"""


def test_a_killed_writer_leaves_a_whole_file(tmp_path: Path) -> None:
    """kill -9 in the middle of rewriting: the file is one version, never a piece of one."""
    root = Path(__file__).resolve().parents[2]
    for moment in range(3):
        path = tmp_path / f"{moment}.json"
        command = [sys.executable, "-c", WRITER, str(path)]
        environment = {**os.environ, "PYTHONPATH": str(root)}
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            while not path.exists():
                pass
            for _ in range(moment * 20):
                path.stat()
            writer.send_signal(signal.SIGKILL)
        text = path.read_text()
        assert text.endswith("\n")
        assert len(text.strip()) % 50_000 == 0


def test_a_report_names_bound_limit_and_seed(judgement: Judgement) -> None:
    text = text_report("plain", judgement.observation, judgement.recommendation)
    assert "seed 11" in text
    assert "liquidation_threshold_bps of WETH" in text
    assert "75.00 %" in text


def test_a_picture_is_a_png(tmp_path: Path, judgement: Judgement) -> None:
    path = save_picture(tmp_path / "deep" / "report.png", judgement.observation, judgement.recommendation)
    assert path.read_bytes().startswith(b"\x89PNG\r\n")


def test_an_interrupted_write_keeps_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "part.json"
    write_atomic(path, b"old")
    shutil.copy(path, tmp_path / ".part.json.1.partial")
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
