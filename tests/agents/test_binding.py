"""Two keys, one agent: what proves it, and what does not."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uagents_core.identity import Identity

from agents.binding import attest, attested, bind, bound
from core.evidence import sha256
from governance.signing import EcdsaVerifier, LocalSigner, keccak

VERIFIER = EcdsaVerifier()
IDENTITY, OTHER_IDENTITY = (Identity.from_seed(f"uagent {name}", 0) for name in ("ours", "theirs"))
WALLET, OTHER_WALLET = (LocalSigner(sha256(name)) for name in (b"our wallet", b"their wallet"))
STORED = bind(IDENTITY, WALLET, keccak=keccak).to_bytes()
ENDPOINTS = ["http://127.0.0.1:8001/submit", "https://agent.example/submit"]


def is_bound(stored: bytes, *, uagent: str = IDENTITY.address, wallet: str = WALLET.address) -> bool:
    return bound(uagent, wallet, stored, verifier=VERIFIER, keccak=keccak)


def test_a_binding_proves_that_one_party_holds_both_keys() -> None:
    assert is_bound(STORED)


def test_the_same_keys_bind_to_the_same_wallet_signature() -> None:
    assert json.loads(bind(IDENTITY, WALLET, keccak=keccak).to_bytes())[0] == json.loads(STORED)[0]


def test_a_binding_of_another_wallet_is_refused() -> None:
    assert not is_bound(STORED, wallet=OTHER_WALLET.address)
    assert not is_bound(bind(IDENTITY, OTHER_WALLET, keccak=keccak).to_bytes())


def test_a_binding_of_another_uagent_is_refused() -> None:
    assert not is_bound(STORED, uagent=OTHER_IDENTITY.address)
    assert not is_bound(bind(OTHER_IDENTITY, WALLET, keccak=keccak).to_bytes())


@pytest.mark.parametrize("half", [0, 1])
def test_half_of_a_binding_is_not_enough(half: int) -> None:
    """A thief of one key puts its own signature beside the victim's."""
    forged = json.loads(STORED)
    theirs = bind(OTHER_IDENTITY, OTHER_WALLET, keccak=keccak).to_bytes()
    forged[half] = json.loads(theirs)[half]
    assert not is_bound(json.dumps(forged).encode())


@pytest.mark.parametrize(
    "stored",
    [b"", b"null", b"{}", b"[]", b"[1, 2]", b'["zz", "sig1"]', b'["00", "sig1"]', b"\xff\xfe", b'["' * 2_000],
)
def test_malformed_bytes_are_no_binding(stored: bytes) -> None:
    assert not is_bound(stored)


@pytest.mark.parametrize("uagent", ["", "agent1", "agent1qqqq", "0x" + "11" * 20, "\N{SNOWMAN}"])
def test_a_malformed_uagent_is_bound_to_nobody(uagent: str) -> None:
    assert not is_bound(STORED, uagent=uagent)


@given(st.integers(0, len(STORED) - 1), st.integers(1, 255))
def test_no_changed_byte_makes_another_binding(position: int, change: int) -> None:
    """Either the byte is refused, or both signatures read as they did (hex digits have two cases)."""
    altered = bytearray(STORED)
    altered[position] ^= change
    if is_bound(bytes(altered)):
        assert altered.lower() == STORED.lower()


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
