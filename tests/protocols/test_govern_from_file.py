"""A DAO deployed from ``deploy/compound.toml`` governs, whatever its token remembers: executed, or vetoed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from core.errors import GovernanceError
from core.proposal import ProposalState
from governance.client import ChainClient
from governance.deployment import load_deployment
from governance.registry import AgentDirectory
from governance.rehearsal import ETHER, HOUR, attestation, cast, register_known
from governance.signing import LocalSigner
from tests.protocols.comet import CometMarket, live_factors
from tests.protocols.dao import Founded, ProtocolDao
from tests.protocols.file_orders import DEPLOYER, FileOrder
from tests.protocols.file_stages import compound, of_kind
from tests.protocols.stage import rewound
from tribunate.dao_deploy import carry_out

SUPPLY = 1_000_000 * ETHER
SLOW_BLOCK_SECONDS = 600
KINDS = {
    "comp": 'kind = "comp"\nblock_milliseconds = 600_000',
    "aave": 'kind = "aave"\nblock_milliseconds = 600_000',
    "escrow": 'kind = "escrow"',
}


@dataclass(frozen=True, slots=True)
class Governed:
    """A DAO from a file; the holder has 1 % of the votes."""

    dao: ProtocolDao
    market: CometMarket
    holder: LocalSigner

    def wait(self, seconds: int) -> None:
        """Let time pass in blocks as slow as the file says."""
        for _ in range(seconds // SLOW_BLOCK_SECONDS + 1):
            self.dao.client.advance(SLOW_BLOCK_SECONDS)


@pytest.fixture(scope="module", params=list(KINDS))
def stood(
    request: pytest.FixtureRequest,
    deployed_comet: CometMarket,
    funder: LocalSigner,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Governed]:
    """Every kind of token in turn: agents seated, DAO sealed, Compound's governance done with its part."""
    client = deployed_comet.client
    with rewound(client):
        for person in (DEPLOYER, *cast().agents, cast().stranger, cast().large):
            client.pay(funder, person.address, 100 * ETHER)
        token = client.deploy(funder, "BlockVotesToken", SUPPLY)
        stage = compound(deployed_comet, token, tmp_path_factory.mktemp(request.param))
        made = FileOrder(client, of_kind(stage.file, KINDS[request.param]).file)
        at = deploy_with_seats(made)
        stage.let_in(at["adapter"])
        give_votes(client, token, at["veto_power"], funder, kind=request.param)
        adapter = client.contract("CometAdapter", at["adapter"])
        yield Governed(ProtocolDao(Founded(client, cast(), at), adapter), deployed_comet, cast().large)


@pytest.fixture
def governed(stood: Governed) -> Iterator[Governed]:
    with rewound(stood.dao.client):
        yield stood


def deploy_with_seats(made: FileOrder) -> dict[str, str]:
    """Seat the four agents of the cast; return where everything is."""
    seats = ""
    for number, agent in enumerate(cast().agents, 1):
        named = attestation(number)
        seats += f'\n[[seats]]\nagent_id = {number}\nwallet = "{agent.address}"\n'
        seats += f'operator = "{named.operator}"\nfamily = "{named.family}"\n'
        seats += f'data_source = "{named.data_source}"\n'
    made.file.write_text(made.file.read_text() + seats)
    with pytest.raises(GovernanceError, match="agent 1 is not registered"):
        carry_out(made.order)
    directory = AgentDirectory(made.client, load_deployment(made.order.out))
    for number, agent in enumerate(cast().agents):
        register_known(directory, agent, number=number)
    carry_out(made.order)
    return dict(load_deployment(made.order.out).addresses)


def give_votes(client: ChainClient, token: str, power: str, owner: LocalSigner, *, kind: str) -> None:
    """Give the holder 1 % of the supply, to vote with."""
    holder, tokens = cast().large, client.contract("BlockVotesToken", token).functions
    client.send(owner, tokens.transfer(holder.address, SUPPLY // 100))
    client.send(holder, tokens.delegate(holder.address))
    if kind == "escrow":
        client.send(holder, tokens.approve(power, SUPPLY))
        client.send(holder, client.contract("VotesEscrow", power).functions.deposit(SUPPLY // 100))


def test_what_nobody_vetoes_is_executed(governed: Governed) -> None:
    dao, weth = governed.dao, governed.market.weth.address
    number = dao.propose(dao.update(weth, 85_50))
    governed.wait(72 * HOUR)
    dao.proposals.queue(number, dao.people.stranger)
    governed.wait(24 * HOUR)
    dao.execute(number)
    assert live_factors(governed.market)[1] == 8550 * 10**14


def test_the_holder_vetoes(governed: Governed) -> None:
    """1 % against a threshold of 0.5 %."""
    dao, weth = governed.dao, governed.market.weth.address
    number = dao.propose(dao.update(weth, 85_50))
    governed.wait(12 * HOUR)
    dao.proposals.veto(number, governed.holder)
    assert dao.proposals.state(number) is ProposalState.DEFEATED
    with pytest.raises(GovernanceError):
        dao.proposals.queue(number, dao.people.stranger)


def test_who_has_no_votes_vetoes_nothing(governed: Governed) -> None:
    dao, weth = governed.dao, governed.market.weth.address
    number = dao.propose(dao.update(weth, 85_50))
    governed.wait(12 * HOUR)
    dao.proposals.veto(number, dao.people.stranger)
    assert dao.proposals.state(number) is ProposalState.ACTIVE
