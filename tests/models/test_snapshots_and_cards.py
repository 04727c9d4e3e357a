"""Snapshots have one name for one content; cards say what a model saw; scores are proper."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.errors import DataError, ModelError
from core.market import PriceHistory
from core.recommendation import ForecastQuantile
from core.units import Bps
from models.cards import model_card
from models.data import snapshots
from models.evaluation import WalkForward, pinball_loss, table, walk_forward
from models.volatility import Ewma


def history(closes: list[int] | None = None) -> PriceHistory:
    values = np.array(closes or [100, 101, 102], dtype=np.int64)
    return PriceHistory("ETH", "exchange", 3600, 3600 * np.arange(1, len(values) + 1), values)


def test_the_canonical_form_by_hand() -> None:
    assert snapshots.canonical_bytes(history([5, 6])) == (
        b'{"asset":"ETH","bar_seconds":3600,"format":"tribunate-prices-1",'
        b'"rows":[[3600,5],[7200,6]],"source":"exchange"}'
    )


def test_a_snapshot_survives_a_round_trip(tmp_path: Path) -> None:
    path = snapshots.store(history(), tmp_path)
    loaded = snapshots.load(path)
    assert snapshots.data_root(loaded) == snapshots.data_root(history())
    assert path.stem == snapshots.data_root(history()).hex()
    assert loaded.closes_e8.dtype == np.int64


def test_one_changed_price_changes_the_root() -> None:
    assert snapshots.data_root(history([100, 101])) != snapshots.data_root(history([100, 102]))


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    path = snapshots.store(history(), tmp_path)
    path.write_bytes(path.read_bytes().replace(b"101", b"111"))
    with pytest.raises(DataError, match="does not match its hash"):
        snapshots.load(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is missing"):
        snapshots.load(tmp_path / "none.json")


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"rows":[[1,"x"]]}', b'{"rows":[[1,2,3]]}'])
def test_foreign_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(DataError, match="is not a price snapshot"):
        snapshots.parse(data, name="x.json")


def test_another_order_of_rows_is_not_canonical() -> None:
    data = snapshots.canonical_bytes(history([5, 6])).replace(b"[[3600,5],[7200,6]]", b"[[7200,6],[3600,5]]")
    with pytest.raises(DataError, match="canonical form"):
        snapshots.parse(data, name="x.json")


def long_history(bars: int = 2_000) -> PriceHistory:
    rng = np.random.default_rng(1)
    closes = np.rint(1e11 * np.exp(np.cumsum(0.005 * rng.standard_normal(bars)))).astype(np.int64)
    return PriceHistory("ETH", "exchange", 3600, 3600 * np.arange(1, bars + 1), closes)


def test_a_card_says_what_the_model_saw() -> None:
    model, seen = Ewma(), long_history()
    model.fit(seen, seed=1)
    card = model_card(model, seen, scores={"pinball": "1.0"})
    content = json.loads(card.to_json())
    assert content["data_root"] == snapshots.data_root(seen).hex()
    assert content["bars"] == 2_000
    assert "not audited" in card.render()
    assert "half_life_hours" in card.render()


def test_pinball_loss_punishes_the_wrong_side_more() -> None:
    assert pinball_loss(0.025, -1.0, -2.0) == pytest.approx(0.975)
    assert pinball_loss(0.025, -1.0, 0.0) == pytest.approx(0.025)


class TooWide(Ewma):
    """A forecast that is ten times too wide."""

    name = "too-wide"

    def quantiles(self, history, *, horizons, levels_bps, seed):  # type: ignore[no-untyped-def]
        found = super().quantiles(history, horizons=horizons, levels_bps=levels_bps, seed=seed)
        return tuple(ForecastQuantile(q.horizon_hours, Bps(q.level_bps), 10 * q.value_e8) for q in found)


def test_walk_forward_ranks_the_true_model_before_a_wrong_one() -> None:
    terms = WalkForward(first_fit_bars=1_000, refit_every_bars=500, stride_bars=48)
    scores = walk_forward({"too-wide": TooWide, "ewma": Ewma}, long_history(), terms)
    assert [score.model for score in scores] == ["ewma", "too-wide"]
    assert scores[0].forecasts == scores[1].forecasts == len(range(1_000, 2_000 - 24, 48))
    assert "too-wide" in table(scores)


class Watched(Ewma):
    """Notes how much of the history each forecast saw."""

    seen: list[int]

    def __init__(self) -> None:
        super().__init__()
        self.seen = []

    def quantiles(self, history, *, horizons, levels_bps, seed):  # type: ignore[no-untyped-def]
        self.seen.append(len(history))
        return super().quantiles(history, horizons=horizons, levels_bps=levels_bps, seed=seed)


def test_walk_forward_shows_the_past_only() -> None:
    made: list[Watched] = []

    def make() -> Watched:
        made.append(Watched())
        return made[-1]

    walk_forward({"watched": make}, long_history(), WalkForward(first_fit_bars=1_000, stride_bars=240))
    seen = [count for model in made for count in model.seen]
    assert seen == [bar + 1 for bar in range(1_000, 2_000 - 24, 240)]


def test_a_history_without_room_for_a_forecast_is_refused() -> None:
    with pytest.raises(ModelError, match="leave no forecast"):
        walk_forward({"ewma": Ewma}, long_history(1_010), WalkForward(first_fit_bars=1_000))
