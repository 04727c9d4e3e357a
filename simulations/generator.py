"""A seeded market for people without data: regime-switching volatility with jumps, hourly.

The ``exchange`` publishes its closes; an ``oracle`` writes rounds over them (simulations/oracle_rounds.py).
A market may be given one great fall, after which it stays restless.  Declared assumptions, not a model
of any asset; no strategy imports this module.

Source: Hamilton 1989 (regimes), Merton 1976 (jumps).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigError
from core.market import PriceHistory
from core.units import PRICE_ONE

HOURS_PER_YEAR = 365 * 24
BAR_SECONDS = 3600
LARGEST_SCALE = 10


@dataclass(frozen=True, slots=True)
class MarketTerms:
    """What the generator draws from.  Volatilities are per square root of a year.

    ``scale_from_bar`` is the bar from which ``volatility_scale`` multiplies every return.
    """

    start_price_usd: float = 1_850.0
    calm_volatility: float = 0.75
    turbulent_volatility: float = 1.10
    hours_calm: float = 45 * 24.0
    hours_turbulent: float = 3 * 24.0
    shock_degrees: float = 5.0
    jumps_per_year: float = 24.0
    jump_mean: float = -0.01
    jump_deviation: float = 0.03
    volatility_scale: float = 1.0
    scale_from_bar: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.volatility_scale <= LARGEST_SCALE:
            raise ConfigError(
                f"volatility_scale was {self.volatility_scale}", allowed=f"above 0, at most {LARGEST_SCALE}"
            )


@dataclass(frozen=True, slots=True)
class PriceFall:
    """One great fall: ``share`` of the price over ``bars``, then ``aftermath_scale`` times the volatility.

    The ordinary moves of these bars come on top of it.
    """

    first_bar: int
    bars: int
    share: float
    aftermath_scale: float

    def __post_init__(self) -> None:
        if not 0 < self.share < 1 or self.bars < 1:
            raise ConfigError(
                f"a fall was {self.share} over {self.bars} bars", allowed="0 to 1, one bar at least"
            )


def with_fall(returns: NDArray[np.float64], fall: PriceFall, *, seed: int) -> NDArray[np.float64]:
    """Return ``returns`` with the fall in them, spread unevenly over its bars; nothing before it changes."""
    weights = np.random.default_rng([seed, 5]).dirichlet(np.full(fall.bars, 2.0))
    end = fall.first_bar + fall.bars
    moved = returns.copy()
    moved[fall.first_bar : end] += np.log1p(-fall.share) * weights
    moved[end:] *= fall.aftermath_scale
    return moved


def log_returns(terms: MarketTerms, bars: int, *, seed: int) -> NDArray[np.float64]:
    """Return hourly log returns, shape (bar,).

    The same seed draws the same shocks, regimes and jumps for every ``volatility_scale``.
    """
    rng = np.random.default_rng([seed, 1])
    turbulent = _regimes(terms, bars, rng=rng)
    hourly = np.where(turbulent, terms.turbulent_volatility, terms.calm_volatility) / HOURS_PER_YEAR**0.5
    degrees = terms.shock_degrees
    shocks = rng.standard_t(degrees, bars) * ((degrees - 2) / degrees) ** 0.5
    jumping = rng.random(bars) < terms.jumps_per_year / HOURS_PER_YEAR
    jumps = jumping * (terms.jump_mean + terms.jump_deviation * rng.standard_normal(bars))
    scale = np.where(np.arange(bars) >= terms.scale_from_bar, terms.volatility_scale, 1.0)
    moves = (hourly * shocks + jumps) * scale
    return np.asarray(moves - 0.5 * (hourly * scale) ** 2, dtype=np.float64)


def _regimes(terms: MarketTerms, bars: int, *, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return whether each bar is turbulent; the series begins calm."""
    draws = rng.random(bars)
    turbulent = np.zeros(bars, dtype=np.bool_)
    state = False
    for bar in range(bars):
        state = draws[bar] >= 1 / terms.hours_turbulent if state else draws[bar] < 1 / terms.hours_calm
        turbulent[bar] = state
    return turbulent


def exchange_feed(
    returns: NDArray[np.float64], asset: str, *, terms: MarketTerms, first_close: int
) -> PriceHistory:
    """Return the closes that follow from ``returns``; the first bar closes at ``first_close``."""
    prices = terms.start_price_usd * np.exp(np.cumsum(returns))
    times = first_close + BAR_SECONDS * np.arange(len(prices), dtype=np.int64)
    closes = np.rint(prices * PRICE_ONE).astype(np.int64)
    return PriceHistory(asset, "exchange", BAR_SECONDS, times, closes)
