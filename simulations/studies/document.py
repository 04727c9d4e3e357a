"""One HTML file that opens offline and loads nothing: what all pages have in common.

The verdict first, then one table, then sections: a sentence that says what to see, a picture as inline SVG,
and the table of its numbers; at the end what all of it rests on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from simulations.statistics.tail import Estimate
from simulations.studies.svg import Section
from simulations.studies.verdict import Verdict

FIGURE = re.compile(r"[+\-−]?\d[\d,.]*( %| (to|/) [+\-−]?\d[\d,.]*)*")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the first table; the current state of things is set off."""

    name: str
    detail: str = ""
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure and its interval, both as text."""

    value: str
    interval: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """A row of the first table: plain words, the field's term, and a cell for each column."""

    name: str
    detail: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """The first table."""

    title: str
    sentence: str
    columns: Sequence[Column]
    rows: Sequence[Measure]
    note: str


@dataclass(frozen=True, slots=True)
class Document:
    """Everything on a page; ``origin`` says at its foot where it comes from."""

    title: str
    verdict: Verdict
    summary: str
    overview: Overview
    sections: Sequence[Section]
    assumptions: Sequence[str]
    origin: str


def html_of(document: Document) -> str:
    """Return the file's text."""
    environment = Environment(
        loader=PackageLoader("simulations.studies", "."), autoescape=True, undefined=StrictUndefined
    )
    environment.tests["figure"] = is_figure
    return environment.get_template("report.html.j2").render(
        title=document.title,
        verdict=document.verdict,
        summary=document.summary,
        table=document.overview,
        sections=document.sections,
        assumptions=document.assumptions,
        origin=document.origin,
    )


def is_figure(text: str) -> bool:
    """Return whether a cell is a number, which stands to the right and is not broken.

    >>> is_figure("-1,234.5"), is_figure("12 to 15 %"), is_figure("74.50 %"), is_figure("0 (no change)")
    (True, True, True, False)
    """
    return FIGURE.fullmatch(text) is not None


def cell_of(found: Estimate, text: Callable[[float], str]) -> Cell:
    """Return an estimate as a cell; a unit that both ends have is written once."""
    low, high = text(found.low), text(found.high).replace(" %", "\N{NO-BREAK SPACE}%")
    return Cell(text(found.value), f"{low.removesuffix(' %')} to {high}")
