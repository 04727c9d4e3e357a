"""What a run is: the hash of its configuration, its code, its plug-ins, its data and its seed.

Whatever changes a number changes the id, so that a cache that is found by its id is never stale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from core.errors import SimulationError
from core.evidence import canonical_json, sha256

PLUG_IN_GROUP = "tribunate.strategies"
CODE_FOLDERS = ("core", "models", "simulations")


@dataclass(frozen=True, slots=True)
class Identity:
    """Everything that decides a run's numbers; hashes are hex.

    ``task`` names a function ``module:name`` of (configuration, chunk) that returns a table.
    """

    task: str
    configuration: Mapping[str, Any]
    chunks: int
    seed: int
    data: str = ""
    code: str = ""
    plug_ins: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        if self.chunks < 1:
            raise SimulationError(f"chunks were {self.chunks}", allowed="at least 1")
        if ":" not in self.task:
            raise SimulationError(f"task was {self.task!r}", allowed="module:function")

    @property
    def run_id(self) -> str:
        """Return the hash, hex; the same for the same numbers on every machine."""
        return sha256(canonical_json(self.record())).hex()

    def record(self) -> dict[str, Any]:
        """Return the fields as plain values, as the manifest keeps them."""
        plain = asdict(self)
        plain["plug_ins"] = dict(self.plug_ins or {})
        return plain


def code_hash(root: Path | None = None, *, folders: Sequence[str] = CODE_FOLDERS) -> str:
    """Return the hash over every source file in ``folders``, those that a number can depend on, hex."""
    base = Path(__file__).resolve().parents[2] if root is None else root
    files = sorted(path for folder in folders for path in (base / folder).rglob("*.py"))
    lines = [f"{path.relative_to(base).as_posix()} {sha256(path.read_bytes()).hex()}" for path in files]
    return sha256("\n".join(lines).encode()).hex()


def plug_in_versions() -> dict[str, str]:
    """Return every installed strategy by name, with the distribution and version that brings it."""
    found = {}
    for entry in entry_points(group=PLUG_IN_GROUP):
        distribution = entry.dist
        version = f" {distribution.name} {distribution.version}" if distribution else ""
        found[entry.name] = f"{entry.value}{version}"
    return dict(sorted(found.items()))


def require_current(identity: Identity) -> None:
    """Refuse to go on with a run whose code or plug-ins are not the installed ones.

    Raises:
        SimulationError: a chunk computed now would not belong to the run.
    """
    if identity.code and identity.code != code_hash():
        raise SimulationError(
            "the code has changed since the run began", hint="go back to that version, or begin a new run"
        )
    if identity.plug_ins and dict(identity.plug_ins) != plug_in_versions():
        raise SimulationError(
            "the installed plug-ins are not those that the run began with",
            allowed=", ".join(f"{name} ({value})" for name, value in identity.plug_ins.items()),
        )
