"""Identities and seats of a test's own."""

from __future__ import annotations

from dataclasses import dataclass

from web3.contract.contract import Contract, ContractFunction

from governance.client import ChainClient
from governance.rehearsal import known_key
from governance.signing import LocalSigner


@dataclass(frozen=True, slots=True)
class Registries:
    """The two registries, and who owns them."""

    client: ChainClient
    owner: LocalSigner
    identities: Contract
    seats: Contract

    def registration(self) -> ContractFunction:
        """The call that registers an agent."""
        call: ContractFunction = self.identities.get_function_by_signature("register()")()
        return call

    def binding(self, agent_id: int, wallet: str, signer: LocalSigner) -> ContractFunction:
        """The call that binds a transport key of the test's; ``signer`` signs for the wallet."""
        transport = known_key(f"transport of {wallet}")
        x, y = transport.public_key[:32], transport.public_key[32:]
        uagent = self.client.call(self.identities.functions.uagentAddress(x, y))
        digest = bytes(self.client.call(self.identities.functions.hashBinding(wallet, uagent)))
        proofs = transport.sign(digest), signer.sign(digest)
        call: ContractFunction = self.identities.functions.bindTransport(agent_id, x, y, *proofs)
        return call

    def last(self) -> int:
        """The newest agent's id."""
        return int(self.client.call(self.identities.functions.lastAgentId()))

    def register(self, agent: LocalSigner) -> int:
        """Register and bind an agent; return its id."""
        self.client.send(agent, self.registration())
        self.client.send(agent, self.binding(self.last(), agent.address, agent))
        return self.last()


def open_registries(client: ChainClient, owner: LocalSigner) -> Registries:
    """Deploy both and let the seats hear of wallets."""
    identities = client.contract("AgentRegistry", client.deploy(owner, "AgentRegistry", owner.address))
    address = client.deploy(owner, "SeatRegistry", owner.address, identities.address)
    seats = client.contract("SeatRegistry", address)
    client.send(owner, identities.functions.setSeatWatch(seats.address))
    return Registries(client, owner, identities, seats)
