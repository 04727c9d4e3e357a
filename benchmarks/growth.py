"""What a path costs as positions, steps, liquidations and workers grow, event-driven against dense.

    python benchmarks/growth.py [--quick] [--json] [--write]

CPU seconds per path on one thread (wall seconds for workers), medians.  The event-driven kernel's cost is
fitted as a + b x steps + c x liquidations over markets of many sizes, positions left out: how much of the
variation that explains is the claim.  ``--write`` draws docs/growth.svg.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from claims import Claim, print_json, say_claims
from numpy.typing import NDArray
from simulator_market import BONUS, CASCADES, THRESHOLD, Market, Regime, cpu_seconds, draw, median

from simulations import engine
from simulations.cores import usable_cores
from simulations.kernels.work import Kernel

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "growth.svg"
EXPLAINED = 0.95
POSITIONS = (250, 500, 1_000, 2_000, 4_000, 8_000, 16_000)
STEPS = (125, 250, 500, 1_000, 2_000, 4_000)
VOLATILITIES = (0.1, 0.4, 0.8, 1.2, 1.6, 2.4)
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Point:
    """One market: its sizes, and CPU seconds per path."""

    positions: int
    steps: int
    liquidations: float
    event: float
    dense: float


def seconds_of(market: Market, kernel: Kernel, *, repetitions: int) -> float:
    """Return CPU seconds per path, without what is done once for all of them."""
    twice = Market(market.book, np.concatenate([market.prices, market.prices]), market.terms)
    once = median(cpu_seconds(lambda: market.run(kernel), repetitions=repetitions))
    both = median(cpu_seconds(lambda: twice.run(kernel), repetitions=repetitions))
    return max(both - once, 1e-9) / len(market.prices)


def point(positions: int, steps: int, volatility: float, *, paths: int, repetitions: int) -> Point:
    """Return what one market costs."""
    regime = Regime("grown", volatility, True, CASCADES.seed)
    market = draw(regime, positions=positions, paths=paths, steps=steps)
    liquidations = float(market.run("event").liquidations.mean())
    few = market.first(max(2, paths // 16))
    return Point(
        positions,
        steps,
        liquidations,
        seconds_of(market, "event", repetitions=repetitions),
        seconds_of(few, "dense", repetitions=repetitions),
    )


def wall_by_workers(*, repetitions: int) -> dict[int, float]:
    """Return wall seconds of one large run by number of threads."""
    market = draw(CASCADES, positions=2_000, paths=4_000, steps=1_000)
    found = {}
    for threads in range(1, usable_cores() + 1):
        runs = []
        for _ in range(repetitions):
            begun = time.perf_counter()
            engine.run(
                market.book,
                market.prices,
                thresholds_bps=np.array([THRESHOLD]),
                bonuses_bps=np.array([BONUS]),
                terms=market.terms,
                threads=threads,
            )
            runs.append(time.perf_counter() - begun)
        found[threads] = median(runs)
    return found


def fit(points: list[Point]) -> tuple[Floats, float]:
    """Return (a, b, c) of a + b x steps + c x liquidations by relative least squares, and R squared."""
    cost = np.array([p.event for p in points])
    table = np.array([[1.0, p.steps, p.liquidations] for p in points])
    terms, *_ = np.linalg.lstsq(table / cost[:, None], np.ones(len(cost)), rcond=None)
    logs = np.log(cost)
    rest = logs - np.log(np.maximum(table @ terms, 1e-12))
    return terms, float(1 - (rest**2).sum() / ((logs - logs.mean()) ** 2).sum())


def draw_picture(
    axes: dict[str, list[Point]], workers: dict[int, float], terms: Floats, explained: float
) -> None:
    """Write docs/growth.svg."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import NullFormatter

    plt.rcParams["svg.hashsalt"] = "growth"
    figure, panels = plt.subplots(1, 4, figsize=(14, 3.6), layout="constrained")
    sizes = {
        "positions": [p.positions for p in axes["positions"]],
        "steps": [p.steps for p in axes["steps"]],
        "liquidations": [p.liquidations for p in axes["liquidations"]],
    }
    for panel, (name, size) in zip(panels[:3], sizes.items(), strict=True):
        points = axes[name]
        panel.loglog(size, [p.dense * 1e6 for p in points], "o-", color="#b03a2e", label="dense")
        panel.loglog(size, [p.event * 1e6 for p in points], "o-", color="#1f4e79", label="event-driven")
        fitted = [terms @ [1.0, p.steps, p.liquidations] * 1e6 for p in points]
        panel.loglog(size, fitted, ":", color="#1f4e79", label="fit without positions")
        panel.set_xlabel(f"{name} per path" if name == "liquidations" else name)
        panel.xaxis.set_minor_formatter(NullFormatter())
        shown = [size[0], size[len(size) // 2], size[-1]]
        panel.set_xticks(shown, [f"{value:,.0f}" for value in shown])
    panels[0].set_ylabel("CPU microseconds per path")
    panels[0].legend(frameon=False, fontsize=8)
    panels[3].bar(
        [str(n) for n in workers], [workers[1] / wall for wall in workers.values()], color="#1f4e79"
    )
    panels[3].set_xlabel("workers")
    panels[3].set_title("times as fast as one, wall clock", fontsize=9)
    panels[1].set_title(f"a + b x steps + c x liquidations explains {explained:.1%}", fontsize=9)
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(PICTURE, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="every other size, fewer paths")
    parser.add_argument("--json", action="store_true", help="print a list of claims, nothing else")
    parser.add_argument("--write", action="store_true", help="draw docs/growth.svg")
    arguments = parser.parse_args()
    paths, repetitions, stride = (64, 3, 2) if arguments.quick else (256, 5, 1)

    def points_of(shapes: list[tuple[int, int, float]]) -> list[Point]:
        return [point(*shape, paths=paths, repetitions=repetitions) for shape in shapes]

    axes = {
        "positions": points_of([(n, 1_000, 0.2) for n in POSITIONS[::stride]]),
        "steps": points_of([(1_000, t, 0.8) for t in STEPS[::stride]]),
        "liquidations": points_of([(2_000, 1_000, v) for v in VOLATILITIES[::stride]]),
    }
    points = [p for found in axes.values() for p in found]
    terms, explained = fit(points)
    workers = wall_by_workers(repetitions=repetitions)
    small, large = axes["positions"][0], axes["positions"][-1]
    more = large.positions / small.positions
    claims = [
        Claim(
            f"cost = {terms[0] * 1e6:.2f} us + {terms[1] * 1e9:.1f} ns x steps + {terms[2] * 1e9:.0f} ns x "
            f"liquidations: share of the (logarithmic) variation explained, {len(points)} markets",
            explained,
            None,
            None,
            EXPLAINED,
            explained >= EXPLAINED,
        ),
        Claim(
            f"{more:g} times the positions, few liquidations: cost grows by, event-driven against dense",
            large.event / small.event,
            large.dense / small.dense,
            (large.dense / small.dense) / (large.event / small.event),
            None,
            None,
        ),
        Claim(
            f"{max(workers)} workers against one, wall clock",
            workers[1] / workers[max(workers)],
            None,
            None,
            None,
            None,
        ),
    ]
    if arguments.write:
        draw_picture(axes, workers, terms, explained)
    if arguments.json:
        print_json(claims)
        return
    for name, found in axes.items():
        for p in found:
            print(
                f"{name:12} {p.positions:6} positions {p.steps:5} steps {p.liquidations:8.1f} liquidations"
                f"{p.event * 1e6:10.2f} us{p.dense * 1e6:12.1f} us dense"
            )
    say_claims(claims)


if __name__ == "__main__":
    main()
