"""Whether an address runs code that we have compiled."""

from __future__ import annotations

TAIL_BYTES = 40
WORD = 32
IMMUTABLE = b"\x7f" + bytes(WORD)


def runs_the_code(creation: bytes, runtime: bytes) -> bool:
    """Whether ``runtime`` is what ``creation`` leaves on chain, immutable values aside.

    Creation code holds the runtime code, with ``PUSH32 0`` where the constructor writes an immutable value.
    Its end (the compiler's metadata) has none, and says where it lies.

    >>> creation = bytes.fromhex("6001aa7f" + 32 * "00" + 40 * "bb")
    >>> runs_the_code(creation, bytes.fromhex("aa7f" + 32 * "07" + 40 * "bb"))
    True
    >>> runs_the_code(creation, bytes.fromhex("ab7f" + 32 * "07" + 40 * "bb"))
    False
    """
    tail = runtime[-TAIL_BYTES:]
    end = creation.rfind(tail) + len(tail)
    if not runtime or tail not in creation or len(runtime) > end:
        return False
    written = creation[end - len(runtime) : end]
    return _without(written, written) == _without(runtime, written)


def _without(code: bytes, written: bytes) -> bytes:
    """Return ``code`` with zeros wherever ``written`` leaves room for an immutable value."""
    blanked, start = bytearray(code), written.find(IMMUTABLE)
    while start >= 0:
        end = start + len(IMMUTABLE)
        blanked[start + 1 : end] = bytes(WORD)
        start = written.find(IMMUTABLE, end)
    return bytes(blanked)
