"""The doors to the outside world.  Adapters live in the folders on the right; ``tribunate/`` wires them.

Every port is a small Protocol.  Tests use real public fakes, never monkeypatching.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from core.guardrails import FieldLimits
from core.market import MarketSnapshot, PriceHistory, Scalar
from core.position import Position
from core.recommendation import ForecastQuantile, Observation, Recommendation
from core.update import ParameterUpdate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Keccak = Callable[[bytes], bytes]
"""Keccak-256, which the standard library lacks."""

STRATEGY_API_VERSION = 1


class Clock(Protocol):
    """Time of the DAO's chain, or of the wall."""

    def now(self) -> int:
        """Return UTC seconds."""
        ...


@dataclass(frozen=True, slots=True)
class TrainingProgress:
    """One step of a training loop, for people to watch."""

    model: str
    epoch: int
    epochs: int
    train_loss: float
    validation_loss: float


@runtime_checkable
class RiskModel(Protocol):
    """A forecast of one asset's returns.  Forecasts only: it never sees the book or the mandate."""

    name: str
    family: str

    def fit(
        self, history: PriceHistory, *, seed: int, report: Callable[[TrainingProgress], None] | None = None
    ) -> None:
        """Estimate from ``history``, which ends before the forecast begins."""
        ...

    def log_returns(self, history: PriceHistory, *, steps: int, paths: int, seed: int) -> NDArray[np.float64]:
        """Return simulated log returns per bar after the end of ``history``, shape (path, step)."""
        ...

    def quantiles(
        self, history: PriceHistory, *, horizons: Sequence[int], levels_bps: Sequence[int], seed: int
    ) -> tuple[ForecastQuantile, ...]:
        """Return quantiles of the log return over each horizon (bars)."""
        ...

    def describe(self) -> dict[str, str]:
        """Return what a model card needs: parameters, sample, hash."""
        ...


@runtime_checkable
class Strategy(Protocol):
    """What an agent developer writes.  It returns a recommendation and changes nothing."""

    name: str
    family: str
    api_version: int

    def fit(
        self, history: PriceHistory, *, seed: int, report: Callable[[TrainingProgress], None] | None = None
    ) -> None:
        """Train on ``history`` (called once before the first decision, and on refits)."""
        ...

    def recommend(self, observation: Observation) -> Recommendation:
        """Return the largest safe value; deterministic for one observation."""
        ...


@runtime_checkable
class Committing(Protocol):
    """A strategy that can say what it has learned, so that its model can be registered on chain."""

    def fitted_state(self) -> bytes | None:
        """Return the fitted state as canonical bytes; ``None`` before it is fitted."""
        ...


@dataclass(frozen=True, slots=True)
class TransportBinding:
    """Proof that one party holds a wallet and a transport key: both have signed the same digest.

    ``public_key`` is the transport key's 64 bytes (x, y), the signatures are 65 bytes each.
    """

    public_key: bytes
    transport_signature: bytes
    wallet_signature: bytes


@dataclass(frozen=True, slots=True)
class Seat:
    """One voice, as the timelock attested it."""

    agent_id: int
    wallet: str
    uagent: str
    operator: str
    family: str
    data_source: str


@dataclass(frozen=True, slots=True)
class SeatTable:
    """The seats of one version, ascending by agent id."""

    version: int
    table_hash: bytes
    seats: tuple[Seat, ...]


class GovernanceReader(Protocol):
    """What an agent reads of the DAO."""

    def chain_time(self) -> int:
        """Timestamp of the newest block."""
        ...

    def market_snapshot(self, block: int | None = None) -> MarketSnapshot:
        """Market at ``block`` (newest by default)."""
        ...

    def positions(self, block: int | None = None) -> tuple[Position, ...]:
        """Borrowers at ``block``, in base units, ascending by account."""
        ...

    def seat_table(self, version: int | None = None) -> SeatTable:
        """Seats of ``version`` (newest by default)."""
        ...

    def epoch_consumed(self, epoch: int) -> bool:
        """Whether the governor has already taken a proposal for ``epoch``."""
        ...

    def limits(self, block: int | None = None) -> Mapping[Scalar, FieldLimits]:
        """Limits of every field at ``block``."""
        ...

    def negotiable(self, scalar: Scalar, block: int | None = None, *, fast: bool = False) -> tuple[int, int]:
        """Lowest and highest value that an epoch may move ``scalar`` to at ``block``.

        ``fast`` asks for an extraordinary epoch: downwards only.
        """
        ...

    def oracle(self) -> tuple[int, int]:
        """Newest oracle price (eight decimals) and when it was observed."""
        ...


class Signer(Protocol):
    """Holds one EVM key and signs EIP-712 digests."""

    @property
    def address(self) -> str:
        """Checksummed address."""
        ...

    def sign(self, digest: bytes) -> bytes:
        """Return the 65-byte signature of a 32-byte digest."""
        ...


class BidVerifier(Protocol):
    """Tells who signed a negotiation message or an update."""

    def signer_of(self, digest: bytes, signature: bytes) -> str | None:
        """Return the checksummed signer, or ``None`` if the signature is malformed."""
        ...


class TypedDataHasher(Protocol):
    """EIP-712 digests for one chain and governor."""

    def update_digest(self, update: ParameterUpdate) -> bytes:
        """Digest of the update that the governor checks."""
        ...

    def message_digest(
        self, *, epoch: int, attempt: int, round_: int, phase: str, agent_id: int, payload: bytes
    ) -> bytes:
        """Digest of one negotiation message over the Keccak hash of ``payload``."""
        ...


class Directory(Protocol):
    """Finds a peer's end points."""

    def endpoints(self, uagent: str) -> tuple[str, ...]:
        """Return HTTP end points that the address itself has attested; empty when unknown."""
        ...


class ProposalSink(Protocol):
    """Takes what two thirds have signed to the chain."""

    def submit(self, update: ParameterUpdate, signatures: Sequence[tuple[str, bytes]]) -> str:
        """Send ``proposeUpdate`` with (signer, signature) pairs; return the transaction hash."""
        ...


@dataclass(frozen=True, slots=True)
class DueAct:
    """A proposal or cut that waits for somebody since ``since`` (chain time).

    ``act`` is ``queue``, ``execute`` or ``ramp_step`` of proposal ``number``, or ``execute_cut`` of cut
    ``number``; the two are numbered apart.
    """

    number: int
    act: str
    since: int


class ProposalDesk(Protocol):
    """Carries what nobody vetoed through its timelock, cuts through their hour, and ramps down."""

    def due(self) -> tuple[DueAct, ...]:
        """Return what could be done now."""
        ...

    def perform(self, due: DueAct) -> str:
        """Do it; return the transaction hash.

        Raises:
            GovernanceError: the contracts refuse (``MarketDrift`` leaves the proposal executable).
        """
        ...


@dataclass(frozen=True, slots=True)
class ModelCommitment:
    """What a model is: SHA-256 of its data, of the code that made it, and of what it has learned."""

    dataset_root: bytes
    code_hash: bytes
    model_hash: bytes


class ModelBook(Protocol):
    """The register of models, append-only."""

    def publish(self, commitment: ModelCommitment) -> bytes:
        """Commit to a model, once; return its 32-byte id, the same for the same commitment."""
        ...

    def live_models(self, block: int) -> Mapping[int, tuple[bytes, ...]]:
        """Ids that were live at ``block``, ascending, by the seated agent that published them."""
        ...


class MarketSource(Protocol):
    """Prices as far as the chain's clock has revealed them."""

    def history(self, time: int) -> PriceHistory:
        """Return the bars that had closed at ``time``."""
        ...
