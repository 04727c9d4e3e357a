"""What a price file holds, declared beside it in ``source.toml`` (or built in, for published file names).

    [default]                        # every file of the folder; [file."eth.csv"] overrides it
    asset = "WETH"                   # or asset_column = "asset"
    time_column = "ts_utc"
    price_column = "close"
    time_zone = "UTC"
    quote = "USD"
    bar_seconds = 3600
    stamp = "open"                   # open | close | round (irregular answers, taken at each full bar)
    equal_duplicates = "refuse"      # refuse | collapse

A file without a declaration and with naive times is refused unless the caller assumes UTC.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.errors import ConfigError, DataError

SOURCE_FILE = "source.toml"
LONGEST_GAP_SECONDS = 12 * 3600


class Stamp(StrEnum):
    """What a row's time means."""

    OPEN = "open"
    CLOSE = "close"
    ROUND = "round"


class Duplicates(StrEnum):
    """What happens to rows that repeat time and price exactly; contradicting rows are always refused."""

    REFUSE = "refuse"
    COLLAPSE = "collapse"


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as problem:
        raise ConfigError(f"time_zone was {name!r}", allowed="an IANA name such as UTC") from problem


@dataclass(frozen=True, slots=True)
class Profile:
    """One file's declaration.  ``time_zone`` is ``None`` only if the file's times carry their own.

    ``max_age_seconds`` bounds how old a round may be at the full bar that it stands for.
    """

    time_zone: str | None = "UTC"
    quote: str = "USD"
    bar_seconds: int = 3600
    time_column: str = "time"
    price_column: str = "close"
    asset_column: str | None = None
    asset: str | None = None
    stamp: Stamp = Stamp.CLOSE
    equal_duplicates: Duplicates = Duplicates.REFUSE
    max_age_seconds: int = 2 * 3600
    longest_gap_seconds: int = LONGEST_GAP_SECONDS

    def __post_init__(self) -> None:
        if self.bar_seconds <= 0:
            raise ConfigError(f"bar_seconds was {self.bar_seconds}", allowed="whole seconds above 0")
        if self.time_zone is not None:
            _check_zone(self.time_zone)


HOURLY_TABLE = Profile(
    time_column="ts_utc", price_column="close", asset_column="asset", quote="USDT", stamp=Stamp.OPEN
)
BUILT_IN: Mapping[str, Profile] = {
    "spot_1h_ohlcv.parquet": HOURLY_TABLE,
    "spot_1h_close.parquet": HOURLY_TABLE,
    "spot_1d_ohlcv.parquet": replace(HOURLY_TABLE, bar_seconds=24 * 3600, longest_gap_seconds=2 * 24 * 3600),
    "spot_1h_usd_coingecko.parquet": replace(
        HOURLY_TABLE,
        price_column="usd",
        quote="USD",
        stamp=Stamp.ROUND,
        equal_duplicates=Duplicates.COLLAPSE,
    ),
    "comet_onchain_oracle_1h.parquet": replace(
        HOURLY_TABLE, price_column="usd", quote="USD", stamp=Stamp.ROUND
    ),
}
"""Profiles of published files that come without a declaration of their own, by file name."""


def profile_of(path: Path, *, assume_utc: str | None = None) -> Profile:
    """Return the declaration of ``path``: beside it, else built in, else assumed by the caller.

    Args:
        path: The price file.
        assume_utc: The asset's name if the caller declares naive times as UTC and the default columns.

    Raises:
        ConfigError: ``source.toml`` is not usable.
        DataError: there is no declaration and nothing is assumed.
    """
    declaration = path.parent / SOURCE_FILE
    if declaration.is_file():
        return _declared(declaration, path.name)
    if path.name in BUILT_IN:
        return BUILT_IN[path.name]
    if assume_utc is not None:
        return Profile(asset=assume_utc)
    raise DataError(
        f"{path.name} has no declared profile",
        allowed=f"{SOURCE_FILE} beside the file",
        hint="write one, or pass --assume-utc if its times are UTC closes",
    )


def _declared(declaration: Path, name: str) -> Profile:
    try:
        content = tomllib.loads(declaration.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ConfigError(
            f"{declaration.name} is not TOML: {problem}", hint="see docs for an example"
        ) from problem
    _check_keys(content, allowed=("default", "file"), where=declaration.name)
    values = dict(_table(content, "default", where=declaration.name))
    files = _table(content, "file", where=declaration.name)
    values.update(_table(files, name, where=f"{declaration.name} [file]"))
    return _profile(values, where=declaration.name)


def _table(content: Mapping[str, Any], key: str, *, where: str) -> Mapping[str, Any]:
    table = content.get(key, {})
    if not isinstance(table, dict):
        raise ConfigError(f"{where}: {key} was {table!r}", allowed="a table")
    return table


def _profile(values: Mapping[str, Any], *, where: str) -> Profile:
    known = {field.name: field for field in fields(Profile)}
    _check_keys(values, allowed=tuple(known), where=where)
    checked: dict[str, Any] = {}
    for key, value in values.items():
        whole = key in ("bar_seconds", "max_age_seconds", "longest_gap_seconds")
        if whole is not (isinstance(value, int) and not isinstance(value, bool)):
            raise ConfigError(f"{where}: {key} was {value!r}", allowed="a whole number" if whole else "text")
        checked[key] = value
    for key, kind in (("stamp", Stamp), ("equal_duplicates", Duplicates)):
        if key in checked:
            checked[key] = _choice(checked[key], kind, where=f"{where}: {key}")
    return Profile(**checked)


def _choice(value: str, kind: type[StrEnum], *, where: str) -> StrEnum:
    if value not in list(kind):
        raise ConfigError(f"{where} was {value!r}", allowed=", ".join(kind))
    return kind(value)


def _check_keys(values: Mapping[str, Any], *, allowed: tuple[str, ...], where: str) -> None:
    for key in values:
        if key not in allowed:
            near = get_close_matches(key, allowed, n=1)
            hint = f"did you mean {near[0]}?" if near else ""
            raise ConfigError(f"{where}: unknown key {key!r}", allowed=", ".join(allowed), hint=hint)
