"""A Monte Carlo study of one market: candidate parameters under common paths, as a run in chunks.

    LendingStudy ─► identity ─► conduct(lending_chunk) ─► rows (scene, candidate, path) ─► figures

Every candidate meets the same paths, so that differences are paired; rows do not depend on chunks.  What a
call repays, the bonus and the limits of liquidators are those of ``core.cascade``; what borrowers do is the
scene's elasticity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.cascade import WAD_DECIMALS, CascadeTerms, Liquidity, RateCurve
from core.errors import SimulationError
from core.lending import LiquidationRules
from core.market import Parameters, parameters_from, validate_parameters
from core.units import WAD, Bps
from simulations import engine
from simulations.book import PRIOR_DEVIATION, PRIOR_MEDIAN_USD, PRIOR_REPAID_SHARE, SizeTerms, draw_book
from simulations.candidates.reaction import reacted
from simulations.studies.codec import decode, encode
from simulations.studies.identity import Identity, code_hash
from simulations.studies.price_terms import (
    PriceTerms,
    Unavailable,
    path_model,
    plain_paths,
    terms_from,
    tilted_paths,
)
from simulations.studies.scenes import Scene, SceneKind, scene_from

TASK = "simulations.studies.lending:lending_chunk"
COLUMNS = ("liquidations", "repaid", "seized", "bad_debt", "interest", "uncovered", "liquidated_value")
SIZES = SizeTerms(float(np.log(PRIOR_MEDIAN_USD)), PRIOR_DEVIATION, PRIOR_REPAID_SHARE, 0, True)
TAILS = ("plain", "importance")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A vector under the name that the report gives it; caps in whole coins and whole USD."""

    name: str
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class LendingStudy:
    """What is simulated; amounts in whole USD, steps in seconds.

    The first candidate is the market as it stands.  The first scene is the base and has ``paths`` paths, as
    have the same models and book at both ends of what borrowers may do; other scenes have ``scene_paths``.
    """

    asset: str
    start_price: float
    prices: tuple[PriceTerms, ...]
    candidates: tuple[Candidate, ...]
    scenes: tuple[Scene, ...] = (Scene("base"),)
    tail: str = "plain"
    borrowers: int = 2_000
    debt_usd: int = 100_000_000
    steps: int = 24
    step_seconds: int = 3600
    paths: int = 10_000
    scene_paths: int = 2_000
    chunk_paths: int = 5_000
    seed: int = 1
    book_seed: int | None = None
    unavailable: tuple[Unavailable, ...] = ()

    def __post_init__(self) -> None:
        for name in ("borrowers", "debt_usd", "steps", "step_seconds", "paths", "chunk_paths", "scene_paths"):
            if getattr(self, name) < 1:
                raise SimulationError(f"{name} was {getattr(self, name)}", allowed="at least 1")
        if self.tail not in TAILS:
            raise SimulationError(f"tail was {self.tail!r}", allowed=", ".join(TAILS))
        for kind, names in (
            ("candidates", [one.name for one in self.candidates]),
            ("scenes", [one.name for one in self.scenes]),
            ("prices", [one.name for one in self.prices]),
        ):
            if not names or len(set(names)) != len(names):
                raise SimulationError(f"{kind} were {names}", allowed="one at least, each name once")
        missing = {scene.prices for scene in self.scenes} - {terms.name for terms in self.prices}
        if missing:
            raise SimulationError(
                f"scenes have prices of {', '.join(sorted(missing))}", allowed="a model of the study"
            )
        for candidate in self.candidates:
            validate_parameters(candidate.parameters)

    @property
    def book_number(self) -> int:
        """The seed of the book: that of the paths, unless the book is to stay while paths change."""
        return self.seed if self.book_seed is None else self.book_seed

    @property
    def current(self) -> Parameters:
        """The market as it stands."""
        return self.candidates[0].parameters

    @property
    def base(self) -> Scene:
        """The scene of the headline figures."""
        return self.scenes[0]

    @property
    def hours(self) -> float:
        """The horizon."""
        return self.steps * self.step_seconds / 3600

    @property
    def supply_usd(self) -> float:
        """What suppliers own in the base scene."""
        return self.debt_usd / self.base.used_share

    @property
    def reserves_usd(self) -> float:
        """What pays for bad debt before suppliers do, in the base scene."""
        return self.debt_usd / self.base.assumptions.utilisation * self.base.assumptions.reserve_share

    @property
    def chunks(self) -> int:
        """How many chunks the paths of all scenes fill."""
        return len(_work(self))

    def paths_of(self, scene: Scene) -> int:
        """Return how many paths a scene has."""
        is_end = scene.kind is SceneKind.MODEL and (scene.prices, scene.book) == (
            self.base.prices,
            self.base.book,
        )
        return self.paths if is_end or scene == self.base else min(self.paths, self.scene_paths)

    def prices_of(self, scene: Scene) -> PriceTerms:
        """Return a scene's path model, with its volatility and its tail."""
        (terms,) = (terms for terms in self.prices if terms.name == scene.prices)
        garch, grown = terms.garch, scene.volatility_factor**2
        first = None if garch.next_variance is None else garch.next_variance * grown
        degrees = garch.degrees if scene.degrees is None else scene.degrees
        moved = replace(garch, omega=garch.omega * grown, next_variance=first, degrees=degrees)
        return replace(terms, garch=moved)

    def is_tilted(self, scene: Scene) -> bool:
        """Return whether half of a scene's paths are drawn further down."""
        return self.tail == "importance" and self.prices_of(scene).can_be_tilted

    def record(self) -> dict[str, Any]:
        """Return the study as plain values; floats by their hexadecimal form."""
        plain: dict[str, Any] = encode(self)
        return plain

    def identity(self, plug_ins: Mapping[str, str] | None = None) -> Identity:
        """Return what the run is found by."""
        return Identity(TASK, self.record(), self.chunks, self.seed, code=code_hash(), plug_ins=plug_ins)


def study_from(record: Mapping[str, Any]) -> LendingStudy:
    """Return the study of a record, the inverse of ``LendingStudy.record``."""
    plain = decode(record)
    plain["prices"] = tuple(terms_from(one) for one in plain["prices"])
    plain["scenes"] = tuple(scene_from(one) for one in plain["scenes"])
    plain["unavailable"] = tuple(Unavailable(**one) for one in plain["unavailable"])
    plain["candidates"] = tuple(
        Candidate(one["name"], parameters_from(one["parameters"])) for one in plain["candidates"]
    )
    return LendingStudy(**plain)


def lending_chunk(configuration: Mapping[str, Any], chunk: int) -> pa.Table:
    """Return one chunk's rows: every candidate along each of one scene's paths, totals in USD."""
    study = study_from(configuration)
    number, first, count = _work(study)[chunk]
    scene = study.scenes[number]
    prices, weights = scene_paths(study, scene, first_path=first, paths=count)
    vectors = [candidate.parameters for candidate in study.candidates]
    result = simulate_vectors(study, scene, vectors, prices=prices)
    rows = {name: np.ascontiguousarray(getattr(result, name)).ravel() for name in COLUMNS}
    candidates = len(vectors)
    return pa.table(
        {
            "scene": np.full(candidates * count, number),
            "candidate": np.repeat(np.arange(candidates), count),
            "path": np.tile(np.arange(first, first + count), candidates),
            "weight": np.tile(weights, candidates),
            "last_price": np.tile(prices[:, -1], candidates),
            "lowest_price": np.tile(prices.min(axis=1), candidates),
            **rows,
        }
    )


def scene_paths(
    study: LendingStudy, scene: Scene, *, first_path: int, paths: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return prices, shape (path, step), and weights, shape (path,): ones without importance sampling."""
    model = path_model(
        study.prices_of(scene), study.asset, price=study.start_price, step_seconds=study.step_seconds
    )
    asked = {"paths": paths, "steps": study.steps, "seed": study.seed, "first_path": first_path}
    if study.is_tilted(scene):
        return tilted_paths(model, **asked)
    return plain_paths(model, **asked), np.ones(paths)


def simulate_vectors(
    study: LendingStudy, scene: Scene, vectors: Sequence[Parameters], *, prices: NDArray[np.float64]
) -> engine.EngineResult:
    """Return the totals of ``vectors`` along ``prices``, each with the book that borrowers make of it."""
    shift = scene.bonus_shift_bps
    return engine.run(
        scene_book(study, scene, vectors),
        prices,
        thresholds_bps=np.array([int(one.liquidation_threshold_bps) for one in vectors]),
        bonuses_bps=np.array([int(one.liquidation_bonus_bps) + shift for one in vectors]),
        terms=cascade_terms(study, scene),
        threads=1,
    )


def market_book(study: LendingStudy, scene: Scene) -> engine.Book:
    """Return the borrowers, scaled to the study's debt, with the health that they have now."""
    book = draw_book(scene.assumptions, seed=study.book_number, borrowers=study.borrowers)
    debt = book.debt_usd(SIZES)
    debt *= study.debt_usd / debt.sum()
    threshold = study.current.liquidation_threshold_bps / 10_000
    collateral = book.health * debt / threshold / study.start_price
    return engine.Book(collateral[None, :], debt[None, :])


def scene_book(study: LendingStudy, scene: Scene, vectors: Sequence[Parameters]) -> engine.Book:
    """Return the book under each vector: as it stands, or re-levered by the scene's elasticity."""
    book = market_book(study, scene)
    if scene.elasticity == 0:
        return book
    return reacted(
        book,
        study.current,
        vectors,
        price=study.start_price,
        lendable_usd=study.debt_usd / scene.used_share * RateCurve().kink / WAD,
        elasticity=scene.elasticity,
    )


def cascade_terms(study: LendingStudy, scene: Scene) -> CascadeTerms:
    """Return what the kernel obeys."""
    rules = LiquidationRules(
        study.current.liquidation_threshold_bps,
        study.current.liquidation_bonus_bps,
        Bps(scene.close_factor_bps),
        decimals=WAD_DECIMALS,
    )
    depth = int(study.debt_usd * scene.assumptions.depth_share * scene.depth_factor) * WAD
    left = scene.resilience ** (study.step_seconds / 3600)
    liquidity = Liquidity(depth, int(left * WAD))
    supply = int(study.debt_usd / scene.used_share) * WAD
    return CascadeTerms(rules, liquidity, supply, study.step_seconds)


def _work(study: LendingStudy) -> list[tuple[int, int, int]]:
    """Return (scene, first path, paths) of every chunk."""
    return [
        (number, first, min(study.chunk_paths, study.paths_of(scene) - first))
        for number, scene in enumerate(study.scenes)
        for first in range(0, study.paths_of(scene), study.chunk_paths)
    ]
