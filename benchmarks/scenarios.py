"""100,000 scenarios of a day with their tail figures, and the first result, each in a process of its own.

    python benchmarks/scenarios.py [--quick] [--json]

24 hours in steps of five minutes, GARCH(1,1)-t, price impact, 2,000 positions; VaR and LaR at 95 and 99, ES
at 97.5 and the probability of bad debt, with intervals.  Bars are in seconds and MiB: read them in a quiet
window; CPU seconds, load and peak memory stand beside them.  The peer is plain NumPy: paths by one array
operation per step, positions by one per path and step (``peers/rules.py`` says how), timed on fewer paths.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from claims import Claim, print_json, say_claims

ROOT = Path(__file__).resolve().parents[1]
SECONDS, MEBIBYTES, FIRST_SECONDS = 1.0, 300.0, 1.0

DAY = """
import json, resource, sys, time
from simulations.compiled import use_cache_folder
use_cache_folder()
import numpy as np
from core.cascade import WAD_DECIMALS, CascadeTerms, Liquidity
from core.lending import LiquidationRules
from core.units import WAD, Bps
from simulations.engine import Book
from simulations.paths.garch import Garch, GarchProcess
from simulations.paths.scenario import PathModel
from simulations.scenarios import run_scenarios
from simulations.statistics.tail import expected_shortfall, probability, value_at_risk

paths, repetitions = int(sys.argv[1]), int(sys.argv[2])
rng = np.random.default_rng(0)
debt = rng.lognormal(9, 2, 2_000)
debt *= 1e8 / debt.sum()
health = 1.02 + rng.lognormal(-0.7, 0.8, 2_000)
book = Book((debt * health / 0.825 / 2_000)[None], debt[None])
garch = Garch(2e-7, 0.06, 0.92, degrees=5.0)
model = PathModel(("ETH",), (2_000.0,), 300, GarchProcess((garch,)))
rules = LiquidationRules(Bps(82_50), Bps(5_00), decimals=WAD_DECIMALS)
terms = CascadeTerms(rules, Liquidity(int(2e7) * WAD), int(1.2e8) * WAD, 300)

def figures(count, seed):
    found = run_scenarios(
        book, model, thresholds_bps=np.array([82_50]), bonuses_bps=np.array([5_00]), terms=terms,
        paths=count, steps=288, seed=seed,
    )
    lost, liquidated = (found.bad_debt + found.uncovered)[0], found.liquidated_value[0]
    for level in (0.95, 0.99):
        value_at_risk(lost, level)
        value_at_risk(liquidated, level)
    expected_shortfall(lost, 0.975)
    probability(lost > 0)
    return float(found.liquidations.mean())

begun = time.perf_counter()
figures(200, 0)
first = time.perf_counter() - begun
runs = []
for seed in range(repetitions):
    wall, cpu = time.perf_counter(), time.process_time()
    liquidations = figures(paths, seed)
    runs.append((time.perf_counter() - wall, time.process_time() - cpu, liquidations))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"first": first, "runs": runs, "peak": peak, "torch": "torch" in sys.modules}))
"""

NUMPY_DAY = """
import json, sys, time
import numpy as np

paths = int(sys.argv[1])
rng = np.random.default_rng(0)
debt = rng.lognormal(9, 2, 2_000)
debt *= 1e8 / debt.sum()
health = 1.02 + rng.lognormal(-0.7, 0.8, 2_000)
coins = debt * health / 0.825 / 2_000
begun = time.process_time()
shocks = rng.standard_t(5.0, (288, paths)) * (3 / 5) ** 0.5
variance, logs, price = np.full(paths, 2e-7 / 0.02), np.zeros(paths), np.empty((288, paths))
for step in range(288):
    surprise = np.sqrt(variance) * shocks[step]
    logs += surprise
    price[step] = 2_000 * np.exp(logs)
    variance = 2e-7 + 0.06 * surprise**2 + 0.92 * variance
lost = np.zeros(paths)
for path in range(paths):
    held, owed, impact = coins.copy(), debt.copy(), 0.0
    for step in range(288):
        owed *= 1 + 0.04 * 300 / 31_536_000
        now = price[step, path] * (1 - impact)
        unhealthy = held * now * 0.825 < owed
        slippage = impact
        if unhealthy.any() and slippage < 0.05 / 1.05:
            whole = held[unhealthy] * now * 0.825 < 0.95 * owed[unhealthy]
            repaid = owed[unhealthy] * np.where(whole, 1.0, 0.5)
            seized = np.minimum(repaid * 1.05 / now, held[unhealthy])
            held[unhealthy] -= seized
            owed[unhealthy] -= repaid
            slippage += seized.sum() * now / 2e7
        impact = min(slippage, 0.99) * 0.8
    lost[path] = np.maximum(owed - held * price[-1, path], 0).sum()
np.quantile(lost, [0.95, 0.99]), lost[lost >= np.quantile(lost, 0.975)].mean()
print(json.dumps({"cpu": (time.process_time() - begun) / paths}))
"""


def in_process(code: str, *arguments: int) -> dict[str, object]:
    """Run code in a fresh interpreter without torch; return what it printed."""
    command = [sys.executable, "-c", code, *(str(argument) for argument in arguments)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    answer: dict[str, object] = json.loads(ended.stdout)
    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two repetitions, ten paths of the peer")
    parser.add_argument("--json", action="store_true", help="print a list of claims, nothing else")
    arguments = parser.parse_args()
    repetitions, peer_paths = (2, 10) if arguments.quick else (7, 100)
    in_process(DAY, 1_000, 1)  # whatever is not compiled is compiled now
    found = in_process(DAY, 100_000, repetitions)
    numpy_cpu = float(str(in_process(NUMPY_DAY, peer_paths)["cpu"]))
    runs: list[list[float]] = found["runs"]  # type: ignore[assignment]
    wall, cpu, liquidations = (sorted(column)[len(column) // 2] for column in zip(*runs, strict=True))
    first, peak = float(str(found["first"])), float(str(found["peak"]))
    if found["torch"]:
        raise SystemExit("torch was loaded")
    what = f"100,000 scenarios of a day, 2,000 positions, {liquidations:.1f} liquidations each"
    claims = [
        Claim(f"{what}: wall seconds", wall, None, None, SECONDS, wall < SECONDS),
        Claim(f"{what}: CPU seconds over NumPy's", cpu, numpy_cpu * 1e5, numpy_cpu * 1e5 / cpu, None, None),
        Claim("the same process, without torch: peak MiB", peak, None, None, MEBIBYTES, peak < MEBIBYTES),
        Claim("first result after import, seconds", first, None, None, FIRST_SECONDS, first < FIRST_SECONDS),
    ]
    if arguments.json:
        print_json(claims)
        return
    say_claims(claims)


if __name__ == "__main__":
    main()
