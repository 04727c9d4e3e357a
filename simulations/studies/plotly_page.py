"""The frontier and the candidates as an interactive page; needs the extra ``plotly``.

The figure is described here in Plotly's own JSON; the library only turns it into one file that opens offline.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

from core.errors import ConfigError
from simulations.candidates.objective import Outcome
from simulations.statistics.tail import Estimate
from simulations.studies.figures import CandidateFigures, vector_text

Load = Callable[[str], Any]


def require_plotly(load: Load = importlib.import_module) -> Any:
    """Return Plotly's writer of files.

    Raises:
        ConfigError: Plotly is not installed.
    """
    try:
        return load("plotly.io")
    except ImportError as problem:
        raise ConfigError("Plotly is not installed", hint="pip install 'tribunate[plotly]'") from problem


def plotly_page(
    figures: Sequence[CandidateFigures],
    cloud: Sequence[Outcome] = (),
    *,
    load: Load = importlib.import_module,
) -> str:
    """Return one HTML file with revenue against shortfall, and the library in it.

    Raises:
        ConfigError: Plotly is not installed.
    """
    writer = require_plotly(load)
    page: str = writer.to_html(frontier_figure(figures, cloud), include_plotlyjs=True, full_html=True)
    return page


def frontier_figure(figures: Sequence[CandidateFigures], cloud: Sequence[Outcome] = ()) -> dict[str, Any]:
    """Return the frontier as Plotly's JSON: shortfall to the right, revenue upwards, both in USD."""
    tried = {
        "type": "scatter",
        "mode": "markers",
        "name": "tried in the search",
        "marker": {"color": "lightgrey", "size": 5},
        "x": [one.shortfall for one in cloud],
        "y": [one.revenue for one in cloud],
    }
    shown = {
        "type": "scatter",
        "mode": "markers+text",
        "name": "candidates",
        "textposition": "top center",
        "text": [found.name for found in figures],
        "hovertext": [f"{vector_text(found.parameters)}: {found.verdict}" for found in figures],
        "x": [found.es_975.value for found in figures],
        "y": [found.revenue.value for found in figures],
        "error_x": _bars([found.es_975 for found in figures]),
        "error_y": _bars([found.revenue for found in figures]),
    }
    layout = {
        "title": {"text": "Revenue against the shortfall of bad debt"},
        "xaxis": {"title": {"text": "ES 97.5 of bad debt, USD"}},
        "yaxis": {"title": {"text": "revenue, USD"}},
    }
    return {"data": [tried, shown] if cloud else [shown], "layout": layout}


def _bars(found: Sequence[Estimate]) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [one.high - one.value for one in found],
        "arrayminus": [one.value - one.low for one in found],
    }
