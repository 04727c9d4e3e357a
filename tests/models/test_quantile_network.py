"""The network: quantiles cannot cross, training is seeded, checkpoints are what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import DataError, ModelError
from core.market import PriceHistory
from models.adam import Adam
from models.quantile_model import QuantileModel, checkpoint_bytes, restore
from models.quantile_network import (
    FEATURES,
    HORIZONS,
    LEVELS,
    QuantileNetwork,
    features_of,
    impose_quantiles,
    pinball,
    quantile_function,
    targets_of,
)
from models.training import TrainingTerms, training_sets

QUICK = TrainingTerms(epochs=3)


@pytest.fixture(scope="module")
def history() -> PriceHistory:
    rng = np.random.default_rng(4)
    closes = np.rint(2_000e8 * np.exp(np.cumsum(0.006 * rng.standard_t(5, 2_500)))).astype(np.int64)
    times = 1_600_000_000 // 3600 * 3600 + 3600 * np.arange(2_500, dtype=np.int64)
    return PriceHistory("ETH", "exchange", 3600, times, closes)


@pytest.fixture(scope="module")
def model(history: PriceHistory) -> QuantileModel:
    trained = QuantileModel(QUICK)
    trained.fit(history, seed=6)
    return trained


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.floats(0.1, 50))
def test_quantiles_never_cross_whatever_the_weights(seed: int, size: float) -> None:
    torch.manual_seed(seed)
    network = QuantileNetwork(8)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(0, size)
        output = network(torch.randn(16, FEATURES) * size)
    assert bool((output.diff(dim=-1) > 0).all())


def test_an_untrained_network_gives_the_sample_s_own_quantiles() -> None:
    targets = torch.from_numpy(
        np.random.default_rng(1).standard_normal((5_000, len(HORIZONS))).astype(np.float32)
    )
    network = QuantileNetwork()
    network.start_from(targets)
    with torch.no_grad():
        output = network(torch.zeros(1, FEATURES))[0]
    wanted = torch.quantile(targets, torch.tensor(LEVELS), dim=0).T
    assert torch.allclose(output, wanted, atol=2e-3)


def test_our_adam_moves_as_the_library_s_does() -> None:
    start = torch.from_numpy(np.random.default_rng(1).standard_normal((4, 3)))
    ours, theirs = start.clone().requires_grad_(), start.clone().requires_grad_()
    mine = Adam([ours], learning_rate=1e-2, weight_decay=1e-1)
    library = torch.optim.AdamW([theirs], lr=1e-2, weight_decay=1e-1)
    for _ in range(50):
        for weights, optimizer in ((ours, mine), (theirs, library)):
            optimizer.zero_grad()
            (weights**2).sum().backward()
            optimizer.step()
    assert torch.allclose(ours, theirs, rtol=1e-10, atol=1e-12)


def test_pinball_loss_by_hand() -> None:
    """Every quantile at 0, outcome 1: the loss of level q is q."""
    loss = pinball(torch.zeros(1, 1, len(LEVELS)), torch.ones(1, 1))
    assert float(loss) == pytest.approx(np.mean(LEVELS))


def test_targets_are_the_hours_after_each_bar() -> None:
    returns = np.arange(30.0)
    targets = targets_of(returns, np.ones(30))
    assert targets.shape == (6, len(HORIZONS))
    assert targets[0, 0] == 1.0
    assert targets[2, 1] == pytest.approx((3 + 4 + 5 + 6) / 2)


def test_features_do_not_look_ahead() -> None:
    rng = np.random.default_rng(2)
    returns = rng.standard_normal(600) * 0.01
    whole, _ = features_of(returns, long_run=1e-4)
    cut, _ = features_of(returns[:400], long_run=1e-4)
    assert np.array_equal(whole[:400], cut)


def test_validation_targets_do_not_overlap_training_targets() -> None:
    returns = np.random.default_rng(2).standard_normal(1_500) * 0.01
    train, validation = training_sets(returns, long_run=1e-4, terms=TrainingTerms())
    bars = len(returns) - max(HORIZONS) - 168
    assert len(train.features) + len(validation.features) == bars - max(HORIZONS)


def test_the_same_seed_trains_the_same_network(history: PriceHistory, model: QuantileModel) -> None:
    again, other = QuantileModel(QUICK), QuantileModel(QUICK)
    again.fit(history, seed=6)
    other.fit(history, seed=7)
    assert checkpoint_bytes(again) == checkpoint_bytes(model)
    assert checkpoint_bytes(other) != checkpoint_bytes(model)


def test_training_leaves_the_callers_generator_alone(history: PriceHistory) -> None:
    torch.manual_seed(123)
    wanted = torch.rand(3)
    torch.manual_seed(123)
    QuantileModel(QUICK).fit(history, seed=6)
    assert torch.equal(torch.rand(3), wanted)


def test_paths_have_the_network_s_quantiles_at_each_horizon(
    history: PriceHistory, model: QuantileModel
) -> None:
    paths = model.log_returns(history, steps=24, paths=20_000, seed=1)
    sums = np.cumsum(paths, axis=1)
    wanted = model.horizon_quantiles(history)
    for row, horizon in enumerate(HORIZONS):
        found = np.quantile(sums[:, horizon - 1], LEVELS)
        assert found == pytest.approx(wanted[row], abs=2e-4)


def test_imposing_quantiles_keeps_the_order_of_paths() -> None:
    shocks = np.random.default_rng(3).standard_normal((200, 24)) * 0.01
    quantiles = np.tile(np.linspace(-0.2, 0.2, len(LEVELS)), (len(HORIZONS), 1))
    first = impose_quantiles(shocks, quantiles)[:, 0]
    assert np.array_equal(np.argsort(first), np.argsort(shocks[:, 0]))


def test_beyond_the_last_level_the_tail_goes_on() -> None:
    levels, values = np.array([0.01, 0.1, 0.9, 0.99]), np.array([-4.0, -2.0, 2.0, 4.0])
    found = quantile_function(levels, values, np.array([0.001, 0.01, 0.5, 0.999]))
    assert found.tolist() == pytest.approx([-6.0, -4.0, 0.0, 6.0])


def test_beyond_a_day_the_first_day_s_forecast_is_drawn_again(
    history: PriceHistory, model: QuantileModel
) -> None:
    paths = model.log_returns(history, steps=60, paths=4_000, seed=1)
    assert paths.shape == (4_000, 60)
    first, second = paths[:, :24].sum(axis=1), paths[:, 24:48].sum(axis=1)
    assert np.sort(first) == pytest.approx(np.sort(second))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.05


def test_an_unknown_horizon_is_refused(history: PriceHistory, model: QuantileModel) -> None:
    with pytest.raises(ModelError, match="horizon was 7 h"):
        model.quantiles(history, horizons=(7,), levels_bps=(50_00,), seed=1)


def test_a_short_history_is_refused() -> None:
    history = PriceHistory("ETH", "exchange", 3600, np.arange(500) * 3600, np.full(500, 10**8))
    with pytest.raises(DataError, match="499 hourly returns"):
        QuantileModel().fit(history, seed=1)


def test_a_checkpoint_survives_a_round_trip(
    tmp_path: Path, history: PriceHistory, model: QuantileModel
) -> None:
    path = model.save(tmp_path)
    restored = QuantileModel()
    restored.load(path)
    assert np.array_equal(restored.horizon_quantiles(history), model.horizon_quantiles(history))
    assert path.stem == model.describe()["checkpoint_sha256"]


def test_a_checkpoint_of_another_format_is_refused(tmp_path: Path) -> None:
    import io

    buffer = io.BytesIO()
    torch.save({"format": 99}, buffer)
    with pytest.raises(ModelError, match="another format"):
        restore(QuantileModel(), buffer.getvalue())


@pytest.mark.parametrize("data", [b"", b"not a checkpoint", b"PK\x03\x04broken"])
def test_foreign_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ModelError, match="not a checkpoint"):
        restore(QuantileModel(), data)


def test_a_pickle_that_would_run_code_is_refused() -> None:
    import io
    import os

    buffer = io.BytesIO()
    torch.save({"format": 1, "width": os.getcwd}, buffer)
    with pytest.raises(ModelError, match="not a checkpoint"):
        restore(QuantileModel(), buffer.getvalue())


def test_a_missing_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is missing"):
        QuantileModel().load(tmp_path / "none.pt")


def test_an_untrained_model_has_nothing_to_save() -> None:
    with pytest.raises(ModelError, match="no checkpoint"):
        checkpoint_bytes(QuantileModel())
