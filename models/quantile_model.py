"""The quantile network behind the port of a risk model, and its checkpoint.

A checkpoint is one file under its own SHA-256: weights, width, long-run variance and card, read back
with ``weights_only`` (a pickle of anything else is refused).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import ModelError
from core.evidence import sha256
from core.market import PriceHistory
from core.ports import TrainingProgress
from core.recommendation import ForecastQuantile
from core.units import BPS_ONE
from models.features import hourly_returns
from models.fitted import Field, state_bytes
from models.quantile_network import (
    HORIZONS,
    LEVELS,
    WARM_UP_BARS,
    QuantileNetwork,
    features_of,
    impose_quantiles,
    quantile_function,
)
from models.quantiles import check_levels, forecast_quantiles
from models.training import TrainingTerms, one_thread, train_network, training_sets

MINIMUM_RETURNS = 1_000
BLOCK_HOURS = 6
FORMAT_VERSION = 1


class QuantileModel:
    """The quantile network behind the port of a risk model."""

    name = "quantile-network"
    family = "neural"

    def __init__(self, terms: TrainingTerms | None = None) -> None:
        self.terms = terms or TrainingTerms()
        self.network: QuantileNetwork | None = None
        self._long_run = 0.0
        self._card: dict[str, str] = {}

    @property
    def trained(self) -> bool:
        """Whether a network has been trained or loaded."""
        return self.network is not None

    def fit(
        self, history: PriceHistory, *, seed: int, report: Callable[[TrainingProgress], None] | None = None
    ) -> None:
        """Train on ``history``; ``report`` hears of every epoch."""
        returns = hourly_returns(history, at_least=MINIMUM_RETURNS)
        self._long_run = float(np.mean(returns**2))
        train, validation = training_sets(returns, long_run=self._long_run, terms=self.terms)
        self.network, losses = train_network(train, validation, terms=self.terms, seed=seed, report=report)
        self._card = {
            "epochs": str(len(losses)),
            "validation_pinball": f"{min(losses):.6f}",
            "training_bars": str(len(train.features)),
            "seed": str(seed),
        }

    def horizon_quantiles(self, history: PriceHistory) -> NDArray[np.float64]:
        """Return quantiles of the cumulative log return, shape (horizon, level)."""
        network = self._trained()
        features, unit = features_of(hourly_returns(history, at_least=WARM_UP_BARS), long_run=self._long_run)
        with torch.no_grad(), one_thread():
            output = network(torch.from_numpy(features[-1:]))[0].numpy().astype(np.float64)
        roots = np.sqrt(np.asarray(HORIZONS))[:, None]
        return np.asarray(output * unit[-1] * roots, dtype=np.float64)

    def log_returns(self, history: PriceHistory, *, steps: int, paths: int, seed: int) -> NDArray[np.float64]:
        """Return hourly paths whose sums at 1, 4, 12 and 24 h have the network's quantiles.

        Beyond 24 h the forecast of the first day is drawn again, day by day, independently.
        """
        returns = hourly_returns(history, at_least=WARM_UP_BARS)
        _, unit = features_of(returns, long_run=self._long_run)
        residuals = returns[WARM_UP_BARS:] / unit[WARM_UP_BARS - 1 : -1] * unit[-1]
        quantiles = self.horizon_quantiles(history)
        rng = np.random.default_rng(seed)
        days = []
        for _ in range(-(-steps // max(HORIZONS))):
            starts = rng.integers(0, len(residuals) - BLOCK_HOURS, (paths, max(HORIZONS) // BLOCK_HOURS, 1))
            shocks = residuals[starts + np.arange(BLOCK_HOURS)].reshape(paths, -1)
            days.append(impose_quantiles(shocks, quantiles))
        return np.ascontiguousarray(np.concatenate(days, axis=1)[:, :steps])

    def quantiles(
        self, history: PriceHistory, *, horizons: Sequence[int], levels_bps: Sequence[int], seed: int
    ) -> tuple[ForecastQuantile, ...]:
        """Return the network's own quantiles; ``seed`` is not used."""
        check_levels(levels_bps)
        found: list[ForecastQuantile] = []
        rows = self.horizon_quantiles(history)
        for horizon in horizons:
            if horizon not in HORIZONS:
                raise ModelError(f"horizon was {horizon} h", allowed=f"one of {HORIZONS}")
            at = np.asarray(levels_bps) / BPS_ONE
            values = quantile_function(np.asarray(LEVELS), rows[HORIZONS.index(horizon)], at)
            found.extend(forecast_quantiles(horizon, levels_bps, values))
        return tuple(found)

    def fitted_state(self) -> bytes:
        """Return what the estimates come to, as canonical bytes.

        Raises:
            ModelError: the model has not been fitted.
        """
        network = self._trained()
        weights: dict[str, Field] = {name: t.numpy() for name, t in network.state_dict().items()}
        return state_bytes(self.name, {"width": network.width, "long_run": self._long_run, **weights})

    def describe(self) -> dict[str, str]:
        """Return what a model card needs, the checkpoint's hash included."""
        if self.network is None:
            return {"model": "quantile network", "state": "no checkpoint"}
        digest = sha256(checkpoint_bytes(self)).hex()
        return {"model": "quantile network", "checkpoint_sha256": digest, **self._card}

    def save(self, folder: Path) -> Path:
        """Write the checkpoint under its own content hash; return the path."""
        data = checkpoint_bytes(self)
        path = folder / f"{sha256(data).hex()}.pt"
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_bytes(data)
        partial.replace(path)
        return path

    def load(self, path: Path) -> None:
        """Read a checkpoint whose name is its content hash.

        Raises:
            ModelError: the file is missing, its bytes do not match its name, or it is of another format.
        """
        if not path.is_file():
            raise ModelError(f"checkpoint {path.name} is missing", hint="train the model again")
        data = path.read_bytes()
        if sha256(data).hex() != path.stem:
            raise ModelError(f"checkpoint {path.name} does not match its hash", hint="train the model again")
        restore(self, data)

    def _trained(self) -> QuantileNetwork:
        if self.network is None:
            raise ModelError("the quantile network has no checkpoint", hint="call fit or load first")
        return self.network


def checkpoint_bytes(model: QuantileModel) -> bytes:
    """Return the checkpoint: weights, width, long-run variance and card.

    Raises:
        ModelError: there is no network yet.
    """
    if model.network is None:
        raise ModelError("the quantile network has no checkpoint", hint="call fit or load first")
    content = {
        "format": FORMAT_VERSION,
        "width": model.network.width,
        "long_run": model._long_run,
        "card": model._card,
        "weights": model.network.state_dict(),
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def restore(model: QuantileModel, data: bytes) -> None:
    """Put the checkpoint's network into ``model``.

    Raises:
        ModelError: the bytes are not a checkpoint of this format.
    """
    try:
        content = torch.load(io.BytesIO(data), weights_only=True)
    except (RuntimeError, UnpicklingError, EOFError, ValueError, KeyError) as problem:
        raise ModelError(
            f"the bytes are not a checkpoint: {problem}", hint="train the model again"
        ) from problem
    if not isinstance(content, dict) or content.get("format") != FORMAT_VERSION:
        raise ModelError("the checkpoint is of another format", allowed=f"format {FORMAT_VERSION}")
    network = QuantileNetwork(content["width"])
    network.load_state_dict(content["weights"])
    model.network, model._long_run, model._card = network, content["long_run"], dict(content["card"])
