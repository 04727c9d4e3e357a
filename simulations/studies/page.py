"""One HTML file that says what a study found; it opens offline and loads nothing.

Every plot is inline SVG with a sentence that says what to see and the table of its numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from simulations.statistics.tail import Estimate
from simulations.studies.figures import CandidateFigures
from simulations.studies.lending import LendingStudy, cascade_terms, market_book, path_prices

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FALLS = np.arange(0, 61, 5)
FAN_LEVELS = (1, 5, 25, 50, 75, 95, 99)
SHOWN_PATHS = 2_000
INK, WARN, CALM = "#1f4e79", "#b03a2e", "#1e8449"
HEAD: tuple[str, ...] = (
    "threshold",
    "LaR 95",
    "LaR 99",
    "VaR 95",
    "VaR 99",
    "ES 97.5",
    "P(bad debt)",
    "P(beyond reserves)",
)
HEAD += ("interest", "bonus paid", "against now")


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture, what to see in it, and its numbers."""

    title: str
    sentence: str
    svg: Markup
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def study_page(study: LendingStudy, figures: Sequence[CandidateFigures], *, run_id: str, result: str) -> str:
    """Return the whole report of a finished study."""
    environment = Environment(
        loader=PackageLoader("simulations.studies", "."), autoescape=True, undefined=StrictUndefined
    )
    hours = study.steps * study.step_seconds / 3600
    return environment.get_template("report.html.j2").render(
        title=f"{study.asset}: liquidation thresholds over {hours:g} hours",
        verdict=_verdict(study, figures),
        summary=f"{study.paths:,} price paths; {study.borrowers:,} borrowers owe {study.debt_usd:,} USD; "
        f"reserves of {study.reserves_usd:,.0f} USD; seed {study.seed}.",
        head=HEAD,
        rows=[_row(study, found) for found in figures],
        plots=[_shortfall_plot(study, figures), _ladder_plot(study), _fan_plot(study)],
        assumptions=_assumptions(study),
        run_id=run_id,
        result=result,
    )


def _verdict(study: LendingStudy, figures: Sequence[CandidateFigures]) -> str:
    now = f"{study.current_bps / 100:.2f} %"
    more = [found.threshold_bps for found in figures if found.verdict == "more bad debt"]
    less = [found.threshold_bps for found in figures if found.verdict == "less bad debt"]
    said = [f"Against {now}:"]
    if more:
        said.append(f"bad debt rises from {min(more) / 100:.2f} % on.")
    if less:
        said.append(f"Bad debt falls from {max(less) / 100:.2f} % down.")
    if not more and not less:
        said.append("no candidate's mean bad debt differs by more than the Monte Carlo error: no change.")
    return " ".join(said)


def _row(study: LendingStudy, found: CandidateFigures) -> dict[str, Any]:
    dollars = (found.lar_95, found.lar_99, found.var_95, found.var_99, found.es_975)
    cells = [_cell(figure, "{:,.0f}".format) for figure in dollars]
    cells += [_cell(figure, "{:.2%}".format) for figure in (found.any_bad_debt, found.beyond_reserves)]
    cells += [_cell(figure, "{:,.0f}".format) for figure in (found.interest, found.borrowers_loss)]
    is_current = found.threshold_bps == study.current_bps
    verdict = "now" if is_current else found.verdict
    name = f"{found.threshold_bps / 100:.2f} %"
    return {"name": name, "cells": cells, "verdict": verdict, "is_current": is_current}


def _cell(figure: Estimate, text: Callable[[float], str]) -> dict[str, str]:
    return {"value": text(figure.value), "interval": f"{text(figure.low)} to {text(figure.high)}"}


def _shortfall_plot(study: LendingStudy, figures: Sequence[CandidateFigures]) -> Plot:
    thresholds = np.array([found.threshold_bps / 100 for found in figures])
    values = np.array([found.es_975.value for found in figures])
    errors = np.array([[f.es_975.value - f.es_975.low, f.es_975.high - f.es_975.value] for f in figures]).T

    def draw(axes: Axes) -> None:
        axes.errorbar(thresholds, values / 1e6, yerr=errors / 1e6, color=INK, capsize=3)
        axes.axhline(study.reserves_usd / 1e6, color=WARN, linewidth=1, label="reserves")
        axes.axvline(study.current_bps / 100, color="0.5", linestyle=":", label="now")
        axes.set(xlabel="liquidation threshold, %", ylabel="ES 97.5 of bad debt, million USD")
        axes.legend()

    rows = [
        (f"{t:.2f} %", *(f"{x:,.0f}" for x in (f.es_975.value, f.es_975.low, f.es_975.high)))
        for t, f in zip(thresholds, figures, strict=True)
    ]
    sentence = (
        "The mean bad debt of the worst 2.5 % of paths, with its Monte Carlo interval, against the reserves."
    )
    return Plot("Tail of bad debt", sentence, _svg(draw), ("threshold", "ES 97.5", "low", "high"), rows)


def _ladder_plot(study: LendingStudy) -> Plot:
    book, terms = market_book(study), cascade_terms(study)
    trigger = book.debt[0] / (book.collateral[0] * study.current_bps / 10_000)
    prices = study.start_price * (1 - FALLS / 100)
    struck = np.array([book.debt[0][trigger > price].sum() for price in prices])
    bonus = study.bonus_bps / 10_000
    absorbed = terms.liquidity.depth / 1e18 * bonus / (1 + bonus)

    def draw(axes: Axes) -> None:
        axes.bar(FALLS, struck / 1e6, width=3.5, color=INK)
        axes.axhline(
            absorbed / 1e6, color=WARN, linewidth=1, label="sold at once before the bonus is eaten up"
        )
        axes.set(xlabel="price fall, %", ylabel="debt liquidatable, million USD")
        axes.legend()

    rows = [(f"{fall} %", f"{amount:,.0f}") for fall, amount in zip(FALLS, struck, strict=True)]
    sentence = (
        "How much debt a sudden fall makes liquidatable, and how much collateral the market takes at once."
    )
    return Plot("Debt within reach of a fall", sentence, _svg(draw), ("price fall", "debt, USD"), rows)


def _fan_plot(study: LendingStudy) -> Plot:
    prices = path_prices(study, first_path=0, paths=min(SHOWN_PATHS, study.paths))
    hours = np.arange(1, study.steps + 1) * study.step_seconds / 3600
    fan = np.percentile(prices, FAN_LEVELS, axis=0)

    def draw(axes: Axes) -> None:
        for low, high in ((0, 6), (1, 5), (2, 4)):
            axes.fill_between(hours, fan[low], fan[high], color=INK, alpha=0.2, linewidth=0)
        axes.plot(hours, fan[3], color=INK)
        axes.set(xlabel="hours", ylabel=f"{study.asset}, USD")

    shown = np.unique(np.linspace(0, study.steps - 1, min(12, study.steps)).astype(int))
    rows = [(f"{hours[i]:g}", *(f"{value:,.2f}" for value in fan[:, i])) for i in shown]
    sentence = "The middle 50, 90 and 98 % of the first paths, and their median."
    return Plot("Prices", sentence, _svg(draw), ("hour", *(f"{level} %" for level in FAN_LEVELS)), rows)


def _assumptions(study: LendingStudy) -> list[str]:
    return [
        "Prices follow GARCH(1,1) with Student-t shocks; no jumps, one asset.",
        f"The book is synthetic ({study.assumptions}): lognormal debts, health and utilisation assumed.",
        "Borrowers do nothing. Liquidators act at every step and stop when slippage has eaten the bonus.",
        "The oracle says the path's price at once; gas costs nothing.",
        "Intervals are Monte Carlo error only: a wrong model is not in them.",
    ]


def _svg(draw: Callable[[Axes], None]) -> Markup:
    """Return a picture as inline SVG, the same bytes for the same numbers."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": "tribunate", "svg.fonttype": "none", "font.size": 10}):
        figure = Figure(figsize=(8.0, 3.6), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.subplots()
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes)
        buffer = StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return Markup(text[text.index("<svg") :])
