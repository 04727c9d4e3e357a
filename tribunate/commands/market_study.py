"""What ``simulate`` and ``search`` share: the market asked about, its candidates, its path models."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import ConfigError
from core.market import Parameters, Scalar, parameters_from, with_scalar
from core.units import PRICE_ONE, Bps
from tribunate.commands.runs import EngineName

if TYPE_CHECKING:
    from core.market import PriceHistory
    from simulations.studies.price_terms import PriceTerms, Unavailable

DECLARED_PRICE = 2_000.0
HISTORY_SECONDS = 180 * 24 * 3600
MARGIN_BPS = Bps(5_00)
BONUS_BPS = Bps(5_00)
HIGHEST_BPS = 95_00
DEBT_USD = 100_000_000
CAP_OVER_DEBT = 1.2
CAP_OVER_SUPPLY = 1.5


class Tail(StrEnum):
    """How the far tail is drawn."""

    PLAIN = "plain"
    IMPORTANCE = "importance"


CandidateOption = Annotated[
    list[str] | None,
    typer.Option(help="A proposal or rival: NAME=THRESHOLD or NAME=LTV/THRESHOLD/BONUS."),
]
PlotlyOption = Annotated[
    Path | None, typer.Option(help="Write the pictures to turn and zoom; needs the extra plotly.")
]
TailOption = Annotated[Tail, typer.Option(help="plain, or importance: half the paths drawn further down.")]
NowOption = Annotated[int, typer.Option("--now", help="The threshold as it stands, basis points.")]
HoursOption = Annotated[int, typer.Option(help="Horizon.", min=1)]
AssumptionsOption = Annotated[str, typer.Option(help="The book: fragile or sturdy.")]
DataOption = Annotated[Path | None, typer.Option(help="Folder with prices: fit volatility there.")]
AssetOption = Annotated[str, typer.Option(help="ETH, BTC or LINK.")]
KeptRunsOption = Annotated[Path, typer.Option("--runs", help="Where runs are kept; a stopped one goes on.")]
EngineOption = Annotated[EngineName, typer.Option(help="Where chunks are computed.")]
WorkersOption = Annotated[int | None, typer.Option(help="Processes; all cores if left out.")]
HtmlOption = Annotated[Path | None, typer.Option(help="Write the report: one file that opens offline.")]


def standing(threshold_bps: int, *, price: float) -> Parameters:
    """Return the market as it stands: margin and bonus of 5 %, caps with assumed room; whole units.

    Raises:
        ConfigError: the threshold leaves no room for margin or bonus.
    """
    if not MARGIN_BPS < threshold_bps < HIGHEST_BPS:
        raise ConfigError(
            f"now was {threshold_bps}",
            allowed=f"above {int(MARGIN_BPS)}, below {HIGHEST_BPS} basis points (margin and bonus of 5 %)",
        )
    supplied = DEBT_USD / (threshold_bps / 10_000) / price
    return Parameters(
        ltv_bps=Bps(threshold_bps - MARGIN_BPS),
        liquidation_threshold_bps=Bps(threshold_bps),
        liquidation_bonus_bps=BONUS_BPS,
        supply_cap=int(supplied * CAP_OVER_SUPPLY),
        borrow_cap=int(DEBT_USD * CAP_OVER_DEBT),
    )


def at_threshold(current: Parameters, threshold_bps: int) -> Parameters:
    """Return the vector that follows from moving the threshold alone."""
    return with_scalar(current, Scalar.LIQUIDATION_THRESHOLD, threshold_bps, margin_bps=MARGIN_BPS)


def named_vector(text: str, current: Parameters) -> tuple[str, Parameters]:
    """Return what ``NAME=THRESHOLD`` or ``NAME=LTV/THRESHOLD/BONUS`` says, basis points.

    Raises:
        ConfigError: it is neither.
    """
    name, _, values = text.partition("=")
    parts = values.split("/")
    if not name or len(parts) not in (1, 3) or not all(part.strip().isdigit() for part in parts):
        raise ConfigError(
            f"{text!r} names no parameters",
            allowed="NAME=THRESHOLD or NAME=LTV/THRESHOLD/BONUS, basis points",
            hint="for instance closed-form=7525",
        )
    numbers = [int(part) for part in parts]
    if len(numbers) == 1:
        return name, at_threshold(current, numbers[0])
    fields = ("ltv_bps", "liquidation_threshold_bps", "liquidation_bonus_bps")
    return name, parameters_from({**current.as_dict(), **dict(zip(fields, numbers, strict=True))})


def prices_of(
    data: Path | None, asset: str
) -> tuple[float, tuple[PriceTerms, ...], tuple[Unavailable, ...], PriceHistory | None]:
    """Return the last price, path models fitted on the 180 days before it (or declared), and the history."""
    from simulations.studies.price_terms import declared_terms, fitted_set

    if data is None:
        return DECLARED_PRICE, declared_terms(), (), None
    from models.data.archive import load_history

    history = load_history(data, asset, source="exchange")
    recent = history.times >= int(history.times[-1]) - HISTORY_SECONDS
    known = replace(history, times=history.times[recent], closes_e8=history.closes_e8[recent])
    found, missing = fitted_set(known)
    return float(history.closes_e8[-1]) / PRICE_ONE, found, missing, history
