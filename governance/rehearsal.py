"""A small DAO on an embedded chain, with keys that everyone knows: for tests, examples and rehearsals.

Warning: the keys follow from their names.  Never use them where anything has worth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from contracts.artifacts import Artifact, load_artifact
from core.epoch import quorum
from core.mandate import Mandate
from core.market import Parameters, Scalar, with_scalar
from core.ports import TransportBinding
from core.position import Position
from core.units import PRICE_ONE, Bps
from core.update import FreshnessSnapshot, ParameterUpdate
from governance.client import ChainClient
from governance.cuts import Cuts
from governance.deployment import Deployment
from governance.devchain.back_ends import BackEnd
from governance.devchain.chain import Genesis
from governance.devchain.local import LocalChain
from governance.founding.demo import DeployConfig, Holder, SeatAttestation, deploy, fund, report_price, seat
from governance.founding.sealing import seal
from governance.proposals import Proposals
from governance.reader import ChainReader
from governance.registry import AgentCard, AgentDirectory
from governance.signing import Eip712Hasher, LocalSigner, keccak

HOUR = 3600
DAY = 24 * HOUR
GENESIS_TIME = 1_700_000_000
ETHER = 10**18
USD = 10**6
AGENTS = 4
WINDOW_SECONDS = 72 * HOUR
TIMELOCK_SECONDS = 24 * HOUR


def known_key(name: str) -> LocalSigner:
    """Return the key that follows from ``name``."""
    return LocalSigner(keccak(b"tribunate rehearsal " + name.encode()))


@dataclass(frozen=True, slots=True)
class Cast:
    """Who takes part; ``small`` and ``large`` hold 0.2 % and 0.7 % of the votes, ``treasury`` 10 %."""

    deployer: LocalSigner
    reporter: LocalSigner
    guardian: LocalSigner
    small: LocalSigner
    large: LocalSigner
    treasury: LocalSigner
    stranger: LocalSigner
    agents: tuple[LocalSigner, ...]


def cast(seats: int = AGENTS) -> Cast:
    """Return the cast; agents ascend by address, as signers must."""
    agents = sorted((known_key(f"agent {n}") for n in range(seats)), key=lambda a: int(a.address, 16))
    return Cast(
        deployer=known_key("deployer"),
        reporter=known_key("reporter"),
        guardian=known_key("guardian"),
        small=known_key("small"),
        large=known_key("large"),
        treasury=known_key("treasury"),
        stranger=known_key("stranger"),
        agents=tuple(agents),
    )


def rehearsal_config(people: Cast, *, borrowers: int = 3) -> DeployConfig:
    """Return the demo market: LTV 70.00 %, threshold 75.00 %, bonus 5.00 %, price 2 000 USD."""
    return DeployConfig(
        mandate=Mandate("WETH"),
        parameters=Parameters(Bps(70_00), Bps(75_00), Bps(5_00), 10_000 * ETHER, 10_000_000 * USD),
        oracle_price=2_000 * PRICE_ONE,
        oracle_time=GENESIS_TIME,
        reporter=people.reporter.address,
        guardian=people.guardian.address,
        liquidity=1_000_000 * USD,
        borrowers=tuple(
            Position(known_key(f"borrower {n}").address, 10 * ETHER, 12_000 * USD) for n in range(borrowers)
        ),
        holders=(
            Holder(people.small.address, 1_800 * ETHER, people.small),
            Holder(people.large.address, 6_300 * ETHER, people.large),
            Holder(people.treasury.address, 100_000 * ETHER, people.treasury),
        ),
        treasuries=(people.treasury.address,),
    )


class Rehearsal:
    """A sealed DAO with four seated agents (two families, operators and data sources each differ)."""

    def __init__(
        self,
        *,
        artifacts: Callable[[str], Artifact] = load_artifact,
        config: DeployConfig | None = None,
        sealed: bool = True,
        seats: int = AGENTS,
        open_chain: BackEnd = LocalChain,
    ) -> None:
        self.people = cast(seats)
        self.config = config or rehearsal_config(self.people)
        deployer = self.people.deployer
        balances = {bytes.fromhex(deployer.address[2:]): 10**6 * ETHER}
        self.chain = open_chain(Genesis(GENESIS_TIME, balances))
        self.client = ChainClient(self.chain.url, artifacts=artifacts)
        try:
            self.deployment = self._deploy()
            if sealed:
                seal(self.client, deployer, self.deployment)
        except BaseException:
            self.chain.close()
            raise
        self.reader = ChainReader(self.client, self.deployment)
        self.proposals = Proposals(self.client, self.deployment)
        self.cuts = Cuts(self.client, self.deployment)
        self.hasher = Eip712Hasher(self.client.chain_id, self.deployment.verifying_contract)

    def _deploy(self) -> Deployment:
        people, client = self.people, self.client
        deployment = deploy(client, people.deployer, self.config)
        everyone = [*people.agents, people.reporter, people.guardian, people.stranger]
        fund(client, people.deployer, [person.address for person in everyone])
        directory = AgentDirectory(client, deployment)
        seats = range(len(people.agents))
        ids = [register_known(directory, people.agents[n], number=n) for n in seats]
        seat(client, people.deployer, deployment, attestations=[attestation(n) for n in ids])
        return deployment

    def close(self) -> None:
        """Stop the chain."""
        self.chain.close()

    @contextmanager
    def rewound(self) -> Iterator[Rehearsal]:
        """Undo on leaving everything that happens inside."""
        snapshot = self.client.request("evm_snapshot")
        try:
            yield self
        finally:
            self.client.request("evm_revert", snapshot)

    def update(
        self, value: int = 75_50, *, scalar: Scalar = Scalar.LIQUIDATION_THRESHOLD, epoch: int = 1
    ) -> ParameterUpdate:
        """Return a valid update of the market as it is now."""
        market = self.reader.market_snapshot()
        margin = self.config.mandate.margin_bps
        return ParameterUpdate(
            epoch=epoch,
            market=self.deployment.market,
            attempt=0,
            seat_table_hash=self.reader.seat_table().table_hash,
            expected=market.parameters,
            proposed=with_scalar(market.parameters, scalar, value, margin_bps=margin),
            snapshot=FreshnessSnapshot(
                market.oracle_price,
                market.utilisation_bps,
                market.total_collateral,
                market.total_borrow,
                market.timestamp,
            ),
            positions_root=market.positions_root,
            low_bound=value,
            high_bound=value,
            evidence_root=keccak(b"evidence"),
            transcript_root=keccak(b"transcript"),
            valid_until=market.timestamp + HOUR,
        )

    def signed(
        self, update: ParameterUpdate, signers: Sequence[LocalSigner] | None = None
    ) -> list[tuple[str, bytes]]:
        """Return (signer, signature) pairs, by the first k agents unless others are given."""
        digest = self.hasher.update_digest(update)
        return [
            (s.address, s.sign(digest))
            for s in (signers or self.people.agents[: quorum(len(self.people.agents))])
        ]

    def propose(self, update: ParameterUpdate | None = None) -> int:
        """Submit an update with three signatures; return its number."""
        chosen = update or self.update()
        return self.proposals.submit(chosen, self.signed(chosen), sender=self.people.stranger)

    def announce(self, update: ParameterUpdate) -> int:
        """Announce a cut with three signatures; return its number."""
        return self.cuts.submit(update, self.signed(update), sender=self.people.stranger)

    def open_voting(self) -> None:
        """Move the clock just past the snapshot of a proposal that was made now."""
        self.client.advance(12 * HOUR + 2)

    def close_window(self) -> None:
        """Move the clock just past the window of a proposal that was made now."""
        self.client.advance(WINDOW_SECONDS + 2)

    def queue_and_wait(self, number: int) -> None:
        """Queue a succeeded proposal and let its timelock run out."""
        self.proposals.queue(number, self.people.stranger)
        self.client.advance(TIMELOCK_SECONDS)

    def move_price(self, price: int) -> None:
        """Let the oracle say ``price`` (eight decimals) now."""
        now = self.client.timestamp()
        report_price(self.client, self.deployment, self.people.reporter, price=price, observed_at=now)


def register_known(directory: AgentDirectory, wallet: LocalSigner, *, number: int) -> int:
    """Register an agent whose transport key follows from its wallet; return its id."""
    transport = known_key(f"transport of {wallet.address}")
    uagent = directory.uagent_address(transport.public_key)
    digest = directory.binding_digest(wallet.address, uagent)
    binding = TransportBinding(transport.public_key, transport.sign(digest), wallet.sign(digest))
    card = AgentCard(uagent, (f"http://127.0.0.1:{9000 + number}",), b"")
    return directory.register(wallet, card, binding)


def attestation(agent_id: int) -> SeatAttestation:
    """Return the seat of agent n: its own operator, families and sources alternating."""
    family, source = (("neural", "exchange"), ("formula", "oracle"))[agent_id % 2]
    return SeatAttestation(agent_id, f"operator {agent_id}", family, source)
