"""The pictures of a study: what each candidate risks, what prices do, what hangs on what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from simulations.candidates.frontier import frontier
from simulations.candidates.objective import Outcome
from simulations.statistics.tail import Estimate
from simulations.studies.attribution import AccountShare, Amplification, Episode
from simulations.studies.figures import CandidateFigures, vector_text
from simulations.studies.lending import LendingStudy, cascade_terms, market_book, scene_paths
from simulations.studies.model_error import SceneFigures
from simulations.studies.scenes import Swing
from simulations.studies.svg import CALM, GREY, INK, MILLION, WARN, Section, percent, svg, usd, whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FALLS = np.arange(0, 61, 5)
FAN_LEVELS = (1, 5, 25, 50, 75, 95, 99)
SHOWN_PATHS = 2_000


def shortfall_section(study: LendingStudy, figures: Sequence[CandidateFigures]) -> Section:
    """Return ES 97.5 of bad debt of every candidate against the reserves."""
    places = np.arange(len(figures))
    values = np.array([found.es_975.value for found in figures]) / MILLION
    errors = np.array([_arms(found.es_975) for found in figures]).T / MILLION

    def draw(axes: Axes) -> None:
        axes.errorbar(places, values, yerr=errors, fmt="o", color=INK, capsize=3)
        axes.axhline(study.reserves_usd / MILLION, color=WARN, linewidth=1, label="reserves")
        axes.set_xticks(places, [found.name for found in figures], rotation=20, ha="right")
        axes.set_ylim(bottom=0)
        axes.set(ylabel="ES 97.5 of bad debt, million USD")
        axes.legend()

    now = figures[0].es_975
    sentence = (
        f"On the worst 2.5 % of paths the market as it stands loses {usd(now.value)} USD on average "
        f"({usd(now.low)} to {usd(now.high)} by Monte Carlo error); reserves are {usd(study.reserves_usd)}."
    )
    rows = [
        (one.name, vector_text(one.parameters), *_three(one.es_975)) for one in figures
    ]
    head = ("candidate", "LTV / threshold / bonus", "ES 97.5, USD", "low", "high")
    return Section("Bad debt when things go badly", sentence, svg(draw), head, rows)


def ladder_section(study: LendingStudy) -> Section:
    """Return the debt liquidatable at each fall of the price, with what the market takes at once."""
    book, terms = market_book(study, study.base), cascade_terms(study, study.base)
    trigger = book.debt[0] / (book.collateral[0] * int(study.current.liquidation_threshold_bps) / 10_000)
    struck = np.array([book.debt[0][trigger > study.start_price * (1 - f / 100)].sum() for f in FALLS])
    bonus = int(study.current.liquidation_bonus_bps) / 10_000
    absorbed = terms.liquidity.depth / 1e18 * bonus / (1 + bonus)
    passed = next((int(fall) for fall, debt in zip(FALLS, struck, strict=True) if debt > absorbed), None)

    def draw(axes: Axes) -> None:
        axes.bar(FALLS, struck / MILLION, width=3.5, color=INK)
        axes.axhline(absorbed / MILLION, color=WARN, linewidth=1, label="sold at once before the bonus is gone")
        axes.set(xlabel="price fall, %", ylabel="debt liquidatable, million USD")
        axes.legend()

    reach = (
        f"A sudden fall of {passed} % makes more debt liquidatable than liquidators can sell at once with a "
        f"profit ({usd(absorbed)} USD): the rest waits, and may become bad debt."
        if passed is not None
        else f"No fall up to 60 % makes more debt liquidatable than liquidators can sell at once "
        f"({usd(absorbed)} USD)."
    )
    rows = [(f"{fall} %", whole(amount)) for fall, amount in zip(FALLS, struck, strict=True)]
    return Section("Debt within reach of a fall", reach, svg(draw), ("price fall", "debt, USD"), rows)


def fan_section(study: LendingStudy, episodes: Sequence[Episode]) -> Section:
    """Return the spread of prices, with the worst path of the study among the first."""
    paths = min(SHOWN_PATHS, study.paths)
    prices, _ = scene_paths(study, study.base, first_path=0, paths=paths)
    plain = prices[::2] if study.is_tilted(study.base) else prices
    hours = np.arange(1, study.steps + 1) * study.step_seconds / 3600
    fan = np.percentile(plain, FAN_LEVELS, axis=0)
    worst = [one for one in episodes if one.path < paths][:3]

    def draw(axes: Axes) -> None:
        for low, high in ((0, 6), (1, 5), (2, 4)):
            axes.fill_between(hours, fan[low], fan[high], color=INK, alpha=0.2, linewidth=0)
        axes.plot(hours, fan[3], color=INK, label="median")
        for place, one in enumerate(worst):
            axes.plot(hours, prices[one.path], color=WARN, linewidth=1, label=None if place else "worst paths")
        axes.set(xlabel="hours", ylabel=f"{study.asset}, USD")
        axes.legend()

    shown = np.unique(np.linspace(0, study.steps - 1, min(12, study.steps)).astype(int))
    rows = [(f"{hours[i]:g}", *(f"{value:,.2f}" for value in fan[:, i])) for i in shown]
    fall = 1 - fan[0, -1] / study.start_price
    sentence = (
        f"One path in a hundred ends {percent(fall)} lower or worse. Bands hold 50, 90 and 98 % of paths."
    )
    head = ("hour", *(f"{level} %" for level in FAN_LEVELS))
    return Section("Where the price may go", sentence, svg(draw), head, rows)


def frontier_section(figures: Sequence[CandidateFigures], cloud: Sequence[Outcome] = ()) -> Section:
    """Return revenue against shortfall: candidates with intervals, and what else was tried as dots."""
    outcomes = [
        Outcome(f.revenue.value, f.borrowing_power, f.es_975.value, f.harm.value) for f in figures
    ]
    best = set(frontier(outcomes))

    def draw(axes: Axes) -> None:
        if cloud:
            axes.scatter(
                [one.shortfall / MILLION for one in cloud], [one.revenue for one in cloud], s=6, color="0.8",
                label="tried in the search",
            )
        for place, found in enumerate(figures):
            colour = WARN if place == 0 else CALM if place in best else GREY
            axes.errorbar(
                found.es_975.value / MILLION, found.revenue.value,
                xerr=np.array([_arms(found.es_975)]).T / MILLION, yerr=np.array([_arms(found.revenue)]).T,
                fmt="o", color=colour, capsize=2, linewidth=0.8,
            )
            axes.annotate(found.name, (found.es_975.value / MILLION, found.revenue.value),
                          xytext=(4, 4), textcoords="offset points", fontsize=8)
        axes.set(xlabel="ES 97.5 of bad debt, million USD (left is safer)", ylabel="revenue, USD (up is more)")
        if cloud:
            axes.legend()

    rows = [
        (found.name, vector_text(found.parameters), "yes" if place in best else "no",
         *_three(found.revenue), whole(found.borrowing_power), *_three(found.es_975), *_three(found.harm))
        for place, found in enumerate(figures)
    ]
    head = ("candidate", "LTV / threshold / bonus", "efficient", "revenue", "low", "high", "borrowing power",
            "ES 97.5", "low", "high", "borrowers' harm", "low", "high")
    names = ", ".join(figures[place].name for place in sorted(best))
    sentence = (
        f"Efficient: {names}. For these no other is at least as good in all four of revenue, borrowing power, "
        "shortfall and harm to borrowers; where intervals overlap the order may be chance."
    )
    return Section("What is given up for what", sentence, svg(draw, height=4.4), head, rows)


def tornado_section(
    base: CandidateFigures, bars: Sequence[Swing], scenes: Sequence[SceneFigures]
) -> Section:
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
        (label, whole(low.lar_95.value), whole(high.lar_95.value),
         whole(low.es_975.value), whole(high.es_975.value),
         f"{whole(min(low.es_975.low, high.es_975.low))} to {whole(max(low.es_975.high, high.es_975.high))}")
        for label, low, high in reversed(ends)
    ]
    head = ("assumption, first / second", "LaR 95 first", "second", "ES 97.5 first", "second",
            "Monte Carlo, both")
    sentence = f"The largest lever on what is liquidated: {ends[-1][0]}. One assumption is moved at a time."
    return Section("What the result hangs on", sentence, svg(draw, height=4.2), head, rows)


def convergence_section(points: Sequence[tuple[int, Estimate]]) -> Section:
    """Return ES 97.5 with its interval for growing numbers of paths."""
    counts = np.array([count for count, _ in points])
    values = np.array([found.value for _, found in points]) / MILLION
    ends = np.array([(found.low, found.high) for _, found in points]) / MILLION

    def draw(axes: Axes) -> None:
        axes.fill_between(counts, ends[:, 0], ends[:, 1], color=INK, alpha=0.2, linewidth=0)
        axes.plot(counts, values, color=INK, marker="o", markersize=3)
        axes.set_xscale("log")
        axes.set(xlabel="paths", ylabel="ES 97.5 of bad debt, million USD")
        axes.set_ylim(0, max(1e-9, 1.6 * float(ends[-1, 1])))

    last = points[-1][1]
    width = (last.high - last.low) / 2 / last.value if last.value else 0.0
    sentence = (
        f"With all {counts[-1]:,} paths the interval is {percent(width)} of the figure on either side."
        if last.value
        else f"None of the {counts[-1]:,} paths leaves bad debt: of its size these paths say nothing."
    )
    rows = [(f"{count:,}", *_three(found)) for count, found in points]
    return Section("Are there enough paths?", sentence, svg(draw), ("paths", "ES 97.5", "low", "high"), rows)


def amplification_section(found: Amplification) -> Section:
    """Return what selling into a falling market adds, path by path."""
    extra = found.sold_difference.value / found.sold_without.value if found.sold_without.value else 0.0
    sentence = (
        f"Sales push the price down and cause further liquidations: {percent(extra)} more is sold than if sales "
        "moved no price, on the same paths. Liquidators also stop when slippage has eaten the bonus, which "
        "works the other way."
    )
    rows = [
        ("collateral sold, with impact", *_three(found.sold_with)),
        ("collateral sold, without", *_three(found.sold_without)),
        ("difference, path by path", *_three(found.sold_difference)),
        ("bad debt, difference", *_three(found.bad_debt_difference)),
    ]
    return Section("How much the cascade adds", sentence, None, ("USD a path", "mean", "low", "high"), rows)


def accounts_section(accounts: Sequence[AccountShare]) -> Section:
    """Return the largest accounts' leave-one-out contributions to ES 97.5."""
    shown = list(reversed(accounts))
    values = np.array([one.contribution.value for one in shown]) / 1e3

    def draw(axes: Axes) -> None:
        axes.barh(range(len(shown)), values, color=INK)
        axes.set_yticks(range(len(shown)), [one.account for one in shown], fontsize=7)
        axes.set(xlabel="ES 97.5 of bad debt that goes away without the account, thousand USD")

    top = max(accounts, key=lambda one: one.contribution.value)
    rows = [
        (one.account, whole(one.debt_usd), f"{one.health:.3f}", *_three(one.contribution)) for one in accounts
    ]
    head = ("account", "debt, USD", "health factor", "contribution, USD", "low", "high")
    sentence = (
        f"The {len(accounts)} largest debts, each left out in turn; {top.account} matters most. Leave-one-out "
        "contributions do not add up to the whole. Below zero: without it others would fare worse."
    )
    return Section("Largest accounts", sentence, svg(draw, height=4.4), head, rows)


def episodes_section(episodes: Sequence[Episode]) -> Section:
    """Return the worst paths under the current parameters."""
    rows = [
        (str(one.path), percent(one.fall), percent(one.last_fall), f"{one.liquidations:,}",
         whole(one.sold_usd), whole(one.bad_debt_usd), f"{one.weight:.3f}")
        for one in episodes
    ]
    worst = episodes[0]
    sentence = (
        f"On the worst path the price falls by {percent(worst.fall)}, {usd(worst.sold_usd)} USD of collateral "
        f"is sold, and {usd(worst.bad_debt_usd)} USD of bad debt is left."
    )
    head = ("path", "deepest fall", "fall at the end", "liquidations", "sold, USD", "bad debt, USD", "weight")
    return Section("The worst paths", sentence, None, head, rows)


def _arms(found: Estimate) -> tuple[float, float]:
    return max(0.0, found.value - found.low), max(0.0, found.high - found.value)


def _three(found: Estimate) -> tuple[str, str, str]:
    return whole(found.value), whole(found.low), whole(found.high)
