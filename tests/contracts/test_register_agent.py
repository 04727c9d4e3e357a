"""Identity: register, metadata, wallet, transfer (ERC-8004, identity part)."""

from __future__ import annotations

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from web3.contract.contract import Contract

from core.errors import GovernanceError
from governance.rehearsal import Rehearsal, known_key

ZERO = "0x" + "00" * 20


@pytest.fixture
def registry(dao: Rehearsal) -> Contract:
    return dao.client.contract("AgentRegistry", dao.deployment.addresses["registry"])


def wallet_proof(dao: Rehearsal, agent_id: int, wallet: object, *, deadline: int) -> bytes:
    """The wallet's own signature over being named by the agent's owner."""
    message = encode_typed_data(
        {
            "name": "AgentRegistry",
            "version": "1",
            "chainId": dao.client.chain_id,
            "verifyingContract": dao.deployment.addresses["registry"],
        },
        {
            "AgentWalletSet": [
                {"name": "agentId", "type": "uint256"},
                {"name": "newWallet", "type": "address"},
                {"name": "owner", "type": "address"},
                {"name": "deadline", "type": "uint256"},
            ]
        },
        {
            "agentId": agent_id,
            "newWallet": wallet.address,
            "owner": dao.people.stranger.address,
            "deadline": deadline,
        },
    )
    return bytes(wallet.sign_message(message).signature)


def register(dao: Rehearsal, registry: Contract) -> int:
    """A new identity of the stranger's."""
    function = registry.get_function_by_signature("register(string)")
    dao.client.send(dao.people.stranger, function("ipfs://card"))
    return int(dao.client.call(registry.functions.lastAgentId()))


def test_anyone_registers_and_becomes_owner_and_wallet(dao: Rehearsal, registry: Contract) -> None:
    agent = register(dao, registry)
    call, stranger = dao.client.call, dao.people.stranger.address
    assert agent == 5
    assert call(registry.functions.ownerOf(agent)) == stranger
    assert call(registry.functions.getAgentWallet(agent)) == stranger
    assert call(registry.functions.tokenURI(agent)) == "ipfs://card"
    assert call(registry.functions.getMetadata(agent, "agentWallet")).hex() == stranger[2:].lower()


def test_registering_without_a_uri_works_too(dao: Rehearsal, registry: Contract) -> None:
    dao.client.send(dao.people.stranger, registry.get_function_by_signature("register()")())
    assert dao.client.call(registry.functions.tokenURI(5)) == ""


def test_registration_gives_no_seat(dao: Rehearsal, registry: Contract) -> None:
    register(dao, registry)
    seats = dao.client.contract("SeatRegistry", dao.deployment.addresses["seats"])
    assert not dao.client.call(seats.functions.isActive(dao.people.stranger.address))


def test_the_owner_changes_metadata_and_uri(dao: Rehearsal, registry: Contract) -> None:
    agent = register(dao, registry)
    dao.client.send(dao.people.stranger, registry.functions.setMetadata(agent, "endpoint", b"http://x"))
    dao.client.send(dao.people.stranger, registry.functions.setAgentURI(agent, "ipfs://new"))
    assert dao.client.call(registry.functions.getMetadata(agent, "endpoint")) == b"http://x"
    assert dao.client.call(registry.functions.tokenURI(agent)) == "ipfs://new"


def test_metadata_reverts_for_others(dao: Rehearsal, registry: Contract) -> None:
    agent = register(dao, registry)
    with pytest.raises(GovernanceError, match="NotAgentOwner"):
        dao.client.send(dao.people.guardian, registry.functions.setMetadata(agent, "endpoint", b"x"))
    with pytest.raises(GovernanceError, match="NotAgentOwner"):
        dao.client.send(dao.people.guardian, registry.functions.setAgentURI(agent, "x"))


def test_the_wallet_key_is_reserved(dao: Rehearsal, registry: Contract) -> None:
    agent = register(dao, registry)
    with pytest.raises(GovernanceError, match="ReservedKey"):
        dao.client.send(dao.people.stranger, registry.functions.setMetadata(agent, "agentWallet", b"x"))


def test_registering_with_the_reserved_key_reverts(dao: Rehearsal, registry: Contract) -> None:
    function = registry.get_function_by_signature("register(string,(string,bytes)[])")
    with pytest.raises(GovernanceError, match="ReservedKey"):
        dao.client.send(dao.people.stranger, function("", [("agentWallet", b"x")]))


def test_a_new_wallet_proves_itself(dao: Rehearsal, registry: Contract) -> None:
    agent, wallet = register(dao, registry), Account.create()
    deadline = dao.client.timestamp() + 60
    proof = wallet_proof(dao, agent, wallet, deadline=deadline)
    function = registry.functions.setAgentWallet(agent, wallet.address, deadline, proof)
    dao.client.send(dao.people.stranger, function)
    assert dao.client.call(registry.functions.getAgentWallet(agent)) == wallet.address


def test_a_wallet_reverts_on_somebody_elses_proof(dao: Rehearsal, registry: Contract) -> None:
    agent, wallet, other = register(dao, registry), Account.create(), Account.create()
    deadline = dao.client.timestamp() + 60
    proof = wallet_proof(dao, agent, other, deadline=deadline)
    with pytest.raises(GovernanceError, match="BadWalletProof"):
        function = registry.functions.setAgentWallet(agent, wallet.address, deadline, proof)
        dao.client.send(dao.people.stranger, function)


@pytest.mark.parametrize("seconds", [-1, 10 * 60])
def test_a_wallet_reverts_on_a_deadline_past_or_far(dao: Rehearsal, registry: Contract, seconds: int) -> None:
    agent, wallet = register(dao, registry), Account.create()
    deadline = dao.client.timestamp() + seconds
    proof = wallet_proof(dao, agent, wallet, deadline=deadline)
    with pytest.raises(GovernanceError, match="ProofExpired"):
        function = registry.functions.setAgentWallet(agent, wallet.address, deadline, proof)
        dao.client.send(dao.people.stranger, function)


def test_a_wallet_can_be_unset(dao: Rehearsal, registry: Contract) -> None:
    agent = register(dao, registry)
    dao.client.send(dao.people.stranger, registry.functions.unsetAgentWallet(agent))
    assert dao.client.call(registry.functions.getAgentWallet(agent)) == ZERO


def test_a_transfer_clears_the_wallet(dao: Rehearsal, registry: Contract) -> None:
    agent = register(dao, registry)
    buyer = known_key("buyer").address
    dao.client.send(
        dao.people.stranger, registry.functions.transferFrom(dao.people.stranger.address, buyer, agent)
    )
    assert dao.client.call(registry.functions.getAgentWallet(agent)) == ZERO
    assert dao.client.call(registry.functions.ownerOf(agent)) == buyer


def test_a_transfer_reverts_for_others(dao: Rehearsal, registry: Contract) -> None:
    agent = register(dao, registry)
    guardian = dao.people.guardian
    with pytest.raises(GovernanceError, match="ERC721InsufficientApproval"):
        dao.client.send(
            guardian, registry.functions.transferFrom(dao.people.stranger.address, guardian.address, agent)
        )
