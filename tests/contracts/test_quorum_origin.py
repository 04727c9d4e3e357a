"""Signatures must come from diverse seats; a contract wallet signs by ERC-1271."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from web3.contract.contract import Contract

from contracts.artifacts import load_any_artifact
from core.errors import GovernanceError
from governance.client import ChainClient
from governance.devchain.chain import Genesis
from governance.founding.demo import SeatAttestation
from governance.rehearsal import ETHER, GENESIS_TIME, known_key
from governance.signing import LocalSigner, keccak
from tests.chains import open_chain
from tests.contracts.registries import open_registries

OWNER = known_key("deployer")
DIGEST = keccak(b"some update")
AGENTS = sorted((known_key(f"origin agent {n}") for n in range(4)), key=lambda a: int(a.address, 16))


@pytest.fixture(scope="module")
def client() -> Iterator[ChainClient]:
    balances = {bytes.fromhex(key.address[2:]): 10**3 * ETHER for key in [OWNER, *AGENTS]}
    with open_chain(Genesis(GENESIS_TIME, balances)) as chain:
        yield ChainClient(chain.url, artifacts=load_any_artifact)


def seated(client: ChainClient, rows: list[tuple[str, str, str]]) -> Contract:
    """A registry in which the four agents hold seats of (operator, family, data source)."""
    registries = open_registries(client, OWNER)
    for agent in AGENTS:
        registries.register(agent)
    seats = [SeatAttestation(n, *row).encoded() for n, row in enumerate(rows, start=1)]
    client.send(OWNER, registries.seats.functions.seat(seats))
    return registries.seats


def require(
    client: ChainClient, registry: Contract, signers: list[LocalSigner], *, diverse: bool = True
) -> tuple[int, ...]:
    """Version, bits of the signers' places, and f."""
    table = client.call(registry.functions.seatTableHash(client.call(registry.functions.seatVersion())))
    proofs = [signer.sign(DIGEST) for signer in signers]
    wallets = [s.address for s in signers]
    return tuple(client.call(registry.functions.requireQuorum(DIGEST, table, wallets, proofs, diverse)))


def rows(families: str, sources: str) -> list[tuple[str, str, str]]:
    return [(f"operator {n}", f, s) for n, (f, s) in enumerate(zip(families, sources, strict=True))]


def test_two_families_and_two_sources_suffice(client: ChainClient) -> None:
    assert require(client, seated(client, rows("aabb", "xyxy")), AGENTS[:3]) == (1, 0b0111, 1)


def test_one_family_reverts(client: ChainClient) -> None:
    registry = seated(client, rows("aaab", "xyxy"))
    with pytest.raises(GovernanceError, match="SignersNotDiverse"):
        require(client, registry, AGENTS[:3])
    assert require(client, registry, AGENTS[1:]) == (1, 0b1110, 1)


def test_what_lowers_risk_needs_no_diversity(client: ChainClient) -> None:
    registry = seated(client, rows("aaaa", "xxxx"))
    assert require(client, registry, AGENTS[:3], diverse=False) == (1, 0b0111, 1)


def test_one_data_source_reverts(client: ChainClient) -> None:
    registry = seated(client, rows("abab", "xxxy"))
    with pytest.raises(GovernanceError, match="SignersNotDiverse"):
        require(client, registry, AGENTS[:3])


def test_a_contract_wallet_signs_through_its_owner(client: ChainClient) -> None:
    registries = open_registries(client, OWNER)
    registry, owners = registries.seats, {}
    for agent in AGENTS:
        wallet = client.contract("ContractWallet", client.deploy(agent, "ContractWallet", agent.address))
        for call in (
            registries.registration,
            lambda wallet=wallet, agent=agent: registries.binding(registries.last(), wallet.address, agent),
        ):
            data = call()._encode_transaction_data()
            client.send(agent, wallet.functions.run(registries.identities.address, data))
        owners[wallet.address] = agent
    seats = [SeatAttestation(n, *row).encoded() for n, row in enumerate(rows("abab", "xyxy"), start=1)]
    client.send(OWNER, registry.functions.seat(seats))
    table = client.call(registry.functions.seatTableHash(1))
    signers = sorted(owners, key=lambda address: int(address, 16))[:3]
    good = [owners[signer].sign(DIGEST) for signer in signers]
    quorum = client.call(registry.functions.requireQuorum(DIGEST, table, signers, good, True))
    assert tuple(quorum)[1].bit_count() == 3
    with pytest.raises(GovernanceError, match="BadSignature"):
        client.call(
            registry.functions.requireQuorum(DIGEST, table, signers, [good[1], good[0], good[2]], True)
        )
