"""The whole backtest: what happened is compared first, then every policy is replayed, then it is reported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from core.ports import Strategy
from simulations.backtest.calibration import Calibration, CalibrationTerms, calibrate
from simulations.backtest.report import BacktestReport, build_report
from simulations.backtest.run import Listener, replay
from simulations.backtest.settings import BacktestConfig, BacktestInputs, BacktestProgress


def run_backtest(
    config: BacktestConfig,
    strategies: Mapping[str, Callable[[], Strategy]],
    *,
    inputs: BacktestInputs,
    store: Path | None = None,
    progress: Listener | None = None,
) -> BacktestReport:
    """Return the comparison of all policies.

    Args:
        config: Span, sizes and assumptions.
        strategies: By name, functions that return a fresh strategy.
        inputs: Recorded facts; without calls of V2 nothing is calibrated, and the report says so.
        store: Folder for finished trajectories; a later run with the same configuration reuses them.
        progress: Hears of every decision week and every replay.

    Raises:
        SimulationError: the span holds no parameters or no bars, or V2's record does not suffice.
    """
    calibration = _calibration(config, inputs, progress=progress)
    replayed = replay(config, strategies, inputs=inputs, store=store, progress=progress)
    return build_report(replayed, config, calibration=calibration)


def _calibration(
    config: BacktestConfig, inputs: BacktestInputs, *, progress: Listener | None
) -> Calibration | None:
    terms = replace(CalibrationTerms(), borrowers=config.borrowers, seed=config.seed)
    if inputs.calls_v2 is None or int(inputs.prices.times[-1]) < terms.end:
        return None
    found = calibrate(inputs, replace(terms, books=min(terms.books, config.books)))
    if progress is not None:
        progress(BacktestProgress("V2", "calibration", 1, 1))
    return found
