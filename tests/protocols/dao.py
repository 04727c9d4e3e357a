"""A whole DAO before any protocol's adapter: four agents, a gate, two governors, a timelock, a fast lane.

found_dao ─► install (the adapter) ─► take (each market) ─► hand_over (the timelock owns) ─► tests
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from web3.contract.contract import Contract, ContractFunction
from web3.types import TxReceipt

from core.epoch import quorum
from core.evidence import merkle_proof, merkle_root
from core.mandate import FreshnessBands, Mandate
from core.market import PARAMETER_FIELDS, Parameters, Scalar, parameters_from, with_scalar
from core.position import Position
from core.units import Bps
from core.update import FreshnessSnapshot, ParameterUpdate
from governance.client import ChainClient
from governance.cuts import Cuts
from governance.deployment import Deployment
from governance.founding.dao import TIMELOCK_SECONDS, Charter, governed, grant_timelock_roles, lay_dao
from governance.founding.demo import fund, seat
from governance.proposals import Proposals
from governance.reader import ChainReader, position_value
from governance.registry import AgentDirectory
from governance.rehearsal import ETHER, HOUR, WINDOW_SECONDS, Cast, attestation, cast, register_known
from governance.signing import Eip712Hasher, LocalSigner, keccak, update_tuple

TOTAL_VOTES = 1_000_000 * ETHER
LARGE_VOTES = 6_000 * ETHER
OWNED = (
    ("AgentRegistry", "registry"),
    ("SeatRegistry", "seats"),
    ("ModelRegistry", "models"),
    ("UpdateGate", "gate"),
    ("LimitBook", "limits"),
)


@dataclass(frozen=True, slots=True)
class Founded:
    """A DAO without an adapter; ``people.deployer`` owns everything."""

    client: ChainClient
    people: Cast
    addresses: dict[str, str]

    @property
    def owner(self) -> str:
        """Who owns everything until it is handed over."""
        return self.people.deployer.address

    def contract(self, kind: str, role: str) -> Contract:
        """Return the contract that stands for ``role``."""
        return self.client.contract(kind, self.addresses[role])

    def send(self, call: ContractFunction) -> TxReceipt:
        """Send as the deployer."""
        return self.client.send(self.people.deployer, call)

    def put(self, role: str, kind: str, *arguments: object) -> Contract:
        """Deploy a contract for ``role``."""
        self.addresses[role] = self.client.deploy(self.people.deployer, kind, *arguments)
        return self.contract(kind, role)


def found_dao(client: ChainClient, funder: LocalSigner) -> Founded:
    """Deploy everything that no protocol has a part in, and seat four agents."""
    dao = Founded(client, cast(), {})
    people = dao.people
    everyone = [people.deployer, people.guardian, people.stranger, people.large, *people.agents]
    fund(client, funder, [person.address for person in everyone], value_wei=100 * ETHER)
    lay_dao(dao, charter(people))
    grant_timelock_roles(dao)
    _deploy_guardrails(dao)
    _share_votes(dao)
    _seat_agents(dao)
    return dao


def charter(people: Cast) -> Charter:
    """Return a DAO that has nothing of a protocol in it."""
    return Charter(
        mandate_hash=keccak(b"mandate"),
        spread_limit_bps=Bps(15_00),
        guardian=people.guardian.address,
        veto_threshold_bps=Bps(50),
        holder_proposal_votes=10_000 * ETHER,
        holder_quorum_percent=4,
        challenge_bond=0,
        score_bond=0,
        total_votes=TOTAL_VOTES,
    )


def _deploy_guardrails(dao: Founded) -> None:
    dao.put("limits", "LimitBook", dao.people.deployer.address)
    dao.put("sample", "PositionSample")


def _share_votes(dao: Founded) -> None:
    token, large = dao.contract("GovernanceToken", "governance_token"), dao.people.large
    dao.send(token.functions.transfer(large.address, LARGE_VOTES))
    dao.client.send(large, token.functions.delegate(large.address))


def _seat_agents(dao: Founded) -> None:
    deployment = Deployment(dao.client.chain_id, "WETH", dao.client.block_number(), dao.addresses)
    directory = AgentDirectory(dao.client, deployment)
    ids = [register_known(directory, agent, number=n) for n, agent in enumerate(dao.people.agents)]
    seat(dao.client, dao.people.deployer, deployment, attestations=[attestation(n) for n in ids])


def install(dao: Founded, adapter_kind: str, *protocol: object) -> ProtocolDao:
    """Deploy an adapter for a protocol, given by its constructor's first arguments."""
    owner = dao.people.deployer.address
    neighbours = (dao.addresses["limits"], dao.addresses["sample"])
    adapter = dao.put("adapter", adapter_kind, *protocol, owner, *neighbours)
    dao.send(adapter.functions.setEntrances(dao.addresses["governor"], dao.addresses["fast_lane"]))
    # what the readers of the demo market want, and nothing here asks
    for role in ("market", "collateral_token", "debt_token", "oracle"):
        dao.addresses[role] = adapter.address
    return ProtocolDao(dao, adapter)


@dataclass(frozen=True, slots=True)
class ProtocolDao:
    """A DAO and its adapter."""

    founded: Founded
    adapter: Contract

    @property
    def client(self) -> ChainClient:
        """Where everything is."""
        return self.founded.client

    @property
    def people(self) -> Cast:
        """Agents, guardian and holders."""
        return self.founded.people

    @property
    def deployment(self) -> Deployment:
        """Addresses by role."""
        return Deployment(self.client.chain_id, "WETH", 0, self.founded.addresses)

    @property
    def proposals(self) -> Proposals:
        """SLOW and RAMP."""
        return Proposals(self.client, self.deployment)

    @property
    def cuts(self) -> Cuts:
        """FAST."""
        return Cuts(self.client, self.deployment)

    # ---- set-up, until hand_over

    def take(
        self,
        market: str,
        *,
        margin_bps: int = 0,
        is_emode: bool = False,
        bands: FreshnessBands | None = None,
    ) -> None:
        """Take a market under governance, with the default limits."""
        mandate = Mandate("WETH", margin_bps=Bps(margin_bps), freshness=bands or FreshnessBands())
        send, contract = self.founded.send, self.founded.contract
        send(self.adapter.functions.listMarket(market, governed(mandate, market).rules()))
        send(contract("LimitBook", "limits").functions.open(market, self.adapter.address, is_emode))
        send(contract("UpdateGate", "gate").functions.setAdapter(market, self.adapter.address))

    def hand_over(self) -> None:
        """Let the timelock own everything, and let nobody else be its admin."""
        timelock = self.founded.contract("TribunateTimelock", "timelock")
        owned = [self.founded.contract(kind, role) for kind, role in OWNED]
        for contract in [*owned, self.adapter]:
            self.founded.send(contract.functions.transferOwnership(timelock.address))
        admin = self.people.deployer.address
        self.founded.send(timelock.functions.renounceRole(bytes(32), admin))

    # ---- what agents sign

    def parameters(self, market: str) -> Parameters:
        """Return what the adapter reads."""
        values = self.client.call(self.adapter.functions.parametersOf(market))
        return parameters_from(dict(zip(PARAMETER_FIELDS, values, strict=True)))

    def update(
        self,
        market: str,
        value: int,
        *,
        scalar: Scalar = Scalar.LIQUIDATION_THRESHOLD,
        epoch: int = 1,
        positions_root: bytes = bytes(32),
    ) -> ParameterUpdate:
        """Return a valid update of the market as the protocol has it now."""
        now, current = self.client.timestamp(), self.parameters(market)
        price, utilisation, supplied, borrowed = self.client.call(self.adapter.functions.liveOf(market))
        margin = self.client.call(self.adapter.functions.rulesOf(market))[0]
        return ParameterUpdate(
            epoch=epoch,
            market=market,
            attempt=0,
            seat_table_hash=ChainReader(self.client, self.deployment).seat_table().table_hash,
            expected=current,
            proposed=with_scalar(current, scalar, value, margin_bps=Bps(margin)),
            snapshot=FreshnessSnapshot(price, utilisation, supplied, borrowed, now),
            positions_root=positions_root,
            low_bound=value,
            high_bound=value,
            evidence_root=keccak(b"evidence"),
            transcript_root=keccak(b"transcript"),
            valid_until=now + HOUR,
        )

    def signatures(self, digest: bytes) -> list[tuple[str, bytes]]:
        """Return the signatures of just a quorum."""
        agents = self.people.agents[: quorum(len(self.people.agents))]
        return [(agent.address, agent.sign(digest)) for agent in agents]

    @property
    def hasher(self) -> Eip712Hasher:
        """Digests for this DAO's gate."""
        return Eip712Hasher(self.client.chain_id, self.founded.addresses["gate"])

    # ---- from signatures to the protocol

    def propose(self, update: ParameterUpdate) -> int:
        """Submit an update that a quorum signs; return the proposal's number."""
        pairs = self.signatures(self.hasher.update_digest(update))
        return self.proposals.submit(update, pairs, sender=self.people.stranger)

    def propose_batch(self, updates: Sequence[ParameterUpdate]) -> int:
        """Submit several markets' updates as one; return the proposal's number."""
        ordered = sorted(updates, key=lambda update: int(update.market, 16))
        pairs = self.signatures(self.hasher.batch_digest(ordered))
        self.client.send(self.people.stranger, self.proposals.batch_call(ordered, pairs))
        return self.proposals.count()

    def make_executable(self, number: int) -> None:
        """Let nobody veto a proposal that was made now, queue it, and let its timelock run out."""
        self.client.advance(WINDOW_SECONDS + 2)
        self.proposals.queue(number, self.people.stranger)
        self.client.advance(TIMELOCK_SECONDS)

    def execute(self, number: int) -> TxReceipt:
        """Execute; anyone may."""
        return self.proposals.execute(number, self.people.stranger)

    def carry_out(self, update: ParameterUpdate) -> TxReceipt:
        """Take a SLOW or RAMP update all the way; return the receipt of its execution."""
        number = self.propose(update)
        self.make_executable(number)
        return self.execute(number)

    def announce(self, update: ParameterUpdate) -> int:
        """Announce a cut that a quorum signs; return its number."""
        pairs = self.signatures(self.hasher.update_digest(update))
        return self.cuts.submit(update, pairs, sender=self.people.stranger)

    def cut(self, update: ParameterUpdate) -> TxReceipt:
        """Announce a cut, wait the hour, and execute it."""
        number = self.announce(update)
        self.client.advance(HOUR)
        return self.cuts.execute(number, self.people.stranger)

    def step(self, market: str) -> TxReceipt:
        """Take the next step of a ramp; anyone may."""
        return self.client.send(self.people.stranger, self.adapter.functions.rampStep(market))

    def check(self, *updates: ParameterUpdate) -> int:
        """Ask the adapter whether these may be submitted now; return their lane's place in the enum."""
        rows = [update_tuple(update) for update in updates]
        return int(self.client.call(self.adapter.functions.requireSubmittable(rows)))

    def name(self, positions: Sequence[Position]) -> bytes:
        """Name all of these positions out of the root that they make; return the root."""
        sample = self.founded.contract("PositionSample", "sample")
        values = [position_value(position) for position in positions]
        root = merkle_root(values, keccak)
        for position, value in zip(positions, values, strict=True):
            row = (position.account, position.collateral, position.debt)
            call = sample.functions.name(root, *row, merkle_proof(values, value, keccak))
            self.client.send(self.people.stranger, call)
        return root
