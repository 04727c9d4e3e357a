"""The pictures that compare: what each candidate risks and earns, what hangs on what, how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from simulations.candidates.frontier import frontier
from simulations.candidates.objective import Outcome
from simulations.statistics.tail import Estimate
from simulations.studies.figures import CandidateFigures, vector_text
from simulations.studies.lending import LendingStudy
from simulations.studies.model_error import SceneFigures
from simulations.studies.scenes import Swing
from simulations.studies.svg import (
    CALM,
    GREY,
    INK,
    MILLION,
    WARN,
    Section,
    legend_above,
    percent,
    scale_of,
    svg,
    three,
    usd,
    whole,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REACH = 4.0
"""Reserves are drawn while they are no more than this times the largest figure: else they flatten it."""


def shortfall_section(study: LendingStudy, figures: Sequence[CandidateFigures]) -> Section:
    """Return ES 97.5 of bad debt of every candidate against the reserves."""
    places = np.arange(len(figures))
    unit, name = scale_of([found.es_975.high for found in figures])
    values = np.array([found.es_975.value for found in figures]) / unit
    errors = np.array([_arms(found.es_975) for found in figures]).T / unit
    reserves_fit = study.reserves_usd < REACH * max(found.es_975.high for found in figures)

    def draw(axes: Axes) -> None:
        axes.errorbar(places, values, yerr=errors, fmt="o", color=INK, capsize=3)
        if reserves_fit:
            axes.axhline(study.reserves_usd / unit, color=WARN, linewidth=1, label="reserves")
            legend_above(axes)
        axes.set_xticks(places, [found.name for found in figures], rotation=20, ha="right")
        axes.set_ylim(bottom=0)
        axes.set(ylabel=f"ES 97.5 of bad debt, {name}")

    now = figures[0].es_975
    sentence = (
        f"On the worst 2.5 % of paths the market as it stands loses {usd(now.value)} USD on average "
        f"({usd(now.low)} to {usd(now.high)} by Monte Carlo error); reserves are {usd(study.reserves_usd)}"
        f"{'' if reserves_fit else ', above the picture'}."
        if now.value > 0
        else "As the market stands no path leaves bad debt: how large it could be, these paths do not say."
    )
    rows = [(one.name, vector_text(one.parameters), *three(one.es_975)) for one in figures]
    head = ("candidate", "LTV / threshold / bonus", "ES 97.5, USD", "low", "high")
    return Section("Bad debt when things go badly", sentence, svg(draw), head, rows)


def frontier_section(figures: Sequence[CandidateFigures], cloud: Sequence[Outcome] = ()) -> Section:
    """Return revenue against shortfall: candidates with intervals, and what else was tried as dots."""
    outcomes = [Outcome(f.revenue.value, f.borrowing_power, f.es_975.value, f.harm.value) for f in figures]
    best = set(frontier(outcomes))
    unit, unit_name = scale_of([found.es_975.high for found in figures])
    by_revenue = np.argsort(np.argsort([found.revenue.value for found in figures]))
    offsets = [(4, 4) if rank % 2 else (4, -11) for rank in by_revenue]

    def draw(axes: Axes) -> None:
        if cloud:
            tried = [one.shortfall / unit for one in cloud], [one.revenue for one in cloud]
            axes.scatter(*tried, s=6, color="0.8", label="tried in the search, on its own paths")
            legend_above(axes)
        for place, found in enumerate(figures):
            colour = WARN if place == 0 else CALM if place in best else GREY
            here = found.es_975.value / unit, found.revenue.value
            across, up = np.array([_arms(found.es_975)]).T / unit, np.array([_arms(found.revenue)]).T
            axes.errorbar(*here, xerr=across, yerr=up, fmt="o", color=colour, capsize=2, linewidth=0.8)
            axes.annotate(found.name, here, xytext=offsets[place], textcoords="offset points", fontsize=9)
        axes.set(
            xlabel=f"ES 97.5 of bad debt, {unit_name} (left is safer)", ylabel="revenue, USD (up is more)"
        )

    rows = [
        (
            found.name,
            vector_text(found.parameters),
            "yes" if place in best else "no",
            *three(found.revenue),
            whole(found.borrowing_power),
            *three(found.es_975),
            *three(found.harm),
        )
        for place, found in enumerate(figures)
    ]
    head = (
        "candidate",
        "LTV / threshold / bonus",
        "efficient",
        "revenue",
        "low",
        "high",
        "borrowing power",
        "ES 97.5",
        "low",
        "high",
        "borrowers' harm",
        "low",
        "high",
    )
    names = ", ".join(figures[place].name for place in sorted(best))
    sentence = (
        f"Efficient: {names}. For these no other is at least as good in all four of revenue, borrowing "
        "power, shortfall and harm to borrowers; where intervals overlap the order may be chance."
    )
    return Section("What is given up for what", sentence, svg(draw, height=4.4), head, rows)


def tornado_section(base: CandidateFigures, bars: Sequence[Swing], scenes: Sequence[SceneFigures]) -> Section:
    """Return how far each assumption moves LaR 95 and ES 97.5 of the market as it stands."""
    by_name = {one.scene.name: one.figures[0] for one in scenes}
    ends = [(bar.label, by_name[bar.low.name], by_name[bar.high.name]) for bar in bars]
    ends.sort(key=lambda row: abs(row[2].lar_95.value - row[1].lar_95.value))

    def draw(axes: Axes) -> None:
        for place, (_, low, high) in enumerate(ends):
            left, right = low.lar_95.value / MILLION, high.lar_95.value / MILLION
            axes.barh(place, right - left, left=left, color=INK if right >= left else WARN, height=0.6)
        axes.axvline(base.lar_95.value / MILLION, color="0.3", linewidth=1)
        axes.set_yticks(range(len(ends)), [label for label, _, _ in ends])
        axes.set(xlabel="LaR 95, million USD")

    rows = [
        (
            label,
            whole(low.lar_95.value),
            whole(high.lar_95.value),
            whole(low.es_975.value),
            whole(high.es_975.value),
            f"{whole(min(low.es_975.low, high.es_975.low))} to "
            f"{whole(max(low.es_975.high, high.es_975.high))}",
        )
        for label, low, high in reversed(ends)
    ]
    head = (
        "assumption, first / second",
        "LaR 95 first",
        "second",
        "ES 97.5 first",
        "second",
        "Monte Carlo, both",
    )
    sentence = f"The largest lever on what is liquidated: {ends[-1][0]}. One assumption is moved at a time."
    return Section("What the result hangs on", sentence, svg(draw, height=4.2), head, rows)


def convergence_section(points: Sequence[tuple[int, Estimate]]) -> Section:
    """Return ES 97.5 with its interval for growing numbers of paths."""
    counts = np.array([count for count, _ in points])
    unit, name = scale_of([points[-1][1].high])
    values = np.array([found.value for _, found in points]) / unit
    ends = np.array([(found.low, found.high) for _, found in points]) / unit

    def draw(axes: Axes) -> None:
        axes.fill_between(counts, ends[:, 0], ends[:, 1], color=INK, alpha=0.2, linewidth=0)
        axes.plot(counts, values, color=INK, marker="o", markersize=3)
        axes.set_xscale("log")
        marked = counts[::-3]
        axes.set_xticks(marked, [f"{count:,}" for count in marked])
        axes.minorticks_off()
        axes.set(xlabel="paths", ylabel=f"ES 97.5 of bad debt, {name}")
        axes.set_ylim(0, max(1e-9, 1.6 * float(ends[-1, 1])))

    last = points[-1][1]
    width = (last.high - last.low) / 2 / last.value if last.value else 0.0
    sentence = (
        f"With all {counts[-1]:,} paths the interval is {percent(width)} of the figure on either side."
        if last.value
        else f"None of the {counts[-1]:,} paths leaves bad debt: of its size these paths say nothing."
    )
    rows = [(f"{count:,}", *three(found)) for count, found in points]
    return Section("Are there enough paths?", sentence, svg(draw), ("paths", "ES 97.5", "low", "high"), rows)


def _arms(found: Estimate) -> tuple[float, float]:
    return max(0.0, found.value - found.low), max(0.0, found.high - found.value)
