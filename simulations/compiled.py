"""Where compiled kernels are kept: a folder named by the hash of the sources that they came from.

numba keys its own cache by the file of each function, and does not see that a function of another file,
which was compiled into it, has changed.  Here any change of the simulator's sources, or of numba, is another
folder.
"""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

from core.evidence import sha256

VARIABLE = "NUMBA_CACHE_DIR"
SHOWN_DIGITS = 16


def cache_folder() -> Path:
    """Return the folder for the installed sources, below the user's cache."""
    here = Path(__file__).resolve().parent
    texts = [path.read_bytes() for path in sorted(here.rglob("*.py"))]
    name = sha256(b"\0".join([version("numba").encode(), *texts])).hex()[:SHOWN_DIGITS]
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "tribunate" / "compiled" / name


def use_cache_folder() -> None:
    """Let numba use it, here and in processes started from here, unless it has been told otherwise.

    Must come before numba is loaded.
    """
    os.environ.setdefault(VARIABLE, str(cache_folder()))


def warm_up() -> None:
    """Compile the kernels, or load what was compiled: afterwards a first result takes under a second."""
    use_cache_folder()
    from simulations import engine
    from simulations.paths.draw import draw
    from simulations.paths.garch import Garch, GarchProcess
    from simulations.paths.scenario import PathModel
    from simulations.pool import face

    engine.warm_up()
    face.warm_up()
    process = GarchProcess((Garch(omega=1e-6, alpha=0.1, beta=0.8, degrees=4.0),))
    draw(PathModel(("ETH",), (1.0,), 3600, process), paths=2, steps=2, seed=0)
