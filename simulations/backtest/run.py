"""Strategies replayed over real prices, against rivals and the DAO's real parameters.

    prices, liquidations, parameter record
        └─► per end of the assumptions: trajectories (decisions, rivals)
                └─► per reaction of borrowers: 200 books ─► a World ─► report

Nothing here imports a strategy: instances are made by the caller's functions.  Trajectories are stored
as they are finished, so that an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.epoch import quorum
from core.errors import SimulationError
from core.evidence import sha256
from core.mandate import Mandate
from core.market import Parameters, parameters_from
from core.ports import Strategy
from core.units import BPS_ONE, Bps
from models.data.snapshots import data_root
from simulations.backtest.books import BookTerms, replay_books
from simulations.backtest.decisions import DecisionTerms, replay_policy
from simulations.backtest.rivals import (
    SMART_LTV,
    Constants,
    SmartLtv,
    best_so_far,
    replay_constants,
)
from simulations.backtest.settings import (
    REACTIONS,
    BacktestConfig,
    BacktestInputs,
    BacktestProgress,
    World,
)
from simulations.backtest.trajectories import (
    Trajectory,
    dao_policy,
    hours_of,
    never_changing,
    under,
    weeks,
)
from simulations.backtest.trials import replayed_besides
from simulations.backtest.walk_forward import HOUR_SECONDS, Contender, Fits, WalkForward
from simulations.book import Assumptions, draw_book, fit_sizes, resample
from simulations.cores import usable_cores
from simulations.runs import write_atomic

Listener = Callable[[BacktestProgress], None]
NETWORK_AT_LEAST = 4


@dataclass(frozen=True, slots=True, eq=False)
class Replayed:
    """Every world, and the span that was replayed."""

    worlds: tuple[World, ...]
    begin: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    config: BacktestConfig
    inputs: BacktestInputs
    begin: int
    first: Parameters
    fits: Fits
    contenders: tuple[Contender, ...]
    key: str
    store: Path | None
    progress: Listener | None

    @property
    def starts(self) -> range:
        return weeks(self.begin, self.config.end)

    def tell(self, end: str, policy: str, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(BacktestProgress(end, policy, done, total))


def replay(
    config: BacktestConfig,
    strategies: Mapping[str, Callable[[], Strategy]],
    *,
    inputs: BacktestInputs,
    store: Path | None = None,
    progress: Listener | None = None,
) -> Replayed:
    """Return what every policy comes to, in every world.

    Args:
        config: Span, sizes and assumptions.
        strategies: By name, functions that return a fresh strategy; from four on, their network is one more.
        inputs: Recorded facts.
        store: Folder for finished trajectories; a later run with the same configuration reuses them.
        progress: Hears of every decision week and every replay.

    Raises:
        SimulationError: the span holds no parameters or no bars.
    """
    run = _prepared(config, strategies, inputs=inputs, store=store, progress=progress)
    worlds = [world for end in config.ends for world in _worlds(run, end)]
    return Replayed(tuple(worlds), run.begin, config.end)


def contenders_of(names: Sequence[str], *, network: bool) -> tuple[Contender, ...]:
    """Return the formula, every strategy alone and, if asked for and from four on, their network."""
    found = [Contender(SMART_LTV, (SMART_LTV,)), *(Contender(name, (name,)) for name in names)]
    if network and len(names) >= NETWORK_AT_LEAST:
        found.append(Contender(f"network, {quorum(len(names))} of {len(names)}", tuple(names)))
    return tuple(found)


def _prepared(
    config: BacktestConfig,
    strategies: Mapping[str, Callable[[], Strategy]],
    *,
    inputs: BacktestInputs,
    store: Path | None,
    progress: Listener | None,
) -> _Run:
    walk = _walk(config)
    begin = max(config.begin, inputs.parameters.first_time)
    before = inputs.prices.until(walk.cut(begin))
    if begin >= config.end or len(before) < config.fit_bars // 2:
        raise SimulationError(
            f"{len(before)} bars before the first decision and its embargo",
            allowed=f"at least {config.fit_bars // 2}, and an end after {begin}",
            hint="start later, or end later",
        )
    first = inputs.parameters.at(begin)
    if first is None:
        raise SimulationError("there are no parameters at the beginning")
    makers = {SMART_LTV: SmartLtv, **strategies}
    times = walk.refits(inputs.prices, weeks(begin, config.end))
    return _Run(
        config,
        inputs,
        begin,
        first.parameters,
        Fits(makers, inputs.prices, walk, times, config.seed),
        contenders_of(list(strategies), network=config.network),
        sha256((config.digest() + data_root(inputs.prices).hex()).encode()).hex()[:16],
        store,
        progress,
    )


def _walk(config: BacktestConfig) -> WalkForward:
    return WalkForward(
        embargo_seconds=config.embargo_hours * HOUR_SECONDS,
        fit_bars=config.fit_bars,
        refit_seconds=config.refit_hours * HOUR_SECONDS,
    )


def _worlds(run: _Run, assumptions: Assumptions) -> list[World]:
    """Return one world per reaction; the trajectories are the same in all of them."""
    config = run.config
    terms, prior_weeks = _decision_terms(run, assumptions)
    constants = {name: _constants(run, terms, name) for name in config.reactions}
    trajectories = [
        never_changing(run.begin, run.first),
        dao_policy(run.inputs.parameters, run.first, begin=run.begin, end=config.end),
        best_so_far(
            constants[config.reactions[0]], run.first, terms.actuation,
            walk=terms.walk, begin=run.begin, end=config.end,
        ),
        *(_stored_or_decided(run, contender, terms) for contender in run.contenders),
    ]  # fmt: skip
    others = {
        f"{contender.name}, {horizon} h": _stored_or_decided(run, contender, _with_horizon(terms, horizon))
        for horizon in replayed_besides(config.trials, config.horizon_hours)
        for contender in run.contenders
        if contender.name != SMART_LTV  # the formula knows no horizon
    }
    rows = resample(config.borrowers, config.books, seed=config.seed)
    found = []
    for reaction in config.reactions:
        book = _reacting(terms.book, reaction)
        here = [*trajectories, constants[reaction].hindsight()]
        totals = {t.policy: _totals(run, t, terms, book=book, rows=rows, reaction=reaction) for t in here}
        trials = {
            name: _totals(run, t, terms, book=book, rows=rows[: config.trial_books], reaction=reaction)
            for name, t in others.items()
        }
        found.append(
            World(
                assumptions.name,
                reaction,
                tuple(here),
                totals,
                trials,
                constants[reaction],
                terms.hours.missing,
                prior_weeks,
            )
        )
    return found


def _decision_terms(run: _Run, assumptions: Assumptions) -> tuple[DecisionTerms, int]:
    config, first = run.config, run.first
    walk = run.fits.walk
    sizes = [fit_sizes(run.inputs.liquidations, before=walk.cut(start)) for start in run.starts]
    columns = np.array([[s.log_mean, s.log_deviation, s.repaid_share] for s in sizes]).T
    mandate = Mandate(
        config.asset,
        bad_debt_es_975_bps=Bps(config.bad_debt_es_975_bps),
        horizon_hours=config.horizon_hours,
        margin_bps=Bps(first.liquidation_threshold_bps - first.ltv_bps),
    )
    terms = DecisionTerms(
        prices=run.inputs.prices,
        hours=hours_of(run.inputs.prices, run.begin, config.end),
        book=_book_terms(run, assumptions, columns),
        assumptions=assumptions,
        mandate=mandate,
        first=first,
        begin=run.begin,
        end=config.end,
        seed=config.seed,
        paths=config.paths,
        walk=walk,
    )
    return terms, sum(s.prior for s in sizes)


def _book_terms(run: _Run, assumptions: Assumptions, sizes: NDArray[np.float64]) -> BookTerms:
    book = draw_book(assumptions, seed=run.config.seed, borrowers=run.config.borrowers)
    return BookTerms(
        size_draws=book.size_draws,
        health=book.health,
        sizes=sizes,
        reference_threshold=int(run.first.liquidation_threshold_bps) / BPS_ONE,
        return_share=assumptions.return_share,
        depth_share=assumptions.depth_share,
        utilisation=assumptions.utilisation,
    )


def _reacting(book: BookTerms, reaction: str) -> BookTerms:
    return replace(book, relever_share=REACTIONS[reaction])


def _with_horizon(terms: DecisionTerms, hours: int) -> DecisionTerms:
    return replace(terms, mandate=replace(terms.mandate, horizon_hours=hours))


def _constants(run: _Run, terms: DecisionTerms, reaction: str) -> Constants:
    run.tell(terms.assumptions.name, f"constants, {reaction}", 0, 1)
    found = replay_constants(
        run.first,
        terms.actuation,
        hours=terms.hours,
        book=_reacting(terms.book, reaction),
        begin=run.begin,
        end=run.config.end,
    )
    run.tell(terms.assumptions.name, f"constants, {reaction}", 1, 1)
    return found


def _totals(
    run: _Run,
    trajectory: Trajectory,
    terms: DecisionTerms,
    *,
    book: BookTerms,
    rows: NDArray[np.int64],
    reaction: str,
) -> NDArray[np.float64]:
    """Return one policy's totals on all books."""
    timeline = under(terms.hours, trajectory.changes, run.begin)
    totals = replay_books(timeline, book, rows, threads=usable_cores())
    run.tell(terms.assumptions.name, f"{reaction} books: {trajectory.policy}", 1, 1)
    return totals


def _stored_or_decided(run: _Run, contender: Contender, terms: DecisionTerms) -> Trajectory:
    end, horizon = terms.assumptions.name, terms.mandate.horizon_hours
    path = None
    if run.store is not None:
        path = run.store / f"trajectory-{run.key}-{end}-{horizon}h-{contender.name}.json"
    if path is not None and path.is_file():
        return _trajectory_from(path)
    found = replay_policy(
        lambda now: run.fits.policy(contender, now),
        terms,
        name=contender.name,
        progress=lambda done, total: run.tell(end, f"{contender.name}, {horizon} h", done, total),
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
