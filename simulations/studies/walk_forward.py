"""Whether the base path model's value at risk would have been right on a history: walk-forward coverage.

    bars until t ─► GARCH(1,1)-t (refitted every 30 days) ─► variance at t ─► quantiles of the fall over the
    horizon ─► the fall that came      windows do not overlap, and no forecast sees a bar after t

A test that does not reject says little on a short history: its power stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.errors import SimulationError, TribunateError
from core.market import PriceHistory
from models.features import hourly_returns
from simulations.demo_market import GENESIS_TIME
from simulations.generator import MarketTerms, exchange_feed, log_returns
from simulations.paths.garch import MINIMUM_RETURNS, Garch
from simulations.statistics.coverage import Coverage, coverage
from simulations.studies.price_terms import (
    BASE,
    PriceTerms,
    filtered_variances,
    fitted_terms,
    path_model,
    plain_paths,
)

LEVELS = (0.95, 0.99)
FIRST_BARS = 60 * 24
LONGEST_FIT_BARS = 180 * 24
REFIT_BARS = 30 * 24
FORECAST_PATHS = 2_000
GENERATED_BARS = 300 * 24
MOST_WINDOWS = 365


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """One level: the claim, and what the windows said."""

    level: float
    coverage: Coverage


@dataclass(frozen=True, slots=True)
class WalkForward:
    """All levels over the same windows; ``skipped`` fits did not converge, the one before stayed in use."""

    source: str
    hours: int
    windows: int
    refits: int
    skipped: int
    rows: tuple[CoverageRow, ...]


def generated_history(seed: int) -> PriceHistory:
    """Return hourly closes of a market with two regimes and jumps: not what the model assumes."""
    terms = MarketTerms()
    first = GENESIS_TIME - GENERATED_BARS * 3600
    return exchange_feed(log_returns(terms, GENERATED_BARS, seed=seed), "ETH", terms=terms, first_close=first)


def walk_forward(history: PriceHistory, *, hours: int, seed: int) -> WalkForward:
    """Return the coverage of 95 and 99 % value at risk of the fall over ``hours``.

    Raises:
        SimulationError: the history is too short for the first fit and eight windows.
    """
    returns = hourly_returns(history, at_least=MINIMUM_RETURNS)
    starts = np.arange(FIRST_BARS, returns.size - hours + 1, hours)[-MOST_WINDOWS:]
    if starts.size < 8:
        raise SimulationError(
            f"{returns.size} bars leave {starts.size} windows of {hours} h", allowed="eight windows at least"
        )
    exceeded = np.zeros((len(LEVELS), starts.size), dtype=np.bool_)
    fits = _Fits(history, returns)
    for window, start in enumerate(starts.tolist()):
        came = -float(returns[start : start + hours].sum())
        forecast = _quantiles(fits.at(start), hours=hours, seed=seed + window)
        exceeded[:, window] = came > forecast
    rows = tuple(CoverageRow(level, coverage(exceeded[row], 1 - level)) for row, level in enumerate(LEVELS))
    return WalkForward(history.source, hours, starts.size, fits.refits, fits.skipped, rows)


class _Fits:
    """The newest estimates before a bar, with the variance that they see there."""

    def __init__(self, history: PriceHistory, returns: NDArray[np.float64]) -> None:
        self._history, self._returns = history, returns
        self._terms: Garch | None = None
        self._fitted_at = 0
        self.refits = self.skipped = 0

    def at(self, bar: int) -> Garch:
        """Return the terms for the bar after the first ``bar`` returns."""
        if self._terms is None or bar - self._fitted_at >= REFIT_BARS:
            self._fit(bar)
        if self._terms is None:
            raise SimulationError("the first fit did not converge", hint="take a longer history")
        known = self._returns[max(0, bar - LONGEST_FIT_BARS) : bar]
        return replace(self._terms, next_variance=float(filtered_variances(self._terms, known)[-1]))

    def _fit(self, bar: int) -> None:
        first = max(0, bar - LONGEST_FIT_BARS)
        known = replace(
            self._history,
            times=self._history.times[first : bar + 1],
            closes_e8=self._history.closes_e8[first : bar + 1],
        )
        self._fitted_at = bar
        try:
            self._terms = fitted_terms(known)
            self.refits += 1
        except TribunateError:
            self.skipped += 1


def _quantiles(terms: Garch, *, hours: int, seed: int) -> NDArray[np.float64]:
    """Return the falls (log) that are exceeded with the claimed rates, shape (level,)."""
    model = path_model(PriceTerms(BASE, terms), "asset", price=1.0, step_seconds=3600)
    last = plain_paths(model, paths=FORECAST_PATHS, steps=hours, seed=seed)[:, -1]
    return np.asarray(np.quantile(-np.log(last), LEVELS))
