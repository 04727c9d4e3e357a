"""How many comparisons a core can do: float32 above a level, counted in int32, over 16 KB.

The better of numba and gcc, where there is one; the report names it.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulations.kernels.dense import count_above

FLOATS = 16 * 1024 // 4
ROUNDS = 50_000
SOURCE = """
int count_above(const float *triggers, int size, float level) {
    int count = 0;
    for (int i = 0; i < size; i++) count += triggers[i] > level;
    return count;
}
long rounds(const float *triggers, int size, int rounds) {
    long found = 0;
    for (int i = 0; i < rounds; i++) found += count_above(triggers, size, (float)i / rounds);
    return found;
}
"""


@njit
def _numba_rounds(triggers: NDArray[np.float32], rounds: int) -> int:
    found = 0
    for number in range(rounds):
        found += count_above(triggers, np.float32(number / rounds))
    return found


def roof(folder: Path) -> tuple[float, str]:
    """Return comparisons per CPU second, and whose code did them."""
    triggers = np.linspace(0, 1, FLOATS, dtype=np.float32)
    rates = {"numba": _rate(lambda: _numba_rounds(triggers, ROUNDS))}
    compiled = _gcc_rounds(folder)
    if compiled is not None:
        pointer = triggers.ctypes.data_as(ctypes.c_void_p)
        rates["gcc -O3 -march=native"] = _rate(lambda: compiled(pointer, FLOATS, ROUNDS))
    name = max(rates, key=lambda key: rates[key])
    return rates[name], name


def _rate(work: Callable[[], object]) -> float:
    work()
    best = float("inf")
    for _ in range(7):
        begin = time.process_time()
        work()
        best = min(best, time.process_time() - begin)
    return FLOATS * ROUNDS / best


def _gcc_rounds(folder: Path) -> Callable[..., int] | None:
    gcc = shutil.which("gcc")
    if gcc is None:
        return None
    source, library = folder / "roof.c", folder / "roof.so"
    source.write_text(SOURCE)
    command = [gcc, "-O3", "-march=native", "-shared", "-fPIC", str(source), "-o", str(library)]
    subprocess.run(command, check=True)
    rounds = ctypes.CDLL(str(library)).rounds
    rounds.restype = ctypes.c_long
    rounds.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
    return rounds


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(roof(Path(name)))
