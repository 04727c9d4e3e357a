"""Oracle rounds over an exchange's closes: one whenever the price has moved enough, or time has passed.

    hourly closes ─► path within the hour ─► deviation or heartbeat? ─► round, some seconds later

Within an hour the price is a Brownian bridge between the closes, looked at every five minutes.  Declared
assumptions, not a model of any feed; no strategy imports this module.

Source: Chainlink ETH/USD on Ethereum (0.5 % deviation, 1 h heartbeat).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.market import ROUNDS, PriceHistory
from core.units import BPS_ONE, PRICE_ONE

LOOKS_PER_HOUR = 12
LOOK_SECONDS = 300
SLOWEST_SECONDS = 60


@dataclass(frozen=True, slots=True)
class OracleTerms:
    """When an oracle writes a round, and how far its reporters' median is from the exchange.

    ``hourly_volatility`` is that of the path between two closes, a share.
    """

    deviation_bps: int = 50
    heartbeat_seconds: int = 3600
    noise_bps: float = 3.0
    hourly_volatility: float = 0.004


def oracle_rounds(exchange: PriceHistory, terms: OracleTerms, *, seed: int) -> PriceHistory:
    """Return the rounds, the first one at the first close of ``exchange``; times ascend strictly."""
    rng = np.random.default_rng([seed, 2])
    path = _path_within_hours(exchange, terms, rng=rng)
    noise = terms.noise_bps / BPS_ONE * rng.standard_normal(len(path))
    late = rng.integers(1, SLOWEST_SECONDS, len(path))
    late[0] = 0
    looks = int(exchange.times[0]) + LOOK_SECONDS * np.arange(len(path), dtype=np.int64)
    chosen = _rounds_at(path + noise, looks, terms)
    times = (looks + late)[chosen]
    prices = np.rint(np.exp((path + noise)[chosen]) * PRICE_ONE).astype(np.int64)
    return PriceHistory(exchange.asset, "oracle", ROUNDS, times, prices)


def _path_within_hours(
    exchange: PriceHistory, terms: OracleTerms, *, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return log prices every five minutes from the first close to the last, shape (look,)."""
    closes = np.log(exchange.closes_e8 / PRICE_ONE)
    hours = len(closes) - 1
    step = terms.hourly_volatility / LOOKS_PER_HOUR**0.5
    walk = np.cumsum(step * rng.standard_normal((hours, LOOKS_PER_HOUR)), axis=1)  # (hour, look)
    share = np.arange(1, LOOKS_PER_HOUR + 1) / LOOKS_PER_HOUR
    bridge = walk - walk[:, -1:] * share
    inside = closes[:-1, None] + np.diff(closes)[:, None] * share + bridge
    return np.concatenate([closes[:1], inside.reshape(-1)])


def _rounds_at(path: NDArray[np.float64], looks: NDArray[np.int64], terms: OracleTerms) -> list[int]:
    """Return the looks at which a round is written; the first look always is one."""
    limit = float(np.log1p(terms.deviation_bps / BPS_ONE))
    patience = terms.heartbeat_seconds // LOOK_SECONDS
    chosen, answer = [0], float(path[0])
    for look, price in enumerate(path.tolist()[1:], 1):
        if abs(price - answer) >= limit or look - chosen[-1] >= patience:
            chosen.append(look)
            answer = price
    return chosen
