"""bindTransport: the registry derives the transport address from a key, and both keys sign."""

from __future__ import annotations

import pytest
from uagents_core.identity import Identity
from web3.contract.contract import Contract

from agents.binding import bind
from core.errors import GovernanceError
from core.ports import TransportBinding
from governance.registry import AgentDirectory
from governance.rehearsal import Rehearsal


@pytest.fixture
def directory(dao: Rehearsal) -> AgentDirectory:
    """The stranger has registered as agent 5."""
    made = AgentDirectory(dao.client, dao.deployment)
    dao.client.send(dao.people.stranger, made.contract.get_function_by_signature("register()")())
    return made


def binding_of(directory: AgentDirectory, dao: Rehearsal, identity: Identity) -> TransportBinding:
    stranger = dao.people.stranger
    return bind(identity, stranger, directory.binding_digest(stranger.address, identity.address))


@pytest.mark.parametrize("seed", ["one", "two", "three", "four", "five"])
def test_the_registry_derives_what_uagents_calls_the_address(
    dao: Rehearsal, directory: AgentDirectory, seed: str
) -> None:
    identity = Identity.from_seed(seed, 0)
    directory.bind(dao.people.stranger, 5, binding_of(directory, dao, identity))
    assert directory.entry(5).card.uagent == identity.address


def test_a_forged_transport_signature_reverts(dao: Rehearsal, directory: AgentDirectory) -> None:
    stranger, victim = dao.people.stranger, Identity.from_seed("victim", 0)
    genuine = binding_of(directory, dao, victim)
    own = stranger.sign(directory.binding_digest(stranger.address, victim.address))
    forged = TransportBinding(genuine.public_key, own, genuine.wallet_signature)
    with pytest.raises(GovernanceError, match="BadTransportProof"):
        directory.bind(stranger, 5, forged)


def test_a_binding_made_for_another_wallet_reverts(dao: Rehearsal, directory: AgentDirectory) -> None:
    agent, identity = dao.people.agents[0], Identity.from_seed("one", 0)
    stolen = bind(identity, agent, directory.binding_digest(agent.address, identity.address))
    with pytest.raises(GovernanceError, match="BadTransportProof"):
        directory.bind(dao.people.stranger, 5, stolen)


def test_the_wallet_has_to_sign_too(dao: Rehearsal, directory: AgentDirectory) -> None:
    genuine = binding_of(directory, dao, Identity.from_seed("one", 0))
    half = TransportBinding(genuine.public_key, genuine.transport_signature, genuine.transport_signature)
    with pytest.raises(GovernanceError, match="BadWalletProof"):
        directory.bind(dao.people.stranger, 5, half)


def test_only_the_owner_binds(dao: Rehearsal, directory: AgentDirectory) -> None:
    genuine = binding_of(directory, dao, Identity.from_seed("one", 0))
    with pytest.raises(GovernanceError, match="NotAgentOwner"):
        directory.bind(dao.people.guardian, 5, genuine)


def test_the_transport_is_set_in_no_other_way(dao: Rehearsal, directory: AgentDirectory) -> None:
    registry: Contract = directory.contract
    with pytest.raises(GovernanceError, match="ReservedKey"):
        dao.client.send(dao.people.stranger, registry.functions.setMetadata(5, "uagent", b"agent1q"))
    register = registry.get_function_by_signature("register(string,(string,bytes)[])")
    with pytest.raises(GovernanceError, match="ReservedKey"):
        dao.client.send(dao.people.stranger, register("", [("uagent", b"agent1q")]))


def test_another_wallet_loses_the_transport(dao: Rehearsal, directory: AgentDirectory) -> None:
    stranger = dao.people.stranger
    directory.bind(stranger, 5, binding_of(directory, dao, Identity.from_seed("one", 0)))
    dao.client.send(stranger, directory.contract.functions.unsetAgentWallet(5))
    assert directory.entry(5).card.uagent == ""
