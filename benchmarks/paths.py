"""Random numbers and GARCH paths against NumPy and arch, in one run.

    python benchmarks/paths.py [--quick] [--json]

One thread on one core; each figure is the least CPU time of its repetitions.  Peers run as their own
documentation has it: NumPy's generators fill arrays, its GARCH is one array operation per step over all
paths; arch simulates path by path, and (its fastest way) forecasts by simulation from a fixed model.  Before
anything is timed, our recursion reproduces both peers' returns from their own shocks.  Every GARCH has
Student-t shocks.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable

import numpy as np
from arch import arch_model
from arch.univariate import GARCH
from numpy.typing import NDArray

from simulations.paths.draw import draw
from simulations.paths.garch import Garch, GarchProcess, follow_garch
from simulations.paths.normal import fill_normals
from simulations.paths.philox import Stream, key_of
from simulations.paths.scenario import PathModel

OMEGA, ALPHA, BETA, DEGREES = 2e-7, 0.06, 0.92, 5.0
TERMS = Garch(OMEGA, ALPHA, BETA, degrees=DEGREES)
MODEL = PathModel(("WETH",), (2_000.0,), 300, GarchProcess((TERMS,)))
PERCENT = 100.0
BLOCK = (128, 512)
REPETITIONS = 5
NS = 1e9

BARS = {
    "normals over PCG64": 1.5,
    "normals over NumPy's Philox": 2.0,
    "GARCH over vectorised NumPy": 4.0,
    "GARCH over arch's forecast": 10.0,
    "GARCH over arch's simulate": 100.0,
}
"""How many times faster ours must be."""


def our_normals(count: int) -> None:
    key, out = key_of(1, Stream.INNOVATION), np.empty(BLOCK)
    for first in range(0, count // BLOCK[0], BLOCK[1]):
        fill_normals(key, out, first_path=first, asset=0, draw=0)


def numpy_normals(bits: np.random.BitGenerator, count: int) -> None:
    rng, out = np.random.Generator(bits), np.empty(BLOCK)
    for _ in range(count // out.size):
        rng.standard_normal(out=out)


def our_paths(paths: int, steps: int) -> None:
    draw(MODEL, paths=paths, steps=steps, seed=1)


def numpy_returns(shocks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log returns of shocks, shape (step, path): one array operation after the other per step."""
    variance = np.full(shocks.shape[1], TERMS.first_variance)
    returns = np.empty_like(shocks)
    for step in range(len(shocks)):
        surprise = np.sqrt(variance) * shocks[step]
        returns[step] = surprise
        variance = OMEGA + ALPHA * surprise**2 + BETA * variance
    return returns


def numpy_paths(paths: int, steps: int) -> None:
    rng = np.random.default_rng(1)
    shocks = rng.standard_t(DEGREES, (steps, paths)) * ((DEGREES - 2) / DEGREES) ** 0.5
    returns = numpy_returns(shocks)
    np.cumsum(returns, axis=0, out=returns)
    np.exp(returns, out=returns)
    returns *= 2_000.0


def arch_simulated(paths: int, steps: int) -> None:
    model = arch_model(None, mean="Zero", vol="GARCH", p=1, q=1, dist="t", rescale=False)
    parameters = np.array([OMEGA * PERCENT**2, ALPHA, BETA, DEGREES])
    for _ in range(paths):
        returns = model.simulate(parameters, steps, burn=0)["data"].to_numpy() / PERCENT
        2_000.0 * np.exp(np.cumsum(returns))


def arch_forecast(paths: int, steps: int) -> None:
    history = np.random.default_rng(1).standard_normal(500) * TERMS.first_variance**0.5 * PERCENT
    model = arch_model(history, mean="Zero", vol="GARCH", p=1, q=1, dist="t", rescale=False)
    fixed = model.fix([OMEGA * PERCENT**2, ALPHA, BETA, DEGREES])
    forecast = fixed.forecast(horizon=steps, method="simulation", simulations=paths)
    2_000.0 * np.exp(np.cumsum(forecast.simulations.values[-1] / PERCENT, axis=1))


def check_peers_agree() -> None:
    """Give all the same shocks, and refuse to time what differs."""
    shocks = np.random.default_rng(2).standard_t(DEGREES, (300, 4)) * ((DEGREES - 2) / DEGREES) ** 0.5
    ours = shocks.copy()
    follow_garch(TERMS, ours)
    assert np.allclose(ours, numpy_returns(shocks), rtol=1e-12, atol=0)
    for path in range(4):
        theirs = GARCH(1, 0, 1).simulate(
            np.array([OMEGA, ALPHA, BETA]),
            300,
            lambda count, path=path: shocks[:count, path],
            burn=0,
            initial_value=TERMS.first_variance,
        )
        first = Garch(OMEGA, ALPHA, BETA, next_variance=float(theirs[1][0]))
        again = shocks[:, path : path + 1].copy()
        follow_garch(first, again)
        assert np.allclose(again[:, 0], theirs[0], rtol=1e-12, atol=0)


def cpu_ns(work: Callable[[], None], numbers: int, *, repetitions: int = REPETITIONS) -> float:
    """Return the least CPU time per number, in ns."""
    best = float("inf")
    for _ in range(repetitions):
        begin = time.process_time()
        work()
        best = min(best, time.process_time() - begin)
    return best / numbers * NS


def claim(name: str, ours: float, peer: float) -> dict[str, object]:
    ratio = peer / ours
    return {
        "claim": f"{name}, CPU ns per number",
        "ours": ours,
        "peer": peer,
        "ratio": ratio,
        "bar": BARS[name],
        "met": ratio >= BARS[name],
    }


def measure(*, quick: bool) -> list[dict[str, object]]:
    normals, paths, steps, few = (2**21, 10_000, 288, 50) if quick else (2**24, 100_000, 288, 500)
    forecast_paths = paths if quick else 20_000
    our_normals(BLOCK[0] * BLOCK[1])  # compile, or load what was compiled
    our_paths(100, 10)
    check_peers_agree()
    ours = cpu_ns(lambda: our_normals(normals), normals)
    pcg = cpu_ns(lambda: numpy_normals(np.random.PCG64(1), normals), normals)
    philox = cpu_ns(lambda: numpy_normals(np.random.Philox(1), normals), normals)
    whole = cpu_ns(lambda: our_paths(paths, steps), paths * steps)
    vectorised = cpu_ns(lambda: numpy_paths(paths, steps), paths * steps, repetitions=3)
    forecast = cpu_ns(lambda: arch_forecast(forecast_paths, steps), forecast_paths * steps, repetitions=3)
    single = cpu_ns(lambda: arch_simulated(few, steps), few * steps, repetitions=3)
    return [
        claim("normals over PCG64", ours, pcg),
        claim("normals over NumPy's Philox", ours, philox),
        claim("GARCH over vectorised NumPy", whole, vectorised),
        claim("GARCH over arch's forecast", whole, forecast),
        claim("GARCH over arch's simulate", whole, single),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    claims = measure(quick=arguments.quick)
    if arguments.json:
        print(json.dumps(claims))
        return
    print(f"one thread, load {os.getloadavg()[0]:.1f}; GARCH end to end: random numbers to prices")
    for one in claims:
        print(
            f"{one['claim']}: {one['ours']:.2f} against {one['peer']:.2f}, {one['ratio']:.1f} times "
            f"(bar {one['bar']:g}, {'met' if one['met'] else 'missed'})"
        )


if __name__ == "__main__":
    main()
