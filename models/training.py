"""The training loop of the quantile network, open to the eye.

Everything is seeded and runs on one thread; the loss of every epoch goes to the caller.  The newest
fifth of the sample is the validation set, apart from the training set by the longest horizon, so that
no target overlaps it; training stops when it no longer improves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from core.ports import TrainingProgress
from models.adam import Adam
from models.quantile_network import (
    HORIZONS,
    WARM_UP_BARS,
    QuantileNetwork,
    features_of,
    pinball,
    targets_of,
)


@dataclass(frozen=True, slots=True)
class TrainingTerms:
    """How the network is trained."""

    epochs: int = 40
    patience: int = 10
    batch: int = 256
    learning_rate: float = 5e-4
    weight_decay: float = 1e-4
    validation_share: float = 0.2
    width: int = 32


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSet:
    """Features and targets by time, shape (bar, feature) and (bar, horizon)."""

    features: torch.Tensor
    targets: torch.Tensor


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread inside, so that sums have one order; the caller's setting comes back."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def training_sets(
    returns: NDArray[np.float64], *, long_run: float, terms: TrainingTerms
) -> tuple[TrainingSet, TrainingSet]:
    """Return training and validation set, by time, apart by the longest horizon."""
    features, unit = features_of(returns, long_run=long_run)
    targets = targets_of(returns, unit)
    features, targets = features[WARM_UP_BARS : len(targets)], targets[WARM_UP_BARS:]
    cut = int(len(targets) * (1 - terms.validation_share))
    begin = cut + max(HORIZONS)
    sets = [(features[:cut], targets[:cut]), (features[begin:], targets[begin:])]
    train, validation = (TrainingSet(torch.from_numpy(f), torch.from_numpy(t)) for f, t in sets)
    return train, validation


def train_network(
    train: TrainingSet,
    validation: TrainingSet,
    *,
    terms: TrainingTerms,
    seed: int,
    report: Callable[[TrainingProgress], None] | None,
) -> tuple[QuantileNetwork, list[float]]:
    """Return the network with the lowest validation loss, and the validation loss of every epoch."""
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = QuantileNetwork(terms.width)
        network.start_from(train.targets)
        optimizer = Adam(
            network.parameters(), learning_rate=terms.learning_rate, weight_decay=terms.weight_decay
        )
        best, best_state, losses, waited = float("inf"), network.state_dict(), [], 0
        for epoch in range(1, terms.epochs + 1):
            train_loss = _one_epoch(network, optimizer, train, batch=terms.batch)
            with torch.no_grad():
                loss = float(pinball(network(validation.features), validation.targets))
            losses.append(loss)
            if report is not None:
                report(TrainingProgress("quantile-network", epoch, terms.epochs, train_loss, loss))
            waited = 0 if loss < best else waited + 1
            if loss < best:
                best, best_state = loss, {k: v.clone() for k, v in network.state_dict().items()}
            if waited >= terms.patience:
                break
        network.load_state_dict(best_state)
    return network, losses


def _one_epoch(network: QuantileNetwork, optimizer: Adam, train: TrainingSet, *, batch: int) -> float:
    order = torch.randperm(len(train.features))
    total = 0.0
    for rows in torch.split(order, batch):
        loss = pinball(network(train.features[rows]), train.targets[rows])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        total += float(loss.detach()) * len(rows)
    return total / len(order)
