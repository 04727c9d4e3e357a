"""Paths made of the past: filtered historical simulation, and the stationary block bootstrap.

    filtered history:   residuals of a date, for all assets at once ─► today's GARCH variance ─► returns
    block bootstrap:    returns of a date, for all assets at once, and of the dates that follow it

Assets keep the dependence that they had on the date that is drawn; no copula is laid over it.

Sources: Barone-Adesi, Giannopoulos and Vosper 1999; Politis and Romano 1994.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.errors import SimulationError
from simulations.paths.garch import MINIMUM_RETURNS, Garch, check_history, fit_garch, follow_garch
from simulations.paths.philox import MARKET, Stream, fill_uniforms, key_of

Array = NDArray[np.float64]

LEAST_DATES = 2
WHERE, WHETHER = 0, 1
"""The draws of a step: which date, and whether a new block begins."""


@dataclass(frozen=True, slots=True, eq=False)
class FilteredHistory:
    """Parameters of every asset, and their residuals of variance one on the same dates: (time, asset)."""

    assets: tuple[Garch, ...]
    residuals: Array

    def __post_init__(self) -> None:
        check_history(self.residuals, at_least=LEAST_DATES)
        if self.residuals.shape[1] != len(self.assets):
            raise SimulationError(
                f"{len(self.assets)} assets had residuals of shape {self.residuals.shape}",
                allowed="one column for each asset",
            )

    @property
    def size(self) -> int:
        """How many assets it drives."""
        return int(self.residuals.shape[1])

    def fill(self, out: Array, *, seed: int, first_path: int) -> None:
        """Fill ``out``, shape (asset, step, path), with log returns."""
        places = _uniforms(out, seed=seed, first_path=first_path, draw=WHERE)
        for asset, terms in enumerate(self.assets):
            _pick(places, np.ascontiguousarray(self.residuals[:, asset]), out[asset])
            follow_garch(terms, out[asset])


@dataclass(frozen=True, slots=True, eq=False)
class BlockBootstrap:
    """Log returns of the past, shape (time, asset), in blocks of geometric length.

    After the last date comes the first.  ``mean_block_steps`` 1 draws each step alone.
    """

    returns: Array
    mean_block_steps: float

    def __post_init__(self) -> None:
        check_history(self.returns, at_least=LEAST_DATES)
        if not 1 <= self.mean_block_steps <= len(self.returns):
            raise SimulationError(
                f"mean_block_steps was {self.mean_block_steps}", allowed=f"1 to {len(self.returns)}"
            )

    @property
    def size(self) -> int:
        """How many assets it drives."""
        return int(self.returns.shape[1])

    def fill(self, out: Array, *, seed: int, first_path: int) -> None:
        """Fill ``out``, shape (asset, step, path), with log returns."""
        where = _uniforms(out, seed=seed, first_path=first_path, draw=WHERE)
        whether = _uniforms(out, seed=seed, first_path=first_path, draw=WHETHER)
        dates = _dates(where, whether, len(self.returns), 1.0 / self.mean_block_steps)
        for asset in range(out.shape[0]):
            out[asset] = self.returns[:, asset][dates]


def fit_filtered_history(returns: Array, *, gjr: bool = False) -> FilteredHistory:
    """Estimate every column of ``returns``, shape (time, asset), and keep the residuals.

    Raises:
        SimulationError: as :func:`simulations.paths.garch.fit_garch`.
    """
    check_history(returns, at_least=LEAST_DATES)
    fitted = [fit_garch(np.ascontiguousarray(column), gjr=gjr) for column in returns.T]
    residuals = np.stack([one.residuals for one in fitted], axis=1)
    return FilteredHistory(tuple(one.terms for one in fitted), residuals)


def fit_block_bootstrap(returns: Array) -> BlockBootstrap:
    """Choose the mean length of blocks for ``returns``, shape (time, asset), by their squares.

    The longest of the assets' optimal lengths (Politis and White 2004, as ``arch`` has it), so that
    clusters of volatility stay whole.

    Raises:
        SimulationError: too few returns, one that is not finite, or an asset that does not move.
    """
    check_history(returns, at_least=MINIMUM_RETURNS)
    from arch.bootstrap import optimal_block_length

    longest = float(optimal_block_length(returns**2)["stationary"].max())
    return BlockBootstrap(returns, min(max(longest, 1.0), float(len(returns))))


def _uniforms(out: Array, *, seed: int, first_path: int, draw: int) -> Array:
    places = np.empty(out.shape[1:])
    fill_uniforms(key_of(seed, Stream.RESAMPLE), first_path, 1, MARKET, draw, places)
    return places


@njit(cache=True, nogil=True)
def _pick(places: Array, past: Array, out: Array) -> None:
    for step in range(out.shape[0]):
        for path in range(out.shape[1]):
            out[step, path] = past[np.int64(places[step, path] * past.size)]


@njit(cache=True, nogil=True)
def _dates(where: Array, whether: Array, count: int, restart: float) -> NDArray[np.int64]:
    """Return the date of each step, shape (step, path)."""
    dates = np.empty(where.shape, np.int64)
    for step in range(where.shape[0]):
        for path in range(where.shape[1]):
            if step == 0 or whether[step, path] < restart:
                dates[step, path] = np.int64(where[step, path] * count)
            else:
                dates[step, path] = (dates[step - 1, path] + 1) % count
    return dates
