"""Walk-forward pinball loss of the network against the baselines.

python benchmarks/forecasts.py [--quick] [--json] [--data PATH --asset ETH]
"""

from __future__ import annotations

import argparse
import json

from core.market import PriceHistory
from models.catalogue import MODELS
from models.data.archive import data_folder, load_history
from models.evaluation import WalkForward, table, walk_forward
from simulations.demo_market import demo_market

BAR = 1.05
"""The network may lose at most this much against the best baseline."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--data")
    parser.add_argument("--asset", default="ETH")
    arguments = parser.parse_args()
    history = _history(arguments.data, arguments.asset)
    scores = walk_forward(MODELS, history, WalkForward(stride_bars=72 if arguments.quick else 24))
    losses = {score.model: score.mean_pinball for score in scores}
    ours = losses.pop("quantile-network")
    peer = min(losses, key=lambda name: losses[name])
    claim = {
        "claim": "pinball loss of the network over the best baseline",
        "ours": ours,
        "peer": losses[peer],
        "ratio": ours / losses[peer],
        "bar": BAR,
        "met": ours / losses[peer] <= BAR,
    }
    print(json.dumps([claim]) if arguments.json else f"{table(scores)}\nbest baseline: {peer}")


def _history(data: str | None, asset: str) -> PriceHistory:
    if data is None:
        return demo_market(1).history("exchange")
    history = load_history(data_folder(data), asset, source="exchange")
    return history.until(history.last_time)


if __name__ == "__main__":
    main()
