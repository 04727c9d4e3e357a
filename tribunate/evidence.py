"""An agent's evidence: the bundle that the reveal points to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from agents.explanation import ChatSettings, explain, figures_of
from core.evidence import bundle_root, canonical_json, sha256
from core.recommendation import Observation, Recommendation
from governance.signing import keccak
from models.data.snapshots import data_root
from simulations.runs import Judgement, write_atomic, write_bundle
from tribunate import __version__

EXPLANATION = "explanation.json"


@dataclass(frozen=True, slots=True)
class BundleWriter:
    """Writes ``home/epoch-N`` and returns its roots."""

    home: Path
    strategy: str
    family: str
    fitted_until: int
    fit_seed: int
    chat: ChatSettings

    def write(
        self, epoch: int, observation: Observation, recommendation: Recommendation
    ) -> Mapping[str, str]:
        """Return ``bundle_root``, ``data_root`` and the explanation's SHA-256, in hex."""
        judgement = Judgement(
            strategy=self.strategy,
            family=self.family,
            observation=observation,
            recommendation=recommendation,
            fitted_until=self.fitted_until,
            fit_seed=self.fit_seed,
            code_version=__version__,
        )
        folder = self.home / f"epoch-{epoch}"
        parts = write_bundle(folder, judgement)
        return {
            "bundle_root": bundle_root(parts, keccak).hex(),
            "data_root": data_root(observation.history).hex(),
            "explanation": self._explain(folder, observation, recommendation).hex(),
        }

    def _explain(self, folder: Path, observation: Observation, recommendation: Recommendation) -> bytes:
        """Write the explanation beside the bundle; return its hash."""
        explanation = explain(figures_of(observation, recommendation), self.chat)
        content = canonical_json(asdict(explanation))
        write_atomic(folder / EXPLANATION, content)
        return sha256(content)
