"""Price files into validated bars: Parquet and CSV, through a declared profile.

    file ─► rows (as written) ─► checked ─► one asset ─► close times ─► gaps checked ─► frame ─► PriceHistory

Nothing is filled, dropped or sorted in silence: a row that breaks the profile is an error that names
file, line and column.  A gap of up to 12 h stays a gap (missing bars are absent), a longer one is an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from numpy.typing import NDArray

from core.errors import DataError
from core.market import PriceHistory
from core.units import PRICE_ONE
from models.data.profiles import Duplicates, Profile, Stamp

LARGEST_PRICE = 2**63 / PRICE_ONE / 2


@dataclass(frozen=True, slots=True)
class Gap:
    """Bars that are missing between two closes (UTC seconds, both present)."""

    after: int
    before: int
    missing_bars: int


def load_prices(
    path: Path, profile: Profile, asset: str, *, window: tuple[int, int] | None = None
) -> pd.DataFrame:
    """Return validated rows of one asset: ``close_time`` (UTC seconds), ``price``; ascending.

    Args:
        path: The file.
        profile: Its declaration.
        asset: As the file names it.
        window: First and last close time to keep, both included; all by default.

    Raises:
        DataError: the file cannot be read, or a row breaks the profile.
    """
    rows = _of_asset(_read(path, profile), profile, asset, name=path.name)
    times = _times(rows[profile.time_column], profile, name=path.name)
    prices = _prices(rows[profile.price_column], name=path.name)
    frame = pd.DataFrame({"line": rows.index + 2, "time": times, "price": prices})
    frame = _ordered(frame, profile, name=path.name)
    frame = _at_full_bars(frame, profile) if profile.stamp is Stamp.ROUND else _at_close(frame, profile)
    if window is not None:
        frame = frame[frame["close_time"].between(*window)]
    refuse_long_gaps(frame["close_time"].to_numpy(), profile, name=f"{path.name}, {asset}")
    return frame.reset_index(drop=True)


def price_history(frame: pd.DataFrame, asset: str, *, source: str, bar_seconds: int) -> PriceHistory:
    """Return a validated frame as what agents look at: integers, ascending close times."""
    closes = np.rint(frame["price"].to_numpy(dtype=np.float64) * PRICE_ONE).astype(np.int64)
    times = frame["close_time"].to_numpy(dtype=np.int64)
    return PriceHistory(asset, source, bar_seconds, times, closes)


def gaps_of(history: PriceHistory) -> tuple[Gap, ...]:
    """Return where bars are missing, for people to see."""
    steps = np.diff(history.times)
    at = np.flatnonzero(steps > history.bar_seconds)
    return tuple(
        Gap(
            after=int(history.times[i]),
            before=int(history.times[i + 1]),
            missing_bars=int(steps[i] // history.bar_seconds) - 1,
        )
        for i in at
    )


def refuse_long_gaps(times: NDArray[np.int64], profile: Profile, *, name: str) -> None:
    """Refuse a gap above the profile's limit.

    Raises:
        DataError: names the gap's ends.
    """
    steps = np.diff(times)
    too_long = np.flatnonzero(steps > profile.longest_gap_seconds + profile.bar_seconds)
    if len(too_long):
        first = int(too_long[0])
        ends = [pd.Timestamp(int(t), unit="s", tz="UTC").isoformat() for t in times[first : first + 2]]
        raise DataError(
            f"{name}: nothing between {ends[0]} and {ends[1]}",
            allowed=f"gaps of at most {profile.longest_gap_seconds // 3600} h",
            hint="start after the gap, or take a source without it; gaps are never filled",
        )


def _read(path: Path, profile: Profile) -> pd.DataFrame:
    if not path.is_file():
        raise DataError(f"{path} is not a file", allowed="a Parquet or CSV file", hint="check --data")
    try:
        if path.suffix == ".parquet":
            rows = pd.read_parquet(path)
        elif path.suffix == ".csv":
            rows = pd.read_csv(path, dtype=str, keep_default_na=False)
        else:
            raise DataError(f"{path.name} ends in {path.suffix!r}", allowed=".parquet or .csv")
    except (OSError, ValueError) as problem:  # pyarrow's and pandas' parse errors are both
        raise DataError(f"{path.name} cannot be read: {problem}", hint="is it complete?") from problem
    wanted = [
        profile.time_column,
        profile.price_column,
        *([profile.asset_column] if profile.asset_column else []),
    ]
    missing = [column for column in wanted if column not in rows.columns]
    if missing:
        raise DataError(
            f"{path.name} has no column {missing[0]!r}",
            allowed=", ".join(str(column) for column in rows.columns),
            hint="name the column in source.toml",
        )
    return rows


def _of_asset(rows: pd.DataFrame, profile: Profile, asset: str, *, name: str) -> pd.DataFrame:
    if profile.asset_column is None:
        if profile.asset is not None and profile.asset != asset:
            raise DataError(f"{name} holds {profile.asset}, not {asset}", allowed=profile.asset)
        found = rows
    else:
        found = rows[rows[profile.asset_column] == asset]
    if found.empty:
        known = sorted(set(rows[profile.asset_column])) if profile.asset_column else []
        raise DataError(f"{name} has no rows of {asset}", allowed=", ".join(known) or "at least one row")
    return found


def _times(column: pd.Series, profile: Profile, *, name: str) -> pd.Series:
    """Return UTC seconds; naive times are read in the profile's zone."""
    parsed = pd.to_datetime(
        column, errors="coerce", utc=False, format="ISO8601" if column.dtype != "M8[us]" else None
    )
    bad = parsed.isna()
    if bad.any():
        where = column.index[bad][0]
        raise DataError(
            f"{name}, line {where + 2}, column {column.name}: {column[where]!r} is not a time",
            allowed="ISO 8601, such as 2023-01-31T14:00:00Z",
        )
    if parsed.dt.tz is None:
        if profile.time_zone is None:
            raise DataError(
                f"{name}: times are naive", allowed="a declared time_zone", hint="add it to source.toml"
            )
        parsed = parsed.dt.tz_localize(profile.time_zone, ambiguous="raise", nonexistent="raise")
    return parsed.dt.tz_convert("UTC").dt.floor("s").dt.as_unit("s").astype("int64")


def _prices(column: pd.Series, *, name: str) -> pd.Series:
    prices = pd.to_numeric(column, errors="coerce").astype(np.float64)
    usable = np.isfinite(prices) & (prices > 0) & (prices < LARGEST_PRICE)
    if not usable.all():
        where = column.index[~usable][0]
        raise DataError(
            f"{name}, line {where + 2}, column {column.name}: {column[where]} is not a price",
            allowed="finite numbers above 0",
            hint="drop the line (a missing bar is allowed); nothing was loaded",
        )
    return prices


def _ordered(frame: pd.DataFrame, profile: Profile, *, name: str) -> pd.DataFrame:
    if profile.equal_duplicates is Duplicates.COLLAPSE:
        frame = frame.drop_duplicates(["time", "price"])
    steps = np.diff(frame["time"].to_numpy())
    at_fault = np.flatnonzero(steps <= 0)
    if len(at_fault):
        row = frame.iloc[int(at_fault[0]) + 1]
        kind = "repeats the time of" if steps[at_fault[0]] == 0 else "is earlier than"
        raise DataError(
            f"{name}, line {int(row['line'])}, column {profile.time_column}: it {kind} the line before",
            allowed="strictly ascending times",
            hint="sort the file and keep one row per time",
        )
    return frame


def _at_close(frame: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    shift = profile.bar_seconds if profile.stamp is Stamp.OPEN else 0
    return pd.DataFrame({"close_time": frame["time"] + shift, "price": frame["price"]})


def _at_full_bars(frame: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Return the answer that stands at each full bar; a bar whose newest answer is too old is missing."""
    times = frame["time"].to_numpy()
    bar = profile.bar_seconds
    full = np.arange(-(-times[0] // bar) * bar, times[-1] + 1, bar)
    newest = np.searchsorted(times, full, side="right") - 1
    fresh = full - times[newest] <= profile.max_age_seconds
    prices = frame["price"].to_numpy()[newest]
    return pd.DataFrame({"close_time": full[fresh], "price": prices[fresh]})
