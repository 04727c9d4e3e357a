"""Strategies replayed over real prices, against never changing and the DAO's real parameters.

    prices, liquidations, parameter record
        └─► per end of the assumptions: trajectories (policy_replay) ─► 200 books (book_replay) ─► report

Nothing here imports a strategy: instances are made by the caller's functions.  Trajectories are stored
as they are finished, so that an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import SimulationError
from core.evidence import canonical_json, sha256
from core.mandate import Mandate
from core.market import Parameters, PriceHistory, parameters_from
from core.ports import Strategy
from core.units import BPS_ONE, Bps
from models.data.archive import load_history
from models.data.liquidations import Liquidations, load_liquidations
from models.data.snapshots import data_root
from models.data.timeline import load_timeline
from simulations.backtest.books import BookTerms, replay_books
from simulations.backtest.decisions import (
    DecisionTerms,
    Trajectory,
    dao_policy,
    hours_of,
    never_changing,
    replay_policy,
    under,
    weeks,
)
from simulations.backtest.parameters import LAST_KNOWN_FROM, V3_BEGINS, ParameterHistory, parameter_history
from simulations.backtest.report import BacktestReport, EndResult, Window, build_report
from simulations.book import ENDS, Assumptions, draw_book, fit_sizes, resample
from simulations.runs import write_atomic

COLLATERAL_NAMES = {
    "ETH": frozenset({"ETH", "WETH"}),
    "BTC": frozenset({"WBTC"}),
    "LINK": frozenset({"LINK"}),
}


@dataclass(frozen=True, slots=True)
class BacktestConfig:
    """What is replayed; times in UTC seconds.

    Decisions look at the book of ``borrowers`` itself and at ``paths`` paths; the score is taken on
    ``books`` books resampled from it (the first is the book itself).  The mandate's horizon is how long
    a decision stands: a week here.  A horizon of 24 h, shorter than the 96 h that any correction takes,
    lets every strategy climb in calm weeks to where it cannot leave in time.
    """

    asset: str
    begin: int
    end: int
    seed: int = 1
    borrowers: int = 2_000
    books: int = 200
    paths: int = 400
    fit_bars: int = 4_320
    bad_debt_es_975_bps: int = 1
    horizon_hours: int = 168
    ends: tuple[Assumptions, ...] = ENDS

    def digest(self) -> str:
        """Return the hash of everything that a result depends on but the data."""
        record = {name: getattr(self, name) for name in self.__slots__ if name != "ends"}
        return sha256(canonical_json({**record, "ends": [dict(end.record()) for end in self.ends]})).hex()


@dataclass(frozen=True, slots=True, eq=False)
class BacktestInputs:
    """The recorded facts."""

    prices: PriceHistory
    liquidations: Liquidations
    parameters: ParameterHistory


@dataclass(frozen=True, slots=True)
class BacktestProgress:
    """One step, for people to watch."""

    end: str
    policy: str
    done: int
    total: int


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    config: BacktestConfig
    inputs: BacktestInputs
    begin: int
    key: str
    store: Path | None
    progress: Callable[[BacktestProgress], None] | None = field(default=None)


def load_inputs(data: Path, asset: str) -> BacktestInputs:
    """Return the recorded facts of ``asset`` from a data folder.

    Raises:
        DataError: a file is missing or breaks its profile.
    """
    if asset not in COLLATERAL_NAMES:
        raise SimulationError(f"asset was {asset}", allowed=", ".join(COLLATERAL_NAMES))
    return BacktestInputs(
        prices=load_history(data, asset, source="exchange"),
        liquidations=load_liquidations(data, COLLATERAL_NAMES[asset]),
        parameters=parameter_history(load_timeline(data), asset),
    )


def run_backtest(
    config: BacktestConfig,
    strategies: Mapping[str, Callable[[], Strategy]],
    *,
    inputs: BacktestInputs,
    store: Path | None = None,
    progress: Callable[[BacktestProgress], None] | None = None,
) -> BacktestReport:
    """Return the comparison of all policies.

    Args:
        config: Span, sizes and assumptions.
        strategies: By name, functions that return a fresh strategy.
        inputs: Recorded facts.
        store: Folder for finished trajectories; a later run with the same configuration reuses them.
        progress: Hears of every decision week and every replay.

    Raises:
        SimulationError: the span holds no parameters or no bars.
    """
    begin = max(config.begin, inputs.parameters.first_time)
    before = inputs.prices.until(begin)
    if begin >= config.end or len(before) < config.fit_bars // 2:
        raise SimulationError(
            f"{len(before)} bars before the first decision",
            allowed=f"at least {config.fit_bars // 2}, and an end after {begin}",
            hint="start later, or end later",
        )
    key = sha256((config.digest() + data_root(inputs.prices).hex()).encode()).hex()[:16]
    run = _Run(config, inputs, begin, key, store, progress)
    results = [_replay_end(run, end, strategies) for end in config.ends]
    return build_report(
        results,
        asset=config.asset,
        begin=begin,
        asked_begin=config.begin,
        end=config.end,
        digest=config.digest(),
        assumptions=[dict(end.record()) for end in config.ends],
    )


def _replay_end(
    run: _Run, assumptions: Assumptions, strategies: Mapping[str, Callable[[], Strategy]]
) -> EndResult:
    config = run.config
    starts = weeks(run.begin, config.end)
    sizes = [fit_sizes(run.inputs.liquidations, before=start) for start in starts]
    columns = np.array([[s.log_mean, s.log_deviation, s.repaid_share] for s in sizes]).T
    terms = _decision_terms(run, assumptions, columns)
    trajectories = [never_changing(terms), dao_policy(run.inputs.parameters, terms)]
    for name, make in strategies.items():
        trajectories.append(_stored_or_replayed(run, assumptions, name, make=make, terms=terms))
    rows = resample(config.borrowers, config.books, seed=config.seed)
    totals = {}
    for number, trajectory in enumerate(trajectories):
        timeline = under(terms.hours, trajectory.changes, run.begin)
        totals[trajectory.policy] = replay_books(timeline, terms.book, rows)
        _tell(run, BacktestProgress(assumptions.name, "books", number + 1, len(trajectories)))
    return EndResult(
        assumptions=assumptions.name,
        trajectories=tuple(trajectories),
        totals=totals,
        week_starts=tuple(starts),
        windows=windows_of(starts),
        missing_hours=terms.hours.missing,
        prior_weeks=sum(s.prior for s in sizes),
    )


def _first_parameters(run: _Run) -> Parameters:
    first = run.inputs.parameters.at(run.begin)
    if first is None:
        raise SimulationError("there are no parameters at the beginning")
    return first.parameters


def _book_terms(run: _Run, assumptions: Assumptions, sizes: NDArray[np.float64]) -> BookTerms:
    book = draw_book(assumptions, seed=run.config.seed, borrowers=run.config.borrowers)
    return BookTerms(
        size_draws=book.size_draws,
        health=book.health,
        sizes=sizes,
        reference_threshold=int(_first_parameters(run).liquidation_threshold_bps) / BPS_ONE,
        return_share=assumptions.return_share,
        depth_share=assumptions.depth_share,
        utilisation=assumptions.utilisation,
    )


def _decision_terms(run: _Run, assumptions: Assumptions, sizes: NDArray[np.float64]) -> DecisionTerms:
    config = run.config
    first = _first_parameters(run)
    margin = Bps(first.liquidation_threshold_bps - first.ltv_bps)
    mandate = Mandate(
        config.asset,
        bad_debt_es_975_bps=Bps(config.bad_debt_es_975_bps),
        horizon_hours=config.horizon_hours,
        margin_bps=margin,
    )
    return DecisionTerms(
        prices=run.inputs.prices,
        hours=hours_of(run.inputs.prices, run.begin, config.end),
        book=_book_terms(run, assumptions, sizes),
        assumptions=assumptions,
        mandate=mandate,
        first=first,
        begin=run.begin,
        end=config.end,
        seed=config.seed,
        paths=config.paths,
        fit_bars=config.fit_bars,
    )


def _stored_or_replayed(
    run: _Run,
    assumptions: Assumptions,
    name: str,
    *,
    make: Callable[[], Strategy],
    terms: DecisionTerms,
) -> Trajectory:
    path = None if run.store is None else run.store / f"trajectory-{run.key}-{assumptions.name}-{name}.json"
    if path is not None and path.is_file():
        return _trajectory_from(path)
    found = replay_policy(
        make(),
        terms,
        progress=lambda done, total: _tell(run, BacktestProgress(assumptions.name, name, done, total)),
    )
    if path is not None:
        changes = [[since, parameters.as_dict()] for since, parameters in found.changes]
        record = {"policy": found.policy, "changes": changes, "skipped": found.skipped_decisions}
        write_atomic(path, json.dumps(record).encode())
    return found


def _trajectory_from(path: Path) -> Trajectory:
    try:
        record = json.loads(path.read_bytes())
        changes = tuple((since, parameters_from(values)) for since, values in record["changes"])
        return Trajectory(record["policy"], changes, record["skipped"])
    except (ValueError, KeyError, TypeError) as problem:
        raise SimulationError(f"{path.name} is not a trajectory: {problem!r}", hint="delete it") from problem


def _tell(run: _Run, progress: BacktestProgress) -> None:
    if run.progress is not None:
        run.progress(progress)


MARCH_2020 = (1_583_020_800, 1_585_699_200)
MAY_2021 = (1_619_827_200, 1_622_505_600)
YEAR_2022 = (1_640_995_200, 1_672_531_200)


def windows_of(starts: Sequence[int]) -> tuple[Window, ...]:
    """Return which weeks belong to which window; a week belongs where most of it lies."""
    middles = np.array(starts) + 84 * 3600
    silent = (middles >= LAST_KNOWN_FROM) & (middles < V3_BEGINS)

    def inside(span: tuple[int, int]) -> NDArray[np.bool_]:
        return (middles >= span[0]) & (middles < span[1])

    return (
        Window("whole span", np.ones(len(middles), dtype=np.bool_), marked=bool(silent.any())),
        Window("without last-known spans", ~silent, marked=False),
        Window("March 2020", inside(MARCH_2020), marked=False),
        Window("May 2021", inside(MAY_2021), marked=True),
        Window("2022", inside(YEAR_2022), marked=True),
    )
