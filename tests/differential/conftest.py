"""One chain for all comparisons; the clock does not move."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from web3.contract.contract import Contract

from contracts.artifacts import load_any_artifact
from governance.client import ChainClient
from governance.devchain.chain import Genesis
from governance.rehearsal import ETHER, GENESIS_TIME, known_key
from tests.chains import open_chain


@pytest.fixture(scope="session")
def solidity_client() -> Iterator[ChainClient]:
    deployer = known_key("deployer")
    balances = {bytes.fromhex(deployer.address[2:]): 10**6 * ETHER}
    with open_chain(Genesis(GENESIS_TIME, balances)) as chain:
        yield ChainClient(chain.url, artifacts=load_any_artifact)


@pytest.fixture(scope="session")
def harness(solidity_client: ChainClient) -> Callable[[str], Contract]:
    made: dict[str, Contract] = {}

    def deployed(name: str) -> Contract:
        if name not in made:
            address = solidity_client.deploy(known_key("deployer"), name)
            made[name] = solidity_client.contract(name, address)
        return made[name]

    return deployed
