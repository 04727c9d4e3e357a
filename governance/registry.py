"""Agents on chain: an agent registers itself, moves its end points, and finds its peers."""

from __future__ import annotations

import json
from dataclasses import dataclass

from web3.contract.contract import Contract

from core.errors import GovernanceError
from core.ports import TransportBinding
from governance.client import ChainClient, TransactionSigner
from governance.deployment import Deployment

UAGENT, ENDPOINTS, ATTESTATION = "uagent", "endpoint", "attestation"
PROTOCOL_DIGEST = "protocolDigest:tribunate-negotiation"


@dataclass(frozen=True, slots=True)
class AgentCard:
    """What an agent says of itself.

    ``uagent`` is proven on chain, and empty before; ``attestation`` is the transport key's signature over the
    end points, opaque here and checked by whoever connects.  ``protocol_digest`` is that of the negotiation
    protocol it speaks, empty if it has not said; nobody has checked it.
    """

    uagent: str
    endpoints: tuple[str, ...]
    attestation: bytes
    protocol_digest: str = ""


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

    def binding_digest(self, wallet: str, uagent: str) -> bytes:
        """Return what the wallet and the transport key both sign."""
        return bytes(self._client.call(self._registry.functions.hashBinding(wallet, uagent)))

    def uagent_address(self, public_key: bytes) -> str:
        """Return the transport address of a public key (64 bytes)."""
        function = self._registry.functions.uagentAddress(public_key[:32], public_key[32:])
        return str(self._client.call(function))

    def bind(self, signer: TransactionSigner, agent_id: int, binding: TransportBinding) -> None:
        """Prove on chain that one party holds wallet and transport key; owner only."""
        halves = binding.public_key[:32], binding.public_key[32:]
        proofs = binding.transport_signature, binding.wallet_signature
        self._client.send(signer, self._registry.functions.bindTransport(agent_id, *halves, *proofs))

    def register(
        self, signer: TransactionSigner, card: AgentCard, binding: TransportBinding, *, uri: str = ""
    ) -> int:
        """Register the signer as owner and wallet of an identity, and bind its transport; return its id."""
        metadata = [(ENDPOINTS, _encode(card.endpoints)), (ATTESTATION, card.attestation)]
        if card.protocol_digest:
            metadata.append((PROTOCOL_DIGEST, card.protocol_digest.encode()))
        function = self._registry.get_function_by_signature("register(string,(string,bytes)[])")
        receipt = self._client.send(signer, function(uri, metadata))
        minted = [log for log in receipt["logs"] if len(log["topics"]) == 4]
        if not minted:
            raise GovernanceError("the registry minted no identity")
        agent_id = int.from_bytes(minted[0]["topics"][3], "big")
        self.bind(signer, agent_id, binding)
        return agent_id

    def update_endpoints(
        self, signer: TransactionSigner, agent_id: int, *, endpoints: tuple[str, ...], attestation: bytes
    ) -> None:
        """Say where the agent listens now; owner only."""
        for key, value in ((ENDPOINTS, _encode(endpoints)), (ATTESTATION, attestation)):
            self._client.send(signer, self._registry.functions.setMetadata(agent_id, key, value))

    def update_protocol(self, signer: TransactionSigner, agent_id: int, digest: str) -> None:
        """Say which negotiation protocol the agent speaks now; owner only."""
        function = self._registry.functions.setMetadata(agent_id, PROTOCOL_DIGEST, digest.encode())
        self._client.send(signer, function)

    def protocol_of(self, agent_id: int) -> str:
        """Return the digest of the negotiation protocol that an agent says it speaks; empty if it has not."""
        return self._metadata(agent_id, PROTOCOL_DIGEST).decode(errors="replace")

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
                protocol_digest=self.protocol_of(agent_id),
            ),
        )

    def find(self, uagent: str) -> tuple[DirectoryEntry, ...]:
        """Return every identity bound to ``uagent``: seat holders first, then by id."""
        last = self._client.call(self._registry.functions.lastAgentId())
        wanted = uagent.encode()
        claims = [n for n in range(1, last + 1) if self._metadata(n, UAGENT) == wanted]
        return tuple(sorted((self.entry(n) for n in claims), key=lambda e: (not e.seated, e.agent_id)))

    def of_wallet(self, wallet: str) -> tuple[DirectoryEntry, ...]:
        """Return every identity of ``wallet``, bound or not, by id."""
        functions, call = self._registry.functions, self._client.call
        numbers = range(1, call(functions.lastAgentId()) + 1)
        return tuple(self.entry(n) for n in numbers if call(functions.getAgentWallet(n)) == wallet)

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
