"""The efficient frontier: candidates that no other is better than in everything.

More revenue and more borrowing power are better, less shortfall and less harm are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulations.candidates.objective import Outcome


def costs(outcomes: Sequence[Outcome]) -> NDArray[np.float64]:
    """Return the objectives so that less is better in each, shape (candidate, objective)."""
    return np.array([(-o.revenue, -o.power, o.shortfall, o.harm) for o in outcomes]).reshape(-1, 4)


def non_dominated(table: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which rows no other row is at least as good as in all columns and better than in one.

    >>> non_dominated(np.array([[1.0, 2.0], [2.0, 1.0], [2.0, 2.0], [1.0, 2.0]])).tolist()
    [True, True, False, True]
    """
    as_good = np.all(table[None, :, :] <= table[:, None, :], axis=2)  # (row, other)
    better = np.any(table[None, :, :] < table[:, None, :], axis=2)
    return np.asarray(~np.any(as_good & better, axis=1))


def frontier(outcomes: Sequence[Outcome]) -> list[int]:
    """Return the places of the outcomes on the frontier, in the given order."""
    return [int(place) for place in np.flatnonzero(non_dominated(costs(outcomes)))] if outcomes else []
