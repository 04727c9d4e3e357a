"""Run one peer on a market; print its totals and CPU seconds as JSON.

    python measure.py numpy|radcad|radcad-favourable|mesa MARKET.npz REPETITIONS

Used by ``benchmarks/simulator.py``, in an interpreter that has the peer.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import numpy as np
from rules import Array, Terms

Peer = Callable[..., Array]


def peer_named(name: str) -> Peer:
    """Return the peer's ``run``; importing it is not timed."""
    if name == "numpy":
        import numpy_model

        return numpy_model.run
    if name == "mesa":
        import mesa_model

        return mesa_model.run
    import radcad_model

    favourable = name == "radcad-favourable"
    return lambda *book, terms: radcad_model.run(*book, terms=terms, favourable=favourable)


def main() -> None:
    name, path, repetitions = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with np.load(path) as market:
        coins, debt, prices = market["coins"], market["debt"], market["prices"]
        terms = Terms(*market["terms"].tolist())
    run, seconds, totals = peer_named(name), [], np.zeros(0)
    for _ in range(repetitions):
        begin = time.process_time()
        totals = run(coins, debt, prices, terms=terms)
        seconds.append(time.process_time() - begin)
    json.dump({"seconds": seconds, "totals": totals.tolist()}, sys.stdout)


if __name__ == "__main__":
    main()
