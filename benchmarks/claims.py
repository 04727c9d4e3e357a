"""What every benchmark answers with: a list of claims, for people or as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Claim:
    """One row; ``peer`` and ``ratio`` are ``None`` where none was measured, ``bar`` where none is set."""

    claim: str
    ours: float
    peer: float | None
    ratio: float | None
    bar: float | None
    met: bool | None


def say_claims(claims: Sequence[Claim]) -> None:
    """Print the load and one line a claim."""
    print(f"load {', '.join(f'{load:.1f}' for load in os.getloadavg())}")
    for row in claims:
        ratio = "" if row.ratio is None else f"  ({row.ratio:,.2f}x)"
        bar = "" if row.bar is None else f"; bar {row.bar:g}: {'met' if row.met else 'not met'}"
        print(f"{row.ours:12.4g}{ratio}  {row.claim}{bar}")


def print_json(claims: Sequence[Claim]) -> None:
    """Print the list and nothing else."""
    print(json.dumps([asdict(row) for row in claims], indent=2))
