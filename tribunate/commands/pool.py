"""``tribunate pool``: a market of several assets, with every mechanic, along correlated paths."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tribunate.commands.runs import FormatName

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from simulations.pool.face import PoolOutcome
    from simulations.pool.figures import Contribution, PoolFigures
    from simulations.pool.sample import PoolMarket
    from simulations.pool.sweep import Sweep


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("pool", epilog="Example: tribunate pool --accounts-drawn 2000 --paths 500 --hours 168")(pool)


def pool(
    market: Annotated[
        Path | None, typer.Option(help="TOML file: assets, liquidators, borrowers; else the sample.")
    ] = None,
    accounts: Annotated[Path | None, typer.Option(help="CSV file of accounts, with --market.")] = None,
    accounts_drawn: Annotated[int, typer.Option(help="Accounts of the sample market.", min=1)] = 2_000,
    paths: Annotated[int, typer.Option(help="Price paths.", min=2)] = 500,
    hours: Annotated[int, typer.Option(help="Horizon.", min=1)] = 168,
    seed: Annotated[int, typer.Option(help="Drives accounts and paths.", min=0)] = 1,
    mechanics: Annotated[
        bool, typer.Option(help="Say what each mechanic adds: one more run for each.")
    ] = True,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Put behaviour that no source measures to both ends.")
    ] = False,
    threshold_up: Annotated[
        int, typer.Option(help="With --sweep: thresholds and LTVs rise so far, basis points.", min=0)
    ] = 0,
    html: Annotated[Path | None, typer.Option(help="Write the report: one file that opens offline.")] = None,
    export: Annotated[
        Path | None, typer.Option(help="Write rows by path: FILE.csv, FILE.parquet or FILE.arrow.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Simulate a pool of several assets; print tail figures, routes, and what each mechanic adds."""
    from core.errors import ConfigError
    from simulations.paths.draw import draw
    from simulations.pool.face import run_pool
    from simulations.pool.figures import contributions, pool_figures, pool_record, pool_text
    from simulations.pool.sample import sample_market
    from simulations.pool.sweep import sweep_of, sweep_record, sweep_text
    from tribunate.pool_file import read_market

    if threshold_up and not sweep:
        raise ConfigError("--threshold-up needs --sweep", hint="it adds the two ends of re-levering")
    form = None if export is None else _form_of(export)
    if (market is None) != (accounts is None):
        raise ConfigError("--market and --accounts go together", hint="docs/pool.md has an example of both")
    if market is not None and accounts is not None:
        given = read_market(market, accounts)
    else:
        given = sample_market(accounts_drawn, seed=seed)
    steps = max(1, hours * 3600 // given.terms.step_seconds)
    drawn = draw(given.model, paths=paths, steps=steps, seed=seed)
    prices = drawn.transpose(1, 0, 2).copy()
    outcome = run_pool(given.book, prices, terms=given.terms)
    figures = pool_figures(outcome, given.terms, accounts=len(given.book.debt), steps=steps)
    parts = contributions(given.book, prices, given.terms, whole=outcome) if mechanics else ()
    ends = (
        sweep_of(given.book, prices, given.terms, whole=outcome, threshold_up_bps=threshold_up)
        if sweep
        else None
    )
    origin = "the sample market (assumed accounts)" if market is None else f"{market.name}, {accounts}"
    if export is not None and form is not None:
        from simulations.pool.rows import rows_table
        from simulations.studies.export import ExportFormat, write_tables

        write_tables({export: rows_table(outcome, given.terms)}, ExportFormat(form.value))
    if html is not None:
        _write_page(
            html,
            given,
            prices,
            outcome=outcome,
            figures=figures,
            mechanics=parts,
            sweep=ends,
            origin=origin,
            hours=hours,
            seed=seed,
        )
    if as_json:
        swept = {} if ends is None else {"sweep": sweep_record(ends)}
        print(json.dumps({**pool_record(figures, parts), **swept}, indent=2))
        return
    print(f"{origin}: {paths:,} paths of {hours} h in {steps} steps, seed {seed}\n")
    print(pool_text(figures, parts))
    if ends is not None:
        print(f"\n{sweep_text(ends)}")


def _form_of(path: Path) -> FormatName:
    from core.errors import ConfigError

    try:
        return FormatName(path.suffix.removeprefix("."))
    except ValueError as problem:
        allowed = ", ".join(f".{form.value}" for form in FormatName)
        raise ConfigError(f"--export was {path.name}", allowed=f"a name that ends in {allowed}") from problem


def _write_page(
    path: Path,
    market: PoolMarket,
    prices: NDArray[np.float64],
    *,
    outcome: PoolOutcome,
    figures: PoolFigures,
    mechanics: tuple[Contribution, ...],
    sweep: Sweep | None,
    origin: str,
    hours: int,
    seed: int,
) -> None:
    from simulations.pool.attribution import attribution
    from simulations.pool.ladder import ladder_of
    from simulations.runs import write_atomic
    from simulations.studies.pool_page import PoolReport, pool_page

    report = PoolReport(
        origin=origin,
        hours=hours,
        seed=seed,
        book=market.book,
        terms=market.terms,
        prices=prices,
        outcome=outcome,
        figures=figures,
        mechanics=mechanics,
        tail=attribution(market.book, prices, market.terms, whole=outcome, names=market.names),
        ladder=ladder_of(market.book, prices, market.terms),
        sweep=sweep,
    )
    write_atomic(path, pool_page(report).encode())
