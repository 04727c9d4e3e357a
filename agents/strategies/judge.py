"""From a forecast to a recommendation; every strategy ends here.

model ─► paths ─► simulations.search.safe_search ─► bound, outcomes, binding limits ─► Recommendation
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from core.mandate import Limit, SimulatedOutcome
from core.ports import RiskModel
from core.recommendation import ForecastQuantile, Observation, Recommendation
from core.units import NANO, Bps

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HORIZONS = (1, 4, 12, 24)
LEVELS_BPS = (1_00, 2_50, 5_00, 10_00, 25_00, 50_00, 75_00, 90_00, 95_00, 97_50, 99_00)

OUTSIDE_LIMITS = "no value meets the risk limits of the mandate"


def judge(observation: Observation, model: RiskModel) -> Recommendation:
    """Return the recommendation that follows from one model's forecast."""
    paths = model_paths(observation, model)
    return judge_paths(observation, paths, forecast=forecast_of(observation, model), card=model.describe())


def model_paths(observation: Observation, model: RiskModel) -> NDArray[np.float64]:
    """Return the model's paths over the mandate's horizon, shape (path, step)."""
    return model.log_returns(
        observation.history,
        steps=observation.mandate.horizon_hours,
        paths=observation.paths,
        seed=observation.seed,
    )


def forecast_of(observation: Observation, model: RiskModel) -> tuple[ForecastQuantile, ...]:
    """Return the quantiles that a track record is scored by."""
    return model.quantiles(
        observation.history, horizons=HORIZONS, levels_bps=LEVELS_BPS, seed=observation.seed
    )


def judge_paths(
    observation: Observation,
    paths: NDArray[np.float64],
    *,
    forecast: tuple[ForecastQuantile, ...],
    card: Mapping[str, str],
) -> Recommendation:
    """Return the recommendation that follows from paths, shape (path, step)."""
    from simulations.search import binding_limits, safe_search_with_error

    outcomes, bound, error = safe_search_with_error(observation, paths)
    binding = binding_limits(outcomes, bound, observation.mandate)
    return Recommendation(
        scalar=observation.scalar,
        bound=bound,
        forecast=forecast,
        outcomes=outcomes,
        binding=binding,
        reason=explain(bound, outcomes, binding=binding, standard_error=error),
        model=dict(card),
    )


def abstain(observation: Observation, reason: str, card: Mapping[str, str]) -> Recommendation:
    """Return a recommendation without a bound."""
    return Recommendation(observation.scalar, None, (), (), (), reason, dict(card))


def explain(
    bound: int | None,
    outcomes: Sequence[SimulatedOutcome],
    *,
    binding: Sequence[Limit],
    standard_error: float,
) -> str:
    """Return one sentence on what stops the bound; ``standard_error`` of its expected shortfall is a share.

    >>> explain(None, (), binding=(), standard_error=0.0)
    'no value meets the risk limits of the mandate'
    """
    if bound is None:
        return OUTSIDE_LIMITS
    at_bound = next(outcome for outcome in outcomes if outcome.value == bound)
    shortfall = f"{at_bound.bad_debt_es_975_nano * 100 / NANO:.4f} ± {standard_error * 100:.4f} % of supply"
    limits = ", ".join(limit.value for limit in binding) or "the end of the range"
    return f"safe up to {Bps(bound)}: expected shortfall {shortfall}; stopped above by {limits}"
