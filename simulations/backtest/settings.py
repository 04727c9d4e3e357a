"""What a backtest is told and given, and what it hands on: settings, recorded facts, replayed worlds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import SimulationError
from core.evidence import canonical_json, sha256
from core.market import PriceHistory
from models.data.archive import load_history
from models.data.liquidations import V2_FILE, Liquidations, load_liquidations
from models.data.timeline import load_timeline
from simulations.backtest.parameters import ParameterHistory, parameter_history
from simulations.backtest.rivals import Constants
from simulations.backtest.trajectories import Trajectory
from simulations.backtest.trials import Trial
from simulations.book import ENDS, Assumptions

COLLATERAL_NAMES = {
    "ETH": frozenset({"ETH", "WETH"}),
    "BTC": frozenset({"WBTC"}),
    "LINK": frozenset({"LINK"}),
}
RELEVERED, FIXED = "re-levered", "fixed"
REACTIONS: Mapping[str, float] = {RELEVERED: 1.0, FIXED: 0.0}
"""How far borrowers follow a threshold that moves; decisions look at the re-levered book."""


@dataclass(frozen=True, slots=True)
class BacktestConfig:
    """What is replayed; times in UTC seconds.

    Decisions look at the book of ``borrowers`` itself and at ``paths`` paths; the score is taken on
    ``books`` books resampled from it (the first is the book itself).  The mandate's horizon is how long
    a decision stands: a week here.  A horizon of 24 h, shorter than the 96 h that any correction takes,
    lets every strategy climb in calm weeks to where it cannot leave in time.

    Models are fitted anew every ``refit_hours`` on ``fit_bars`` bars that end ``embargo_hours`` before the
    decision.  Trials are replayed on the first ``trial_books`` books.  ``network`` adds the
    quorum of all strategies, where there are four, as one more policy.
    """

    asset: str
    begin: int
    end: int
    seed: int = 1
    borrowers: int = 2_000
    books: int = 200
    paths: int = 400
    fit_bars: int = 4_320
    refit_hours: int = 720
    embargo_hours: int = 168
    bad_debt_es_975_bps: int = 1
    horizon_hours: int = 168
    trial_books: int = 20
    ends: tuple[Assumptions, ...] = ENDS
    reactions: tuple[str, ...] = (RELEVERED, FIXED)
    trials: tuple[Trial, ...] = ()
    network: bool = True

    def __post_init__(self) -> None:
        unknown = [name for name in self.reactions if name not in REACTIONS]
        if unknown or not self.reactions:
            raise SimulationError(f"reactions were {self.reactions}", allowed=", ".join(REACTIONS))
        if not (self.borrowers > 0 and self.books > 0 and self.trial_books > 0):
            raise SimulationError(
                f"{self.borrowers} borrowers, {self.books} books, {self.trial_books} for trials",
                allowed="at least one of each",
            )

    def digest(self) -> str:
        """Return the hash of everything that a result depends on but the data."""
        compound = {"ends", "reactions", "trials"}
        record = {name: getattr(self, name) for name in self.__slots__ if name not in compound}
        record["ends"] = [dict(end.record()) for end in self.ends]
        record["reactions"] = list(self.reactions)
        record["trials"] = [[trial.name, trial.horizon_hours, trial.replayed] for trial in self.trials]
        return sha256(canonical_json(record)).hex()


@dataclass(frozen=True, slots=True, eq=False)
class BacktestInputs:
    """The recorded facts; ``calls_v2`` are Aave V2's liquidations alone, ``None`` without a record."""

    prices: PriceHistory
    liquidations: Liquidations
    parameters: ParameterHistory
    calls_v2: Liquidations | None = None


@dataclass(frozen=True, slots=True)
class BacktestProgress:
    """One step, for people to watch."""

    end: str
    policy: str
    done: int
    total: int


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """One end of the assumptions with one reaction of borrowers.

    ``totals`` by policy, shape (book, week, metric); ``trials`` the same for other configurations that were
    tried, over the first books; ``constants`` are measured on the book itself.
    """

    assumptions: str
    reaction: str
    trajectories: tuple[Trajectory, ...]
    totals: Mapping[str, NDArray[np.float64]]
    trials: Mapping[str, NDArray[np.float64]]
    constants: Constants
    missing_hours: int
    prior_weeks: int

    @property
    def name(self) -> str:
        """Return the world's name."""
        return f"{self.assumptions}, {self.reaction} book"


def load_inputs(data: Path, asset: str) -> BacktestInputs:
    """Return the recorded facts of ``asset`` from a data folder.

    Raises:
        DataError: a file is missing or breaks its profile.
    """
    if asset not in COLLATERAL_NAMES:
        raise SimulationError(f"asset was {asset}", allowed=", ".join(COLLATERAL_NAMES))
    names = COLLATERAL_NAMES[asset]
    return BacktestInputs(
        prices=load_history(data, asset, source="exchange"),
        liquidations=load_liquidations(data, names),
        parameters=parameter_history(load_timeline(data), asset),
        calls_v2=load_liquidations(data, names, files=(V2_FILE,)),
    )
