"""A seeded market for people without data: regime-switching volatility with jumps, hourly.

Two feeds of the same price: ``exchange`` closes, and ``oracle`` answers, which lag within the hour as
rounds do (deviation threshold, hourly heartbeat).  Declared assumptions, not a model of any asset; no
strategy imports this module.

Source: Hamilton 1989 (regimes), Merton 1976 (jumps); Chainlink ETH/USD (0.5 % deviation, 1 h heartbeat).
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
class OracleTerms:
    """How an oracle follows the exchange."""

    deviation_bps: int = 50
    noise_bps: float = 3.0


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
    return _feed(asset, "exchange", prices, first_close=first_close)


def oracle_feed(exchange: PriceHistory, terms: OracleTerms, *, seed: int) -> PriceHistory:
    """Return the answer that stands at each close of ``exchange``.

    The newest round is a heartbeat at a random moment of the hour; where the price has left it by
    more than the deviation threshold since, a round was written at the threshold.
    """
    rng = np.random.default_rng([seed, 2])
    log_prices = np.log(exchange.closes_e8 / PRICE_ONE)
    moves = np.diff(log_prices, prepend=log_prices[0])
    age = rng.random(len(moves))
    limit = terms.deviation_bps / 1e4
    stale = np.clip(moves * age, -limit, limit)
    noise = terms.noise_bps / 1e4 * rng.standard_normal(len(moves))
    answers = np.exp(log_prices - stale + noise)
    return _feed(exchange.asset, "oracle", answers, first_close=int(exchange.times[0]))


def _feed(asset: str, source: str, prices: NDArray[np.float64], *, first_close: int) -> PriceHistory:
    times = first_close + BAR_SECONDS * np.arange(len(prices), dtype=np.int64)
    return PriceHistory(asset, source, BAR_SECONDS, times, np.rint(prices * PRICE_ONE).astype(np.int64))
