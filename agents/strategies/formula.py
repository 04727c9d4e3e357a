"""``closed-form``: the SmartLTV formula, checked by the same simulation as everyone's.

Its own bound is the formula's threshold, LTV + margin.  The formula's volatility also drives the
simulation, and the recommendation is the lower of the two bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from agents.strategies.judge import abstain, forecast_of, judge_paths, model_paths
from core.market import PriceHistory, Scalar
from core.ports import STRATEGY_API_VERSION, TrainingProgress
from core.recommendation import Observation, Recommendation
from core.units import WAD, Bps

if TYPE_CHECKING:
    from models.volatility import Ewma

HOURS_PER_DAY = 24


class ClosedForm:
    """Formula family: EWMA volatility in a closed form."""

    name = "closed-form"
    family = "formula"
    api_version = STRATEGY_API_VERSION

    def __init__(self) -> None:
        self._model: Ewma | None = None

    def fit(
        self, history: PriceHistory, *, seed: int, report: Callable[[TrainingProgress], None] | None = None
    ) -> None:
        """Estimate the volatility that the average starts from."""
        from models.volatility import Ewma

        model = Ewma()
        model.fit(history, seed=seed, report=report)
        self._model = model

    def fitted_state(self) -> bytes | None:
        """Return the fitted model as canonical bytes; ``None`` before it is fitted."""
        return None if self._model is None else self._model.fitted_state()

    def recommend(self, observation: Observation) -> Recommendation:
        """Return the lower of the formula's value and of the largest simulated safe value."""
        model = self._model
        if model is None:
            return abstain(observation, "closed-form abstains: it has not been fitted", {})
        own = self._formula_bound(observation, model)
        card = {**model.describe(), "formula_bound_bps": "none" if own is None else str(own)}
        simulated = judge_paths(
            observation, model_paths(observation, model), forecast=forecast_of(observation, model), card=card
        )
        if own is None or simulated.bound is None or simulated.bound <= own:
            return simulated
        if own < observation.floor:
            reason = f"the formula allows {Bps(own)}, below the lowest value {Bps(observation.floor)}"
            return replace(simulated, bound=None, binding=(), reason=reason)
        reason = f"safe up to {Bps(own)} by the formula; simulation alone allows {Bps(simulated.bound)}"
        return replace(simulated, bound=own, binding=(), reason=reason)

    def _formula_bound(self, observation: Observation, model: Ewma) -> int | None:
        """Return the formula's value of the scalar; ``None`` for scalars it says nothing of."""
        from models.closed_form import FormulaInputs, absorbed_usd, formula_ltv_bps

        if observation.scalar not in (Scalar.LIQUIDATION_THRESHOLD, Scalar.LTV):
            return None
        bonus = observation.snapshot.parameters.liquidation_bonus_bps
        inputs = FormulaInputs(
            daily_volatility=(HOURS_PER_DAY * model.hourly_variance(observation.history)) ** 0.5,
            liquidity_usd=absorbed_usd(observation.liquidity, bonus),
            debt_usd=sum(position.debt for position in observation.positions) / WAD,
            bonus_bps=bonus,
        )
        ltv = int(formula_ltv_bps(inputs))
        if observation.scalar is Scalar.LTV:
            return ltv
        return ltv + int(observation.mandate.margin_bps)
