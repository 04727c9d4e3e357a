"""EIP-712 digests, signatures and who gave them: the adapters of three ports of ``core``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_keys.datatypes import PrivateKey, Signature
from eth_keys.exceptions import BadSignature
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak as _keccak
from eth_utils.exceptions import ValidationError

from core.errors import GovernanceError
from core.update import ParameterUpdate
from governance.price_cap import PriceCapUpdate

CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
Fields = list[dict[str, str]]


def keccak(data: bytes) -> bytes:
    """Return Keccak-256 of ``data``.

    >>> keccak(b"").hex()[:16]
    'c5d2460186f7233c'
    """
    return bytes(_keccak(data))


def domain_separator(name: str, chain_id: int, contract: str) -> bytes:
    """Return the hash of an EIP-712 domain of version ``1``."""
    domain = {"name": name, "version": "1", "chainId": chain_id, "verifyingContract": contract}
    return bytes(encode_typed_data(domain, {"Word": _fields("uint256 word")}, {"word": 0}).header)


def _fields(text: str) -> Fields:
    pairs = (item.split() for item in text.split(","))
    return [{"name": name, "type": kind} for kind, name in pairs]


UPDATE_TYPES: dict[str, Fields] = {
    "Parameters": _fields(
        "uint256 ltvBps,uint256 liquidationThresholdBps,uint256 liquidationBonusBps,"
        "uint256 supplyCap,uint256 borrowCap,uint256 isOpen"
    ),
    "FreshnessSnapshot": _fields(
        "uint256 oraclePrice,uint256 utilisationBps,uint256 totalCollateral,uint256 totalBorrow,"
        "uint64 dataTime"
    ),
    "ParameterUpdate": _fields(
        "uint64 epoch,address market,uint32 attempt,bytes32 seatTableHash,Parameters expected,"
        "Parameters proposed,FreshnessSnapshot snapshot,bytes32 positionsRoot,uint256 lowBound,"
        "uint256 highBound,bytes32 evidenceRoot,bytes32 transcriptRoot,uint64 validUntil,bytes32[] models"
    ),
}
BATCH_TYPES: dict[str, Fields] = {"UpdateBatch": _fields("ParameterUpdate[] updates"), **UPDATE_TYPES}
PRICE_CAP_TYPES: dict[str, Fields] = {
    "PriceCap": _fields("uint256 snapshotRatio,uint64 snapshotTimestamp,uint256 maxYearlyGrowthBps"),
    "PriceCapUpdate": _fields(
        "uint64 epoch,address market,uint32 attempt,bytes32 seatTableHash,PriceCap expected,"
        "PriceCap proposed,uint256 lowBound,uint256 highBound,bytes32 evidenceRoot,bytes32 transcriptRoot,"
        "uint64 validUntil,bytes32[] models"
    ),
}
MESSAGE_TYPES: dict[str, Fields] = {
    "NegotiationMessage": _fields(
        "uint64 epoch,uint32 attempt,uint32 round,string phase,uint256 agentId,bytes32 payloadHash"
    ),
}
BALLOT_TYPES: dict[str, Fields] = {
    "ExtendedBallot": _fields(
        "uint256 proposalId,uint8 support,address voter,uint256 nonce,string reason,bytes params"
    ),
}


def update_content(update: ParameterUpdate | PriceCapUpdate) -> dict[str, Any]:
    """Return the update as the contract's struct, by Solidity's names."""
    content = {_camel(key): _plain(value) for key, value in asdict(update).items()}
    return content | {"market": to_checksum_address(update.market)}


def update_tuple(update: ParameterUpdate | PriceCapUpdate) -> tuple[Any, ...]:
    """Return the update as the contract's struct, in order."""
    return tuple(
        tuple(value.values()) if isinstance(value, dict) else value
        for value in update_content(update).values()
    )


def ascending(signatures: Sequence[tuple[str, bytes]]) -> tuple[list[str], list[bytes]]:
    """Return signers and their signatures, ascending by address as the contracts want them."""
    ordered = sorted(signatures, key=lambda pair: int(pair[0], 16))
    return [signer for signer, _ in ordered], [signature for _, signature in ordered]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {_camel(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, int) else value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


class Eip712Hasher:
    """Digests for one chain and one contract: the update gate, or the governor (domain ``Tribunate`` 1)."""

    def __init__(self, chain_id: int, contract: str) -> None:
        self._domain = {
            "name": "Tribunate",
            "version": "1",
            "chainId": chain_id,
            "verifyingContract": to_checksum_address(contract),
        }

    def update_digest(self, update: ParameterUpdate) -> bytes:
        """Return the digest that the gate checks signatures against."""
        return self._digest(UPDATE_TYPES, update_content(update))

    def batch_digest(self, updates: Sequence[ParameterUpdate]) -> bytes:
        """Return the digest of several markets' updates as one; of one update it is the update's own."""
        if len(updates) == 1:
            return self.update_digest(updates[0])
        return self._digest(BATCH_TYPES, {"updates": [update_content(update) for update in updates]})

    def price_cap_digest(self, update: PriceCapUpdate) -> bytes:
        """Return the digest of a price cap, whose three values are one unit."""
        return self._digest(PRICE_CAP_TYPES, update_content(update))

    def message_digest(
        self, *, epoch: int, attempt: int, round_: int, phase: str, agent_id: int, payload: bytes
    ) -> bytes:
        """Return the digest of one negotiation message over the Keccak hash of ``payload``."""
        content = {
            "epoch": epoch,
            "attempt": attempt,
            "round": round_,
            "phase": phase,
            "agentId": agent_id,
            "payloadHash": keccak(payload),
        }
        return self._digest(MESSAGE_TYPES, content)

    def ballot_digest(
        self, *, proposal: int, support: int, voter: str, nonce: int, reason: str, params: bytes
    ) -> bytes:
        """Return the digest of OpenZeppelin's ``ExtendedBallot`` before this governor."""
        content = {
            "proposalId": proposal,
            "support": support,
            "voter": to_checksum_address(voter),
            "nonce": nonce,
            "reason": reason,
            "params": params,
        }
        return self._digest(BALLOT_TYPES, content)

    def _digest(self, types: dict[str, Fields], content: dict[str, Any]) -> bytes:
        message = encode_typed_data(self._domain, types, content)
        return keccak(b"\x19" + message.version + message.header + message.body)


class LocalSigner:
    """One private key in this process's memory."""

    def __init__(self, private_key: bytes) -> None:
        self._account: LocalAccount = Account.from_key(private_key)
        self._key = PrivateKey(private_key)

    @property
    def address(self) -> str:
        """Checksummed address."""
        return self._account.address

    @property
    def public_key(self) -> bytes:
        """64 bytes, x and y."""
        return self._key.public_key.to_bytes()

    def sign(self, digest: bytes) -> bytes:
        """Return r, s (low) and v (27 or 28) over a 32-byte digest."""
        if len(digest) != 32:
            raise GovernanceError(f"a digest had {len(digest)} bytes", allowed="32 bytes")
        made = self._key.sign_msg_hash(digest)
        encoded: bytes = made.r.to_bytes(32, "big") + made.s.to_bytes(32, "big") + bytes([made.v + 27])
        return encoded

    def sign_transaction(self, transaction: dict[str, Any]) -> bytes:
        """Return the raw signed transaction."""
        return bytes(self._account.sign_transaction(transaction).raw_transaction)

    def __repr__(self) -> str:
        return f"LocalSigner({self.address})"


class EcdsaVerifier:
    """Recovers signers as OpenZeppelin's ``ECDSA`` does: 65 bytes, low s, v 27 or 28."""

    def signer_of(self, digest: bytes, signature: bytes) -> str | None:
        """Return the checksummed signer, or ``None`` if the signature is malformed."""
        if len(digest) != 32 or len(signature) != 65 or signature[64] not in (27, 28):
            return None
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
        if s > CURVE_ORDER // 2:
            return None
        try:
            made = Signature(vrs=(signature[64] - 27, r, s))
            return str(made.recover_public_key_from_msg_hash(digest).to_checksum_address())
        except (BadSignature, ValidationError):
            return None
