"""Where invariants are tried: an adapter alone before a market that says what it is told, or a whole DAO.

A stage decides the bytecode: the real one, or one with a planted bug.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import pytest
from web3.contract.contract import Contract, ContractFunction

from contracts.artifacts import load_any_artifact, load_mutant, with_bytecodes
from core.errors import TribunateError
from core.evidence import merkle_proof, merkle_root
from core.market import PARAMETER_FIELDS, Parameters, Scalar, parameters_from, with_scalar
from core.position import Position
from core.units import PRICE_ONE, Bps
from core.update import FreshnessSnapshot, ParameterUpdate
from governance.client import ChainClient
from governance.devchain.back_ends import RunningChain
from governance.devchain.chain import Genesis
from governance.reader import position_value
from governance.rehearsal import ETHER, GENESIS_TIME, HOUR, USD, Rehearsal, known_key
from governance.signing import keccak, update_tuple
from tests.chains import open_chain
from tests.protocols.comet import CometMarket, deploy_comet

ASSET = known_key("some asset").address
START = Parameters(Bps(70_00), Bps(75_00), Bps(5_00), 1_000 * ETHER, 1_000_000 * USD)
LIMIT_NAMES = (
    "enabled",
    "relativeUp",
    "relativeDown",
    "unitDecimals",
    "floor",
    "stepUp",
    "stepDown",
    "minDelaySeconds",
    "ceiling",
    "budgetUp",
    "budgetDown",
)
BANDS = (10_00, 10_00, 30_00, 30_00)
NEWLY_LIQUIDATABLE_BPS = 50


def refused(error: type[TribunateError], name: str) -> pytest.RaisesExc[TribunateError]:
    """Expect the Solidity error ``name``."""
    return pytest.raises(error, match=rf"^{name}\(")


class AdapterBench:
    """One adapter before a CrookedMarket; its owner, governor and fast lane are one key of the test."""

    def __init__(
        self,
        client: ChainClient,
        *,
        start: Parameters = START,
        margin_bps: int = 5_00,
        market: str = "CrookedMarket",
    ) -> None:
        self.client = client
        self.timelock = known_key("bench timelock")
        self.delegate = known_key("bench delegate")
        self.margin_bps = margin_bps
        values = tuple(start.as_dict().values())
        self.market = self._deploy(market, ASSET, values)
        owner = self.timelock.address
        self.limits = self._deploy("LimitBook", owner)
        self.sample = self._deploy("PositionSample")
        neighbours = self.limits.address, self.sample.address
        self.adapter = self._deploy("DemoMarketAdapter", self.market.address, owner, *neighbours)
        self.send(self.adapter.functions.setEntrances(owner, owner))
        rules = (margin_bps, NEWLY_LIQUIDATABLE_BPS, BANDS)
        self.send(self.adapter.functions.listMarket(ASSET, rules))
        self.send(self.limits.functions.open(ASSET, self.adapter.address, False))
        self.pretend()

    def _deploy(self, name: str, *arguments: object) -> Contract:
        return self.client.contract(name, self.client.deploy(self.timelock, name, *arguments))

    def send(self, call: ContractFunction) -> None:
        """Send as the owner."""
        self.client.send(self.timelock, call)

    def pretend(
        self,
        *,
        price: int = 2_000 * PRICE_ONE,
        utilisation_bps: int = 50_00,
        collateral: int = 100 * ETHER,
        borrow: int = 100_000 * USD,
    ) -> None:
        """Let the market say these values."""
        self.send(self.market.functions.pretend(price, utilisation_bps, collateral, borrow))

    def current(self) -> Parameters:
        values = self.client.call(self.market.functions.parameters())
        return parameters_from(dict(zip(PARAMETER_FIELDS, values, strict=True)))

    def update(self, scalar: Scalar = Scalar.LIQUIDATION_THRESHOLD, value: int = 75_50) -> ParameterUpdate:
        """A valid update of what the market says with its first values."""
        now = self.client.timestamp()
        current = self.current()
        return ParameterUpdate(
            epoch=1,
            market=ASSET,
            attempt=0,
            seat_table_hash=bytes(32),
            expected=current,
            proposed=with_scalar(current, scalar, value, margin_bps=Bps(self.margin_bps)),
            snapshot=FreshnessSnapshot(2_000 * PRICE_ONE, 50_00, 100 * ETHER, 100_000 * USD, now),
            positions_root=bytes(32),
            low_bound=value,
            high_bound=value,
            evidence_root=bytes(32),
            transcript_root=bytes(32),
            valid_until=now + HOUR,
        )

    def altered(self, **fields: int) -> ParameterUpdate:
        """An update whose proposed fields are exactly these, whatever the rules of coupling say."""
        update = self.update()
        return replace(update, proposed=replace(update.expected, **fields))  # type: ignore[arg-type]

    def check(self, update: ParameterUpdate) -> None:
        self.client.call(self.adapter.functions.requireSubmittable([update_tuple(update)]))

    def apply(self, update: ParameterUpdate) -> None:
        self.send(self.adapter.functions.applyUpdates([update_tuple(update)]))

    def cut(self, update: ParameterUpdate) -> None:
        self.send(self.adapter.functions.applyCut(update_tuple(update)))

    def name(self, rows: list[tuple[str, int, int]]) -> bytes:
        """Name these (account, collateral, debt) out of the root that they make; return the root."""
        values = [position_value(Position(*row)) for row in rows]
        root = merkle_root(values, keccak)
        for row, value in zip(rows, values, strict=True):
            proof = merkle_proof(values, value, keccak)
            self.send(self.sample.functions.name(root, *row, proof))
        return root

    @contextmanager
    def rewound(self) -> Iterator[None]:
        """Undo on leaving everything that happens inside."""
        snapshot = self.client.request("evm_snapshot")
        try:
            yield
        finally:
            self.client.request("evm_revert", snapshot)

    def step(self) -> None:
        self.send(self.adapter.functions.rampStep(ASSET))

    def set_limits(self, field: int, **changes: Any) -> None:
        """Let the timelock change some limits of a field, given by Solidity's names."""
        function = self.limits.functions.limitsOf(ASSET, field)
        limits = dict(zip(LIMIT_NAMES, self.client.call(function), strict=True)) | changes
        self.send(self.limits.functions.setLimits(ASSET, field, tuple(limits.values())))


class Stage:
    """Makes benches and DAOs from one set of bytecodes; undoes or closes them at the end."""

    def __init__(self, chain_url: str, real_dao: Rehearsal, *, invariant: str | None = None) -> None:
        changed = load_mutant(invariant) if invariant else {}
        self._artifacts = with_bytecodes(changed) if changed else load_any_artifact
        self._mutated = bool(changed)
        self._chain_url = chain_url
        self._client = ChainClient(chain_url, artifacts=self._artifacts)
        self._real_dao = real_dao
        self._open = ExitStack()

    def comet(self) -> CometMarket:
        """A new Compound III market (a double) beside the benches, with the same bytecodes."""
        return deploy_comet(self._chain_url, known_key("bench timelock"), artifacts=self._artifacts)

    def bench(self, **options: Any) -> AdapterBench:
        return AdapterBench(self._client, **options)

    def dao(self, *, sealed: bool = True) -> Rehearsal:
        """The session's DAO, rewound afterwards; one of its own when bytecodes are changed or it is open."""
        if not self._mutated and sealed:
            return self._open.enter_context(self._real_dao.rewound())
        dao = Rehearsal(artifacts=self._artifacts, sealed=sealed, open_chain=open_chain)
        self._open.callback(dao.close)
        return dao

    def close(self) -> None:
        self._open.close()


@pytest.fixture(scope="session")
def bench_chain() -> Iterator[RunningChain]:
    keys = [known_key("bench timelock"), known_key("bench delegate")]
    balances = {bytes.fromhex(key.address[2:]): 10**6 * ETHER for key in keys}
    with open_chain(Genesis(GENESIS_TIME, balances)) as chain:
        yield chain


@pytest.fixture(scope="session")
def deployed_dao() -> Iterator[Rehearsal]:
    rehearsal = Rehearsal(artifacts=load_any_artifact, open_chain=open_chain)
    yield rehearsal
    rehearsal.close()


@pytest.fixture
def dao(deployed_dao: Rehearsal) -> Iterator[Rehearsal]:
    with deployed_dao.rewound():
        yield deployed_dao


@pytest.fixture(scope="session")
def deployed_open_dao() -> Iterator[Rehearsal]:
    rehearsal = Rehearsal(artifacts=load_any_artifact, sealed=False, open_chain=open_chain)
    yield rehearsal
    rehearsal.close()


@pytest.fixture
def open_dao(deployed_open_dao: Rehearsal) -> Iterator[Rehearsal]:
    """A DAO whose deployer still owns everything."""
    with deployed_open_dao.rewound():
        yield deployed_open_dao


@pytest.fixture
def stage(bench_chain: RunningChain, deployed_dao: Rehearsal) -> Iterator[Stage]:
    made = Stage(bench_chain.url, deployed_dao)
    yield made
    made.close()


@pytest.fixture
def bench(stage: Stage) -> AdapterBench:
    return stage.bench()


@pytest.fixture
def mutated_stage(
    request: pytest.FixtureRequest, bench_chain: RunningChain, deployed_dao: Rehearsal
) -> Iterator[Stage]:
    made = Stage(bench_chain.url, deployed_dao, invariant=request.param)
    yield made
    made.close()
