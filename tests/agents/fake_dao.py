"""A DAO in memory: public fakes of the ports that an agent reads and writes through.

Keys and EIP-712 digests are real; prices, borrowers and the chain are as small as they can be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from agents.desk import Desk, MarketAssumptions
from core.cascade import Liquidity
from core.errors import ChainError, GovernanceError
from core.evidence import sha256
from core.guardrails import DEFAULT_LIMITS, FieldLimits, cuttable, negotiable
from core.mandate import Mandate, SimulatedOutcome
from core.market import MarketSnapshot, Parameters, PriceHistory, Scalar
from core.ports import STRATEGY_API_VERSION, DueAct, ModelCommitment, Seat, SeatTable
from core.position import Position
from core.recommendation import Observation, Recommendation
from core.units import WAD, Bps
from core.update import ParameterUpdate
from governance.signing import EcdsaVerifier, Eip712Hasher, LocalSigner
from tribunate.dao import Dao

START = 1_700_000_000 // 3600 * 3600
MARKET = "0x" + "11" * 20
GOVERNOR = "0x" + "22" * 20
THRESHOLD = Scalar.LIQUIDATION_THRESHOLD
MANDATE = Mandate("WETH")
MANDATE_HASH = b"\x0a" * 32
OPENING = Parameters(Bps(70_00), Bps(75_00), Bps(5_00), 10**24, 10**14)
AGENTS = (1, 2, 3, 4)
SIGNERS = {agent: LocalSigner(sha256(b"wallet of agent %d" % agent)) for agent in AGENTS}
SEATS = SeatTable(
    version=1,
    table_hash=b"\x07" * 32,
    seats=tuple(
        Seat(n, SIGNERS[n].address, f"agent1q{n}", f"operator-{n}", f"family-{n % 2}", "exchange")
        for n in AGENTS
    ),
)
HASHER = Eip712Hasher(31_337, GOVERNOR)
DAO = cast(
    Dao,
    SimpleNamespace(
        deployment=SimpleNamespace(market=MARKET), hasher=HASHER, verifier=EcdsaVerifier(), client=None
    ),
)
"""What ``tribunate.dao`` needs to sign messages and to make an epoch's context."""


@dataclass
class FakeReader:
    """A chain whose time, newest block and parameters the test sets (``core.ports.GovernanceReader``)."""

    time: int = START
    newest: int = 1
    parameters: Parameters = OPENING
    consumed: set[int] = field(default_factory=set)
    price: int = 2_000 * 10**8
    block_time: int = START

    def chain_time(self) -> int:
        return self.time

    def market_snapshot(self, block: int | None = None) -> MarketSnapshot:
        number = self._known(block)
        return MarketSnapshot(
            market=MARKET,
            block_number=number,
            timestamp=self.block_time,
            parameters=self.parameters,
            oracle_price=self.price,
            total_collateral=10**21,
            total_debt_supply=2 * 10**13,
            total_borrow=10**13,
            reserves=10**11,
            positions_root=b"\x01" * 32,
        )

    def positions(self, block: int | None = None) -> tuple[Position, ...]:
        self._known(block)
        return (Position("0x" + "33" * 20, 10**18, 10**9),)

    def seat_table(self, version: int | None = None) -> SeatTable:
        return SEATS

    def epoch_consumed(self, epoch: int) -> bool:
        return epoch in self.consumed

    def limits(self, block: int | None = None) -> Mapping[Scalar, FieldLimits]:
        self._known(block)
        return DEFAULT_LIMITS

    def oracle(self) -> tuple[int, int]:
        return self.price, self.time

    def negotiable(self, scalar: Scalar, block: int | None = None, *, fast: bool = False) -> tuple[int, int]:
        self._known(block)
        if fast:
            return cuttable(self.parameters, scalar, supplied=10**21)
        return negotiable(
            self.parameters,
            scalar,
            limits=DEFAULT_LIMITS,
            changes=(),
            now=self.time,
            margin_bps=MANDATE.margin_bps,
        )

    def _known(self, block: int | None) -> int:
        number = self.newest if block is None else block
        if number > self.newest:
            raise ChainError(f"there is no block {number}", allowed=f"at most {self.newest}")
        return number


@dataclass
class FakePrices:
    """Two bars of history before the start, then as the test says (``core.ports.MarketSource``)."""

    later_usd: tuple[int, ...] = ()
    before_usd: int = 2_000

    def history(self, time: int) -> PriceHistory:
        closes = np.array([self.before_usd, self.before_usd, *self.later_usd], dtype=np.int64) * 10**8
        times = START + 3600 * np.arange(-1, len(closes) - 1, dtype=np.int64)
        return PriceHistory("WETH", "exchange", 3600, times, closes).until(time)


@dataclass
class FakeStrategy:
    """Calls values up to ``safe_up_to(seed)`` safe; remembers what it was shown."""

    safe_up_to: Callable[[int], int | None]
    name: str = "fake"
    family: str = "fake"
    api_version: int = STRATEGY_API_VERSION
    shown: list[Observation] = field(default_factory=list)
    outcomes: Callable[[Observation], tuple[SimulatedOutcome, ...]] = lambda _shown: ()

    def fit(self, history: PriceHistory, *, seed: int, report: object = None) -> None:
        """Have nothing to learn."""

    def recommend(self, observation: Observation) -> Recommendation:
        self.shown.append(observation)
        limit = self.safe_up_to(observation.seed)
        safe = limit is not None and limit >= observation.floor
        bound = min(limit, observation.ceiling) if limit is not None and safe else None
        outcomes = self.outcomes(observation)
        return Recommendation(observation.scalar, bound, (), outcomes, (), "as the test says")


@dataclass(frozen=True)
class FakeEvidence:
    """Writes nothing; the roots differ by agent and epoch (``agents.desk.EvidenceWriter``)."""

    agent: int

    def write(
        self, epoch: int, observation: Observation, recommendation: Recommendation
    ) -> Mapping[str, str]:
        root = sha256(b"bundle %d %d" % (self.agent, epoch)).hex()
        return {"bundle_root": root, "data_root": "ab" * 32, "explanation": "cd" * 32}


@dataclass
class FakeGovernor:
    """Takes an epoch's update once; what is due, and what is refused, the test sets.

    The ports ``core.ports.ProposalSink`` and ``core.ports.ProposalDesk``.
    """

    reader: FakeReader = field(default_factory=FakeReader)
    submitted: list[tuple[ParameterUpdate, tuple[tuple[str, bytes], ...]]] = field(default_factory=list)
    waiting: tuple[DueAct, ...] = ()
    performed: list[DueAct] = field(default_factory=list)
    refusal: Exception | None = None

    def submit(self, update: ParameterUpdate, signatures: Sequence[tuple[str, bytes]]) -> str:
        if update.epoch in self.reader.consumed:
            raise GovernanceError(f"epoch {update.epoch} is consumed")
        self.reader.consumed.add(update.epoch)
        self.submitted.append((update, tuple(signatures)))
        return "0x01"

    def due(self) -> tuple[DueAct, ...]:
        return self.waiting

    def perform(self, due: DueAct) -> str:
        self.performed.append(due)
        if self.refusal is not None:
            raise self.refusal
        return "0x02"


def model_of(agent: int) -> bytes:
    return sha256(b"model of agent %d" % agent)


@dataclass
class FakeModels:
    """Every agent has one live model, unless the test revokes it (``core.ports.ModelBook``)."""

    revoked: set[int] = field(default_factory=set)

    def publish(self, commitment: ModelCommitment) -> bytes:
        return commitment.model_hash

    def live_models(self, block: int) -> Mapping[int, tuple[bytes, ...]]:
        return {agent: (model_of(agent),) for agent in AGENTS if agent not in self.revoked}


def make_desk(
    agent: int,
    reader: FakeReader,
    strategy: FakeStrategy,
    *,
    prices: FakePrices | None = None,
    report: Callable[[dict[str, Any]], None] = lambda _event: None,
) -> Desk:
    """Return the desk of one seat."""

    def sign_update(update: ParameterUpdate) -> tuple[bytes, bytes]:
        digest = HASHER.update_digest(update)
        return digest, SIGNERS[agent].sign(digest)

    return Desk(
        strategy=strategy,
        mandate=MANDATE,
        mandate_hash=MANDATE_HASH,
        market=MARKET,
        seats=SEATS,
        reader=reader,
        source=prices or FakePrices(),
        evidence=FakeEvidence(agent),
        models=FakeModels(),
        model_id=model_of(agent),
        assumptions=MarketAssumptions(Liquidity(depth=10**6 * WAD), Bps(50_00), paths=100),
        sign_update=sign_update,
        report=report,
    )
