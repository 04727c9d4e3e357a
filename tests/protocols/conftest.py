"""Real protocols on one chain: each deployed once, each test undone afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from governance.devchain.chain import Genesis
from governance.devchain.local import LocalChain
from governance.rehearsal import ETHER, GENESIS_TIME, known_key
from governance.signing import LocalSigner
from tests.protocols.aave import AaveMarket, open_positions
from tests.protocols.aave_v302 import AaveV302Deployer
from tests.protocols.stage import rewound

FUNDER = known_key("protocol funder")


@pytest.fixture(scope="session")
def funder() -> LocalSigner:
    """Who pays everybody's gas."""
    return FUNDER


@pytest.fixture(scope="session")
def chain_url() -> Iterator[str]:
    balances = {bytes.fromhex(FUNDER.address[2:]): 10**6 * ETHER}
    with LocalChain(Genesis(GENESIS_TIME, balances)) as chain:
        yield chain.url


@pytest.fixture(scope="session")
def deployed_aave_v302(chain_url: str, funder: LocalSigner) -> AaveMarket:
    market = AaveV302Deployer(chain_url, funder).deploy()
    open_positions(market)
    return market


@pytest.fixture
def aave(deployed_aave_v302: AaveMarket) -> Iterator[AaveMarket]:
    with rewound(deployed_aave_v302.client):
        yield deployed_aave_v302
