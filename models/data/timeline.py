"""A DAO's recorded collateral parameters: one row per change, as the timeline file has them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd  # type: ignore[import-untyped]

from core.errors import DataError

FILE = "aave_ethereum_ltv_lt_timeline.csv"
COLUMNS = ("ts_utc", "market", "symbol", "ltv_bps", "liq_threshold_bps", "liq_bonus_bps")


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One recorded change; ``bonus_bps`` is the excess, ``None`` where the record has none."""

    time: int
    market: str
    symbol: str
    ltv_bps: int
    threshold_bps: int
    bonus_bps: int | None


def load_timeline(data: Path) -> tuple[TimelineRow, ...]:
    """Return all rows, ascending in time.

    Raises:
        DataError: the file is missing, lacks a column, or holds a row that is not usable.
    """
    folder = data / "governance" if (data / "governance").is_dir() else data
    path = folder / FILE
    if not path.is_file():
        raise DataError(f"{FILE} is missing", allowed="governance/ below --data")
    rows = pd.read_csv(path)
    missing = [column for column in COLUMNS if column not in rows.columns]
    if missing:
        raise DataError(f"{FILE} has no column {missing[0]!r}", allowed=", ".join(COLUMNS))
    times = pd.to_datetime(rows["ts_utc"], errors="coerce", utc=True)
    usable = times.notna() & rows["ltv_bps"].notna() & rows["liq_threshold_bps"].notna()
    # Rows without LTV or threshold record other changes (flags, caps); they say nothing here.
    found = [
        _row(row, int(time.timestamp()))
        for time, (_, row) in zip(times[usable], rows[usable].iterrows(), strict=True)
    ]
    return tuple(sorted(found, key=lambda row: row.time))


def _row(row: pd.Series, time: int) -> TimelineRow:
    bonus = row["liq_bonus_bps"]
    return TimelineRow(
        time=time,
        market=str(row["market"]),
        symbol=str(row["symbol"]),
        ltv_bps=int(row["ltv_bps"]),
        threshold_bps=int(row["liq_threshold_bps"]),
        bonus_bps=None if pd.isna(bonus) else max(0, int(bonus) - 100_00),
    )
