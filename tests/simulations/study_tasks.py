"""Tasks of the tests of studies: each chunk is a pure function of (configuration, chunk)."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa


def draws(configuration: Mapping[str, Any], chunk: int) -> pa.Table:
    """Ten numbers, which follow from seed and chunk."""
    rng = np.random.default_rng([configuration["seed"], chunk])
    return pa.table({"chunk": [chunk] * 10, "value": rng.standard_normal(10)})


def dies_once(configuration: Mapping[str, Any], chunk: int) -> pa.Table:
    """As ``draws``; the process that computes chunk 3 is killed the first time."""
    mark = Path(configuration["mark"])
    if chunk == 3 and not mark.exists():
        mark.write_text("killed", encoding="utf-8")
        os.kill(os.getpid(), signal.SIGKILL)
    return draws(configuration, chunk)


def raises(configuration: Mapping[str, Any], chunk: int) -> pa.Table:
    """A plug-in that raises in its second chunk."""
    if chunk == 1:
        raise ZeroDivisionError("a plug-in's own mistake")
    return draws(configuration, chunk)


def returns_a_list(configuration: Mapping[str, Any], chunk: int) -> list[int]:
    """No table."""
    return [chunk]
