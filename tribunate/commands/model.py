"""``tribunate model``: the forecasts by themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from core.market import PriceHistory

app = typer.Typer(help="Model cards, and forecasts compared.", no_args_is_help=True)

Data = Annotated[Path | None, typer.Option(help="Real prices; without it the market is generated.")]
Asset = Annotated[str, typer.Option(help="Which asset of the data.")]
Seed = Annotated[int, typer.Option(help="Drives the generated market and the training.", min=0)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("card", epilog="Example: tribunate model card quantile-network")
def card(
    name: Annotated[str, typer.Argument(help="ewma, garch-t, filtered-history or quantile-network.")],
    data: Data = None,
    asset: Asset = "WETH",
    seed: Seed = 7,
    as_json: Json = False,
) -> None:
    """Fit one model and print its card: what it is, what it saw, what it is not for."""
    from core.errors import ConfigError
    from models.cards import model_card
    from models.catalogue import MODELS

    if name not in MODELS:
        raise ConfigError(f"there is no model {name!r}", allowed=", ".join(MODELS), hint="choose one of them")
    history = _history(data, asset, seed)
    model = MODELS[name]()
    model.fit(history, seed=seed)
    made = model_card(model, history)
    print(made.to_json().decode() if as_json else made.render())


@app.command("compare", epilog="Example: tribunate model compare --data PATH --asset ETH")
def compare(
    data: Data = None,
    asset: Asset = "WETH",
    seed: Seed = 7,
    stride_hours: Annotated[int, typer.Option(help="Hours between forecasts.", min=1, max=720)] = 72,
    as_json: Json = False,
) -> None:
    """Walk forward through the prices and score every model by pinball loss."""
    from models.catalogue import MODELS
    from models.evaluation import WalkForward, table, walk_forward

    scores = walk_forward(MODELS, _history(data, asset, seed), WalkForward(stride_bars=stride_hours))
    if as_json:
        rows = [{"model": s.model, "forecasts": s.forecasts, "mean_pinball": s.mean_pinball} for s in scores]
        print(json.dumps(rows, indent=2))
        return
    print(table(scores))


def _history(data: Path | None, asset: str, seed: int) -> PriceHistory:
    if data is not None:
        from models.data.archive import load_history

        return load_history(data, asset, source="exchange")
    from simulations.demo_market import demo_market

    return demo_market(seed).history("exchange")
