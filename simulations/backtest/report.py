"""What a backtest says, as data, JSON and text.  The first line says that borrowers are synthetic."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.units import BPS_ONE
from simulations.backtest.books import BAD_DEBT_USD, INTEREST_USD, LIQUIDATED_USD, POWER_USD, SUPPLY_USD
from simulations.backtest.calibration import Calibration, calibration_text
from simulations.backtest.claims import (
    BAD_DEBT,
    NET_INCOME,
    Claim,
    Findings,
    findings,
    gains,
    over_books,
    over_weeks,
)
from simulations.backtest.rivals import HINDSIGHT
from simulations.backtest.run import Replayed
from simulations.backtest.settings import BacktestConfig, World
from simulations.backtest.trajectories import NEVER_CHANGING, weeks
from simulations.backtest.trials import Trial
from simulations.backtest.windows import Window, windows_of
from simulations.statistics.tail import Estimate

FIRST_LINE = "synthetic borrowers"
CAVEATS = (
    "[..] is the middle 95 % over resampled books; claims also need the stationary bootstrap over weeks",
    "health factors, reactions and market depth are assumptions, swept at both ends",
    "net income is interest received less bad debt; the constant chosen in hindsight is no policy",
    "last-known spans: the record of the DAO's parameters is silent from 2021-02-10 to 2023-06-08",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One policy in one window of one world.

    In bps of mean supply, borrowing power in bps of the one under never changing.  ``gain_*`` is the
    difference to never changing, positive when it is good, book by book and (``_weeks``) under the stationary
    bootstrap of weeks.  ``regret`` is the net income that the whole span's best constant in hindsight had on
    top, ``window_regret`` that of the window's own best, on the book itself.
    """

    assumptions: str
    reaction: str
    window: str
    last_known: bool
    policy: str
    changes: int
    bad_debt_bps: Estimate
    liquidated_bps: Estimate
    net_income_bps: Estimate
    borrowing_power_bps: Estimate
    gain_bad_debt_bps: Estimate
    gain_bad_debt_weeks_bps: Estimate | None
    gain_net_income_bps: Estimate
    gain_net_income_weeks_bps: Estimate | None
    regret_bps: Estimate
    window_regret_bps: float


@dataclass(frozen=True, slots=True)
class BacktestReport:
    """The whole comparison."""

    asset: str
    begin: int
    asked_begin: int
    end: int
    config_sha256: str
    sizes: Mapping[str, int]
    assumptions: tuple[Mapping[str, str], ...]
    missing_hours: int
    skipped_decisions: int
    prior_weeks: int
    weeks: int
    calibration: Calibration | None
    findings: Findings
    trials: tuple[Trial, ...]
    hindsight: Mapping[str, Mapping[str, int]]
    rows: tuple[Row, ...]
    thresholds: Mapping[str, tuple[tuple[int, int], ...]]
    bad_debt_by_week: Mapping[str, tuple[float, ...]]

    def to_json(self) -> str:
        """Return the report as JSON; its first key is the caveat."""
        content: dict[str, Any] = {"note": FIRST_LINE, "caveats": list(CAVEATS), **asdict(self)}
        return json.dumps(content, indent=1)

    def render(self) -> str:
        """Return the report as text: calibration and claims first, then every world and window."""
        lines = [FIRST_LINE, ""]
        lines.append(f"{self.asset}, {day(self.begin)} to {day(self.end)}, {self.weeks} weekly decisions")
        if self.begin > self.asked_begin:
            lines.append(f"from {day(self.asked_begin)} to {day(self.begin)} there is no value to start from")
        lines.append(f"missing hours {self.missing_hours} (no liquidation step), ")
        lines[-1] += f"decisions skipped {self.skipped_decisions}, weeks on prior sizes {self.prior_weeks}"
        lines += ["; ".join(f"{key} {value:,}" for key, value in self.sizes.items())]
        lines += ["", *calibration_text(self.calibration), "", *claims_text(self)]
        lines += [line for end in self.assumptions for line in ["", assumption_line(end)]]
        for world, window in dict.fromkeys((f"{r.assumptions}, {r.reaction}", r.window) for r in self.rows):
            lines += _table(self, world, window)
        return "\n".join([*lines, "", *CAVEATS, f"configuration {self.config_sha256}"]) + "\n"


def build_report(
    replayed: Replayed, config: BacktestConfig, *, calibration: Calibration | None
) -> BacktestReport:
    """Return the report of all worlds."""
    worlds = replayed.worlds
    starts = tuple(weeks(replayed.begin, replayed.end))
    windows = windows_of(starts)
    return BacktestReport(
        asset=config.asset,
        begin=replayed.begin,
        asked_begin=config.begin,
        end=replayed.end,
        config_sha256=config.digest(),
        sizes=_sizes(config),
        assumptions=tuple(dict(end.record()) for end in config.ends),
        missing_hours=worlds[0].missing_hours,
        skipped_decisions=max(t.skipped_decisions for world in worlds for t in world.trajectories),
        prior_weeks=worlds[0].prior_weeks,
        weeks=len(starts),
        calibration=calibration,
        findings=findings(worlds, config.trials, horizon_hours=config.horizon_hours, seed=config.seed),
        trials=config.trials,
        hindsight={world.name: _best_by_window(world, windows) for world in worlds},
        rows=tuple(row for world in worlds for window in windows for row in _rows(world, window, starts)),
        thresholds=_thresholds(worlds),
        bad_debt_by_week=_bad_debt_by_week(worlds),
    )


def _sizes(config: BacktestConfig) -> dict[str, int]:
    names = ("borrowers", "books", "paths", "horizon_hours", "fit_bars", "refit_hours", "embargo_hours")
    return {name.replace("_", " "): getattr(config, name) for name in (*names, "trial_books", "seed")}


def _best_by_window(world: World, windows: Sequence[Window]) -> dict[str, int]:
    return {w.name: world.constants.values[world.constants.best(w.weeks)] for w in windows}


def _thresholds(worlds: Sequence[World]) -> dict[str, tuple[tuple[int, int], ...]]:
    return {
        f"{world.name}: {course.policy}": tuple(
            (since, int(p.liquidation_threshold_bps)) for since, p in course.changes
        )
        for world in worlds
        for course in world.trajectories
    }


def _bad_debt_by_week(worlds: Sequence[World]) -> dict[str, tuple[float, ...]]:
    """Return the mean over books, bps of supply, shape (week,)."""
    found = {}
    for world in worlds:
        supply = world.totals[NEVER_CHANGING][:, :, SUPPLY_USD].mean(axis=1, keepdims=True)
        for policy, totals in world.totals.items():
            shares = (totals[:, :, BAD_DEBT_USD] / supply).mean(axis=0) * BPS_ONE
            found[f"{world.name}: {policy}"] = tuple(round(float(share), 6) for share in shares)
    return found


def _rows(world: World, window: Window, starts: Sequence[int]) -> list[Row]:
    here = {policy: totals[:, window.weeks, :] for policy, totals in world.totals.items()}
    baseline, best = here[NEVER_CHANGING], here[HINDSIGHT]
    most = float(world.constants.net_income[:, window.weeks].sum(axis=1).max())
    rows = []
    for trajectory in world.trajectories:
        totals = here[trajectory.policy]
        debt, income = (gains(totals, baseline, measure=measure) for measure in (BAD_DEBT, NET_INCOME))
        earned = float((totals[0, :, INTEREST_USD] - totals[0, :, BAD_DEBT_USD]).sum())
        rows.append(
            Row(
                assumptions=world.assumptions,
                reaction=world.reaction,
                window=window.name,
                last_known=window.marked,
                policy=trajectory.policy,
                changes=_changes_in(trajectory.changes, starts, window),
                bad_debt_bps=_flow(totals, baseline, BAD_DEBT_USD),
                liquidated_bps=_flow(totals, baseline, LIQUIDATED_USD),
                net_income_bps=over_books(_net(totals, baseline)),
                borrowing_power_bps=_power(totals, baseline),
                gain_bad_debt_bps=over_books(debt),
                gain_bad_debt_weeks_bps=over_weeks(debt.mean(axis=0), seed=0),
                gain_net_income_bps=over_books(income),
                gain_net_income_weeks_bps=over_weeks(income.mean(axis=0), seed=0),
                regret_bps=over_books(_net(best, baseline) - _net(totals, baseline)),
                window_regret_bps=(most - earned) / float(baseline[0, :, SUPPLY_USD].mean()) * BPS_ONE,
            )
        )
    return rows


def _net(totals: NDArray[np.float64], baseline: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return net income by book and week, in bps of the book's mean supply."""
    supply = baseline[:, :, SUPPLY_USD].mean(axis=1, keepdims=True)
    return np.asarray((totals[:, :, INTEREST_USD] - totals[:, :, BAD_DEBT_USD]) / supply * BPS_ONE)


def _flow(totals: NDArray[np.float64], baseline: NDArray[np.float64], metric: int) -> Estimate:
    supply = baseline[:, :, SUPPLY_USD].mean(axis=1, keepdims=True)
    return over_books(totals[:, :, metric] / supply * BPS_ONE)


def _power(totals: NDArray[np.float64], baseline: NDArray[np.float64]) -> Estimate:
    ratio = totals[:, :, POWER_USD].mean(axis=1) / baseline[:, :, POWER_USD].mean(axis=1) - 1
    return over_books(ratio[:, None] * BPS_ONE)


def _changes_in(changes: Sequence[tuple[int, Any]], starts: Sequence[int], window: Window) -> int:
    times = np.array([since for since, _ in changes[1:]], dtype=np.int64)
    numbers = np.searchsorted(np.asarray(starts), times, side="right") - 1
    return int(window.weeks[numbers].sum()) if len(times) else 0


def claims_text(report: BacktestReport) -> list[str]:
    """Return the verdict on each policy in plain words, and what it had to survive."""
    found = report.findings.deflation
    lines = ["what may be claimed against never changing, over the whole span"]
    for end in dict.fromkeys(claim.assumptions for claim in report.findings.claims):
        for claim in (c for c in report.findings.claims if c.assumptions == end):
            lines.append(f"  {end:<8} {claim.policy:<26} {claim.measure:<11} {_verdict(claim, report)}")
    lines.append(
        f"  {found.columns} comparisons in one stepwise test; {found.replayed} of the {found.configurations} "
        f"configurations that were tried are replayed, so that {found.level:.2%} of 5 % is left to it"
    )
    if found.p_value is not None:
        lines.append(f"  that nobody gains anything on never changing has p = {found.p_value:.3f} (SPA)")
    return [*lines, *(f"  tried: {trial.name} ({trial.why})" for trial in report.trials)]


def _verdict(claim: Claim, report: BacktestReport) -> str:
    if claim.because:
        return f"{claim.verdict}: {claim.because}"
    calibration = report.calibration
    if calibration is None:
        return f"{claim.verdict}, in this model; it was not compared with what happened"
    return f"{claim.verdict}, in this model, whose liquidations fit what happened {calibration.quality}"


def _table(report: BacktestReport, world: str, window: str) -> list[str]:
    rows = [r for r in report.rows if (f"{r.assumptions}, {r.reaction}", r.window) == (world, window)]
    mark = "  (last-known parameters of the DAO)" if rows[0].last_known else ""
    best = report.hindsight[f"{world} book"][window]
    lines = ["", f"  {world} book: {window}{mark}; its best constant {best / 100:.2f} %"]
    lines.append(
        f"  {'policy':<28}{'changes':>8}{'bad debt, bps of supply':>30}{'less than never changing':>28}"
        f"{'net income':>12}{'regret':>9}{'to its best':>12}{'power':>9}"
    )
    for row in rows:
        debt, gain = row.bad_debt_bps, row.gain_bad_debt_bps
        lines.append(
            f"  {row.policy:<28}{row.changes:>8}"
            f"{debt.value:>12.2f} [{debt.low:7.2f},{debt.high:7.2f}]"
            f"{gain.value:>+11.2f} [{gain.low:+7.2f},{gain.high:+6.2f}]"
            f"{row.net_income_bps.value:>12.1f}{row.regret_bps.value:>9.1f}{row.window_regret_bps:>12.1f}"
            f"{row.borrowing_power_bps.value / 100:>+8.2f} %"
        )
    return lines


def assumption_line(end: Mapping[str, str]) -> str:
    """Return one end of the assumptions as a line."""
    return "assumptions: " + ", ".join(f"{key} {value}" for key, value in end.items())


def day(seconds: int) -> str:
    """Return a time for people, UTC.

    >>> day(0)
    '1970-01-01 00:00'
    """
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
