"""Run folders on disk: what was looked at, what was simulated, what was decided.

    runs/<label>/
      manifest.json                      what the run is
      agents/<agent>/epoch-<n>/          one evidence bundle
        bundle.json                      the parts: name, kind, tolerance, file, SHA-256
        data.json features.json configuration.json        EXACT
        outcomes.json forecast.json                       TOLERANT
        decision.json                                     EXACT, follows from outcomes and rule
        report.txt model.json                             RENDERED

Every file is written aside, flushed to disk and renamed, so that at any moment each one is whole or absent.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import SimulationError
from core.evidence import Part, PartKind, sha256
from core.recommendation import Observation, Recommendation
from models.data import snapshots
from simulations import record
from simulations.report import text_report

BUNDLE = "bundle.json"
MANIFEST = "manifest.json"
TOLERANCE = "0.0001"
"""Relative, for simulated figures: another machine's vector instructions differ in the last bits."""


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """One agent's recommendation with all that it takes to make it again."""

    strategy: str
    family: str
    observation: Observation
    recommendation: Recommendation
    fitted_until: int
    fit_seed: int
    code_version: str


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part of a bundle and the file that holds its bytes."""

    part: Part
    path: Path

    def read(self) -> bytes:
        """Return the bytes.

        Raises:
            SimulationError: the file is missing or does not match its digest.
        """
        if not self.path.is_file():
            raise SimulationError(f"{self.path.name} is missing", hint="the bundle is not complete")
        data = self.path.read_bytes()
        if sha256(data) != self.part.digest:
            raise SimulationError(
                f"{self.path.name} does not match its digest", hint="it was changed afterwards"
            )
        return data

    def content(self) -> Any:
        """Return the parsed JSON."""
        return json.loads(self.read())


def write_atomic(path: Path, data: bytes) -> None:
    """Write ``data`` so that ``path`` holds all of it or what it held before, whatever happens."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def create_run(parent: Path, label: str, *, manifest: Mapping[str, Any]) -> Path:
    """Make the folder ``parent/label`` with its manifest; return it.

    Raises:
        SimulationError: a run of that label exists.
    """
    folder = parent / label
    if (folder / MANIFEST).exists():
        raise SimulationError(f"run {label} exists", allowed="a new label", hint="choose another --run")
    write_atomic(folder / MANIFEST, record.canonical(dict(manifest)))
    return folder


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a run.

    Raises:
        SimulationError: there is none, or it is not JSON.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise SimulationError(f"{folder.name} has no {MANIFEST}", hint="is it a run folder?")
    try:
        content = json.loads(path.read_bytes())
    except ValueError as problem:
        raise SimulationError(f"{MANIFEST} is not JSON: {problem}") from problem
    if not isinstance(content, dict):
        raise SimulationError(f"{MANIFEST} holds {type(content).__name__}", allowed="an object")
    return content


def bundle_folder(run: Path, agent: str, epoch: int) -> Path:
    """Return where ``agent``'s bundle of ``epoch`` lives."""
    return run / "agents" / agent / f"epoch-{epoch}"


def write_bundle(folder: Path, judgement: Judgement) -> tuple[Part, ...]:
    """Write one agent's evidence; return its parts (``core.evidence.bundle_root`` hashes them)."""
    observation, recommendation = judgement.observation, judgement.recommendation
    contents = {
        "data": (PartKind.EXACT, snapshots.canonical_bytes(observation.history), ".json"),
        "features": (PartKind.EXACT, record.canonical(record.features_record(observation.history)), ".json"),
        "configuration": (PartKind.EXACT, record.canonical(configuration(judgement)), ".json"),
        "outcomes": (
            PartKind.TOLERANT,
            record.canonical(record.outcomes_record(recommendation.outcomes)),
            ".json",
        ),
        "forecast": (
            PartKind.TOLERANT,
            record.canonical(record.forecast_record(recommendation.forecast)),
            ".json",
        ),
        "decision": (PartKind.EXACT, record.canonical(record.decision_record(recommendation)), ".json"),
        "model": (PartKind.RENDERED, record.canonical(dict(recommendation.model)), ".json"),
        "report": (
            PartKind.RENDERED,
            text_report(judgement.strategy, observation, recommendation).encode(),
            ".txt",
        ),
    }
    entries, parts = [], []
    for name, (kind, data, suffix) in contents.items():
        write_atomic(folder / f"{name}{suffix}", data)
        part = Part(name, kind, sha256(data), TOLERANCE if kind is PartKind.TOLERANT else "")
        parts.append(part)
        entries.append({**_entry(part), "file": f"{name}{suffix}"})
    write_atomic(folder / BUNDLE, record.canonical({"format": 1, "parts": entries}))
    return tuple(parts)


def configuration(judgement: Judgement) -> dict[str, Any]:
    """Return the configuration part: the observation, the strategy, what it was fitted on, the code."""
    return {
        "strategy": judgement.strategy,
        "family": judgement.family,
        "fitted_until": judgement.fitted_until,
        "fit_seed": judgement.fit_seed,
        "code_version": judgement.code_version,
        "observation": record.observation_record(judgement.observation),
    }


def read_bundle(folder: Path) -> dict[str, StoredPart]:
    """Return the parts of a bundle by name.

    Raises:
        SimulationError: there is no bundle, or it is not of this format.
    """
    path = folder / BUNDLE
    if not path.is_file():
        raise SimulationError(f"{folder} has no {BUNDLE}", hint="is it an agent's epoch folder?")
    try:
        return {entry["name"]: _stored(entry, folder) for entry in json.loads(path.read_bytes())["parts"]}
    except (ValueError, KeyError, TypeError) as problem:
        raise SimulationError(f"{path.name} is not a bundle: {problem!r}") from problem


def _entry(part: Part) -> dict[str, Any]:
    return {
        "name": part.name,
        "kind": part.kind.value,
        "sha256": part.digest.hex(),
        "tolerance": part.tolerance,
    }


def _stored(entry: Mapping[str, str], folder: Path) -> StoredPart:
    name = Path(entry["file"]).name
    part = Part(entry["name"], PartKind(entry["kind"]), bytes.fromhex(entry["sha256"]), entry["tolerance"])
    return StoredPart(part, folder / name)
