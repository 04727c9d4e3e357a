"""A recommendation for people: plain text, and one picture (matplotlib, loaded only here)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.mandate import Mandate, SimulatedOutcome
from core.recommendation import ForecastQuantile, Observation, Recommendation
from core.units import BPS_ONE, NANO, Bps

if TYPE_CHECKING:
    from matplotlib.axes import Axes

E8 = 10**8
FAN_BPS = ((1_00, 99_00), (5_00, 95_00), (25_00, 75_00))


def text_report(strategy: str, observation: Observation, recommendation: Recommendation) -> str:
    """Return the recommendation as text: the bound, what stops it, and the candidates around it."""
    current = observation.snapshot.parameters.field(observation.scalar)
    bound = "abstains" if recommendation.bound is None else str(Bps(recommendation.bound))
    lines = [
        f"{strategy}: {observation.scalar.value} of {observation.snapshot.market}",
        f"now        {Bps(current)}",
        f"safe up to {bound}",
        f"why        {recommendation.reason}",
        "",
        "     value   ES97.5 of 24 h bad debt   P(above reserves)   borrowing power   stress failures",
    ]
    lines += [_row(outcome) for outcome in around(recommendation.outcomes, recommendation.bound, current)]
    limit = observation.mandate.bad_debt_es_975_bps
    lines += [
        "",
        f"limit: ES97.5 at most {limit} of supply; {observation.paths} paths, seed {observation.seed}",
    ]
    return "\n".join(lines) + "\n"


def around(outcomes: Sequence[SimulatedOutcome], bound: int | None, current: int) -> list[SimulatedOutcome]:
    """Return what a person looks at: every 5.00 %, the current value, the bound and the next above it."""
    above = min((o.value for o in outcomes if bound is not None and o.value > bound), default=None)
    wanted = {current, bound, above}
    return [o for o in outcomes if o.value in wanted or (o.value % 5_00 == 0 and o.value >= current - 20_00)]


def _row(outcome: SimulatedOutcome) -> str:
    shortfall = f"{outcome.bad_debt_es_975_nano * 100 / NANO:.4f} %"
    breach = f"{outcome.reserve_breach_nano * 100 / NANO:.2f} %"
    power = f"{outcome.borrowing_power_nano * 100 / NANO:+.2f} %"
    stress = ", ".join(outcome.stress_failures) or "none"
    return f"{Bps(outcome.value)!s:>10}   {shortfall:>23}   {breach:>17}   {power:>15}   {stress}"


def save_picture(path: Path, observation: Observation, recommendation: Recommendation) -> Path:
    """Write a PNG: expected shortfall against the candidate value with the limit, and the forecast fan."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    current = observation.snapshot.parameters.field(observation.scalar)
    _draw_shortfall(left, recommendation, observation.mandate, current=current)
    _draw_fan(right, recommendation.forecast)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png", dpi=120, metadata={"Software": "tribunate"})
    return path


def _draw_shortfall(axes: Axes, recommendation: Recommendation, mandate: Mandate, *, current: int) -> None:
    values = [outcome.value / 100 for outcome in recommendation.outcomes]
    shortfall = [outcome.bad_debt_es_975_nano * BPS_ONE / NANO for outcome in recommendation.outcomes]
    limit = int(mandate.bad_debt_es_975_bps)
    axes.plot(values, shortfall, color="#1f4e79", label="ES97.5 of 24 h bad debt")
    axes.axhline(limit, color="#b03a2e", linewidth=1, label="limit of the mandate")
    axes.axvline(current / 100, color="0.5", linestyle=":", label="now")
    if recommendation.bound is not None:
        axes.axvline(recommendation.bound / 100, color="#1e8449", label="safe up to")
    axes.set_ylim(0, 5 * max(limit, 1))
    axes.set_xlabel(f"{recommendation.scalar.value.removesuffix('_bps').replace('_', ' ')}, %")
    axes.set_ylabel("bps of supply")
    axes.legend(fontsize=7)


def _draw_fan(axes: Axes, forecast: Sequence[ForecastQuantile]) -> None:
    table = {(q.horizon_hours, int(q.level_bps)): q.value_e8 * 100 / E8 for q in forecast}
    horizons = sorted({q.horizon_hours for q in forecast})
    for low, high in FAN_BPS:
        if all((h, low) in table and (h, high) in table for h in horizons) and horizons:
            lows, highs = [table[h, low] for h in horizons], [table[h, high] for h in horizons]
            axes.fill_between([0, *horizons], [0.0, *lows], [0.0, *highs], color="#1f4e79", alpha=0.2)
    axes.axhline(0, color="0.5", linewidth=0.5)
    axes.set_xlabel("hours")
    axes.set_ylabel("log return, %")
    axes.set_title("forecast: 1-99, 5-95, 25-75 %", fontsize=8)
