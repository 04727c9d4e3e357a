"""What a backtest keeps on disk as it goes, so that a stopped one goes on where it stopped.

    trajectory-<key>-...json    a policy's decisions, when the last of them has been made
    totals-<key>-<hash>.npy     a policy's totals on all books of one world, under their own hash

The key covers configuration, data, code and installed strategies: whatever changes a number changes the
name, so that nothing stale is found.  Files are whole or absent.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import SimulationError
from core.evidence import canonical_json, sha256
from core.market import parameters_from
from models.data.snapshots import data_root
from simulations.backtest.settings import BacktestConfig, BacktestInputs
from simulations.backtest.trajectories import Trajectory
from simulations.runs import write_atomic
from simulations.studies.identity import CODE_FOLDERS, code_hash, plug_in_versions

HASH_BYTES = 32
DECIDING_FOLDERS = (*CODE_FOLDERS, "agents")
"""Source that a decision depends on: the built-in strategies as well."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A folder of finished parts; ``None`` keeps nothing."""

    folder: Path | None
    key: str

    def trajectory(self, name: str, make: Callable[[], Trajectory]) -> Trajectory:
        """Return the trajectory of that name, made now or before.

        Raises:
            SimulationError: the kept file is not a trajectory.
        """
        if self.folder is None:
            return make()
        path = self.folder / f"trajectory-{self.key}-{name}.json"
        if path.is_file():
            return _trajectory_from(path)
        made = make()
        changes = [[since, parameters.as_dict()] for since, parameters in made.changes]
        record = {"policy": made.policy, "changes": changes, "skipped": made.skipped_decisions}
        write_atomic(path, json.dumps(record).encode())
        return made

    def totals(
        self, trajectory: Trajectory, world: tuple[str, ...], make: Callable[[], NDArray[np.float64]]
    ) -> tuple[NDArray[np.float64], bool]:
        """Return a policy's totals, and whether they were kept.

        Args:
            trajectory: What the policy did; other decisions have another name.
            world: What else tells these totals from others of the same run: end, reaction, books.
            make: Replays the books, shape (book, week, metric).

        Raises:
            SimulationError: the kept file does not match its hash.
        """
        if self.folder is None:
            return make(), False
        changes = [[since, dict(parameters.as_dict())] for since, parameters in trajectory.changes]
        name = sha256(canonical_json([trajectory.policy, list(world), changes])).hex()[:16]
        path = self.folder / f"totals-{self.key}-{name}.npy"
        if path.is_file():
            return _totals_from(path), True
        made, buffer = make(), io.BytesIO()
        np.save(buffer, made, allow_pickle=False)
        write_atomic(path, buffer.getvalue() + sha256(buffer.getvalue()))
        return made, False


def kept_in(folder: Path | None, config: BacktestConfig, inputs: BacktestInputs) -> Kept:
    """Return what is kept in ``folder`` of this configuration, data, code and these strategies."""
    if folder is None:
        return Kept(None, "")
    calls = inputs.liquidations
    columns = (calls.times, calls.repaid_usd, calls.share_times, calls.shares)
    identity = [
        config.digest(),
        data_root(inputs.prices).hex(),
        *(sha256(np.ascontiguousarray(column).tobytes()).hex() for column in columns),
        [[since, dict(parameters.as_dict())] for since, parameters in inputs.parameters.changes],
        code_hash(folders=DECIDING_FOLDERS),
        plug_in_versions(),
    ]
    return Kept(folder, sha256(canonical_json(identity)).hex()[:16])


def _trajectory_from(path: Path) -> Trajectory:
    try:
        record = json.loads(path.read_bytes())
        changes = tuple((since, parameters_from(values)) for since, values in record["changes"])
        return Trajectory(record["policy"], changes, record["skipped"])
    except (ValueError, KeyError, TypeError) as problem:
        raise SimulationError(f"{path.name} is not a trajectory: {problem!r}", hint="delete it") from problem


def _totals_from(path: Path) -> NDArray[np.float64]:
    data = path.read_bytes()
    body, digest = data[:-HASH_BYTES], data[-HASH_BYTES:]
    if sha256(body) != digest:
        raise SimulationError(f"{path.name} does not match its hash", hint="delete it")
    return np.asarray(np.load(io.BytesIO(body), allow_pickle=False), dtype=np.float64)
