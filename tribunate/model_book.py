"""An agent's model in the register on chain: what it commits to, published once, and whose models live.

code    the source of the strategy's module
data    the root of the price history that it was fitted on
model   the fitted state
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from pathlib import Path

from core.errors import ModelError
from core.evidence import sha256
from core.market import PriceHistory
from core.ports import Committing, ModelCommitment, SeatTable, Strategy
from governance.client import ChainClient, TransactionSigner
from governance.deployment import Deployment
from models.data.snapshots import data_root


def commitment_of(strategy: Strategy, history: PriceHistory) -> ModelCommitment | None:
    """Return what a fitted strategy commits to; ``None`` if it cannot say what it has learned."""
    state = strategy.fitted_state() if isinstance(strategy, Committing) else None
    if state is None:
        return None
    return ModelCommitment(data_root(history), code_hash(strategy), sha256(state))


def code_hash(strategy: Strategy) -> bytes:
    """Return the SHA-256 over the source of the module that defines the strategy.

    Raises:
        ModelError: the module has no source file.
    """
    module = sys.modules[type(strategy).__module__]
    file = inspect.getsourcefile(module)
    if file is None:
        raise ModelError(f"strategy {strategy.name!r} has no source", allowed="a module with a source file")
    return sha256(Path(file).read_bytes())


class ChainModels:
    """The register of one deployment; the adapter of ``core.ports.ModelBook``."""

    def __init__(
        self, client: ChainClient, deployment: Deployment, *, signer: TransactionSigner, seats: SeatTable
    ) -> None:
        self._client = client
        self._deployment = deployment
        self._signer = signer
        self._agents = {seat.wallet: seat.agent_id for seat in seats.seats}
        self._register = client.contract("ModelRegistry", deployment.addresses["models"])

    def publish(self, commitment: ModelCommitment) -> bytes:
        """Publish with this key, unless it has been; return the id."""
        functions, call = self._register.functions, self._client.call
        row: tuple[object, ...] = (commitment.dataset_root, commitment.code_hash, commitment.model_hash, [])
        model = bytes(call(functions.idOf(row, self._signer.address)))
        published_at = tuple(call(functions.entryOf(model)))[1]
        if published_at == 0:
            self._client.send(self._signer, functions.publish(row, ""))
        return model

    def live_models(self, block: int) -> Mapping[int, tuple[bytes, ...]]:
        """Return what seated agents have published and nobody has revoked, at ``block``."""
        logs = self._register.events.ModelPublished().get_logs(
            from_block=self._deployment.block, to_block=block
        )
        found: dict[int, list[bytes]] = {}
        for log in logs:
            agent, model = self._agents.get(log["args"]["publisher"]), bytes(log["args"]["id"])
            if agent is not None and self._client.call(self._register.functions.isLive(model), block=block):
                found.setdefault(agent, []).append(model)
        return {agent: tuple(sorted(ids)) for agent, ids in sorted(found.items())}
