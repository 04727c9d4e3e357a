"""Compiled contracts: ABI and bytecode as ``compile.mjs`` wrote them, so that users need no compiler."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.errors import ConfigError

FOLDER = Path(__file__).resolve().parent
REBUILD = "rebuild artifacts: cd contracts && npm ci --ignore-scripts && node compile.mjs"


@dataclass(frozen=True, slots=True)
class Artifact:
    """One compiled contract; ``bytecode`` is its creation code."""

    name: str
    abi: tuple[dict[str, Any], ...]
    bytecode: bytes


def load_artifact(name: str, *, folder: Path = FOLDER / "artifacts") -> Artifact:
    """Return the compiled contract ``name``.

    Raises:
        ConfigError: there is none, or its file does not parse.

    >>> load_artifact("GovernanceToken").name
    'GovernanceToken'
    """
    path = folder / f"{name}.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        known = ", ".join(sorted(p.stem for p in folder.glob("*.json") if p.stem != "manifest"))
        raise ConfigError(f"there is no contract {name!r}", allowed=known, hint=REBUILD) from error
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path.name} is not JSON: {error}", hint=REBUILD) from error
    return Artifact(content["contractName"], tuple(content["abi"]), bytes.fromhex(content["bytecode"][2:]))


def load_any_artifact(name: str) -> Artifact:
    """Return a contract of ``src/``, or of ``test/`` if there is none of that name."""
    in_source = (FOLDER / "artifacts" / f"{name}.json").exists()
    return load_artifact(name) if in_source else load_artifact(name, folder=FOLDER / "artifacts" / "test")


def with_bytecodes(changed: Mapping[str, bytes]) -> Callable[[str], Artifact]:
    """Return a loader that gives some contracts another creation code (planted bugs, in tests)."""

    def load(name: str) -> Artifact:
        artifact = load_any_artifact(name)
        return replace(artifact, bytecode=changed.get(name, artifact.bytecode))

    return load


def load_mutant(invariant: str) -> dict[str, bytes]:
    """Return the contracts, by name, that the planted bug of ``invariant`` (``INV-7``) changes.

    Raises:
        ConfigError: no bug is planted for it.
    """
    path = FOLDER / "artifacts" / "mutants" / f"{invariant}.json"
    if not path.exists():
        raise ConfigError(f"no bug is planted for {invariant}", hint=REBUILD)
    content: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return {name: bytes.fromhex(code[2:]) for name, code in content.items()}


def stale_sources(folder: Path = FOLDER) -> tuple[str, ...]:
    """Return the sources whose SHA-256 is not the manifest's, and those that only one side knows."""
    manifest = json.loads((folder / "artifacts" / "manifest.json").read_text(encoding="utf-8"))
    recorded: dict[str, str] = {**manifest["sources"], "mutants.toml": manifest["mutants"]}
    paths = [*folder.glob("src/**/*.sol"), *folder.glob("test/*.sol"), folder / "mutants.toml"]
    found = {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}
    return tuple(sorted(n for n in found.keys() | recorded.keys() if found.get(n) != recorded.get(n)))
