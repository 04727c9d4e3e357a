"""Model error apart from Monte Carlo error: one figure under every path model, book and reaction.

The Monte Carlo interval narrows with more paths; the range over the models does not.  A claim stands only if
it holds at both ends of what nobody knows: the book, and whether borrowers re-lever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from simulations.candidates.objective import ScoreWeights
from simulations.statistics.tail import Estimate
from simulations.studies.figures import CandidateFigures, study_figures
from simulations.studies.lending import LendingStudy
from simulations.studies.scenes import Scene, SceneKind


@dataclass(frozen=True, slots=True)
class SceneFigures:
    """All candidates in one scene."""

    scene: Scene
    figures: tuple[CandidateFigures, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """One candidate: the base's figure with its interval, and the ends of the range over the models.

    ``mildest`` and ``worst`` are the names of the scenes at the ends; ``verdicts`` what the scenes say.
    """

    name: str
    monte_carlo: Estimate
    low: float
    high: float
    mildest: str
    worst: str
    verdicts: tuple[str, ...]


def in_all_scenes(
    study: LendingStudy, table: pa.Table, kind: SceneKind, *, weights: ScoreWeights | None = None
) -> tuple[SceneFigures, ...]:
    """Return the figures of every scene of a kind, in the study's order."""
    return tuple(
        SceneFigures(scene, study_figures(study, table, scene=scene, weights=weights))
        for scene in study.scenes
        if scene.kind is kind
    )


def spreads(base: Sequence[CandidateFigures], scenes: Sequence[SceneFigures]) -> tuple[Spread, ...]:
    """Return each candidate's ES 97.5 of bad debt over the scenes; empty without scenes."""
    found = []
    for row, candidate in enumerate(base if scenes else ()):
        values = [(one.figures[row].es_975.value, one.scene.name) for one in scenes]
        (low, mildest), (high, worst) = min(values), max(values)
        verdicts = tuple(one.figures[row].verdict for one in scenes)
        found.append(Spread(candidate.name, candidate.es_975, low, high, mildest, worst, verdicts))
    return tuple(found)
