"""Where a run keeps what it made, and which run is the last one.

runs/2026-11-20T10-33-00-7f3a/
  manifest.json       what was asked for, and how it ended
  network.json        mandate, calendar and declared assumptions, for all agents
  deployment.json     addresses on the chain
  chain.sqlite        the embedded chain
  data/               price files with their profile
  agents/NAME/        keys, journal, evidence and log of one agent
  holder/             the key of the token holder who may veto
  events.ndjson       the negotiation, message by message
  result.json         what --json prints
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run's folder."""

    path: Path

    @property
    def manifest(self) -> Path:
        """What was asked for."""
        return self.path / "manifest.json"

    @property
    def network(self) -> Path:
        """Mandate, calendar and assumptions."""
        return self.path / "network.json"

    @property
    def deployment(self) -> Path:
        """Addresses on the chain."""
        return self.path / "deployment.json"

    @property
    def chain(self) -> Path:
        """The embedded chain's database."""
        return self.path / "chain.sqlite"

    @property
    def data(self) -> Path:
        """Price files."""
        return self.path / "data"

    @property
    def events(self) -> Path:
        """The negotiation, message by message."""
        return self.path / "events.ndjson"

    @property
    def result(self) -> Path:
        """What the run came to."""
        return self.path / "result.json"

    @property
    def holder(self) -> Path:
        """Key of the token holder."""
        return self.path / "holder"

    def agent_names(self) -> dict[str, str]:
        """Return wallet (40 lower-case digits) -> name, for every agent that has its key here."""
        stored = sorted(self.path.glob("agents/*/wallet.json"))
        found = {str(read_json(path).get("address", "")): path.parent.name for path in stored}
        return {plain_address(wallet): name for wallet, name in found.items() if wallet}

    def agent(self, name: str) -> Path:
        """Home of one agent."""
        return self.path / "agents" / name


def plain_address(address: str) -> str:
    """Return an address as keystores write it: lower case, without 0x."""
    return address.lower().removeprefix("0x")


def create(base: Path) -> RunFolder:
    """Return a new, empty run folder below ``base``."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S")
    folder = RunFolder(base / f"{stamp}-{secrets.token_hex(2)}")
    try:
        folder.path.mkdir(parents=True)
        folder.data.mkdir()
    except OSError as error:
        raise ConfigError(
            f"cannot make a run folder in {base}: {error.strerror}", hint="--runs DIR"
        ) from error
    return folder


def find(run: Path | None, *, base: Path) -> RunFolder:
    """Return the folder that the user named, or the newest one below ``base``.

    Raises:
        ConfigError: there is none, or it has no deployment.
    """
    if run is not None:
        folder = RunFolder(run)
        if not folder.deployment.is_file():
            raise ConfigError(
                f"{run} is not a run folder: it has no deployment.json",
                allowed="a folder that `tribunate demo` made",
                hint="see the last lines that the demo printed",
            )
        return folder
    runs = sorted(path for path in base.glob("*") if (path / "deployment.json").is_file())
    if not runs:
        raise ConfigError(f"there is no run in {base}", hint="run `tribunate demo` first, or pass --run DIR")
    return RunFolder(runs[-1])


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a file whole or not at all: a reader, and a kill -9, never see half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(value, file, indent=2, sort_keys=True)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """Return a JSON object from a file.

    Raises:
        ConfigError: no such file, or it does not hold one JSON object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", hint="check the path") from error
    except ValueError as error:
        raise ConfigError(f"{path} is not JSON: {error}", allowed="one JSON object") from error
    if not isinstance(value, dict):
        raise ConfigError(f"{path} holds a {type(value).__name__}", allowed="one JSON object")
    return value
