"""The kernels against radCAD, mesa and plain numpy on one market, in one run; written into docs/simulator.md.

    python benchmarks/simulator.py [--quick] [--json] [--write] [--peers PYTHON]

CPU seconds on one thread, medians.  Before it is timed, a peer must come to the dense kernel's liquidation
counts, and to its totals within 1e-9; so must the event-driven kernel, within 1e-12.  radCAD needs another
numpy than Tribunate, so radCAD and mesa run in an interpreter of their own: the one that is named, or one in
an environment that is made for the run and thrown away (not with ``--quick``); else they are named as not
measured.
"""

from __future__ import annotations

import os

for _pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_pool] = "1"

import argparse  # noqa: E402
import json  # noqa: E402
import platform  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import venv  # noqa: E402
from dataclasses import asdict, dataclass  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
from claims import Claim  # noqa: E402
from simulator_market import CASCADES, REGIMES, Market, cpu_seconds, draw, median  # noqa: E402
from simulator_market import Regime as MarketRegime  # noqa: E402
from simulator_roof import roof  # noqa: E402

PEERS = Path(__file__).resolve().parent / "peers"
PAGE = Path(__file__).resolve().parents[1] / "docs" / "simulator.md"
MARK = "<!-- below: benchmarks/simulator.py --write -->"
REQUIREMENTS = PEERS / "requirements.txt"
PATHS = {"numpy": 10, "radcad": 10, "radcad-favourable": 10, "mesa": 1}
"""Paths that a peer runs in one repetition; its time is per path."""

BARS = {
    ("dense", "radcad"): 300.0,
    ("dense", "radcad-favourable"): 20.0,
    ("event", "radcad"): 10_000.0,
    ("event", "radcad-favourable"): 500.0,
}
SCAN_SHARE_OF_ROOF, EVENT_OVER_DENSE = 0.35, 50.0
DENSITIES = (
    MarketRegime("quiet", 0.3, False, 0),
    MarketRegime("moving", 0.5, False, 0),
    MarketRegime("volatile", 0.8, False, 0),
    CASCADES,
)
"""More and more liquidations per path, for what the event-driven kernel gains over the dense one."""


@dataclass(frozen=True, slots=True, eq=False)
class Regime:
    """What was measured in one regime: CPU seconds per path, each with its raw figures."""

    name: str
    liquidations: float
    position_steps: int
    seconds: dict[str, list[float]]

    def per_path(self, name: str) -> float:
        """Return the median."""
        return median(self.seconds[name])


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def peer_interpreter(folder: Path) -> str | None:
    """Make an environment with radCAD and mesa; return its interpreter, or ``None`` without network."""
    say(f"installing {', '.join(REQUIREMENTS.read_text().split())} into a throw-away environment")
    venv.create(folder / "peers", with_pip=True)
    python = str(folder / "peers" / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    command = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    if subprocess.run([*command, "-r", str(REQUIREMENTS)], check=False).returncode != 0:
        say("pip could not install the peers: radCAD and mesa are not measured")
        return None
    return python


def measure_peer(name: str, market: Market, *, python: str, folder: Path, repetitions: int) -> list[float]:
    """Return a peer's CPU seconds per path, after its totals have been found right."""
    part = market.first(PATHS[name])
    part.save(folder / "market.npz")
    command = [python, str(PEERS / "measure.py"), name, str(folder / "market.npz"), str(repetitions)]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    hold_equal(name, np.array(answer["totals"]), part.totals("dense"), relative=1e-9)
    return [seconds / len(part.prices) for seconds in answer["seconds"]]


def hold_equal(name: str, found: np.ndarray, wanted: np.ndarray, *, relative: float) -> None:
    """Stop unless counts are equal and totals agree."""
    if not np.array_equal(found[:, 0], wanted[:, 0]):
        raise SystemExit(f"{name} counted {found[:, 0]} liquidations, the dense kernel {wanted[:, 0]}")
    np.testing.assert_allclose(found, wanted, rtol=relative, atol=relative, err_msg=name)


def measure(market: Market, name: str, *, python: str | None, folder: Path, quick: bool) -> Regime:
    """Return one regime's figures, ours and the peers'."""
    paths, steps = market.prices.shape
    hold_equal("event", market.totals("event"), market.totals("dense"), relative=1e-12)
    repetitions = 5 if quick else 11
    seconds = {
        kernel: [s / paths for s in cpu_seconds(lambda k=kernel: market.run(k), repetitions=repetitions)]
        for kernel in ("dense", "scan", "event")
    }
    for peer in PATHS:
        runs = 3 if peer != "numpy" else 5
        where = sys.executable if peer == "numpy" else python
        if where is not None:
            seconds[peer] = measure_peer(
                peer, market, python=where, folder=folder, repetitions=1 if quick else runs
            )
    liquidations = float(market.run("dense").liquidations.mean())
    return Regime(name, liquidations, market.book.debt.shape[1] * steps, seconds)


def peer_claims(regime: Regime) -> list[Claim]:
    """Return the claims against peers, in the regime with cascades."""
    rows = []
    for peer in PATHS:
        for kernel in ("dense", "event"):
            bar, ours = BARS.get((kernel, peer)), regime.per_path(kernel)
            text = f"{kernel} over {peer}, CPU seconds per path, {regime.liquidations:.0f} liquidations each"
            if peer not in regime.seconds:
                rows.append(Claim(f"{text}: peer not measured", ours, None, None, bar, None))
                continue
            theirs = regime.per_path(peer)
            met = None if bar is None else theirs / ours >= bar
            rows.append(Claim(text, ours, theirs, theirs / ours, bar, met))
    return rows


def scan_claim(folder: Path, *, paths: int) -> Claim:
    """Return the dense trigger scan as a share of what the core can compare."""
    most, whose = roof(folder)
    market = draw(CASCADES, positions=2_000, paths=paths, steps=720)
    seconds = median(cpu_seconds(lambda: market.run("scan"), repetitions=5))
    rate = market.prices.size * 2_000 / seconds
    share = rate / most
    text = f"dense trigger scan over the L1 compare roof ({whose}), comparisons per CPU second"
    return Claim(text, rate, most, share, SCAN_SHARE_OF_ROOF, share >= SCAN_SHARE_OF_ROOF)


def event_claim(regime: MarketRegime, *, paths: int) -> Claim:
    """Return what the event-driven kernel gains over the dense one, given so many liquidations."""
    market = draw(regime, positions=2_000, paths=paths, steps=720)
    few = market.first(min(paths, 50))
    hold_equal("event", few.totals("event"), few.totals("dense"), relative=1e-12)
    ours = median(cpu_seconds(lambda: market.run("event"), repetitions=5)) / paths
    theirs = median(cpu_seconds(lambda: few.run("dense"), repetitions=5)) / len(few.prices)
    count = market.run("event").liquidations.mean()
    text = f"event over dense, CPU seconds per path, {paths} x 2,000 x 720 h, {count:.0f} liquidations each"
    return Claim(text, ours, theirs, theirs / ours, EVENT_OVER_DENSE, theirs / ours >= EVENT_OVER_DENSE)


def machine() -> str:
    """Return what the figures were measured on, and how busy it was."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").is_file() else []:
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    load = ", ".join(f"{number:.1f}" for number in os.getloadavg())
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, load {load}"


def as_tables(regimes: list[Regime], claims: list[Claim]) -> str:
    """Return both tables and the raw figures in Markdown."""
    lines = [machine(), "", "| claim | ours | peer | ratio | bar | met |", "|---|---|---|---|---|---|"]
    for row in claims:
        peer, ratio = ("not measured", "") if row.peer is None else (f"{row.peer:.3g}", f"{row.ratio:,.2f}")
        bar = "" if row.bar is None else f"{row.bar:,g}"
        met = {True: "yes", False: "no", None: ""}[row.met]
        lines.append(f"| {row.claim} | {row.ours:.3g} | {peer} | {ratio} | {bar} | {met} |")
    lines += ["", "CPU nanoseconds per position and step (1,000 positions, 1,000 steps):", ""]
    names = [*("dense", "scan", "event"), *PATHS]
    lines += [f"| regime | liquidations per path | {' | '.join(names)} |", "|---" * (len(names) + 2) + "|"]
    for regime in regimes:
        cells = [
            f"{regime.per_path(n) / regime.position_steps * 1e9:.3g}" if n in regime.seconds else ""
            for n in names
        ]
        lines.append(f"| {regime.name} | {regime.liquidations:.0f} | {' | '.join(cells)} |")
    lines += ["", "Raw CPU milliseconds per path:", ""]
    for regime in regimes:
        for name, seconds in regime.seconds.items():
            lines.append(f"- {regime.name}, {name}: {', '.join(f'{s * 1e3:.4g}' for s in seconds)}")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--peers", metavar="PYTHON", help="an interpreter that has radCAD and mesa")
    arguments = parser.parse_args()
    quick = arguments.quick
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = arguments.peers or (None if quick else peer_interpreter(folder))
        regimes = []
        for shape in (CASCADES,) if quick else REGIMES:
            say(f"measuring {shape.name}")
            market = draw(shape, positions=1_000, paths=10, steps=1_000)
            regimes.append(measure(market, shape.name, python=python, folder=folder, quick=quick))
        cascades = next(regime for regime in regimes if regime.name == CASCADES.name)
        claims = peer_claims(cascades)
        claims.append(scan_claim(folder, paths=20 if quick else 100))
        claims += [event_claim(shape, paths=100 if quick else 1_000) for shape in DENSITIES]
    if arguments.write:
        head = PAGE.read_text().split(MARK)[0]
        PAGE.write_text(head + MARK + "\n\n" + as_tables(regimes, claims))
    print(json.dumps([asdict(row) for row in claims]) if arguments.json else as_tables(regimes, claims))


if __name__ == "__main__":
    main()
