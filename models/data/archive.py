"""Real prices from a folder of published files (``--data PATH``): which file serves which source.

    exchange   spot_1h_ohlcv (2019-01 to 2022-10) joined with spot_1h_close (2021-01 to 2023-12);
               where both have a bar they must be equal
    oracle     comet_onchain_oracle_1h (2022-08 to 2023-12), Compound III's answers

The folder may be the archive or its ``prices`` folder; a single price file serves both sources.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]

from core.errors import ConfigError, DataError
from core.market import PriceHistory
from models.data.prices import load_prices, price_history, refuse_long_gaps
from models.data.profiles import BUILT_IN, profile_of

DATA_VARIABLE = "TRIBUNATE_DATA"
EARLY, LATE = "spot_1h_ohlcv.parquet", "spot_1h_close.parquet"
ORACLE = "comet_onchain_oracle_1h.parquet"
ORACLE_NAMES = {"ETH": "WETH"}
"""The oracle file's names for assets that the exchange names otherwise."""

EXCHANGE_NAMES = {"WETH": "ETH", "WBTC": "BTC"}

LUNA_SPLIT = 1_653_955_200
"""2022-05-31 00:00 UTC: from here on LUNA is the new coin; the old one ends on 2022-05-13."""


def data_folder(argument: str | None) -> Path:
    """Return the folder that ``--data`` or the environment names.

    Raises:
        ConfigError: neither names one, or it does not exist.
    """
    named = argument or os.environ.get(DATA_VARIABLE)
    if not named:
        raise ConfigError("no data folder was named", allowed="--data PATH", hint=f"or set {DATA_VARIABLE}")
    path = Path(named)
    if not path.exists():
        raise ConfigError(f"data path {named} does not exist", allowed="a folder or a price file")
    return path


def load_history(data: Path, asset: str, *, source: str, assume_utc: bool = False) -> PriceHistory:
    """Return ``source`` ("exchange" or "oracle") of ``asset`` from an archive or a single file.

    Raises:
        DataError: a file is missing or breaks its profile, or the joined files contradict each other.
        ConfigError: the source is unknown.
    """
    if source not in ("exchange", "oracle"):
        raise ConfigError(f"source was {source!r}", allowed="exchange, oracle")
    if data.is_file():
        return _single_file(data, asset, source=source, assume_utc=assume_utc)
    if not data.is_dir():
        raise DataError(
            f"there is nothing at {data}", allowed="a price file or a folder", hint="check --data"
        )
    folder = data / "prices" if (data / "prices").is_dir() else data
    if not any((folder / name).is_file() for name in BUILT_IN):
        return _single_file(_only_file(folder), asset, source=source, assume_utc=assume_utc)
    return oracle_history(folder, asset) if source == "oracle" else exchange_history(folder, asset)


def exchange_history(folder: Path, asset: str) -> PriceHistory:
    """Return the joined hourly closes of ``asset``."""
    named = EXCHANGE_NAMES.get(asset, asset)
    frames = []
    for name in (EARLY, LATE):
        path = folder / name
        if path.is_file() and _holds(path, named):
            frames.append(load_prices(path, profile_of(path), named))
    if not frames:
        raise DataError(f"no hourly file holds {named}", allowed=f"{EARLY} or {LATE} with rows of {named}")
    joined = frames[0] if len(frames) == 1 else join_equal(frames[0], frames[1], asset=named)
    refuse_long_gaps(joined["close_time"].to_numpy(), BUILT_IN[EARLY], name=f"{EARLY} with {LATE}, {named}")
    return price_history(joined, asset, source="exchange", bar_seconds=3600)


def oracle_history(folder: Path, asset: str) -> PriceHistory:
    """Return the oracle's answers for ``asset``, as they stand at each full hour."""
    path = folder / ORACLE
    frame = load_prices(path, profile_of(path), ORACLE_NAMES.get(asset, asset))
    return price_history(frame, asset, source="oracle", bar_seconds=3600)


def join_equal(early: pd.DataFrame, late: pd.DataFrame, *, asset: str) -> pd.DataFrame:
    """Return the union of two frames that must agree wherever both have a bar.

    Raises:
        DataError: they contradict each other; names the first bar.
    """
    both = early.merge(late, on="close_time", suffixes=("_early", "_late"))
    differ = both[both["price_early"] != both["price_late"]]
    if not differ.empty:
        row = differ.iloc[0]
        when = pd.Timestamp(int(row["close_time"]), unit="s", tz="UTC").isoformat()
        raise DataError(
            f"{asset} at {when} closes at {row['price_early']} in one file, {row['price_late']} in the other",
            allowed="equal prices where files overlap",
        )
    union = pd.concat([early, late]).drop_duplicates("close_time").sort_values("close_time")
    return union.reset_index(drop=True)


def luna_history(folder: Path, *, coin: str) -> PriceHistory:
    """Return the ``old`` LUNA (to 2022-05-13) or the ``new`` one (from 2022-05-31): two assets, one name.

    Raises:
        ConfigError: the coin is neither.
    """
    if coin not in ("old", "new"):
        raise ConfigError(f"coin was {coin!r}", allowed="old, new")
    path = folder / LATE
    rows = pd.read_parquet(path, filters=[("asset", "==", "LUNA")])
    times = rows["ts_utc"].dt.as_unit("s").astype("int64").to_numpy() + 3600
    chosen = times < LUNA_SPLIT if coin == "old" else times >= LUNA_SPLIT
    frame = pd.DataFrame({"close_time": times[chosen], "price": rows["close"].to_numpy()[chosen]})
    refuse_long_gaps(frame["close_time"].to_numpy(), BUILT_IN[LATE], name=f"{LATE}, LUNA ({coin})")
    return price_history(frame, f"LUNA-{coin}", source="exchange", bar_seconds=3600)


def _holds(path: Path, asset: str) -> bool:
    rows = pd.read_parquet(path, columns=["asset"], filters=[("asset", "==", asset)])
    return bool(len(rows))


def _only_file(folder: Path) -> Path:
    files = sorted(path for path in folder.iterdir() if path.suffix in (".csv", ".parquet"))
    if len(files) != 1:
        raise DataError(
            f"{folder.name} holds {len(files)} price files and none is known by name",
            allowed="one .csv or .parquet file, or an archive with the known names",
            hint="pass the file itself",
        )
    return files[0]


def _single_file(path: Path, asset: str, *, source: str, assume_utc: bool) -> PriceHistory:
    profile = profile_of(path, assume_utc=asset if assume_utc else None)
    if profile.asset_column is None and profile.asset not in (None, asset):
        raise DataError(f"{path.name} holds {profile.asset}, not {asset}", allowed=str(profile.asset))
    frame = load_prices(path, profile, profile.asset or asset)
    if not np.all(np.diff(frame["close_time"]) > 0):
        raise DataError(f"{path.name}: close times do not ascend strictly")
    return price_history(frame, asset, source=source, bar_seconds=profile.bar_seconds)
