"""Recorded liquidations of Aave V1 and V2: when, who, how much debt was repaid.

Only debt in dollar tokens is used, so that an amount is its worth; dust below one dollar is left out and
counted.  ``lending/aave_v1_liquidations.csv`` and ``lending/aave_v2_liquidations.csv``, times in UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from numpy.typing import NDArray

from core.errors import DataError

V2_FILE = "aave_v2_liquidations.csv"
FILES = ("aave_v1_liquidations.csv", V2_FILE)
DOLLAR_TOKENS = frozenset({"USDC", "USDT", "DAI", "TUSD", "SUSD", "BUSD", "GUSD", "USDP"})
COLUMNS = ("ts_utc", "user", "collateral", "debt", "debt_amount")
DUST_USD = 1.0
SAME_EVENT_SECONDS = 3600


@dataclass(frozen=True, slots=True, eq=False)
class Liquidations:
    """Recorded calls, ascending in time: UTC seconds and repaid USD, shape (call,).

    ``share_times`` and ``shares`` are calls that were followed within the hour by another call on the
    same debt: if both repay the same share s, the second repays (1 - s) of the first.
    """

    times: NDArray[np.int64]
    repaid_usd: NDArray[np.float64]
    share_times: NDArray[np.int64]
    shares: NDArray[np.float64]
    dust: int


def load_liquidations(
    data: Path, collateral: frozenset[str], *, files: Sequence[str] = FILES
) -> Liquidations:
    """Return the calls that seized one of ``collateral`` (token names) for dollar debt.

    Raises:
        DataError: a file is missing, lacks a column, or holds a row that is not usable.
    """
    folder = data / "lending" if (data / "lending").is_dir() else data
    frames = [_read(folder / name).assign(file=name) for name in files]
    rows = pd.concat(frames, ignore_index=True)
    rows = rows[rows["debt"].isin(DOLLAR_TOKENS) & rows["collateral"].isin(collateral)]
    usable = rows[rows["debt_amount"] >= DUST_USD].sort_values("time", kind="stable")
    share_times, shares = _shares(usable)
    return Liquidations(
        times=usable["time"].to_numpy(dtype=np.int64),
        repaid_usd=usable["debt_amount"].to_numpy(dtype=np.float64),
        share_times=share_times,
        shares=shares,
        dust=len(rows) - len(usable),
    )


def count_between(data: Path, name: str, begin: str, end: str) -> int:
    """Return how many calls of any asset a file holds from ``begin`` to before ``end`` (ISO dates, UTC)."""
    folder = data / "lending" if (data / "lending").is_dir() else data
    times = _read(folder / name)["time"]
    low, high = (int(pd.Timestamp(day, tz="UTC").timestamp()) for day in (begin, end))
    return int(times.between(low, high, inclusive="left").sum())


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise DataError(f"{path.name} is missing", allowed="lending/ below --data")
    rows = pd.read_csv(path, usecols=lambda column: column in COLUMNS)
    missing = [column for column in COLUMNS if column not in rows.columns]
    if missing:
        raise DataError(f"{path.name} has no column {missing[0]!r}", allowed=", ".join(COLUMNS))
    times = pd.to_datetime(rows["ts_utc"], errors="coerce", utc=True)
    bad = times.isna() | ~np.isfinite(rows["debt_amount"]) | (rows["debt_amount"] < 0)
    if bad.any():
        where = rows.index[bad][0]
        raise DataError(f"{path.name}, line {where + 2}: {rows.loc[where].to_dict()} is not usable")
    return rows.assign(time=times.dt.as_unit("s").astype("int64"))


def _shares(rows: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return times and repaid shares of calls followed by another on the same debt within the hour."""
    ordered = rows.sort_values(["file", "user", "collateral", "debt", "time"], kind="stable")
    key = ordered[["file", "user", "collateral", "debt"]]
    same = (key == key.shift(-1)).all(axis=1)
    soon = ordered["time"].shift(-1) - ordered["time"] <= SAME_EVENT_SECONDS
    share = 1 - ordered["debt_amount"].shift(-1) / ordered["debt_amount"]
    chosen = same & soon & share.between(0, 1, inclusive="neither")
    # The share is known only when the second call has happened.
    known_at = ordered["time"].shift(-1)[chosen].to_numpy(dtype=np.float64).astype(np.int64)
    values = share[chosen].to_numpy(dtype=np.float64)
    order = np.argsort(known_at, kind="stable")
    return known_at[order], values[order]
