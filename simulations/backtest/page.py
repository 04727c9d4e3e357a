"""A backtest as one HTML file that opens offline: verdicts, calibration, pictures with their numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from simulations.backtest.calibration import Calibration, calibration_text
from simulations.backtest.claims import NO_CLAIM, Claim
from simulations.backtest.report import CAVEATS, BacktestReport, assumption_line, claims_text
from simulations.backtest.rivals import HINDSIGHT
from simulations.backtest.trajectories import WEEK_SECONDS
from simulations.backtest.windows import WHOLE_SPAN
from simulations.studies.svg import Section, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN_ROWS = 16
RECORD, SIMULATED = "#1f4e79", "#b03a2e"


def backtest_page(report: BacktestReport) -> str:
    """Return the whole page."""
    environment = Environment(
        loader=PackageLoader("simulations.backtest", "."), autoescape=True, undefined=StrictUndefined
    )
    worlds = list(report.hindsight)
    plots = [_debt_plot(report, world) for world in worlds]
    plots += [_threshold_plot(report, world) for world in worlds if world.endswith("re-levered book")]
    plots += [_regret_plot(report, world) for world in worlds]
    if report.calibration is not None:
        plots.append(_calibration_plot(report.calibration))
    return environment.get_template("page.html.j2").render(
        title=f"{report.asset}: policies from {_time(report.begin):%Y-%m-%d} to {_time(report.end):%Y-%m-%d}",
        headline=headline_of(report.findings.claims),
        summary=f"Synthetic borrowers, recorded prices, {report.weeks} weekly decisions; "
        + ", ".join(f"{key} {value:,}" for key, value in report.sizes.items()),
        claims=report.findings.claims,
        deflation=claims_text(report)[1 + len(report.findings.claims) :],
        calibration=calibration_text(report.calibration),
        plots=plots,
        assumptions=[*(assumption_line(end) for end in report.assumptions), *CAVEATS],
        configuration=report.config_sha256,
    )


def headline_of(claims: Sequence[Claim]) -> str:
    """Return what may be said of all policies, in one sentence."""
    standing = [claim for claim in claims if claim.verdict != NO_CLAIM]
    if not standing:
        return f"No policy can be told from never changing: none of {len(claims)} comparisons stands."
    said = "; ".join(f"{c.policy}, {c.verdict} ({c.assumptions} book)" for c in standing)
    return f"Of {len(claims)} comparisons with never changing these stand: {said}."


def _of(world: str, values: Mapping[str, tuple[float, ...]]) -> dict[str, tuple[float, ...]]:
    """Return one world's series by policy."""
    return {name.removeprefix(f"{world}: "): v for name, v in values.items() if name.startswith(f"{world}: ")}


def _debt_plot(report: BacktestReport, world: str) -> Section:
    series = {name: np.cumsum(weekly) for name, weekly in _of(world, report.bad_debt_by_week).items()}
    times = [_time(report.begin + number * WEEK_SECONDS) for number in range(report.weeks)]

    def draw(axes: Axes) -> None:
        for number, (name, total) in enumerate(series.items()):
            colour, line = _look(number, name)
            axes.plot(times, total, label=name, linewidth=1.2, color=colour, linestyle=line)  # type: ignore[arg-type]
        axes.set_ylabel("cumulative bad debt, bps of supply")
        _legend_above(axes)

    shown = np.unique(np.linspace(0, report.weeks - 1, min(SHOWN_ROWS, report.weeks)).astype(int))
    rows = [(f"{times[n]:%Y-%m-%d}", *(f"{total[n]:,.1f}" for total in series.values())) for n in shown]
    sentence = "What each policy has lost so far, the mean over resampled books; steps are crashes."
    return Section(f"Bad debt: {world}", sentence, svg(draw), ("week", *series), rows)


def _threshold_plot(report: BacktestReport, world: str) -> Section:
    prefix = f"{world}: "
    series = {n.removeprefix(prefix): s for n, s in report.thresholds.items() if n.startswith(prefix)}

    def draw(axes: Axes) -> None:
        for number, (name, steps) in enumerate(series.items()):
            times = [_time(since) for since, _ in (*steps, (report.end, 0))]
            values = [value / 100 for _, value in (*steps, steps[-1])]
            colour, line = _look(number, name)
            axes.step(times, values, where="post", label=name, color=colour, linestyle=line)  # type: ignore[arg-type]
        axes.set_ylabel("liquidation threshold, %")
        _legend_above(axes)

    moments = np.linspace(report.begin, report.end, SHOWN_ROWS).astype(int)
    rows = [(f"{_time(now):%Y-%m-%d}", *(_standing(s, now) for s in series.values())) for now in moments]
    sentence = "What was in force, after guardrails, veto window and timelock."
    return Section(f"Thresholds: {world}", sentence, svg(draw), ("day", *series), rows)


def _standing(steps: Sequence[tuple[int, int]], now: int) -> str:
    return f"{[value for since, value in steps if since <= now][-1] / 100:.2f} %"


def _regret_plot(report: BacktestReport, world: str) -> Section:
    rows = [
        r for r in report.rows if f"{r.assumptions}, {r.reaction} book" == world and r.window == WHOLE_SPAN
    ]
    names = [row.policy for row in rows]
    values = np.array([row.regret_bps.value for row in rows])
    errors = np.array(
        [[r.regret_bps.value - r.regret_bps.low, r.regret_bps.high - r.regret_bps.value] for r in rows]
    )

    def draw(axes: Axes) -> None:
        axes.barh(names, values, xerr=np.maximum(errors.T, 0.0), color=RECORD, ecolor="0.4", height=0.6)
        axes.axvline(0.0, color="0.4", linewidth=1)
        axes.set_xlabel("net income missed, bps of supply")

    best = report.hindsight[world][WHOLE_SPAN] / 100
    table = [
        (r.policy, *(f"{x:,.1f}" for x in (r.regret_bps.value, r.regret_bps.low, r.regret_bps.high)))
        for r in rows
    ]
    sentence = (
        f"Net income against the best constant in hindsight, {best:.2f} %, which nobody could have known; "
        "the bars' whiskers are over resampled books."
    )
    return Section(f"Regret: {world}", sentence, svg(draw), ("policy", "regret", "low", "high"), table)


def _calibration_plot(calibration: Calibration) -> Section:
    recorded = np.array([real for _, real, _ in calibration.by_week])
    simulated = np.array([value for _, _, value in calibration.by_week])
    fitted = np.array([start < calibration.fit_until for start, _, _ in calibration.by_week])

    def draw(axes: Axes) -> None:
        for chosen, colour, name in ((fitted, RECORD, "fitted on"), (~fitted, SIMULATED, "after")):
            axes.loglog(1e3 + recorded[chosen], 1e3 + simulated[chosen], "o", color=colour, label=name)
        ends = [1e3, float(max(recorded.max(), simulated.max()))]
        axes.plot(ends, ends, color="0.5", linewidth=1)
        axes.set(xlabel="recorded, 1,000 USD + a week", ylabel="simulated, 1,000 USD + a week")
        axes.legend()

    rows = [
        (f"{_time(start):%Y-%m-%d}", f"{real:,.0f}", f"{value:,.0f}")
        for start, real, value in calibration.by_week
    ]
    sentence = "Each point is a week of liquidations of the fitted book; on the line both are equal."
    return Section("Simulated against recorded", sentence, svg(draw), ("week", "recorded", "simulated"), rows)


def _legend_above(axes: Axes) -> None:
    axes.legend(fontsize=8, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=4, frameon=False)


def _look(number: int, name: str) -> tuple[str, str]:
    """Return a policy's colour and line, the same in every picture; hindsight is dashed."""
    return f"C{number % 10}", "--" if name == HINDSIGHT else "-"


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)
