"""Path models that a study is run under: a declared set, or the same set fitted on a history.

    garch-t    GARCH(1,1), Student-t shocks                        the base
    gjr        the same, and losses move the variance more than gains
    fhs        the same, and shocks drawn from the history's own residuals
    jumps      the same, and jumps of the whole market (declared, Kou 2002)

Differences between them are model error: no number of paths makes it smaller.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import SimulationError
from core.market import PriceHistory
from models.features import hourly_returns
from models.volatility import HIGHEST_PERSISTENCE, PERCENT, GarchT
from simulations.generator import MarketTerms, log_returns
from simulations.paths.dependence import OneFactor
from simulations.paths.draw import draw
from simulations.paths.garch import MINIMUM_RETURNS, Garch, GarchProcess, fit_garch
from simulations.paths.importance import Tilt, draw_defensively
from simulations.paths.jumps import DoubleExponentialJump, Jumps, MarketJump
from simulations.paths.resample import FilteredHistory
from simulations.paths.scenario import PathModel

Array = NDArray[np.float64]

BASE = "garch-t"
DECLARED_DAILY_VOLATILITY = 0.04
DECLARED_GAMMA = 0.06
CRASHES = MarketJump(12.0, DoubleExponentialJump(0.3, 0.03, 0.06), scales=(1.0,))
"""Declared, fitted on nothing: twelve jumps a year, seven in ten down, by 6 % on average."""
MICRO = 1_000_000
TILT_DEVIATIONS = 2.0
"""How far below the usual the tilted half of the paths is drawn, in deviations of the whole horizon."""
SHOCK = -4.5
"""And by how many a quarter of the paths is moved in one step: with heavy tails a crash is one step."""
TILTED_JUMPS = 10.0
DECLARED_BARS = 4_320


@dataclass(frozen=True, slots=True)
class PriceTerms:
    """One path model of one asset; ``residuals_micro`` are shocks of variance one in millionths."""

    name: str
    garch: Garch
    residuals_micro: tuple[int, ...] = ()
    jumps: bool = False

    @property
    def can_be_tilted(self) -> bool:
        """Whether importance sampling can move it: it has a factor, not a past."""
        return not self.residuals_micro


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A path model that could not be had, and why."""

    name: str
    reason: str


def terms_from(record: Mapping[str, Any]) -> PriceTerms:
    """Return the terms of a decoded record."""
    return PriceTerms(**{**record, "garch": Garch(**record["garch"])})


def path_model(terms: PriceTerms, asset: str, *, price: float, step_seconds: int) -> PathModel:
    """Return what is drawn."""
    jumps = Jumps((None,), CRASHES) if terms.jumps else None
    if terms.residuals_micro:
        residuals = np.array(terms.residuals_micro, dtype=np.float64)[:, None] / MICRO
        process = FilteredHistory((terms.garch,), residuals)
        return PathModel((asset,), (price,), step_seconds, process, jumps=jumps)
    return PathModel(
        (asset,), (price,), step_seconds, GarchProcess((terms.garch,)), OneFactor((1.0,)), jumps=jumps
    )


def plain_paths(model: PathModel, *, paths: int, steps: int, seed: int, first_path: int = 0) -> Array:
    """Return prices, shape (path, step)."""
    drawn = draw(model, paths=paths, steps=steps, seed=seed, first_path=first_path)
    return np.ascontiguousarray(drawn[:, :, 0].T)


def tilted_paths(
    model: PathModel, *, paths: int, steps: int, seed: int, first_path: int = 0
) -> tuple[Array, Array]:
    """Return prices, shape (path, step), half of them tilted downwards, and weights, shape (path,)."""
    rate = TILTED_JUMPS if model.jumps is not None else 1.0
    tilt = Tilt(-TILT_DEVIATIONS / math.sqrt(steps), rate)
    drawn = draw_defensively(
        model, tilt, shock=SHOCK, paths=paths, steps=steps, seed=seed, first_path=first_path
    )
    return np.ascontiguousarray(drawn.prices[:, :, 0].T), np.exp(drawn.log_weights)


def declared_garch() -> Garch:
    """Return hourly terms of 4 % a day, for a market without a history."""
    variance = DECLARED_DAILY_VOLATILITY**2 / 24
    return Garch(omega=variance * 0.02, alpha=0.08, beta=0.90, degrees=4.0)


def declared_terms() -> tuple[PriceTerms, ...]:
    """Return the set for a market without a history; its past is generated, and is no asset's."""
    base = declared_garch()
    leverage = Garch(base.omega, base.alpha - DECLARED_GAMMA / 2, base.beta, DECLARED_GAMMA, degrees=4.0)
    past = log_returns(MarketTerms(), DECLARED_BARS, seed=1)
    return (
        PriceTerms(BASE, base),
        PriceTerms("gjr", leverage),
        PriceTerms("fhs", base, micro(residuals(base, past))),
        PriceTerms("jumps", base, jumps=True),
    )


def fitted_set(history: PriceHistory) -> tuple[tuple[PriceTerms, ...], tuple[Unavailable, ...]]:
    """Return the set fitted on ``history``, and what of it could not be had.

    Raises:
        ModelError: not even the base can be fitted.
    """
    base = fitted_terms(history)
    returns = hourly_returns(history, at_least=MINIMUM_RETURNS)
    found = [PriceTerms(BASE, base)]
    missing = []
    try:
        fitted = fit_garch(returns, gjr=True, highest_persistence=HIGHEST_PERSISTENCE)
        found.append(PriceTerms("gjr", fitted.terms))
    except SimulationError as problem:
        missing.append(Unavailable("gjr", problem.found))
    found.append(PriceTerms("fhs", base, micro(residuals(base, returns))))
    found.append(PriceTerms("jumps", base, jumps=True))
    return tuple(found), tuple(missing)


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


def residuals(terms: Garch, returns: Array) -> Array:
    """Return the shocks that ``terms`` see in ``returns``, shape (time,), mean 0 and variance 1."""
    variances = filtered_variances(terms, returns)[:-1]
    shocks = (returns - terms.mu) / np.sqrt(variances)
    return np.asarray((shocks - shocks.mean()) / shocks.std())


def filtered_variances(terms: Garch, returns: Array) -> Array:
    """Return the variance forecast for each return, and for the one after the last: shape (time + 1,).

    The first is the sample's own.
    """
    variances = np.empty(returns.size + 1)
    variances[0] = returns.var()
    for place, surprise in enumerate((returns - terms.mu).tolist()):
        weight = terms.alpha + (terms.gamma if surprise < 0 else 0.0)
        variances[place + 1] = terms.omega + weight * surprise**2 + terms.beta * variances[place]
    return variances


def micro(shocks: Array) -> tuple[int, ...]:
    """Return shocks as whole millionths, small enough for a run's record."""
    return tuple(int(shock) for shock in np.rint(shocks * MICRO))
