"""``tribunate pool``: a market of several assets, with every mechanic, along correlated paths."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


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
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Simulate a pool of several assets; print tail figures, routes, and what each mechanic adds."""
    from core.errors import ConfigError
    from simulations.paths.draw import draw
    from simulations.pool.face import run_pool
    from simulations.pool.figures import contributions, pool_figures, pool_record, pool_text
    from simulations.pool.sample import sample_market
    from tribunate.pool_file import read_market

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
    if as_json:
        print(json.dumps(pool_record(figures, parts), indent=2))
        return
    origin = "the sample market (assumed accounts)" if market is None else f"{market.name}, {accounts}"
    print(f"{origin}: {paths:,} paths of {hours} h in {steps} steps, seed {seed}\n")
    print(pool_text(figures, parts))
