"""Two keys, one agent: each signs the other's address (ARCHITECTURE.md, decision 3).

The wallet signs the uAgents address, the uAgents identity signs the wallet's address and its end points.
A directory is not trusted: whoever resolves a peer checks both signatures.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from uagents_core.identity import Identity

from core.evidence import sha256
from core.ports import BidVerifier, Keccak, Signer


@dataclass(frozen=True, slots=True)
class Binding:
    """``wallet_signature`` is over the uAgents address, ``uagent_signature`` over the wallet's."""

    wallet_signature: bytes
    uagent_signature: str

    def to_bytes(self) -> bytes:
        """Return what the registry stores."""
        return json.dumps([self.wallet_signature.hex(), self.uagent_signature]).encode()


def _address_digest(uagent: str, keccak: Keccak) -> bytes:
    return keccak(b"tribunate uagent " + uagent.encode())


def _wallet_digest(wallet: str) -> bytes:
    return sha256(b"tribunate wallet " + wallet.lower().encode())


def _endpoint_digest(uagent: str, endpoints: Sequence[str]) -> bytes:
    return sha256(b"tribunate endpoints " + json.dumps([uagent, *endpoints]).encode())


def bind(identity: Identity, signer: Signer, *, keccak: Keccak) -> Binding:
    """Return both signatures."""
    return Binding(
        signer.sign(_address_digest(identity.address, keccak)),
        str(identity.sign_digest(_wallet_digest(signer.address))),
    )


def attest(identity: Identity, endpoints: Sequence[str]) -> bytes:
    """Return the identity's signature over its end points."""
    return str(identity.sign_digest(_endpoint_digest(identity.address, endpoints))).encode()


def attested(uagent: str, endpoints: Sequence[str], attestation: bytes) -> bool:
    """Whether ``uagent`` itself has signed ``endpoints``."""
    return _verified(uagent, _endpoint_digest(uagent, endpoints), attestation.decode(errors="replace"))


def bound(uagent: str, wallet: str, stored: bytes, *, verifier: BidVerifier, keccak: Keccak) -> bool:
    """Whether the stored binding proves that one party holds both keys."""
    try:
        parsed: Any = json.loads(stored)
        wallet_signature, uagent_signature = bytes.fromhex(parsed[0]), str(parsed[1])
    except (ValueError, TypeError, IndexError, KeyError):
        return False
    if verifier.signer_of(_address_digest(uagent, keccak), wallet_signature) != wallet:
        return False
    return _verified(uagent, _wallet_digest(wallet), uagent_signature)


def _verified(uagent: str, digest: bytes, signature: str) -> bool:
    try:
        return bool(Identity.verify_digest(uagent, digest, signature))
    except Exception:  # bech32 and ecdsa raise five unrelated types for one malformed text
        return False
