"""Does the model liquidate what was liquidated?  Asked before anything is made of its counterfactuals.

The book is replayed under the parameters that the DAO really had, and its liquidations are compared with
those that Aave V2 recorded: volume, number, and when.  Four numbers are fitted on 2020-12 to 2021-07 (where
health factors lie, how wide, how fast borrowers return to them, how many borrowers one simulated stands for);
sizes come from the same months' calls.  What counts is 2021-08 to 2022-03, which the fit has not seen.

Intervals: the stationary bootstrap over weeks, each time with another resampled book.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from arch.bootstrap import StationaryBootstrap
from numpy.typing import NDArray
from scipy import optimize, stats

from core.errors import SimulationError
from core.units import BPS_ONE
from models.data.liquidations import Liquidations
from simulations.backtest.books import BookTerms, Timeline, replay_days
from simulations.backtest.settings import BacktestInputs
from simulations.backtest.trajectories import DAY_SECONDS, WEEK_SECONDS, hours_of, under, weeks
from simulations.book import ENDS, Assumptions, draw_book, fit_sizes, resample
from simulations.statistics.tail import Estimate

DAYS = 7
LOWEST_EXCESS = 0.02
USD_UNIT = 1e4
"""Weekly volumes are compared as log10(1 + USD / 10,000), calls as log10(1 + number)."""

RESAMPLES = 500
FEWEST_CALLS = 200
FEWEST_WEEKS = 8
WELL, ROUGHLY, POORLY = "well", "only roughly", "poorly"


@dataclass(frozen=True, slots=True)
class CalibrationTerms:
    """What is fitted where, UTC seconds; a week belongs where it begins."""

    begin: int = 1_606_780_800
    fit_until: int = 1_627_776_000
    end: int = 1_648_771_200
    borrowers: int = 2_000
    books: int = 40
    evaluations: int = 240
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Figures:
    """Simulated against recorded.

    ``volume_ratio`` and ``call_ratio`` are simulated over recorded, in total; ``rank`` is Spearman's
    correlation of weekly volumes; ``same_day`` the share of volume that falls on the same day (0 to 1), to be
    read beside ``same_day_evenly``, that of volume spread evenly over all days.  ``loss`` is the fit's, and
    ``loss_of_mean`` that of saying the fitted months' mean every week.
    """

    weeks: int
    recorded_usd: float
    recorded_calls: int
    volume_ratio: Estimate
    call_ratio: Estimate
    rank: Estimate
    same_day: Estimate
    same_day_evenly: float
    loss: float
    loss_of_mean: float


@dataclass(frozen=True, slots=True)
class FittedBook:
    """One set of assumptions with its scale, in the months that it was fitted on and in those after."""

    assumptions: Assumptions
    borrowers_each: float
    inside: Figures
    outside: Figures


@dataclass(frozen=True, slots=True)
class Calibration:
    """The fitted book and both ends of the sweep; weeks as (start, recorded USD, simulated USD)."""

    books: tuple[FittedBook, ...]
    fit_until: int
    evaluations: int
    quality: str
    by_week: tuple[tuple[int, float, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Stage:
    """What all simulations share; ``recorded`` has shape (week, day, field)."""

    terms: CalibrationTerms
    timeline: Timeline
    sizes: NDArray[np.float64]
    reference_threshold: float
    recorded: NDArray[np.float64]
    fitted: NDArray[np.bool_]

    def simulate(self, assumptions: Assumptions, row: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """Return one book's days, shape (week, day, field), one recorded borrower per simulated one."""
        book = draw_book(assumptions, seed=self.terms.seed, borrowers=self.terms.borrowers)
        terms = BookTerms(
            book.size_draws,
            book.health,
            self.sizes,
            self.reference_threshold,
            assumptions.return_share,
            assumptions.depth_share,
            assumptions.utilisation,
        )
        return replay_days(self.timeline, terms, np.arange(len(book.health)) if row is None else row)


def calibrate(inputs: BacktestInputs, terms: CalibrationTerms | None = None) -> Calibration:
    """Return how well simulated liquidations fit the recorded ones.

    Raises:
        SimulationError: there is no record of V2, too little of it, or no prices for its months.
    """
    stage = _stage(inputs, terms or CalibrationTerms())
    fitted, evaluations = _fit(stage)
    candidates = [fitted, *((end, _scale(stage, stage.simulate(end))) for end in ENDS)]
    books = tuple(_judged(stage, assumptions, scale) for assumptions, scale in candidates)
    volumes = fitted[1] * stage.simulate(fitted[0])[:, :, 0].sum(axis=1)
    recorded = stage.recorded[:, :, 0].sum(axis=1)
    starts = weeks(stage.terms.begin, stage.terms.end)[: len(recorded)]
    by_week = tuple(
        (start, round(float(real), 2), round(float(simulated), 2))
        for start, real, simulated in zip(starts, recorded, volumes, strict=True)
    )
    return Calibration(books, stage.terms.fit_until, evaluations, quality(books[0].outside), by_week)


def quality(outside: Figures) -> str:
    """Return how well a book fits: by the interval of the ranks, and by the total."""
    if outside.rank.low > 0.5 and outside.volume_ratio.low <= 1 <= outside.volume_ratio.high:
        return WELL
    return ROUGHLY if outside.rank.low > 0 and 1 / 3 <= outside.volume_ratio.value <= 3 else POORLY


def recorded_days(calls: Liquidations, *, begin: int, weeks_shown: int) -> NDArray[np.float64]:
    """Return what recorded calls repaid (USD) and how many they were, shape (week, day, field)."""
    days = np.zeros((weeks_shown * DAYS, 2))
    numbers = (calls.times - begin) // DAY_SECONDS
    inside = (numbers >= 0) & (numbers < len(days))
    np.add.at(days[:, 0], numbers[inside], calls.repaid_usd[inside])
    np.add.at(days[:, 1], numbers[inside], 1.0)
    return days.reshape(weeks_shown, DAYS, 2)


def _stage(inputs: BacktestInputs, terms: CalibrationTerms) -> _Stage:
    calls = inputs.calls_v2
    starts = weeks(terms.begin, terms.end - WEEK_SECONDS + 1)
    end = starts[-1] + WEEK_SECONDS
    hours = hours_of(inputs.prices, terms.begin, end)
    first = inputs.parameters.at(terms.begin)
    if calls is None or first is None:
        raise SimulationError("there is no record of V2's liquidations", allowed="lending/ below --data")
    fitted = np.array([start < terms.fit_until for start in starts])
    known = calls.times[(calls.times >= terms.begin) & (calls.times < end)]
    if len(known) < FEWEST_CALLS or min(fitted.sum(), (~fitted).sum()) < FEWEST_WEEKS:
        raise SimulationError(
            f"{len(known)} calls in {len(starts)} weeks",
            allowed=f"at least {FEWEST_CALLS}, and {FEWEST_WEEKS} weeks on either side",
        )
    if hours.missing > len(starts) * DAYS:
        raise SimulationError(f"{hours.missing} hours have no price", allowed="one in a day at most")
    changes = [(terms.begin, first.parameters)]
    changes += [change for change in inputs.parameters.changes if terms.begin < change[0] < end]
    sizes = fit_sizes(calls, before=terms.fit_until)
    column = np.array([[sizes.log_mean], [sizes.log_deviation], [sizes.repaid_share]])
    return _Stage(
        terms,
        under(hours, changes, terms.begin),
        np.tile(column, (1, len(starts))),
        int(first.parameters.liquidation_threshold_bps) / BPS_ONE,
        recorded_days(calls, begin=terms.begin, weeks_shown=len(starts)),
        fitted,
    )


def _levels(days: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return weekly volume and number on their logarithmic scales, shape (week, field)."""
    weekly = days.sum(axis=1) / np.array([USD_UNIT, 1.0])
    return np.asarray(np.log10(1 + weekly))


def _loss(simulated: NDArray[np.float64], recorded: NDArray[np.float64]) -> float:
    """Return the mean square of the differences of levels, summed over both fields."""
    return float(((_levels(simulated) - _levels(recorded)) ** 2).mean(axis=0).sum())


def _scale(stage: _Stage, days: NDArray[np.float64]) -> float:
    """Return how many borrowers one simulated stands for: the least loss in the fitted weeks."""
    simulated, recorded = days[stage.fitted], stage.recorded[stage.fitted]
    found = optimize.minimize_scalar(
        lambda log_scale: _loss(10**log_scale * simulated, recorded), bounds=(-5.0, 3.0), method="bounded"
    )
    return float(10**found.x)


def _assumptions(point: Sequence[float]) -> Assumptions:
    mean, log_deviation, logit = point
    return Assumptions(
        "fitted",
        LOWEST_EXCESS,
        float(mean),
        float(np.exp(log_deviation)),
        return_share=float(1 / (1 + np.exp(-np.clip(logit, -9, 9)))),
    )


def _fit(stage: _Stage) -> tuple[tuple[Assumptions, float], int]:
    """Return the assumptions of least loss in the fitted weeks, and how many were tried.

    Nelder and Mead 1965, from both ends of the sweep and from between; the scale is found inside.
    """
    only = replace(stage, timeline=_first_weeks(stage.timeline, int(stage.fitted.sum())))

    def loss(point: Sequence[float]) -> float:
        days = only.simulate(_assumptions(point))
        recorded = stage.recorded[stage.fitted]
        scale = _scale(replace(only, recorded=recorded, fitted=np.ones(len(days), dtype=np.bool_)), days)
        return _loss(scale * days, recorded)

    starts = ((-2.5, np.log(0.9), -1.1), (-1.0, np.log(0.7), 4.0), (-1.5, 0.0, 0.0))
    each = ceil(stage.terms.evaluations / len(starts))
    found = [
        optimize.minimize(loss, start, method="Nelder-Mead", options={"maxfev": each}) for start in starts
    ]
    best = _assumptions(min(found, key=lambda result: float(result.fun)).x)
    return (best, _scale(stage, stage.simulate(best))), sum(int(result.nfev) for result in found)


def _first_weeks(timeline: Timeline, count: int) -> Timeline:
    begins = timeline.week_begins[: count + 1]
    return Timeline(np.ascontiguousarray(timeline.hours[:, : begins[-1]]), begins)


def _judged(stage: _Stage, assumptions: Assumptions, scale: float) -> FittedBook:
    rows = resample(stage.terms.borrowers, stage.terms.books, seed=stage.terms.seed)
    days = scale * np.array([stage.simulate(assumptions, row) for row in rows])  # (book, week, day, field)
    mean = _levels(stage.recorded[stage.fitted]).mean(axis=0)
    inside, outside = (
        _figures(days[:, chosen], stage.recorded[chosen], mean=mean, seed=stage.terms.seed)
        for chosen in (stage.fitted, ~stage.fitted)
    )
    return FittedBook(assumptions, scale, inside, outside)


def _figures(
    days: NDArray[np.float64], recorded: NDArray[np.float64], *, mean: NDArray[np.float64], seed: int
) -> Figures:
    values = comparison(days[0], recorded)
    rng = np.random.default_rng([seed, 22])
    blocks = StationaryBootstrap(max(1, ceil(len(recorded) ** 0.5)), np.arange(len(recorded)), seed=rng)
    drawn = [
        comparison(days[rng.integers(len(days))][picked[0][0]], recorded[picked[0][0]])
        for picked in blocks.bootstrap(RESAMPLES)
    ]
    low, high = np.percentile(np.array(drawn), (2.5, 97.5), axis=0)
    volume, number, rank, same = (
        Estimate(*map(float, three)) for three in zip(values, low, high, strict=True)
    )
    return Figures(
        len(recorded),
        float(recorded[:, :, 0].sum()),
        int(recorded[:, :, 1].sum()),
        volume,
        number,
        rank,
        same,
        comparison(np.ones_like(recorded), recorded)[3],
        _loss(days[0], recorded),
        float(((_levels(recorded) - mean) ** 2).mean(axis=0).sum()),
    )


def comparison(days: NDArray[np.float64], recorded: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Return volume ratio, call ratio, rank correlation of weeks, share of volume on the same day.

    Args:
        days: Simulated USD and calls, shape (week, day, field).
        recorded: The same of the record.
    """
    ratios = days.sum(axis=(0, 1)) / np.maximum(recorded.sum(axis=(0, 1)), 1e-9)
    ranks = [stats.rankdata(volumes[:, :, 0].sum(axis=1)) for volumes in (days, recorded)]
    rank = 0.0 if min(np.ptp(ranks[0]), np.ptp(ranks[1])) == 0 else float(np.corrcoef(*ranks)[0, 1])
    shares = [volumes[:, :, 0] / max(volumes[:, :, 0].sum(), 1e-9) for volumes in (days, recorded)]
    return float(ratios[0]), float(ratios[1]), rank, float(np.minimum(*shares).sum())


def calibration_text(calibration: Calibration | None) -> list[str]:
    """Return the comparison in words and figures."""
    if calibration is None:
        return ["liquidations were not compared with recorded ones: there is no record for this span"]
    fitted = calibration.books[0]
    held = fitted.assumptions
    lines = [
        f"simulated liquidations fit those of Aave V2 {calibration.quality}, in months after the fit",
        f"  fitted: health log mean {held.health_log_mean:.2f} and spread {held.health_log_deviation:.2f}, "
        f"return share {held.return_share:.2f}, {fitted.borrowers_each:.3g} borrowers for each simulated; "
        f"{calibration.evaluations} evaluations, loss {fitted.inside.loss:.3f}",
        f"  {'book':<9}{'months':<9}{'weeks':>6}{'recorded':>14}{'simulated over recorded':>27}"
        f"{'calls over recorded':>25}{'rank correlation':>22}{'same day':>20}{'evenly':>8}"
        f"{'loss':>7}{'of mean':>9}",
    ]
    for book in calibration.books:
        for name, found in (("fitted", book.inside), ("after", book.outside)):
            lines.append(
                f"  {book.assumptions.name:<9}{name:<9}{found.weeks:>6}{found.recorded_usd / 1e6:>9.1f} M USD"
                f"{_shown(found.volume_ratio):>27}{_shown(found.call_ratio):>25}{_shown(found.rank):>22}"
                f"{_shown(found.same_day):>20}{found.same_day_evenly:>8.2f}{found.loss:>7.2f}"
                f"{found.loss_of_mean:>9.2f}"
            )
    return lines


def _shown(estimate: Estimate) -> str:
    return f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"
