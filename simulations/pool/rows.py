"""A pool's totals by path as a table, for other programs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from core.pool.terms import PoolTerms
from simulations.pool.face import AMOUNTS, COUNTED, PoolOutcome


def rows_table(outcome: PoolOutcome, terms: PoolTerms) -> pa.Table:
    """Return one row a path: counts, USD, and ``seized:NAME`` and ``bad_debt:NAME`` by collateral."""
    columns: dict[str, Any] = {"path": np.arange(len(outcome.liquidations))}
    columns |= {name: getattr(outcome, name) for name in (*COUNTED, *AMOUNTS)}
    for number, asset in enumerate(terms.assets):
        columns[f"seized:{asset.name}"] = outcome.seized_by_asset[:, number]
        columns[f"bad_debt:{asset.name}"] = outcome.bad_debt_by_asset[:, number]
    return pa.table({name: np.ascontiguousarray(values) for name, values in columns.items()})
