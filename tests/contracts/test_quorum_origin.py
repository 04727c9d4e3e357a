"""Signatures must come from diverse seats; a contract wallet signs by ERC-1271."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from web3.contract.contract import Contract

from contracts.artifacts import load_any_artifact
from core.errors import GovernanceError
from governance.client import ChainClient
from governance.deploy import SeatAttestation
from governance.devchain.chain import Genesis
from governance.devchain.local import LocalChain
from governance.rehearsal import ETHER, GENESIS_TIME, known_key
from governance.signing import LocalSigner, keccak

OWNER = known_key("deployer")
DIGEST = keccak(b"some update")
AGENTS = sorted((known_key(f"origin agent {n}") for n in range(4)), key=lambda a: int(a.address, 16))


@pytest.fixture(scope="module")
def client() -> Iterator[ChainClient]:
    balances = {bytes.fromhex(key.address[2:]): 10**3 * ETHER for key in [OWNER, *AGENTS]}
    with LocalChain(Genesis(GENESIS_TIME, balances)) as chain:
        yield ChainClient(chain.url, artifacts=load_any_artifact)


def seated(client: ChainClient, rows: list[tuple[str, str, str]]) -> Contract:
    """A registry in which the four agents hold seats of (operator, family, data source)."""
    registry = client.contract("AgentRegistry", client.deploy(OWNER, "AgentRegistry", OWNER.address))
    for agent in AGENTS:
        client.send(agent, registry.get_function_by_signature("register()")())
    seats = [SeatAttestation(n, *row).encoded() for n, row in enumerate(rows, start=1)]
    client.send(OWNER, registry.functions.seat(seats))
    return registry


def require(client: ChainClient, registry: Contract, signers: list[LocalSigner]) -> int:
    table = client.call(registry.functions.seatTableHash(client.call(registry.functions.seatVersion())))
    proofs = [signer.sign(DIGEST) for signer in signers]
    function = registry.functions.requireQuorum(DIGEST, table, [s.address for s in signers], proofs)
    return int(client.call(function))


def rows(families: str, sources: str) -> list[tuple[str, str, str]]:
    return [(f"operator {n}", f, s) for n, (f, s) in enumerate(zip(families, sources, strict=True))]


def test_two_families_and_two_sources_suffice(client: ChainClient) -> None:
    assert require(client, seated(client, rows("aabb", "xyxy")), AGENTS[:3]) == 1


def test_one_family_reverts(client: ChainClient) -> None:
    registry = seated(client, rows("aaab", "xyxy"))
    with pytest.raises(GovernanceError, match="SignersNotDiverse"):
        require(client, registry, AGENTS[:3])
    assert require(client, registry, AGENTS[1:]) == 1


def test_one_data_source_reverts(client: ChainClient) -> None:
    registry = seated(client, rows("abab", "xxxy"))
    with pytest.raises(GovernanceError, match="SignersNotDiverse"):
        require(client, registry, AGENTS[:3])


def test_a_contract_wallet_signs_through_its_owner(client: ChainClient) -> None:
    registry = client.contract("AgentRegistry", client.deploy(OWNER, "AgentRegistry", OWNER.address))
    owners = {}
    for agent in AGENTS:
        wallet = client.contract("ContractWallet", client.deploy(agent, "ContractWallet", agent.address))
        data = registry.get_function_by_signature("register()")()._encode_transaction_data()
        client.send(agent, wallet.functions.run(registry.address, data))
        owners[wallet.address] = agent
    seats = [SeatAttestation(n, *row).encoded() for n, row in enumerate(rows("abab", "xyxy"), start=1)]
    client.send(OWNER, registry.functions.seat(seats))
    table = client.call(registry.functions.seatTableHash(1))
    signers = sorted(owners, key=lambda address: int(address, 16))[:3]
    good = [owners[signer].sign(DIGEST) for signer in signers]
    assert client.call(registry.functions.requireQuorum(DIGEST, table, signers, good)) == 1
    with pytest.raises(GovernanceError, match="BadSignature"):
        client.call(registry.functions.requireQuorum(DIGEST, table, signers, [good[1], good[0], good[2]]))
