"""GARCH(1,1) and GJR(1,1) with normal or Student-t shocks, many paths at once.

    v' = omega + (alpha + gamma [e < 0]) e^2 + beta v,    e = sqrt(v) x,    r = mu + e

``x`` has mean zero and variance one, so with symmetric shocks ``alpha + gamma / 2 + beta`` is the
persistence.  Returns are natural logarithms per step, variances their squares (not percent).

Sources: Bollerslev 1986, 1987; Glosten, Jagannathan and Runkle 1993; estimation by the ``arch`` library.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.errors import SimulationError
from simulations.paths.table import check_degrees, student_table

Array = NDArray[np.float64]

PERCENT = 100.0
MINIMUM_RETURNS = 500


@dataclass(frozen=True, slots=True)
class Garch:
    """One asset's parameters; ``gamma`` 0 is GARCH, ``degrees`` none is normal shocks.

    ``next_variance`` is that of the first step; without one, paths start at the long-run variance.
    """

    omega: float
    alpha: float
    beta: float
    gamma: float = 0.0
    mu: float = 0.0
    degrees: float | None = None
    next_variance: float | None = None

    def __post_init__(self) -> None:
        _check_finite(self)
        if self.omega <= 0 or self.alpha < 0 or self.beta < 0 or self.alpha + self.gamma < 0:
            raise SimulationError(
                f"omega {self.omega}, alpha {self.alpha}, gamma {self.gamma} and beta {self.beta} "
                "allow a negative variance",
                allowed="omega above 0; alpha, beta and alpha + gamma not below 0",
            )
        if not self.persistence < 1:
            raise SimulationError(
                f"persistence was {self.persistence:g}: the variance has no long run",
                allowed="alpha + gamma / 2 + beta below 1",
                hint="fit on a longer history",
            )
        if self.degrees is not None:
            check_degrees(self.degrees)
        if self.next_variance is not None and self.next_variance <= 0:
            raise SimulationError(f"next_variance was {self.next_variance}", allowed="above 0")

    @property
    def persistence(self) -> float:
        """How much of a variance above the long run is expected to be left one step later."""
        return self.alpha + self.gamma / 2 + self.beta

    @property
    def long_run_variance(self) -> float:
        """The variance per step that forecasts tend to."""
        return self.omega / (1 - self.persistence)

    @property
    def first_variance(self) -> float:
        """The variance of the first step."""
        return self.long_run_variance if self.next_variance is None else self.next_variance


@dataclass(frozen=True, slots=True)
class GarchProcess:
    """Parameters of every asset, in the model's order."""

    assets: tuple[Garch, ...]

    def __post_init__(self) -> None:
        if not self.assets:
            raise SimulationError("a process had no asset", allowed="one at least")

    @property
    def size(self) -> int:
        """How many assets it drives."""
        return len(self.assets)

    def follow(self, ranks: Array) -> None:
        """Turn standard normals, shape (asset, step, path), into log returns, in place.

        A normal stands for its rank: an asset with Student-t shocks takes the t of the same rank.
        """
        for terms, values in zip(self.assets, ranks, strict=True):
            if terms.degrees is not None:
                student_table(terms.degrees).apply(values)
            follow_garch(terms, values)


def follow_garch(terms: Garch, shocks: Array) -> None:
    """Turn shocks of variance one, shape (step, path), into log returns, in place."""
    _recursion(terms.mu, terms.omega, terms.alpha, terms.gamma, terms.beta, terms.first_variance, shocks)


@njit(cache=True, nogil=True)
def _recursion(
    mu: float, omega: float, alpha: float, gamma: float, beta: float, first: float, values: Array
) -> None:
    variance = np.full(values.shape[1], first)
    for step in range(values.shape[0]):
        row = values[step]
        for path in range(row.size):
            surprise = math.sqrt(variance[path]) * row[path]
            weight = alpha + gamma if surprise < 0.0 else alpha
            variance[path] = omega + weight * (surprise * surprise) + beta * variance[path]
            row[path] = mu + surprise


@dataclass(frozen=True, slots=True, eq=False)
class FittedGarch:
    """Estimates with the standardised residuals of the sample, shape (time,), mean 0 and variance 1."""

    terms: Garch
    residuals: Array


def fit_garch(returns: Array, *, gjr: bool = False, highest_persistence: float | None = None) -> FittedGarch:
    """Estimate by maximum likelihood with Student-t shocks.

    Args:
        returns: Log returns per step, shape (time,).
        gjr: Whether losses may move the variance more than gains.
        highest_persistence: Estimates above are held there, all in one proportion; without one they are
            refused where variance has no long run.

    Raises:
        SimulationError: too few returns, one that is not finite, a series that does not move, an
            optimiser that does not converge, or estimates without a long run.
    """
    check_history(returns[:, None], at_least=MINIMUM_RETURNS)
    from arch import arch_model

    model = arch_model(returns * PERCENT, vol="GARCH", p=1, o=int(gjr), q=1, dist="t", rescale=False)
    fitted = model.fit(disp="off", show_warning=False)
    if fitted.convergence_flag != 0:
        raise SimulationError(
            f"GARCH(1,1)-t did not converge (SLSQP mode {fitted.convergence_flag})",
            hint="use a longer history",
        )
    values = {name: float(value) for name, value in fitted.params.items()}
    following = float(fitted.forecast(horizon=1, reindex=False).variance.to_numpy()[-1, 0])
    alpha, beta, gamma = values["alpha[1]"], values["beta[1]"], values.get("gamma[1]", 0.0)
    persistence = alpha + gamma / 2 + beta
    shrink = 1.0 if highest_persistence is None else min(1.0, highest_persistence / persistence)
    terms = Garch(
        omega=values["omega"] / PERCENT**2,
        alpha=alpha * shrink,
        beta=beta * shrink,
        gamma=gamma * shrink,
        mu=values["mu"] / PERCENT,
        degrees=values["nu"],
        next_variance=following / PERCENT**2,
    )
    residuals = np.asarray(fitted.std_resid, dtype=np.float64)
    return FittedGarch(terms, (residuals - residuals.mean()) / residuals.std())


def check_history(returns: Array, *, at_least: int) -> None:
    """Refuse a history that cannot be learnt from; shape (time, asset).

    Raises:
        SimulationError: too short, not finite, or without movement.
    """
    if returns.ndim != 2 or returns.shape[0] < at_least or returns.shape[1] < 1:
        raise SimulationError(
            f"the history had shape {returns.shape}", allowed=f"(time, asset), {at_least} times at least"
        )
    if not np.isfinite(returns).all():
        raise SimulationError(
            "the history holds a return that is not finite", hint="leave out gaps beforehand"
        )
    if not (returns.std(axis=0) > 0).all():
        raise SimulationError("the history of an asset does not move", allowed="moving prices")


def _check_finite(terms: Garch) -> None:
    for field in fields(terms):
        value = getattr(terms, field.name)
        if value is not None and not math.isfinite(value):
            raise SimulationError(f"{field.name} was {value}", allowed="a finite number")
