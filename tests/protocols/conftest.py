"""Real protocols on one chain: each deployed once, each test undone afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contracts.artifacts import load_any_artifact
from governance.client import ChainClient
from governance.devchain.chain import Genesis
from governance.rehearsal import ETHER, GENESIS_TIME, known_key
from governance.signing import LocalSigner
from tests.chains import open_chain
from tests.protocols import aave as aave_protocol
from tests.protocols import comet as comet_protocol
from tests.protocols import venus as venus_protocol
from tests.protocols.aave import AaveMarket
from tests.protocols.aave_v36 import deploy_aave_v36
from tests.protocols.aave_v302 import deploy_aave_v302
from tests.protocols.comet import CometMarket, deploy_comet
from tests.protocols.governed_aave import GovernedAave, govern_aave
from tests.protocols.governed_cap import GovernedCap, govern_cap
from tests.protocols.governed_comet import GovernedComet, govern_comet
from tests.protocols.governed_venus import GovernedVenus, govern_venus
from tests.protocols.stage import rewound
from tests.protocols.venus import VenusDeployer, VenusMarket

FUNDER = known_key("protocol funder")


@pytest.fixture(scope="session")
def funder() -> LocalSigner:
    """Who pays everybody's gas."""
    return FUNDER


@pytest.fixture(scope="session")
def chain_url() -> Iterator[str]:
    balances = {bytes.fromhex(FUNDER.address[2:]): 10**6 * ETHER}
    with open_chain(Genesis(GENESIS_TIME, balances)) as chain:
        yield chain.url


@pytest.fixture(scope="session")
def deployed_aave_v302(chain_url: str, funder: LocalSigner) -> AaveMarket:
    market = deploy_aave_v302(chain_url, funder)
    aave_protocol.open_positions(market)
    return market


@pytest.fixture(scope="session")
def deployed_aave_v36(chain_url: str, funder: LocalSigner) -> AaveMarket:
    market = deploy_aave_v36(chain_url, funder)
    aave_protocol.open_positions(market)
    return market


@pytest.fixture(params=["v302", "v36"])
def aave(request: pytest.FixtureRequest) -> Iterator[AaveMarket]:
    """Each version in turn: what a test says holds for both."""
    market: AaveMarket = request.getfixturevalue(f"deployed_aave_{request.param}")
    with rewound(market.client):
        yield market


@pytest.fixture(scope="module", params=["v302", "v36"])
def aave_under_a_dao(request: pytest.FixtureRequest, funder: LocalSigner) -> Iterator[GovernedAave]:
    """Each version in turn; what govern_aave changes is undone after the module."""
    market: AaveMarket = request.getfixturevalue(f"deployed_aave_{request.param}")
    with rewound(market.client):
        yield govern_aave(market, funder)


@pytest.fixture
def governed_aave(aave_under_a_dao: GovernedAave) -> Iterator[GovernedAave]:
    with rewound(aave_under_a_dao.market.client):
        yield aave_under_a_dao


@pytest.fixture(scope="session")
def deployed_comet(chain_url: str, funder: LocalSigner) -> CometMarket:
    market = deploy_comet(chain_url, funder)
    comet_protocol.open_positions(market)
    return market


@pytest.fixture
def comet(deployed_comet: CometMarket) -> Iterator[CometMarket]:
    with rewound(deployed_comet.client):
        yield deployed_comet


@pytest.fixture(scope="session")
def deployed_venus(chain_url: str, funder: LocalSigner) -> VenusMarket:
    market = VenusDeployer(chain_url, funder).deploy()
    venus_protocol.open_positions(market)
    return market


@pytest.fixture
def venus(deployed_venus: VenusMarket) -> Iterator[VenusMarket]:
    with rewound(deployed_venus.client):
        yield deployed_venus


@pytest.fixture(scope="module")
def venus_under_a_dao(deployed_venus: VenusMarket, funder: LocalSigner) -> Iterator[GovernedVenus]:
    with rewound(deployed_venus.client):
        yield govern_venus(deployed_venus, funder)


@pytest.fixture
def governed_venus(venus_under_a_dao: GovernedVenus) -> Iterator[GovernedVenus]:
    with rewound(venus_under_a_dao.market.client):
        yield venus_under_a_dao


@pytest.fixture(scope="module")
def comet_under_a_dao(deployed_comet: CometMarket, funder: LocalSigner) -> Iterator[GovernedComet]:
    with rewound(deployed_comet.client):
        yield govern_comet(deployed_comet, funder)


@pytest.fixture
def governed_comet(comet_under_a_dao: GovernedComet) -> Iterator[GovernedComet]:
    with rewound(comet_under_a_dao.market.client):
        yield comet_under_a_dao


@pytest.fixture(scope="module")
def cap_under_a_dao(chain_url: str, funder: LocalSigner) -> Iterator[GovernedCap]:
    client = ChainClient(chain_url, artifacts=load_any_artifact)
    with rewound(client):
        yield govern_cap(client, funder)


@pytest.fixture
def governed_cap(cap_under_a_dao: GovernedCap) -> Iterator[GovernedCap]:
    with rewound(cap_under_a_dao.client):
        yield cap_under_a_dao
