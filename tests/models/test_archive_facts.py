"""Known facts that a reader of the real data must find."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from core.errors import DataError
from core.units import PRICE_ONE
from models.data.archive import load_history, luna_history
from models.data.liquidations import count_between, load_liquidations
from models.data.prices import gaps_of, load_prices
from models.data.profiles import Duplicates, profile_of
from models.data.timeline import load_timeline

pytestmark = pytest.mark.data

HOUR = 3600
DAY = 24 * HOUR


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def daily_close(data: Path, asset: str, day: str) -> float:
    """The close of the day that begins at ``day``."""
    path = data / "prices" / "spot_1d_ohlcv.parquet"
    frame = load_prices(path, profile_of(path), asset).set_index("close_time")
    return float(frame.loc[at(day) + DAY, "price"])


@pytest.mark.parametrize(("asset", "fall"), [("ETH", 0.446), ("BTC", 0.395)])
def test_black_thursday(real_data: Path, asset: str, fall: float) -> None:
    before, after = (daily_close(real_data, asset, day) for day in ("2020-03-11", "2020-03-12"))
    assert 1 - after / before == pytest.approx(fall, abs=0.0006)


def test_crv_fell_by_31_percent_on_the_first_of_august(real_data: Path) -> None:
    path = real_data / "prices" / "spot_1h_close.parquet"
    window = (at("2023-07-30"), at("2023-08-02"))
    prices = load_prices(path, profile_of(path), "CRV", window=window)["price"].to_numpy()
    assert 1 - prices.min() / prices.max() == pytest.approx(0.31, abs=0.01)


def test_crv_was_squeezed_in_november_2022(real_data: Path) -> None:
    path = real_data / "prices" / "spot_1h_close.parquet"
    window = (at("2022-11-22") + HOUR, at("2022-11-24"))
    prices = load_prices(path, profile_of(path), "CRV", window=window)["price"].to_numpy()
    low = int(prices.argmin())
    assert prices[:low].max() == pytest.approx(0.517, abs=0.02)
    assert prices[low] == 0.406
    assert (prices[low:] >= 0.65).any()


def test_usdc_lost_its_peg(real_data: Path) -> None:
    path = real_data / "prices" / "spot_1h_close.parquet"
    frame = load_prices(path, profile_of(path), "USDC", window=(at("2023-03-11"), at("2023-03-12")))
    by_close = frame.set_index("close_time")["price"]
    assert by_close[at("2023-03-11T15:00")] == pytest.approx(0.913, abs=0.0005)


def test_staked_eth_lost_its_peg(real_data: Path) -> None:
    path = real_data / "prices" / "spot_1h_usd_coingecko.parquet"
    window = (at("2022-06-18"), at("2022-06-19"))
    staked, plain = (
        load_prices(path, profile_of(path), asset, window=window).set_index("close_time")["price"]
        for asset in ("stETH", "WETH")
    )
    assert (staked / plain).dropna().min() == pytest.approx(0.9306, abs=0.006)


def test_the_hourly_files_join_without_contradiction(real_data: Path) -> None:
    history = load_history(real_data, "ETH", source="exchange")
    assert history.times[0] == at("2019-01-01T01:00")
    assert history.last_time == at("2024-01-01")
    assert len(history) == 43_764
    assert max(gap.missing_bars for gap in gaps_of(history)) == 10


def test_the_oracle_follows_the_exchange(real_data: Path) -> None:
    oracle = load_history(real_data, "ETH", source="oracle")
    exchange = load_history(real_data, "ETH", source="exchange")
    both, left, right = np.intersect1d(oracle.times, exchange.times, return_indices=True)
    ratio = oracle.closes_e8[left] / exchange.closes_e8[right]
    assert len(both) > 12_000
    assert np.median(np.abs(ratio - 1)) < 0.003
    assert oracle.closes_e8[-1] > 2_000 * PRICE_ONE


def test_luna_is_two_coins(real_data: Path) -> None:
    folder = real_data / "prices"
    old, new = luna_history(folder, coin="old"), luna_history(folder, coin="new")
    assert old.last_time < at("2022-05-14")
    assert old.closes_e8[-1] < PRICE_ONE // 1_000
    assert new.times[0] > at("2022-05-31")
    with pytest.raises(DataError, match="LUNA: nothing between"):
        load_history(real_data, "LUNA", source="exchange")


def test_twenty_four_stamps_are_repeated_and_equal(real_data: Path) -> None:
    path = real_data / "prices" / "spot_1h_usd_coingecko.parquet"
    window = (at("2022-04-07T12:00"), at("2022-04-09T12:00"))
    frame = load_prices(path, profile_of(path), "renFIL", window=window)
    assert len(frame) == 49
    with pytest.raises(DataError, match="the line before"):
        load_prices(
            path, replace(profile_of(path), equal_duplicates=Duplicates.REFUSE), "renFIL", window=window
        )


@pytest.mark.parametrize(("file", "asset"), [("spot_1h_usd_coingecko", "KNC"), ("spot_1h_close", "USDC")])
def test_long_gaps_are_refused(real_data: Path, file: str, asset: str) -> None:
    path = real_data / "prices" / f"{file}.parquet"
    with pytest.raises(DataError, match=f"{asset}: nothing between"):
        load_prices(path, profile_of(path), asset)


def test_recorded_liquidations_are_counted(real_data: Path) -> None:
    assert count_between(real_data, "aave_v2_liquidations.csv", "2021-05-01", "2021-06-01") == 3_522
    assert count_between(real_data, "aave_v1_liquidations.csv", "2020-03-01", "2020-04-01") == 541


def test_one_call_repays_half_of_a_debt(real_data: Path) -> None:
    """The close factor of Aave V1 and V2 was 50 %."""
    calls = load_liquidations(real_data, frozenset({"ETH", "WETH"}))
    assert np.median(calls.shares) == pytest.approx(0.5, abs=0.001)
    assert (np.diff(calls.times) >= 0).all()


def test_emergency_actions_of_black_thursday_are_in_the_record(real_data: Path) -> None:
    rows = load_timeline(real_data)
    day = [r for r in rows if at("2020-03-12") <= r.time < at("2020-03-14")]
    assert any(r.symbol == "DAI" and r.ltv_bps == 1_00 for r in day)
    assert any(r.symbol == "MKR" and r.ltv_bps == 1_00 for r in day)
