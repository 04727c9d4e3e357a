"""Pictures as inline SVG, the same bytes for the same numbers, each with a sentence and its table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

from markupsafe import Markup

from simulations.statistics.tail import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, WARN, CALM, GREY = "#1f4e79", "#b03a2e", "#1e8449", "#7f7f7f"
MILLION = 1e6


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, what to see in it, a picture or none, and its numbers."""

    title: str
    sentence: str
    svg: Markup | None
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def svg(draw: Callable[[Axes], None], *, height: float = 3.6) -> Markup:
    """Return what ``draw`` draws on one pair of axes, ``height`` in inches."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.ticker import ScalarFormatter, StrMethodFormatter

    with rc_context({"svg.hashsalt": "tribunate", "svg.fonttype": "none", "font.size": 10}):
        figure = Figure(figsize=(8.0, height), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.subplots()
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes)
        for axis in (axes.xaxis, axes.yaxis):
            if isinstance(axis.get_major_formatter(), ScalarFormatter) and axis.get_scale() == "linear":
                axis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
        buffer = StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return Markup(text[text.index("<svg") :])


def legend_above(axes: Axes) -> None:
    """Put the legend over the picture, where nothing is drawn."""
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, frameon=False, borderaxespad=0.2)


def usd(amount: float) -> str:
    """Return an amount as people say it.

    >>> usd(1_234_567.0), usd(45_600.0), usd(-12.0)
    ('1.23 million', '45.6 thousand', '-12')
    """
    if abs(amount) >= MILLION:
        return f"{amount / MILLION:,.2f} million"
    if abs(amount) >= 10_000:
        return f"{amount / 1_000:,.1f} thousand"
    return f"{amount:,.0f}"


def scale_of(values: Sequence[float]) -> tuple[float, str]:
    """Return what to divide amounts in USD by so that they read well, and the unit's name.

    >>> scale_of([12.0, 56_000.0]), scale_of([2e6])
    ((1000.0, 'thousand USD'), (1000000.0, 'million USD'))
    """
    largest = max((abs(value) for value in values), default=0.0)
    if largest >= MILLION:
        return MILLION, "million USD"
    return (1e3, "thousand USD") if largest >= 10_000 else (1.0, "USD")


def whole(amount: float) -> str:
    """Return a number with separators and no decimals.

    >>> whole(-0.2), whole(1234.5)
    ('0', '1,234')
    """
    return f"{amount:,.0f}" if abs(amount) >= 0.5 else "0"


def percent(share: float) -> str:
    """Return a share in percent, with as many digits as a small one needs.

    >>> percent(0.1234), percent(0.00034)
    ('12.34 %', '0.034 %')
    """
    return f"{share:.2%}".replace("%", " %") if abs(share) >= 0.001 or share == 0 else f"{share * 100:.2g} %"


def three(found: Estimate) -> tuple[str, str, str]:
    """Return an estimate and the ends of its interval, for a table."""
    return whole(found.value), whole(found.low), whole(found.high)
