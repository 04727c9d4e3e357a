"""Log returns and volatility windows, all of them causal: bar t uses bars up to t only."""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate, islice

import numpy as np
from numpy.typing import NDArray

from core.errors import DataError
from core.market import PriceHistory

HOURS_PER_YEAR = 365 * 24


def hourly_returns(history: PriceHistory, *, at_least: int) -> NDArray[np.float64]:
    """Return log returns between neighbouring bars, shape (bar,); a move over a gap is left out.

    Raises:
        DataError: the bars are not hourly, or fewer than ``at_least`` returns are left.
    """
    if history.bar_seconds != 3600:
        raise DataError(
            f"{history.asset} has bars of {history.bar_seconds} s", allowed="hourly bars (3600 s)"
        )
    moves = np.diff(np.log(history.closes_e8.astype(np.float64)))
    neighbours = np.diff(history.times) == history.bar_seconds
    returns = np.asarray(moves[neighbours], dtype=np.float64)
    if len(returns) < at_least:
        raise DataError(
            f"{history.asset} from {history.source} has {len(returns)} hourly returns",
            allowed=f"at least {at_least}",
            hint="load a longer history",
        )
    return returns


def ewma_variance(returns: NDArray[np.float64], *, half_life: float, start: float) -> NDArray[np.float64]:
    """Return the variance forecast *after* each bar, shape (bar,).

    ``v[t] = d v[t-1] + (1 - d) r[t]^2`` with ``d = 0.5 ** (1 / half_life)``, half-life in bars.

    Source: RiskMetrics Technical Document, 1996, section 5.
    """
    return _ewma_of(returns.tobytes(), 0.5 ** (1 / half_life), start)


@lru_cache(maxsize=16)
def _ewma_of(returns: bytes, decay: float, start: float) -> NDArray[np.float64]:
    """Return the average; kept, because one decision asks for the same one several times."""
    moves = np.frombuffer(returns, dtype=np.float64)
    found = recursion((1 - decay) * moves**2, decay=decay, start=start)
    found.flags.writeable = False
    return found


def recursion(inputs: NDArray[np.float64], *, decay: float, start: float) -> NDArray[np.float64]:
    """Return ``v[t] = decay v[t-1] + inputs[t]`` with ``v[-1] = start``, shape (bar,).

    Plain arithmetic, one bar after the other, so that it is the same on any machine; a signal-processing
    library would cost each agent 60 MB for this line.

    >>> recursion(np.array([1.0, 1.0]), decay=0.5, start=2.0).tolist()
    [2.0, 2.0]
    """
    steps = accumulate(inputs.tolist(), lambda past, new: decay * past + new, initial=start)
    return np.fromiter(islice(steps, 1, None), dtype=np.float64, count=len(inputs))


def annual_volatility(hourly_variance: float) -> float:
    """Return volatility per square root of a year."""
    return float((hourly_variance * HOURS_PER_YEAR) ** 0.5)
