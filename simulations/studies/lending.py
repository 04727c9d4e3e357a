"""A Monte Carlo study of one market: candidate thresholds under common paths, as a run in chunks.

    LendingStudy ─► identity ─► conduct(lending_chunk) ─► rows (candidate, path) ─► figures

Every candidate meets the same paths, so that differences are paired; rows do not depend on chunks.
Borrowers do nothing: the book is taken as it stands.  What a call repays, the bonus and the limits of
liquidators are those of ``core.cascade``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.cascade import WAD_DECIMALS, CascadeTerms, Liquidity
from core.errors import SimulationError
from core.lending import LiquidationRules
from core.market import PriceHistory
from core.units import WAD, Bps
from models.volatility import HIGHEST_PERSISTENCE, PERCENT, GarchT
from simulations import engine
from simulations.book import (
    ENDS,
    PRIOR_DEVIATION,
    PRIOR_MEDIAN_USD,
    PRIOR_REPAID_SHARE,
    SizeTerms,
    draw_book,
)
from simulations.paths.draw import draw
from simulations.paths.garch import Garch, GarchProcess
from simulations.paths.scenario import PathModel
from simulations.studies.identity import Identity, code_hash

TASK = "simulations.studies.lending:lending_chunk"
COLUMNS = ("liquidations", "repaid", "seized", "bad_debt", "interest", "uncovered", "liquidated_value")
ASSUMPTIONS = {end.name: end for end in ENDS}
SIZES = SizeTerms(float(np.log(PRIOR_MEDIAN_USD)), PRIOR_DEVIATION, PRIOR_REPAID_SHARE, 0, True)


@dataclass(frozen=True, slots=True)
class LendingStudy:
    """What is simulated; amounts in whole USD, shares in basis points, ``garch`` per step.

    ``current_bps`` is the threshold under which the book stands, and must be a candidate.
    """

    asset: str
    start_price: float
    garch: Garch
    current_bps: int
    candidates_bps: tuple[int, ...]
    bonus_bps: int = 5_00
    close_factor_bps: int = 50_00
    assumptions: str = "fragile"
    borrowers: int = 2_000
    debt_usd: int = 100_000_000
    steps: int = 288
    step_seconds: int = 300
    paths: int = 10_000
    chunk_paths: int = 5_000
    seed: int = 1

    def __post_init__(self) -> None:
        if self.assumptions not in ASSUMPTIONS:
            raise SimulationError(f"assumptions were {self.assumptions!r}", allowed=", ".join(ASSUMPTIONS))
        if self.current_bps not in self.candidates_bps:
            raise SimulationError(
                f"the current threshold {self.current_bps} is no candidate", allowed=str(self.candidates_bps)
            )
        for threshold in self.candidates_bps:
            if not 0 < threshold * (10_000 + self.bonus_bps) < 10_000**2:
                raise SimulationError(
                    f"candidate {threshold} with bonus {self.bonus_bps}",
                    allowed="threshold above 0, threshold x (1 + bonus) below 1, in basis points",
                    hint="fewer candidates, or nearer ones",
                )
        for name in ("borrowers", "debt_usd", "steps", "step_seconds", "paths", "chunk_paths"):
            if getattr(self, name) < 1:
                raise SimulationError(f"{name} was {getattr(self, name)}", allowed="at least 1")

    @property
    def chunks(self) -> int:
        """How many chunks the paths fill."""
        return -(-self.paths // self.chunk_paths)

    @property
    def supply_usd(self) -> float:
        """What suppliers own, by the assumed utilisation."""
        return self.debt_usd / ASSUMPTIONS[self.assumptions].utilisation

    @property
    def reserves_usd(self) -> float:
        """What pays for bad debt before suppliers do."""
        return self.supply_usd * ASSUMPTIONS[self.assumptions].reserve_share

    def record(self) -> dict[str, Any]:
        """Return the study as plain values; floats by their hexadecimal form."""
        plain = asdict(self)
        plain["start_price"] = self.start_price.hex()
        plain["garch"] = {k: None if v is None else float(v).hex() for k, v in plain["garch"].items()}
        plain["candidates_bps"] = list(self.candidates_bps)
        return plain

    def identity(self, plug_ins: Mapping[str, str] | None = None) -> Identity:
        """Return what the run is found by."""
        return Identity(TASK, self.record(), self.chunks, self.seed, code=code_hash(), plug_ins=plug_ins)


def study_from(record: Mapping[str, Any]) -> LendingStudy:
    """Return the study of a record, the inverse of ``LendingStudy.record``."""
    plain = {name.name: record[name.name] for name in fields(LendingStudy)}
    plain["start_price"] = float.fromhex(record["start_price"])
    terms: dict[str, Any] = {k: None if v is None else float.fromhex(v) for k, v in record["garch"].items()}
    plain["garch"] = Garch(**terms)
    plain["candidates_bps"] = tuple(record["candidates_bps"])
    return LendingStudy(**plain)


def lending_chunk(configuration: Mapping[str, Any], chunk: int) -> pa.Table:
    """Return one chunk's rows: every candidate along each of its paths, totals in USD."""
    study = study_from(configuration)
    first = chunk * study.chunk_paths
    count = min(study.chunk_paths, study.paths - first)
    prices = path_prices(study, first_path=first, paths=count)
    result = engine.run(
        market_book(study),
        prices,
        thresholds_bps=np.array(study.candidates_bps),
        bonuses_bps=np.full(len(study.candidates_bps), study.bonus_bps),
        terms=cascade_terms(study),
        threads=1,
    )
    rows = {name: np.ascontiguousarray(getattr(result, name)).ravel() for name in COLUMNS}
    candidate = np.repeat(np.array(study.candidates_bps), count)
    path = np.tile(np.arange(first, first + count), len(study.candidates_bps))
    last = np.tile(prices[:, -1], len(study.candidates_bps))
    return pa.table({"candidate_bps": candidate, "path": path, "last_price": last, **rows})


def path_prices(study: LendingStudy, *, first_path: int, paths: int) -> NDArray[np.float64]:
    """Return prices, shape (path, step)."""
    process = GarchProcess((study.garch,))
    model = PathModel((study.asset,), (study.start_price,), study.step_seconds, process)
    drawn = draw(model, paths=paths, steps=study.steps, seed=study.seed, first_path=first_path)
    return np.ascontiguousarray(drawn[:, :, 0].T)


def market_book(study: LendingStudy) -> engine.Book:
    """Return the borrowers, scaled to the study's debt, with the health that they have now."""
    book = draw_book(ASSUMPTIONS[study.assumptions], seed=study.seed, borrowers=study.borrowers)
    debt = book.debt_usd(SIZES)
    debt *= study.debt_usd / debt.sum()
    collateral = book.health * debt / (study.current_bps / 10_000) / study.start_price
    return engine.Book(collateral[None, :], debt[None, :])


def cascade_terms(study: LendingStudy) -> CascadeTerms:
    """Return what the kernel obeys."""
    rules = LiquidationRules(
        Bps(study.current_bps), Bps(study.bonus_bps), Bps(study.close_factor_bps), decimals=WAD_DECIMALS
    )
    depth = int(study.debt_usd * ASSUMPTIONS[study.assumptions].depth_share) * WAD
    return CascadeTerms(rules, Liquidity(depth), int(study.supply_usd) * WAD, study.step_seconds)


def fitted_terms(history: PriceHistory) -> Garch:
    """Return GARCH(1,1)-t per hourly step, fitted on ``history``, from the variance after its last bar on.

    Hourly returns often fit best at the edge where variance has no long run; persistence is held at 0.9999,
    which no horizon of days can tell from one.

    Raises:
        ModelError: the history is too short, does not move, or the optimiser does not converge.
    """
    model = GarchT()
    model.fit(history, seed=0)
    found = model.parameters
    if found is None:
        raise SimulationError("the model was not fitted")
    shrink = min(1.0, HIGHEST_PERSISTENCE / (found.alpha + found.beta))
    return Garch(
        omega=max(found.omega, 1e-9) / PERCENT**2,
        alpha=found.alpha * shrink,
        beta=found.beta * shrink,
        mu=found.mu / PERCENT,
        degrees=found.nu,
        next_variance=model.next_variance(history) / PERCENT**2,
    )
