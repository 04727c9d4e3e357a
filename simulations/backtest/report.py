"""What a backtest says, as text, JSON and a picture.  The first line says that borrowers are synthetic."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.units import BPS_ONE
from simulations.backtest.books import BAD_DEBT_USD, LIQUIDATED_USD, POWER_USD, SUPPLY_USD
from simulations.backtest.decisions import Trajectory

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIRST_LINE = "synthetic borrowers"
CAVEATS = (
    "one price history gives no interval for prices: intervals are over resampled books only",
    "health factors, reactions and market depth are assumptions, swept at both ends",
    "last-known spans: the record of the DAO's parameters is silent from 2021-02-10 to 2023-06-08",
)
INTERVAL = (2.5, 97.5)


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Weeks that are reported together, shape (week,); ``marked`` if the DAO's record is last-known there."""

    name: str
    weeks: NDArray[np.bool_]
    marked: bool


@dataclass(frozen=True, slots=True, eq=False)
class EndResult:
    """One end of the assumptions: every policy's totals, shape (book, week, metric)."""

    assumptions: str
    trajectories: tuple[Trajectory, ...]
    totals: Mapping[str, NDArray[np.float64]]
    week_starts: tuple[int, ...]
    windows: tuple[Window, ...]
    missing_hours: int
    prior_weeks: int


@dataclass(frozen=True, slots=True)
class Interval:
    """Mean over books and the middle 95 %."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Row:
    """One policy in one window, under one end of the assumptions.

    Bad debt and liquidated value in bps of mean supply, borrowing power in bps of the one under never
    changing; ``paired_bad_debt`` is the difference to never changing, book by book.
    """

    assumptions: str
    window: str
    last_known: bool
    policy: str
    changes: int
    bad_debt_bps: Interval
    liquidated_bps: Interval
    borrowing_power_bps: Interval
    paired_bad_debt_bps: Interval


@dataclass(frozen=True, slots=True)
class BacktestReport:
    """The whole comparison."""

    asset: str
    begin: int
    asked_begin: int
    end: int
    config_sha256: str
    assumptions: tuple[Mapping[str, str], ...]
    missing_hours: int
    skipped_decisions: int
    prior_weeks: int
    weeks: int
    rows: tuple[Row, ...]
    thresholds: Mapping[str, tuple[tuple[int, int], ...]]

    def to_json(self) -> str:
        """Return the report as JSON; its first key is the caveat."""
        content: dict[str, Any] = {"note": FIRST_LINE, "caveats": list(CAVEATS), **asdict(self)}
        return json.dumps(content, indent=1)

    def render(self) -> str:
        """Return the report as text."""
        lines = [FIRST_LINE, ""]
        lines.append(f"{self.asset}, {_day(self.begin)} to {_day(self.end)}, {self.weeks} weekly decisions")
        if self.begin > self.asked_begin:
            lines.append(
                f"from {_day(self.asked_begin)} to {_day(self.begin)} there is no value to start from"
            )
        lines.append(f"missing hours {self.missing_hours} (no liquidation step), ")
        lines[-1] += f"decisions skipped {self.skipped_decisions}, weeks on prior sizes {self.prior_weeks}"
        for end in self.assumptions:
            lines += ["", _assumption_line(end)]
            for window in dict.fromkeys(row.window for row in self.rows):
                rows = [r for r in self.rows if (r.assumptions, r.window) == (end["name"], window)]
                lines += _table(rows)
        lines += ["", *CAVEATS, f"configuration {self.config_sha256}"]
        return "\n".join(lines) + "\n"

    def save_picture(self, path: Path) -> Path:
        """Write a PNG: each policy's threshold over time."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        ends = list(dict.fromkeys(name.split(": ")[0] for name in self.thresholds))
        figure = Figure(figsize=(9.0, 3.2 * len(ends)), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(len(ends), 1, sharex=True, squeeze=False)[:, 0]
        for axes, end in zip(panels, ends, strict=True):
            self._draw_end(axes, end)
        figure.suptitle(f"{FIRST_LINE}: {self.asset}", fontsize=10)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="png", dpi=120, metadata={"Software": "tribunate"})
        return path

    def _draw_end(self, axes: Axes, end: str) -> None:
        """Draw every policy under one end of the assumptions; a policy has one colour in all panels."""
        own = {name: steps for name, steps in self.thresholds.items() if name.startswith(f"{end}: ")}
        for number, (name, steps) in enumerate(own.items()):
            times = [datetime.fromtimestamp(t, UTC) for t, _ in (*steps, (self.end, 0))]
            values = [value / 100 for _, value in (*steps, steps[-1])]
            label, colour = name.split(": ", 1)[1], f"C{number}"
            axes.step(times, values, where="post", label=label, linewidth=1.2, color=colour)  # type: ignore[arg-type]
        axes.set_ylabel("liquidation threshold, %")
        axes.set_title(f"assumptions: {end}", fontsize=9)
        axes.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def build_report(
    results: Sequence[EndResult],
    *,
    asset: str,
    begin: int,
    asked_begin: int,
    end: int,
    digest: str,
    assumptions: Sequence[Mapping[str, str]],
) -> BacktestReport:
    """Return the report of all ends."""
    rows = [row for result in results for window in result.windows for row in _rows(result, window)]
    thresholds = {
        f"{result.assumptions}: {t.policy}": tuple(
            (since, int(p.liquidation_threshold_bps)) for since, p in t.changes
        )
        for result in results
        for t in result.trajectories
    }
    return BacktestReport(
        asset=asset,
        begin=begin,
        asked_begin=asked_begin,
        end=end,
        config_sha256=digest,
        assumptions=tuple(assumptions),
        missing_hours=results[0].missing_hours,
        skipped_decisions=max(t.skipped_decisions for r in results for t in r.trajectories),
        prior_weeks=results[0].prior_weeks,
        weeks=len(results[0].week_starts),
        rows=tuple(rows),
        thresholds=thresholds,
    )


def _rows(result: EndResult, window: Window) -> list[Row]:
    if not window.weeks.any():
        return []
    baseline = _sums(result.totals[result.trajectories[0].policy], window)
    rows = []
    for trajectory in result.trajectories:
        sums = _sums(result.totals[trajectory.policy], window)
        rows.append(
            Row(
                assumptions=result.assumptions,
                window=window.name,
                last_known=window.marked,
                policy=trajectory.policy,
                changes=_changes_in(trajectory, result, window),
                bad_debt_bps=_interval(sums[:, BAD_DEBT_USD] / baseline[:, SUPPLY_USD]),
                liquidated_bps=_interval(sums[:, LIQUIDATED_USD] / baseline[:, SUPPLY_USD]),
                borrowing_power_bps=_interval(sums[:, POWER_USD] / baseline[:, POWER_USD] - 1),
                paired_bad_debt_bps=_interval(
                    (sums[:, BAD_DEBT_USD] - baseline[:, BAD_DEBT_USD]) / baseline[:, SUPPLY_USD]
                ),
            )
        )
    return rows


def _sums(totals: NDArray[np.float64], window: Window) -> NDArray[np.float64]:
    """Return flows summed and stocks averaged over the window's weeks, shape (book, metric)."""
    chosen = totals[:, window.weeks, :]
    sums = chosen.sum(axis=1)
    sums[:, SUPPLY_USD] = chosen[:, :, SUPPLY_USD].mean(axis=1)
    sums[:, POWER_USD] = chosen[:, :, POWER_USD].mean(axis=1)
    return np.asarray(sums, dtype=np.float64)


def _changes_in(trajectory: Trajectory, result: EndResult, window: Window) -> int:
    starts = np.asarray(result.week_starts)
    times = [since for since, _ in trajectory.changes[1:]]
    weeks = np.searchsorted(starts, np.asarray(times, dtype=np.int64), side="right") - 1
    return int(window.weeks[weeks].sum()) if len(times) else 0


def _interval(values: NDArray[np.float64]) -> Interval:
    low, high = np.percentile(values, INTERVAL)
    return Interval(float(values.mean()) * BPS_ONE, float(low) * BPS_ONE, float(high) * BPS_ONE)


def _table(rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    mark = "  (last-known parameters of the DAO)" if rows[0].last_known else ""
    lines = ["", f"  {rows[0].window}{mark}"]
    lines.append(
        f"  {'policy':<26}{'changes':>8}{'bad debt, bps of supply':>30}"
        f"{'less never changing':>28}{'liquidated':>12}{'power':>9}"
    )
    for row in rows:
        debt, paired = row.bad_debt_bps, row.paired_bad_debt_bps
        lines.append(
            f"  {row.policy:<26}{row.changes:>8}"
            f"{debt.mean:>12.2f} [{debt.low:7.2f},{debt.high:7.2f}]"
            f"{paired.mean:>+11.2f} [{paired.low:+7.2f},{paired.high:+6.2f}]"
            f"{row.liquidated_bps.mean:>11.0f}{row.borrowing_power_bps.mean / 100:>+8.2f} %"
        )
    return lines


def _assumption_line(end: Mapping[str, str]) -> str:
    return "assumptions: " + ", ".join(f"{key} {value}" for key, value in end.items())


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
