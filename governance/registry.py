"""Agents on chain: an agent registers itself, moves its end points, and finds its peers."""

from __future__ import annotations

import json
from dataclasses import dataclass

from web3.contract.contract import Contract

from core.errors import GovernanceError
from governance.client import ChainClient, TransactionSigner
from governance.deployment import Deployment

UAGENT, ENDPOINTS, ATTESTATION, BINDING = "uagent", "endpoint", "attestation", "binding"


@dataclass(frozen=True, slots=True)
class AgentCard:
    """What an agent says of itself.

    ``attestation`` is the transport address's signature over the end points, ``binding`` the two keys'
    signatures over one another; both are opaque here and checked by whoever connects.
    """

    uagent: str
    endpoints: tuple[str, ...]
    attestation: bytes
    binding: bytes


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """A registered agent, as the chain has it; ``seated`` in the newest table."""

    agent_id: int
    owner: str
    wallet: str
    seated: bool
    card: AgentCard


class AgentDirectory:
    """Reads and writes agents in the registry of one deployment."""

    def __init__(self, client: ChainClient, deployment: Deployment) -> None:
        self._client = client
        self._registry = client.contract("AgentRegistry", deployment.addresses["registry"])
        self._seats = client.contract("SeatRegistry", deployment.addresses["seats"])

    @property
    def contract(self) -> Contract:
        """The registry of identities."""
        return self._registry

    @property
    def seats(self) -> Contract:
        """The registry of seats."""
        return self._seats

    def register(self, signer: TransactionSigner, card: AgentCard, *, uri: str = "") -> int:
        """Register the signer as owner and wallet of a new identity; return its id."""
        metadata = [
            (UAGENT, card.uagent.encode()),
            (ENDPOINTS, _encode(card.endpoints)),
            (ATTESTATION, card.attestation),
            (BINDING, card.binding),
        ]
        function = self._registry.get_function_by_signature("register(string,(string,bytes)[])")
        receipt = self._client.send(signer, function(uri, metadata))
        minted = [log for log in receipt["logs"] if len(log["topics"]) == 4]
        if not minted:
            raise GovernanceError("the registry minted no identity")
        return int.from_bytes(minted[0]["topics"][3], "big")

    def update_endpoints(
        self, signer: TransactionSigner, agent_id: int, *, endpoints: tuple[str, ...], attestation: bytes
    ) -> None:
        """Say where the agent listens now; owner only."""
        for key, value in ((ENDPOINTS, _encode(endpoints)), (ATTESTATION, attestation)):
            self._client.send(signer, self._registry.functions.setMetadata(agent_id, key, value))

    def entry(self, agent_id: int) -> DirectoryEntry:
        """Return one agent by its id.

        Raises:
            GovernanceError: there is none.
        """
        functions, call = self._registry.functions, self._client.call
        wallet = call(functions.getAgentWallet(agent_id))
        return DirectoryEntry(
            agent_id=agent_id,
            owner=call(functions.ownerOf(agent_id)),
            wallet=wallet,
            seated=call(self._seats.functions.isActive(wallet)),
            card=AgentCard(
                uagent=self._metadata(agent_id, UAGENT).decode(errors="replace"),
                endpoints=_decode(self._metadata(agent_id, ENDPOINTS)),
                attestation=self._metadata(agent_id, ATTESTATION),
                binding=self._metadata(agent_id, BINDING),
            ),
        )

    def find(self, uagent: str) -> tuple[DirectoryEntry, ...]:
        """Return every agent that claims ``uagent``: seat holders first, then by id.

        Registration is open, so that anyone can claim any address: check the binding before you trust one.
        """
        last = self._client.call(self._registry.functions.lastAgentId())
        wanted = uagent.encode()
        claims = [n for n in range(1, last + 1) if self._metadata(n, UAGENT) == wanted]
        return tuple(sorted((self.entry(n) for n in claims), key=lambda e: (not e.seated, e.agent_id)))

    def _metadata(self, agent_id: int, key: str) -> bytes:
        return bytes(self._client.call(self._registry.functions.getMetadata(agent_id, key)))


def _encode(endpoints: tuple[str, ...]) -> bytes:
    return json.dumps(list(endpoints), separators=(",", ":")).encode()


def _decode(value: bytes) -> tuple[str, ...]:
    """Return end points; anything that is not a JSON list of texts counts as none."""
    try:
        found = json.loads(value)
    except ValueError:
        return ()
    if not isinstance(found, list):
        return ()
    return tuple(item for item in found if isinstance(item, str))
