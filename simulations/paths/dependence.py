"""How assets move together: one factor (the market's beta), or a correlation matrix; normal or t copula.

    one factor:  x_i = b_i F + sqrt(1 - b_i^2) e_i          correlation of i and j: b_i b_j
    copula:      x = L e, L the Cholesky factor of the correlation matrix
    t copula:    x sqrt(degrees / W), one W for all assets of a step; then the normal of the same rank

What comes out are standard normals that carry the ranks: margins are laid over them afterwards.  With a
t copula assets crash together however far out one looks; with a normal one they do not.

Sources: Embrechts, McNeil and Straumann 2002; Demarta and McNeil 2005 (tail dependence of the t copula).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.errors import SimulationError
from simulations.paths.normal import fill_normals
from simulations.paths.philox import MARKET, Pairing, Stream, key_of
from simulations.paths.table import check_degrees, inverse_sinh, mixing_table, to_normal_table

Array = NDArray[np.float64]

ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class OneFactor:
    """The loading of every asset on the market, from -1 to 1; ``degrees`` none is a normal copula."""

    loadings: tuple[float, ...]
    degrees: float | None = None

    def __post_init__(self) -> None:
        for loading in self.loadings:
            if not -1 <= loading <= 1:
                raise SimulationError(f"a loading was {loading}", allowed="-1 to 1")
        if self.degrees is not None:
            check_degrees(self.degrees)

    @property
    def size(self) -> int:
        """How many assets it joins."""
        return len(self.loadings)

    def correlation(self) -> Array:
        """Return the correlation matrix of the underlying normals, shape (asset, asset)."""
        matrix = np.outer(self.loadings, self.loadings)
        np.fill_diagonal(matrix, 1.0)
        return matrix


@dataclass(frozen=True, slots=True)
class Copula:
    """A correlation matrix, row by row; ``degrees`` none is a normal copula."""

    rows: tuple[tuple[float, ...], ...]
    degrees: float | None = None

    def __post_init__(self) -> None:
        matrix = np.array(self.rows, dtype=object)
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
            raise SimulationError("correlations were no square matrix", allowed="a row for each asset")
        check_correlation(np.array(self.rows, dtype=np.float64))
        if self.degrees is not None:
            check_degrees(self.degrees)

    @property
    def size(self) -> int:
        """How many assets it joins."""
        return len(self.rows)

    def correlation(self) -> Array:
        """Return the correlation matrix of the underlying normals, shape (asset, asset)."""
        return np.array(self.rows, dtype=np.float64)


Dependence = OneFactor | Copula


def check_correlation(matrix: Array) -> None:
    """Refuse what is no correlation matrix.

    Raises:
        SimulationError: not finite, not symmetric, a diagonal other than 1, or not positive definite.
    """
    if not np.isfinite(matrix).all() or np.abs(matrix - matrix.T).max() > ROUNDING:
        raise SimulationError("correlations were not finite and symmetric")
    if np.abs(np.diag(matrix) - 1).max() > ROUNDING:
        raise SimulationError("an asset's correlation with itself was not 1")
    smallest = float(np.linalg.eigvalsh(matrix)[0])
    if smallest <= ROUNDING:
        raise SimulationError(
            f"correlations were not positive definite: the smallest eigenvalue was {smallest:.3g}",
            allowed="eigenvalues above 0",
            hint="estimate all correlations on the same dates, or shrink them towards 0",
        )


def tail_dependence(correlation: float, degrees: float | None) -> float:
    """Return the limit of P(one asset is below its q quantile | the other is) as q goes to 0.

    >>> tail_dependence(0.5, None)
    0.0
    """
    if degrees is None:
        return float(correlation >= 1)
    from scipy.special import stdtr

    distance = math.sqrt((degrees + 1) * (1 - correlation) / (1 + correlation))
    return float(2 * stdtr(degrees + 1, -distance))


def fill_ranks(
    dependence: Dependence | None,
    out: Array,
    *,
    seed: int,
    first_path: int,
    pairing: Pairing = Pairing.NONE,
    factor_shift: float | Array = 0.0,
) -> Array | None:
    """Fill ``out``, shape (asset, step, path), with standard normals of the given dependence.

    Args:
        dependence: None leaves assets independent.
        out: Where to.
        seed: Of the draw.
        first_path: Number of the first path.
        pairing: Opposite pairs have negatives of each other; the mixing of a t copula they share.
        factor_shift: Added to the market's factor (importance sampling): one number, or shape (step, path).

    Returns:
        With one factor, the shifted factor, shape (step, path).
    """
    key = key_of(seed, Stream.INNOVATION)
    for asset in range(out.shape[0]):
        fill_normals(key, out[asset], first_path=first_path, asset=asset, draw=0, pairing=pairing)
    if dependence is None:
        return None
    factor = None
    if isinstance(dependence, OneFactor):
        factor = np.empty(out.shape[1:])
        fill_normals(key, factor, first_path=first_path, asset=MARKET, draw=0, pairing=pairing)
        factor += factor_shift
        for loading, values in zip(dependence.loadings, out, strict=True):
            _load(factor, loading, math.sqrt(1.0 - loading * loading), values)
    else:
        _correlate(np.asarray(np.linalg.cholesky(dependence.correlation()), dtype=np.float64), out)
    if dependence.degrees is not None:
        shared = Pairing.NONE if pairing is Pairing.NONE else Pairing.SAME
        _mix(dependence.degrees, out, seed=seed, first_path=first_path, pairing=shared)
    return factor


def _mix(degrees: float, out: Array, *, seed: int, first_path: int, pairing: Pairing) -> None:
    mixing = np.empty(out.shape[1:])
    key = key_of(seed, Stream.MIXING)
    fill_normals(key, mixing, first_path=first_path, asset=MARKET, draw=0, pairing=pairing)
    mixing_table(degrees).apply(mixing)
    back = to_normal_table(degrees)
    for values in out:
        values *= mixing
        inverse_sinh(values)
        back.apply(values)


@njit(cache=True, nogil=True)
def _load(factor: Array, loading: float, rest: float, values: Array) -> None:
    for step in range(values.shape[0]):
        for path in range(values.shape[1]):
            values[step, path] = loading * factor[step, path] + rest * values[step, path]


@njit(cache=True, nogil=True)
def _correlate(lower: Array, values: Array) -> None:
    """Multiply by the lower factor in place, the last asset first: each needs only those before."""
    assets, steps, paths = values.shape
    for step in range(steps):
        for asset in range(assets - 1, -1, -1):
            row = values[asset, step]
            for path in range(paths):
                row[path] *= lower[asset, asset]
            for other in range(asset):
                weight = lower[asset, other]
                for path in range(paths):
                    row[path] += weight * values[other, step, path]
