"""Two keys, one agent: what the registry is shown, and what end points the transport key stands by."""

from __future__ import annotations

import pytest
from eth_keys.datatypes import PublicKey
from uagents_core.identity import Identity

from agents.binding import attest, attested, bind
from core.evidence import sha256
from governance.signing import EcdsaVerifier, LocalSigner, keccak

IDENTITY, OTHER_IDENTITY = (Identity.from_seed(f"uagent {name}", 0) for name in ("ours", "theirs"))
WALLET = LocalSigner(sha256(b"our wallet"))
DIGEST = keccak(b"what the registry asks both to sign")
ENDPOINTS = ["http://127.0.0.1:8001/submit", "https://agent.example/submit"]


def test_both_keys_sign_the_same_digest() -> None:
    binding, verifier = bind(IDENTITY, WALLET, DIGEST), EcdsaVerifier()
    transport = PublicKey(binding.public_key).to_checksum_address()
    assert verifier.signer_of(DIGEST, binding.transport_signature) == transport
    assert verifier.signer_of(DIGEST, binding.wallet_signature) == WALLET.address


def test_the_public_key_is_the_transport_addresss_own() -> None:
    compressed = PublicKey(bind(IDENTITY, WALLET, DIGEST).public_key).to_compressed_bytes()
    assert compressed.hex() == IDENTITY.pub_key


def test_another_digest_makes_another_binding() -> None:
    other = bind(IDENTITY, WALLET, keccak(b"another registry"))
    assert EcdsaVerifier().signer_of(DIGEST, other.wallet_signature) != WALLET.address


def test_endpoints_are_attested_by_the_uagent_itself() -> None:
    assert attested(IDENTITY.address, ENDPOINTS, attest(IDENTITY, ENDPOINTS))


def test_no_endpoints_can_be_attested_too() -> None:
    assert attested(IDENTITY.address, [], attest(IDENTITY, []))


@pytest.mark.parametrize(
    "claimed",
    [[], ENDPOINTS[:1], ENDPOINTS[::-1], [*ENDPOINTS, "http://evil.example"], ["http://evil.example"]],
)
def test_other_endpoints_are_refused(claimed: list[str]) -> None:
    assert not attested(IDENTITY.address, claimed, attest(IDENTITY, ENDPOINTS))


def test_endpoints_attested_by_another_uagent_are_refused() -> None:
    assert not attested(IDENTITY.address, ENDPOINTS, attest(OTHER_IDENTITY, ENDPOINTS))
    assert not attested(OTHER_IDENTITY.address, ENDPOINTS, attest(IDENTITY, ENDPOINTS))


@pytest.mark.parametrize("attestation", [b"", b"sig1", b"\xff\xff", b"0x00", b"sig1" + b"q" * 300])
def test_a_malformed_attestation_is_refused(attestation: bytes) -> None:
    assert not attested(IDENTITY.address, ENDPOINTS, attestation)
