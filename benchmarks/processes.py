"""Memory and start-up of each process of a demo, and what of it is imports.

    python benchmarks/processes.py [--quick] [--json]

Claim: an agent stays under 500 MB.  Start-up is CPU-seconds of the process until it is asked to leave;
imports are measured in a process that imports the same modules and does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
BAR_MB = 500
IMPORTS = {
    "chain": "import tribunate.chain_process",
    "agent": "import tribunate.agent_process, simulations.search, scipy.signal",
    "agent, neural": "import tribunate.agent_process, simulations.search, models.training",
    "command line": "import tribunate.cli",
}


def imported(code: str) -> tuple[float, float]:
    """Return (CPU-seconds, MB) of a process that runs ``code`` and nothing else."""
    probe = "import resource; u = resource.getrusage(resource.RUSAGE_SELF)"
    tail = "print(u.ru_utime + u.ru_stime, u.ru_maxrss / 1024)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{probe}\n{tail}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    seconds, megabytes = done.stdout.split()[-2:]
    return float(seconds), float(megabytes)


def watched_demo(paths: int) -> dict[str, dict[str, float]]:
    """Run one epoch; return each process's largest memory (MB) and CPU-seconds."""
    with tempfile.TemporaryDirectory() as runs:
        command = [sys.executable, "-m", "tribunate", "demo", "--json", "--epochs", "1"]
        demo = subprocess.Popen(
            [*command, "--paths", str(paths), "--runs", runs],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        found: dict[str, dict[str, float]] = {}
        pause = threading.Event()
        while demo.poll() is None:
            for child in [psutil.Process(demo.pid), *psutil.Process(demo.pid).children()]:
                note(child, found, demo.pid)
            pause.wait(0.1)
    return found


def note(process: psutil.Process, found: dict[str, dict[str, float]], parent: int) -> None:
    """Keep the largest figures of one process."""
    try:
        words = process.cmdline()
        memory = process.memory_info().rss / 2**20
        times = process.cpu_times()
    except psutil.Error:
        return
    name = "demo" if process.pid == parent else name_of(words)
    if not name:
        return
    row = found.setdefault(name, {"mb": 0.0, "cpu_seconds": 0.0})
    row["mb"] = max(row["mb"], memory)
    row["cpu_seconds"] = max(row["cpu_seconds"], times.user + times.system)


def name_of(words: list[str]) -> str:
    """Return what a process is, from its command line."""
    if "tribunate.chain_process" in words:
        return "chain"
    if "--config" in words:
        return Path(words[words.index("--config") + 1]).parent.name
    return ""


def main() -> int:
    """Measure, print, and say whether the bar is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer simulated paths")
    parser.add_argument("--json", action="store_true", help="print a list of claims")
    options = parser.parse_args()
    processes = watched_demo(300 if options.quick else 2_000)
    imports = {name: imported(code) for name, code in IMPORTS.items()}
    agents = {n: row for n, row in processes.items() if n not in ("chain", "demo")}
    claims: list[dict[str, Any]] = [
        {
            "claim": f"{name} stays under {BAR_MB} MB",
            "ours": round(row["mb"], 1),
            "peer": BAR_MB,
            "ratio": round(row["mb"] / BAR_MB, 3),
            "bar": 1.0,
            "met": row["mb"] < BAR_MB,
        }
        for name, row in sorted(agents.items())
    ]
    if options.json:
        print(json.dumps(claims, indent=2))
    else:
        print(f"load {os.getloadavg()[0]:.1f}")
        for name, row in sorted(processes.items()):
            print(f"{name:<16} {row['mb']:6.0f} MB   {row['cpu_seconds']:5.1f} CPU-s in all")
        for name, (seconds, megabytes) in imports.items():
            print(f"imports of {name:<14} {megabytes:6.0f} MB   {seconds:5.1f} CPU-s")
        print("met" if all(c["met"] for c in claims) else "NOT met", f"(bar: {BAR_MB} MB per agent)")
    return 0 if claims and all(claim["met"] for claim in claims) else 1


if __name__ == "__main__":
    sys.exit(main())
