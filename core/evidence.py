"""Evidence that others can re-run: bundles, parts, and the Merkle root that a proposal carries.

    part ─► leaf ─┐
    part ─► leaf ─┼─► bundle root (one agent) ─┐
    part ─► leaf ─┘                            ├─► evidence root (in the digest)
                        transcript root ───────┘

EXACT parts (integers) must match bit for bit, TOLERANT parts (floating point) within declared bounds,
RENDERED parts (text, pictures) by their stored hash.  Trees follow OpenZeppelin's StandardMerkleTree:
leaves are hashed twice, sorted, laid at the end of a complete binary tree; pairs are hashed sorted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.errors import GovernanceError
from core.ports import Keccak


class PartKind(StrEnum):
    """How a part is compared when it is re-run."""

    EXACT = "exact"
    TOLERANT = "tolerant"
    RENDERED = "rendered"


@dataclass(frozen=True, slots=True)
class Part:
    """One named piece of evidence; ``digest`` is the SHA-256 of its canonical bytes.

    ``tolerance`` is relative, written as a decimal string; only TOLERANT parts have one.
    """

    name: str
    kind: PartKind
    digest: bytes
    tolerance: str = ""


def canonical_json(value: Any) -> bytes:
    """Return the one byte string that stands for ``value``: sorted keys, no spaces, no floats.

    Raises:
        TypeError: ``value`` holds a float (decision 1: integers in anything hashed).

    >>> canonical_json({"b": 1, "a": [2, "x"]})
    b'{"a":[2,"x"],"b":1}'
    """
    _refuse_floats(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError(f"a float ({value!r}) has no canonical form; use an integer or a string")
    if isinstance(value, dict):
        for item in value.values():
            _refuse_floats(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _refuse_floats(item)


def sha256(data: bytes) -> bytes:
    """Return the SHA-256 of ``data``, the hash of files and parts."""
    return hashlib.sha256(data).digest()


def part_leaf(part: Part) -> bytes:
    """Return the 32 bytes that stand for a part in its bundle's tree."""
    head = canonical_json([part.name, part.kind.value, part.tolerance])
    return sha256(sha256(head) + part.digest)


def _hash_pair(left: bytes, right: bytes, keccak: Keccak) -> bytes:
    return keccak(left + right) if left < right else keccak(right + left)


def merkle_tree(values: Iterable[bytes], keccak: Keccak) -> list[bytes]:
    """Return the tree over 32-byte values as OpenZeppelin lays it out: the root first.

    Raises:
        GovernanceError: there is no value, or one is not 32 bytes.
    """
    leaves = sorted(keccak(keccak(value)) for value in _checked(values))
    count = len(leaves)
    tree = [b""] * (2 * count - 1)
    for number, leaf in enumerate(leaves):
        tree[len(tree) - 1 - number] = leaf
    for node in range(len(tree) - 1 - count, -1, -1):
        tree[node] = _hash_pair(tree[2 * node + 1], tree[2 * node + 2], keccak)
    return tree


def _checked(values: Iterable[bytes]) -> list[bytes]:
    checked = list(values)
    if not checked:
        raise GovernanceError("a Merkle tree needs at least one value")
    for value in checked:
        if len(value) != 32:
            raise GovernanceError(f"a Merkle value had {len(value)} bytes", allowed="32 bytes")
    return checked


def merkle_root(values: Iterable[bytes], keccak: Keccak) -> bytes:
    """Return the root over 32-byte values; their order does not matter."""
    return merkle_tree(values, keccak)[0]


def merkle_proof(values: Sequence[bytes], value: bytes, keccak: Keccak) -> list[bytes]:
    """Return the sibling hashes from the leaf of ``value`` to the root.

    Raises:
        GovernanceError: ``value`` is not in ``values``.
    """
    if value not in values:
        raise GovernanceError("the value is not in the tree", allowed="one of the committed values")
    tree = merkle_tree(values, keccak)
    node = len(tree) - 1 - tree[::-1].index(keccak(keccak(value)))
    proof = []
    while node > 0:
        proof.append(tree[node + 1 if node % 2 else node - 1])
        node = (node - 1) // 2
    return proof


def verify_proof(root: bytes, value: bytes, proof: Sequence[bytes], keccak: Keccak) -> bool:
    """Return whether ``proof`` leads from ``value`` to ``root`` (OpenZeppelin ``MerkleProof``)."""
    node = keccak(keccak(value))
    for sibling in proof:
        node = _hash_pair(node, sibling, keccak)
    return node == root


def bundle_root(parts: Iterable[Part], keccak: Keccak) -> bytes:
    """Return the root over one agent's parts."""
    return merkle_root((part_leaf(part) for part in parts), keccak)


def evidence_root(bundle_roots: Iterable[bytes], transcript_root: bytes, keccak: Keccak) -> bytes:
    """Return the root over the certified agents' bundle roots and the transcript root."""
    return merkle_root([*bundle_roots, transcript_root], keccak)
