"""Identities and seats of a test's own."""

from __future__ import annotations

from dataclasses import dataclass

from web3.contract.contract import Contract, ContractFunction

from governance.client import ChainClient
from governance.signing import LocalSigner


@dataclass(frozen=True, slots=True)
class Registries:
    """The two registries, and who owns them."""

    client: ChainClient
    owner: LocalSigner
    identities: Contract
    seats: Contract

    def registration(self, name: str) -> ContractFunction:
        """The call that registers an agent with a transport address."""
        function = self.identities.get_function_by_signature("register(string,(string,bytes)[])")
        call: ContractFunction = function("", [("uagent", name.encode())])
        return call

    def register(self, agent: LocalSigner) -> int:
        """Register an agent; return its id."""
        self.client.send(agent, self.registration(f"agent1q{agent.address.lower()}"))
        return int(self.client.call(self.identities.functions.lastAgentId()))


def open_registries(client: ChainClient, owner: LocalSigner) -> Registries:
    """Deploy both and let the seats hear of wallets."""
    identities = client.contract("AgentRegistry", client.deploy(owner, "AgentRegistry", owner.address))
    address = client.deploy(owner, "SeatRegistry", owner.address, identities.address)
    seats = client.contract("SeatRegistry", address)
    client.send(owner, identities.functions.setSeatWatch(seats.address))
    return Registries(client, owner, identities, seats)
