"""Price files: what a declared profile lets in, and what each refusal says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.errors import ConfigError, DataError
from models.data.archive import load_history
from models.data.prices import gaps_of, load_prices, price_history
from models.data.profiles import Duplicates, Profile, Stamp, profile_of

CLOSES = Profile()


def write(folder: Path, *lines: str, name: str = "prices.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(("time,close", *lines)) + "\n", encoding="utf-8")
    return path


def hours(*prices: str) -> list[str]:
    return [f"2023-01-01T{hour:02}:00:00Z,{price}" for hour, price in enumerate(prices)]


def test_a_csv_file_becomes_integers_at_its_close_times(tmp_path: Path) -> None:
    frame = load_prices(write(tmp_path, *hours("1200.5", "1201")), CLOSES, "ETH")
    history = price_history(frame, "ETH", source="exchange", bar_seconds=3600)
    assert history.times.tolist() == [1_672_531_200, 1_672_534_800]
    assert history.closes_e8.tolist() == [120_050_000_000, 120_100_000_000]


def test_opening_stamps_become_close_times(tmp_path: Path) -> None:
    frame = load_prices(write(tmp_path, *hours("1", "2")), Profile(stamp=Stamp.OPEN), "ETH")
    assert frame["close_time"].tolist() == [1_672_534_800, 1_672_538_400]


def test_a_declared_zone_moves_naive_times(tmp_path: Path) -> None:
    """Noon in New York in January is 17:00 UTC."""
    path = write(tmp_path, "2023-01-01T12:00:00,1")
    frame = load_prices(path, Profile(time_zone="America/New_York"), "ETH")
    assert frame["close_time"].tolist() == [1_672_531_200 + 17 * 3600]


def test_parquet_and_csv_read_the_same(tmp_path: Path) -> None:
    csv = write(tmp_path, *hours("10", "11", "12"))
    rows = pd.read_csv(csv, parse_dates=["time"])
    rows.to_parquet(tmp_path / "prices.parquet")
    first = load_prices(csv, CLOSES, "ETH")
    second = load_prices(tmp_path / "prices.parquet", CLOSES, "ETH")
    assert first["close_time"].tolist() == second["close_time"].tolist()
    assert first["price"].tolist() == second["price"].tolist()


def test_a_gap_of_twelve_hours_is_missing_bars_not_filled(tmp_path: Path) -> None:
    path = write(tmp_path, "2023-01-01T00:00:00Z,1", "2023-01-01T13:00:00Z,2")
    history = price_history(load_prices(path, CLOSES, "ETH"), "ETH", source="exchange", bar_seconds=3600)
    assert len(history) == 2
    assert [gap.missing_bars for gap in gaps_of(history)] == [12]


def test_a_longer_gap_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "2023-01-01T00:00:00Z,1", "2023-01-01T14:00:00Z,2")
    with pytest.raises(DataError, match="nothing between 2023-01-01T00:00") as refused:
        load_prices(path, CLOSES, "ETH")
    assert refused.value.allowed == "gaps of at most 12 h"


@pytest.mark.parametrize("price", ["-3.2", "0", "nan", "inf", "", "abc", "1e300"])
def test_what_is_not_a_price_is_named_by_line_and_column(tmp_path: Path, price: str) -> None:
    path = write(tmp_path, *hours("10", price, "11"))
    with pytest.raises(DataError) as refused:
        load_prices(path, CLOSES, "ETH")
    assert refused.value.found == f"prices.csv, line 3, column close: {price} is not a price"
    assert refused.value.allowed == "finite numbers above 0"


@pytest.mark.parametrize("time", ["", "yesterday", "2023-13-01T00:00:00Z", "12"])
def test_what_is_not_a_time_is_named(tmp_path: Path, time: str) -> None:
    path = write(tmp_path, "2023-01-01T00:00:00Z,1", f"{time},2")
    with pytest.raises(DataError, match=r"^prices\.csv, line 3, column time: "):
        load_prices(path, CLOSES, "ETH")


def test_a_repeated_time_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "2023-01-01T00:00:00Z,1", "2023-01-01T00:00:00Z,1")
    with pytest.raises(DataError, match="line 3, column time: it repeats the time of the line before"):
        load_prices(path, CLOSES, "ETH")


def test_equal_duplicates_collapse_only_where_declared(tmp_path: Path) -> None:
    path = write(tmp_path, "2023-01-01T00:00:00Z,1", "2023-01-01T00:00:00Z,1")
    frame = load_prices(path, Profile(equal_duplicates=Duplicates.COLLAPSE), "ETH")
    assert len(frame) == 1


def test_contradicting_duplicates_are_refused_even_where_declared(tmp_path: Path) -> None:
    path = write(tmp_path, "2023-01-01T00:00:00Z,1", "2023-01-01T00:00:00Z,2")
    with pytest.raises(DataError, match="repeats the time"):
        load_prices(path, Profile(equal_duplicates=Duplicates.COLLAPSE), "ETH")


def test_an_unsorted_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "2023-01-01T01:00:00Z,1", "2023-01-01T00:00:00Z,2")
    with pytest.raises(DataError, match="line 3, column time: it is earlier than the line before"):
        load_prices(path, CLOSES, "ETH")


def test_rounds_stand_at_each_full_hour_until_they_are_too_old(tmp_path: Path) -> None:
    path = write(tmp_path, "2023-01-01T00:30:00Z,1", "2023-01-01T01:10:00Z,2", "2023-01-01T05:00:00Z,3")
    frame = load_prices(path, Profile(stamp=Stamp.ROUND), "ETH")
    at = {(t - 1_672_531_200) // 3600: p for t, p in zip(frame["close_time"], frame["price"], strict=True)}
    assert at == {1: 1.0, 2: 2.0, 3: 2.0, 5: 3.0}


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column 'last'") as refused:
        load_prices(write(tmp_path, *hours("1")), Profile(price_column="last"), "ETH")
    assert refused.value.allowed == "time, close"


@pytest.mark.parametrize("name", ["prices.xlsx", "prices"])
def test_another_kind_of_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="ends in"):
        load_prices(write(tmp_path, *hours("1"), name=name), CLOSES, "ETH")


def test_a_broken_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "prices.parquet"
    path.write_bytes(b"PAR1 and nothing else")
    with pytest.raises(DataError, match="cannot be read"):
        load_prices(path, CLOSES, "ETH")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a file"):
        load_prices(tmp_path / "none.csv", CLOSES, "ETH")


def test_an_asset_that_the_file_lacks_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("time,asset,close\n2023-01-01T00:00:00Z,BTC,1\n")
    with pytest.raises(DataError, match="no rows of ETH") as refused:
        load_prices(path, Profile(asset_column="asset"), "ETH")
    assert refused.value.allowed == "BTC"


def test_a_file_without_profile_and_naive_times_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "2023-01-01T00:00:00,1")
    with pytest.raises(DataError, match="no declared profile") as refused:
        load_history(path, "ETH", source="exchange")
    assert "--assume-utc" in refused.value.hint


def test_utc_is_assumed_only_when_asked(tmp_path: Path) -> None:
    path = write(tmp_path, "2023-01-01T00:00:00,1", "2023-01-01T01:00:00,2")
    assert len(load_history(path, "ETH", source="exchange", assume_utc=True)) == 2


def test_source_toml_beside_the_file_is_its_profile(tmp_path: Path) -> None:
    path = write(tmp_path, *hours("1", "2"), name="eth.csv")
    (tmp_path / "source.toml").write_text(
        '[default]\nasset = "ETH"\ntime_zone = "UTC"\n[file."eth.csv"]\nstamp = "open"\n'
    )
    profile = profile_of(path)
    assert (profile.asset, profile.stamp) == ("ETH", Stamp.OPEN)
    assert load_history(path, "ETH", source="exchange").times[0] == 1_672_534_800


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('[default]\ntime_zon = "UTC"', "unknown key 'time_zon'"),
        ("[defaults]\n", "unknown key 'defaults'"),
        ('[default]\nbar_seconds = "3600"', "bar_seconds was '3600'"),
        ("[default]\nbar_seconds = true", "bar_seconds was True"),
        ("[default]\nbar_seconds = 0", "bar_seconds was 0"),
        ("[default]\nprice_column = 3", "price_column was 3"),
        ('[default]\nstamp = "middle"', "stamp was 'middle'"),
        ('[default]\ntime_zone = "Mars/Olympus"', "time_zone was 'Mars/Olympus'"),
        ("default = 3", "default was 3"),
        ("[default", "is not TOML"),
    ],
)
def test_a_wrong_profile_says_what_is_allowed(tmp_path: Path, toml: str, message: str) -> None:
    path = write(tmp_path, *hours("1"))
    (tmp_path / "source.toml").write_text(toml)
    with pytest.raises(ConfigError) as refused:
        profile_of(path)
    assert message in refused.value.found


def test_an_unknown_key_names_the_nearest_one(tmp_path: Path) -> None:
    path = write(tmp_path, *hours("1"))
    (tmp_path / "source.toml").write_text('[default]\nprice_colum = "close"')
    with pytest.raises(ConfigError) as refused:
        profile_of(path)
    assert refused.value.hint == "did you mean price_column?"


def test_an_unknown_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="source was 'newspaper'"):
        load_history(tmp_path, "ETH", source="newspaper")


def test_a_folder_with_two_unknown_files_is_refused(tmp_path: Path) -> None:
    write(tmp_path, *hours("1"), name="a.csv")
    write(tmp_path, *hours("1"), name="b.csv")
    with pytest.raises(DataError, match="holds 2 price files"):
        load_history(tmp_path, "ETH", source="exchange")


def table(folder: Path, name: str, closes: list[float]) -> None:
    times = pd.date_range("2023-01-01", periods=len(closes), freq="h")
    pd.DataFrame({"ts_utc": times, "asset": "ETH", "close": np.array(closes)}).to_parquet(folder / name)


def test_overlapping_files_join_where_they_agree(tmp_path: Path) -> None:
    table(tmp_path, "spot_1h_ohlcv.parquet", [1, 2, 3])
    table(tmp_path, "spot_1h_close.parquet", [1, 2, 3, 4])
    history = load_history(tmp_path, "WETH", source="exchange")
    assert history.closes_e8.tolist() == [10**8, 2 * 10**8, 3 * 10**8, 4 * 10**8]
    assert history.times[0] == 1_672_534_800


def test_overlapping_files_that_contradict_are_refused(tmp_path: Path) -> None:
    table(tmp_path, "spot_1h_ohlcv.parquet", [1, 2, 3])
    table(tmp_path, "spot_1h_close.parquet", [1, 2.5, 3, 4])
    with pytest.raises(DataError, match=r"ETH at 2023-01-01T02:00:00\+00:00 closes at 2.0 in one file, 2.5"):
        load_history(tmp_path, "ETH", source="exchange")
