"""Signatures, digests, and who gave them."""

from __future__ import annotations

import pytest
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import GovernanceError
from governance.rehearsal import known_key
from governance.signing import CURVE_ORDER, EcdsaVerifier, Eip712Hasher, LocalSigner, keccak

SIGNER = known_key("signer")
DIGEST = keccak(b"content")
GOVERNOR = known_key("governor").address


@settings(max_examples=25, deadline=None)
@given(key=st.integers(1, CURVE_ORDER - 1), digest=st.binary(min_size=32, max_size=32))
def test_what_is_signed_is_recovered(key: int, digest: bytes) -> None:
    signer = LocalSigner(key.to_bytes(32, "big"))
    assert EcdsaVerifier().signer_of(digest, signer.sign(digest)) == signer.address


def test_the_signature_is_eth_accounts() -> None:
    other = Account.from_key(keccak(b"tribunate rehearsal signer"))
    assert SIGNER.sign(DIGEST) == bytes(other.unsafe_sign_hash(DIGEST).signature)


def test_another_digest_gives_another_signer() -> None:
    assert EcdsaVerifier().signer_of(keccak(b"other"), SIGNER.sign(DIGEST)) != SIGNER.address


def with_v(signature: bytes, v: int) -> bytes:
    return signature[:64] + bytes([v])


def high_s(signature: bytes) -> bytes:
    s = CURVE_ORDER - int.from_bytes(signature[32:64], "big")
    return signature[:32] + s.to_bytes(32, "big") + bytes([55 - signature[64]])


@pytest.mark.parametrize(
    "malformed",
    [
        b"",
        SIGNER.sign(DIGEST)[:64],
        SIGNER.sign(DIGEST) + b"\0",
        with_v(SIGNER.sign(DIGEST), 0),
        with_v(SIGNER.sign(DIGEST), 29),
        high_s(SIGNER.sign(DIGEST)),
        bytes(64) + b"\x1b",
        b"\xff" * 64 + b"\x1b",
    ],
    ids=["empty", "short", "long", "v_0", "v_29", "high_s", "zero", "out_of_range"],
)
def test_malformed_signatures_have_no_signer(malformed: bytes) -> None:
    assert EcdsaVerifier().signer_of(DIGEST, malformed) is None


def test_a_digest_of_another_length_is_not_signed() -> None:
    with pytest.raises(GovernanceError, match="31 bytes"):
        SIGNER.sign(bytes(31))
    assert EcdsaVerifier().signer_of(bytes(31), SIGNER.sign(DIGEST)) is None


def message(hasher: Eip712Hasher, **changes: object) -> bytes:
    content = {
        "epoch": 7,
        "attempt": 0,
        "round_": 1,
        "phase": "commit",
        "agent_id": 3,
        "payload": b"p",
    } | changes
    return hasher.message_digest(**content)  # type: ignore[arg-type]


def test_a_message_digest_is_eip_712() -> None:
    def word(value: int) -> bytes:
        return value.to_bytes(32, "big")

    domain_type = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    parts = [keccak(domain_type), keccak(b"Tribunate"), keccak(b"1"), word(31337), word(int(GOVERNOR, 16))]
    kind = (
        b"NegotiationMessage(uint64 epoch,uint32 attempt,uint32 round,string phase,"
        b"uint256 agentId,bytes32 payloadHash)"
    )
    body = [keccak(kind), word(7), word(0), word(1), keccak(b"commit"), word(3), keccak(b"p")]
    expected = keccak(b"\x19\x01" + keccak(b"".join(parts)) + keccak(b"".join(body)))
    assert message(Eip712Hasher(31337, GOVERNOR)) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"epoch": 8},
        {"attempt": 1},
        {"round_": 2},
        {"phase": "reveal"},
        {"agent_id": 4},
        {"payload": b"q"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_field_is_in_the_digest(change: dict[str, object]) -> None:
    hasher = Eip712Hasher(31337, GOVERNOR)
    assert message(hasher, **change) != message(hasher)


def test_chain_and_governor_are_in_the_digest() -> None:
    here = message(Eip712Hasher(31337, GOVERNOR))
    assert message(Eip712Hasher(1, GOVERNOR)) != here
    assert message(Eip712Hasher(31337, SIGNER.address)) != here


def test_a_signer_does_not_show_its_key() -> None:
    assert repr(SIGNER) == f"LocalSigner({SIGNER.address})"
