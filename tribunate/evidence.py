"""An agent's evidence: the bundle that the reveal points to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.evidence import bundle_root
from core.recommendation import Observation, Recommendation
from governance.signing import keccak
from models.data.snapshots import data_root
from simulations.runs import Judgement, write_bundle
from tribunate import __version__


@dataclass(frozen=True, slots=True)
class BundleWriter:
    """Writes ``home/epoch-N`` and returns its roots."""

    home: Path
    strategy: str
    family: str
    fitted_until: int
    fit_seed: int

    def write(
        self, epoch: int, observation: Observation, recommendation: Recommendation
    ) -> Mapping[str, str]:
        """Return ``bundle_root`` and ``data_root`` in hex."""
        judgement = Judgement(
            strategy=self.strategy,
            family=self.family,
            observation=observation,
            recommendation=recommendation,
            fitted_until=self.fitted_until,
            fit_seed=self.fit_seed,
            code_version=__version__,
        )
        parts = write_bundle(self.home / f"epoch-{epoch}", judgement)
        return {
            "bundle_root": bundle_root(parts, keccak).hex(),
            "data_root": data_root(observation.history).hex(),
        }
