"""Two keys, one agent: wallet and transport key sign the same digest (ARCHITECTURE.md, decision 3).

The registry derives the transport address from the public key and checks both signatures on chain; a seat is
given to nobody without it.  End points the transport key attests itself, so that they can move.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from eth_keys.datatypes import PrivateKey
from uagents_core.identity import Identity

from core.evidence import sha256
from core.ports import Signer, TransportBinding


def _endpoint_digest(uagent: str, endpoints: Sequence[str]) -> bytes:
    return sha256(b"tribunate endpoints " + json.dumps([uagent, *endpoints]).encode())


def bind(identity: Identity, signer: Signer, digest: bytes) -> TransportBinding:
    """Return what proves on chain that one party holds both keys; ``digest`` is the registry's."""
    key = PrivateKey(bytes.fromhex(identity.private_key))
    made = key.sign_msg_hash(digest)
    words = made.r.to_bytes(32, "big") + made.s.to_bytes(32, "big")
    return TransportBinding(
        public_key=key.public_key.to_bytes(),
        transport_signature=words + bytes([made.v + 27]),
        wallet_signature=signer.sign(digest),
    )


def attest(identity: Identity, endpoints: Sequence[str]) -> bytes:
    """Return the identity's signature over its end points."""
    return str(identity.sign_digest(_endpoint_digest(identity.address, endpoints))).encode()


def attested(uagent: str, endpoints: Sequence[str], attestation: bytes) -> bool:
    """Whether ``uagent`` itself has signed ``endpoints``."""
    return _verified(uagent, _endpoint_digest(uagent, endpoints), attestation.decode(errors="replace"))


def _verified(uagent: str, digest: bytes, signature: str) -> bool:
    try:
        return bool(Identity.verify_digest(uagent, digest, signature))
    except Exception:  # bech32 and ecdsa raise five unrelated types for one malformed text
        return False
