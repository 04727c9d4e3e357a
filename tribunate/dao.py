"""The DAO's side of an agent: ports of ``core`` wired to the adapters of ``governance``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from agents.binding import attested
from agents.scheduler import EpochCalendar
from core.calls import CALL_SCALAR, is_extraordinary
from core.epoch import keeper_order
from core.errors import NegotiationError
from core.mandate import Mandate
from core.messages import Phase, SignedMessage
from core.negotiation import EpochContext
from core.ports import Seat, SeatTable
from core.update import ParameterUpdate
from governance.client import ChainClient
from governance.deployment import Deployment, load_deployment
from governance.reader import ChainReader
from governance.registry import AgentDirectory
from governance.signing import EcdsaVerifier, Eip712Hasher, LocalSigner, keccak


@dataclass(frozen=True, slots=True)
class Dao:
    """One deployment, read through one RPC end point."""

    client: ChainClient
    deployment: Deployment
    reader: ChainReader
    hasher: Eip712Hasher
    verifier: EcdsaVerifier
    directory: AgentDirectory


def connect(rpc_url: str, deployment: Deployment) -> Dao:
    """Return the deployment's parts."""
    client = ChainClient(rpc_url)
    hasher = Eip712Hasher(deployment.chain_id, deployment.verifying_contract)
    reader = ChainReader(client, deployment)
    return Dao(client, deployment, reader, hasher, EcdsaVerifier(), AgentDirectory(client, deployment))


def connect_file(rpc_url: str, deployment: Path) -> Dao:
    """Return the parts of the deployment in a file."""
    return connect(rpc_url, load_deployment(deployment))


class SeatDirectory:
    """End points of seated peers, each checked against the peer's own signatures.

    A peer that says it speaks another negotiation protocol could not read us: it is sent nothing, which the
    negotiation takes for absence, and it is reported, once for each protocol it names.

    Args:
        protocol_digest: What this agent speaks.
        report: Takes the event of a refused peer.
    """

    def __init__(
        self, dao: Dao, seats: SeatTable, *, protocol_digest: str, report: Callable[[dict[str, Any]], None]
    ) -> None:
        self._dao = dao
        self._seats = {seat.uagent: seat for seat in seats.seats}
        self._protocol_digest = protocol_digest
        self._report = report
        self._reported: set[tuple[int, str]] = set()

    def endpoints(self, uagent: str) -> tuple[str, ...]:
        """Return what the peer's own keys have signed; nothing for a stranger or a forgery."""
        seat = self._seats.get(uagent)
        if seat is None:
            return ()
        card = self._dao.directory.entry(seat.agent_id).card
        if card.uagent != uagent or not attested(uagent, card.endpoints, card.attestation):
            return ()
        if card.protocol_digest not in ("", self._protocol_digest):
            self._refuse(seat.agent_id, card.protocol_digest)
            return ()
        return card.endpoints

    def _refuse(self, agent_id: int, spoken: str) -> None:
        if (agent_id, spoken) in self._reported:
            return
        self._reported.add((agent_id, spoken))
        # written by the peer: quoted and cut
        found = f"agent {agent_id} speaks protocol {spoken[:80]!r}, not {self._protocol_digest}"
        self._report({"type": "peer_refused", "agent_id": agent_id, "reason": "protocol", "found": found})


def message_signer(
    dao: Dao, signer: LocalSigner, agent_id: int
) -> Callable[[int, Phase, int, int, bytes], SignedMessage]:
    """Return a function that signs this agent's messages."""

    def sign(epoch: int, phase: Phase, round_: int, attempt: int, payload: bytes) -> SignedMessage:
        digest = dao.hasher.message_digest(
            epoch=epoch, attempt=attempt, round_=round_, phase=phase, agent_id=agent_id, payload=payload
        )
        return SignedMessage(epoch, attempt, round_, phase, agent_id, payload, digest, signer.sign(digest))

    return sign


def signer_of_message(hasher: Eip712Hasher, verifier: EcdsaVerifier, message: SignedMessage) -> str | None:
    """Return who signed ``message``; ``None`` if its digest is not that of its content."""
    digest = hasher.message_digest(
        epoch=message.epoch,
        attempt=message.attempt,
        round_=message.round,
        phase=message.phase,
        agent_id=message.agent_id,
        payload=message.payload,
    )
    return verifier.signer_of(digest, message.signature) if digest == message.digest else None


def epoch_context(
    dao: Dao, *, epoch: int, seats: SeatTable, me: int, mandate: Mandate, calendar: EpochCalendar
) -> EpochContext:
    """Return what does not change during ``epoch``."""
    wallets = {seat.agent_id: seat.wallet for seat in seats.seats}
    market = dao.deployment.market

    @lru_cache(maxsize=4096)
    def verify(message: SignedMessage) -> bool:
        wallet = wallets.get(message.agent_id)
        return wallet is not None and signer_of_message(dao.hasher, dao.verifier, message) == wallet

    @lru_cache(maxsize=1024)
    def recover(digest: bytes, signature: bytes) -> str | None:
        return dao.verifier.signer_of(digest, signature)

    @lru_cache(maxsize=64)
    def update_digest(update: ParameterUpdate) -> bytes:
        return dao.hasher.update_digest(update)

    return EpochContext(
        epoch=epoch,
        market=market,
        scalar=CALL_SCALAR if is_extraordinary(epoch) else mandate.scalar_of(epoch),
        me=me,
        wallets=wallets,
        seat_table_hash=seats.table_hash,
        keepers=keeper_order(epoch, market, seats.table_hash, wallets),
        deadlines=calendar.deadlines_of(epoch),
        margin_bps=mandate.margin_bps,
        keccak=keccak,
        verify=verify,
        update_digest=update_digest,
        recover=recover,
    )


def seat_of(seats: Sequence[Seat], wallet: str) -> Seat:
    """Return the seat of ``wallet``.

    Raises:
        NegotiationError: it has none.
    """
    for seat in seats:
        if seat.wallet == wallet:
            return seat
    raise NegotiationError(f"{wallet} has no seat", hint="ask the DAO to seat the agent")
