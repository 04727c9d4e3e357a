"""Scenes: the ways in which one market is simulated, all of them in one run.

    base            what the study says
    model           every path model x both books x both reactions of borrowers: the spread is model error
    sensitivity     the base with one assumption moved, to either side
    no impact       the base where sales move no price: what the cascade adds

Scenes share paths (common random numbers) wherever their path model is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from core.errors import SimulationError
from core.market import Parameters
from core.units import BPS_ONE
from simulations.book import ENDS, Assumptions
from simulations.studies.price_terms import BASE

BOOKS = {end.name: end for end in ENDS}
NO_IMPACT_DEPTH = 1e9


class SceneKind(StrEnum):
    """What a scene is for."""

    BASE = "base"
    MODEL = "model"
    SENSITIVITY = "sensitivity"
    NO_IMPACT = "no impact"


@dataclass(frozen=True, slots=True)
class Scene:
    """One way to simulate the market; factors multiply what the book or the path model says.

    ``resilience`` is the share of impact left after an hour, ``elasticity`` how far borrowers re-lever.
    """

    name: str
    kind: SceneKind = SceneKind.BASE
    prices: str = BASE
    book: str = "fragile"
    elasticity: float = 0.0
    depth_factor: float = 1.0
    resilience: float = 0.8
    close_factor_bps: int = 50_00
    bonus_shift_bps: int = 0
    utilisation: float | None = None
    volatility_factor: float = 1.0
    degrees: float | None = None

    def __post_init__(self) -> None:
        if self.book not in BOOKS:
            raise SimulationError(f"assumptions were {self.book!r}", allowed=", ".join(BOOKS))
        if not (self.depth_factor > 0 and self.volatility_factor > 0 and 0 <= self.resilience < 1):
            raise SimulationError(
                f"scene {self.name} had depth x {self.depth_factor}, volatility x {self.volatility_factor}, "
                f"resilience {self.resilience}",
                allowed="factors above 0, resilience from 0 to below 1",
            )
        if self.utilisation is not None and not 0 < self.utilisation <= 1:
            raise SimulationError(f"utilisation was {self.utilisation}", allowed="above 0, at most 1")

    @property
    def assumptions(self) -> Assumptions:
        """The book that it stands on."""
        return BOOKS[self.book]

    @property
    def used_share(self) -> float:
        """Debt over supply."""
        return self.assumptions.utilisation if self.utilisation is None else self.utilisation


@dataclass(frozen=True, slots=True)
class Swing:
    """One bar of the tornado: an assumption, and the scenes at its two ends."""

    label: str
    low: Scene
    high: Scene


def scene_from(record: Mapping[str, Any]) -> Scene:
    """Return the scene of a decoded record."""
    return Scene(**{**record, "kind": SceneKind(record["kind"])})


def model_scenes(base: Scene, models: Sequence[str]) -> tuple[Scene, ...]:
    """Return every path model on both books, with borrowers who do nothing and who re-lever fully."""
    return tuple(
        replace(
            base,
            name=f"{model}, {book}, {'fixed' if share == 0 else 're-levered'}",
            kind=SceneKind.MODEL,
            prices=model,
            book=book,
            elasticity=share,
        )
        for model in models
        for book in BOOKS
        for share in (0.0, 1.0)
    )


def bonus_room_bps(vectors: Sequence[Parameters], most: int = 1_00) -> int:
    """Return by how much the bonus of every vector can go up and down and be a valid bonus still."""
    rooms = [
        min(
            one.liquidation_bonus_bps,
            (BPS_ONE**2 - 1) // one.liquidation_threshold_bps - BPS_ONE - one.liquidation_bonus_bps,
        )
        for one in vectors
    ]
    return max(0, min(most, *(int(room) for room in rooms)))


def swings(base: Scene, *, bonus_bps: int) -> tuple[Swing, ...]:
    """Return the tornado's bars; each end changes one assumption of ``base``."""
    ends: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
        ("volatility x 0.75 / x 1.25", {"volatility_factor": 0.75}, {"volatility_factor": 1.25}),
        ("depth x 2 / x 0.5", {"depth_factor": 2.0}, {"depth_factor": 0.5}),
        ("impact left after an hour 0.5 / 0.95", {"resilience": 0.5}, {"resilience": 0.95}),
        ("close factor 25 % / 100 %", {"close_factor_bps": 25_00}, {"close_factor_bps": 100_00}),
        (
            f"bonus -{bonus_bps / 100:g} % / +{bonus_bps / 100:g} %",
            {"bonus_shift_bps": -bonus_bps},
            {"bonus_shift_bps": bonus_bps},
        ),
        ("utilisation 0.6 / 0.95", {"utilisation": 0.6}, {"utilisation": 0.95}),
        ("tail degrees 10 / 3", {"degrees": 10.0}, {"degrees": 3.0}),
        ("book sturdy / fragile", {"book": "sturdy"}, {"book": "fragile"}),
    )
    return tuple(
        Swing(label, _moved(base, label, low), _moved(base, label, high)) for label, low, high in ends
    )


def all_scenes(base: Scene, models: Sequence[str], vectors: Sequence[Parameters]) -> tuple[Scene, ...]:
    """Return the base, and everything that a report on ``vectors`` needs beside it."""
    bars = swings(base, bonus_bps=bonus_room_bps(vectors))
    ends = tuple(scene for bar in bars for scene in (bar.low, bar.high))
    return (base, *model_scenes(base, models), no_impact(base), *ends)


def no_impact(base: Scene) -> Scene:
    """Return the base where sales move no price."""
    return replace(base, name="no impact", kind=SceneKind.NO_IMPACT, depth_factor=NO_IMPACT_DEPTH)


def _moved(base: Scene, label: str, change: Mapping[str, Any]) -> Scene:
    ((field, value),) = change.items()
    return replace(base, name=f"{label}: {value}", kind=SceneKind.SENSITIVITY, **{field: value})
