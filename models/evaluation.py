"""Walk-forward evaluation: refit on the past, forecast the next hours, score what happened.

Every forecast at bar t uses bars up to t; models are refitted at the start of each fold.  Forecasts of
one horizon do not overlap: the stride is the longest horizon.  The score is the pinball loss (Koenker
and Bassett 1978), a proper score for quantiles, in units of 1e-4 log return; lower is better.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from core.market import PriceHistory
from core.ports import RiskModel
from core.units import BPS_ONE
from models.quantiles import E8, HORIZONS

SCORED_LEVELS_BPS = (1_00, 2_50, 5_00, 25_00, 50_00, 75_00, 95_00, 97_50, 99_00)
UNIT = 1e-4


@dataclass(frozen=True, slots=True)
class WalkForward:
    """How the sample is walked through."""

    first_fit_bars: int = 2_160
    refit_every_bars: int = 720
    stride_bars: int = 24
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Score:
    """One model: mean pinball loss per horizon (1e-4), and the share of returns below the 2.5 % quantile."""

    model: str
    forecasts: int
    pinball_by_horizon: tuple[float, ...]
    below_975_share: float

    @property
    def mean_pinball(self) -> float:
        """Mean over the horizons, each divided by the root of its hours."""
        roots = np.sqrt(np.asarray(HORIZONS, dtype=np.float64))
        return float(np.mean(np.asarray(self.pinball_by_horizon) / roots))


def walk_forward(
    make_models: Mapping[str, Callable[[], RiskModel]],
    history: PriceHistory,
    terms: WalkForward | None = None,
) -> tuple[Score, ...]:
    """Return one score per model over the same forecasts, best first.

    Raises:
        ModelError: the history is too short for one forecast.
    """
    chosen = terms or WalkForward()
    starts = range(chosen.first_fit_bars, len(history) - max(HORIZONS), chosen.stride_bars)
    if not starts:
        raise ModelError(
            f"{len(history)} bars leave no forecast",
            allowed=f"more than {chosen.first_fit_bars + max(HORIZONS)}",
        )
    scores = [_score(name, make, history, starts, terms=chosen) for name, make in make_models.items()]
    return tuple(sorted(scores, key=lambda score: score.mean_pinball))


def table(scores: Sequence[Score]) -> str:
    """Return the scores as text."""
    head = "model".ljust(20) + "".join(f"{horizon:>8} h" for horizon in HORIZONS)
    lines = [f"pinball loss, 1e-4 log return, {scores[0].forecasts} forecasts, lower is better"]
    lines.append(head + "   mean/√h   below 2.5 % quantile (24 h)")
    for score in scores:
        cells = "".join(f"{value:10.3f}" for value in score.pinball_by_horizon)
        lines.append(f"{score.model:<20}{cells}{score.mean_pinball:10.3f}   {score.below_975_share:.1%}")
    return "\n".join(lines)


def pinball_loss(level: float, forecast: float, outcome: float) -> float:
    """Return the pinball loss of one quantile.

    >>> pinball_loss(0.25, -1.0, -3.0), pinball_loss(0.25, -1.0, 1.0)
    (1.5, 0.5)
    """
    error = outcome - forecast
    return max(level * error, (level - 1) * error)


def _score(
    name: str,
    make: Callable[[], RiskModel],
    history: PriceHistory,
    starts: range,
    *,
    terms: WalkForward,
) -> Score:
    log_prices = np.log(history.closes_e8.astype(np.float64))
    losses: list[list[float]] = []
    below = 0
    model: RiskModel | None = None
    for number, bar in enumerate(starts):
        past = history.until(int(history.times[bar]))
        if model is None or (number * terms.stride_bars) % terms.refit_every_bars < terms.stride_bars:
            model = make()
            model.fit(past, seed=terms.seed)
        row, under = _one_forecast(model, past, log_prices, seed=terms.seed)
        losses.append(row)
        below += under
    means = np.asarray(losses).mean(axis=0) / UNIT
    return Score(name, len(losses), tuple(float(value) for value in means), below / len(losses))


def _one_forecast(
    model: RiskModel, past: PriceHistory, log_prices: NDArray[np.float64], *, seed: int
) -> tuple[list[float], int]:
    """Return the loss per horizon, and whether the 24 h return fell below its 2.5 % quantile."""
    now = len(past) - 1
    found = model.quantiles(past, horizons=HORIZONS, levels_bps=SCORED_LEVELS_BPS, seed=seed)
    row = []
    for horizon in HORIZONS:
        outcome = float(log_prices[now + horizon] - log_prices[now])
        mine = [q for q in found if q.horizon_hours == horizon]
        row.append(
            float(np.mean([pinball_loss(q.level_bps / BPS_ONE, q.value_e8 / E8, outcome) for q in mine]))
        )
    last = next(q for q in found if q.horizon_hours == max(HORIZONS) and q.level_bps == 2_50)
    total = float(log_prices[now + max(HORIZONS)] - log_prices[now])
    return row, int(total < last.value_e8 / E8)
