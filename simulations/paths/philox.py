"""Philox4x32-10: random numbers that are a function of where they are used, not of when.

    seed, stream ─► key                       (one block of Philox with a key of its own)
    key, (path, step // 2, asset, draw) ─► four words of 32 bits ─► two uniforms: an even and an odd step

A block of 128 bits feeds two steps, so that no bit is thrown away.  A uniform is an odd multiple of 2^-53:
never 0, never 1, and ``1 - u`` is exact, so that antithetic numbers are exact too.

Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011; known
answers of the Random123 distribution in tests/simulations/test_paths_philox.py.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.errors import SimulationError

Key = tuple[np.uint64, np.uint64]
Words = tuple[np.uint64, np.uint64, np.uint64, np.uint64]

MULTIPLIER_0, MULTIPLIER_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL_0, WEYL_1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
ROUNDS = 10
WORD = np.uint64(0xFFFFFFFF)
WORD_BITS, SPARE_BITS, ONE = np.uint64(32), np.uint64(12), np.uint64(1)
HALF_ULP = 2.0**-53
KEY_OF_KEYS: Key = (np.uint64(0x54524942), np.uint64(0x554E4154))

LARGEST_SEED = 2**64 - 1
LARGEST_COUNT = 2**32
"""Paths, assets and draws are words of 32 bits; so are pairs of steps."""

MARKET = LARGEST_COUNT - 1
"""The asset number of what all assets share; it does not depend on how many there are."""


class Stream(IntEnum):
    """Which numbers of a seed: one stream for each use, so that a new use moves no old number."""

    INNOVATION = 1
    MIXING = 2
    JUMP = 3
    REGIME = 4
    RESAMPLE = 5
    SHOCK = 6


class Pairing(IntEnum):
    """How paths 2i and 2i + 1 are related: not at all, by the same uniforms, or by u and 1 - u."""

    NONE = 0
    SAME = 1
    OPPOSITE = -1


@njit(cache=True, nogil=True)
def block(counter: Words, key: Key) -> Words:
    """Return one block: four words of 32 bits (in ``uint64``) for four of counter and two of key."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(ROUNDS):
        left, right = MULTIPLIER_0 * c0, MULTIPLIER_1 * c2
        c0, c1 = (right >> WORD_BITS) ^ c1 ^ k0, right & WORD
        c2, c3 = (left >> WORD_BITS) ^ c3 ^ k1, left & WORD
        k0, k1 = (k0 + WEYL_0) & WORD, (k1 + WEYL_1) & WORD
    return c0, c1, c2, c3


@njit(cache=True, nogil=True)
def uniform_of(high: np.uint64, low: np.uint64) -> float:
    """Return an odd multiple of 2^-53 in (0, 1) from two words."""
    bits = ((high << WORD_BITS) | low) >> SPARE_BITS
    return (np.float64(np.int64(bits)) * 2.0 + 1.0) * HALF_ULP


@njit(cache=True, nogil=True)
def uniform_pair(path: int, step: int, asset: int, draw: int, key: Key) -> tuple[float, float]:
    """Return the two uniforms of one counter."""
    counter = (np.uint64(path), np.uint64(step), np.uint64(asset), np.uint64(draw))
    w0, w1, w2, w3 = block(counter, key)
    return uniform_of(w0, w1), uniform_of(w2, w3)


@njit(cache=True, nogil=True)
def _pair_row(
    first: np.uint64,
    stride: np.uint64,
    pair: np.uint64,
    asset: np.uint64,
    draw: np.uint64,
    key: Key,
    even: NDArray[np.float64],
    odd: NDArray[np.float64],
) -> None:
    for number in range(even.size):
        counter = (first + np.uint64(number) * stride, pair, asset, draw)
        w0, w1, w2, w3 = block(counter, key)
        even[number] = uniform_of(w0, w1)
        odd[number] = uniform_of(w2, w3)


@njit(cache=True, nogil=True)
def fill_uniforms(
    key: Key, first_path: int, stride: int, asset: int, draw: int, out: NDArray[np.float64]
) -> None:
    """Fill ``out``, shape (step, path), for paths ``first_path``, ``first_path + stride``, and so on."""
    steps, paths = out.shape
    spare = np.empty(paths)
    first, apart = np.uint64(first_path), np.uint64(stride)
    for pair in range((steps + 1) // 2):
        even = out[2 * pair]
        odd = out[2 * pair + 1] if 2 * pair + 1 < steps else spare
        _pair_row(first, apart, np.uint64(pair), np.uint64(asset), np.uint64(draw), key, even, odd)


@njit(cache=True, nogil=True)
def _spread(half: NDArray[np.float64], opposite: int, out: NDArray[np.float64]) -> None:
    for step in range(half.shape[0]):
        for number in range(half.shape[1]):
            u = half[step, number]
            out[step, 2 * number] = u
            out[step, 2 * number + 1] = 1.0 - u if opposite else u


def fill_pairs(
    key: Key, out: NDArray[np.float64], *, first_path: int, asset: int, draw: int, pairing: Pairing
) -> None:
    """Fill ``out``, shape (step, path), with uniforms; first path and number of paths are even if paired."""
    if pairing is Pairing.NONE:
        fill_uniforms(key, first_path, 1, asset, draw, out)
        return
    half = np.empty((out.shape[0], out.shape[1] // 2))
    fill_uniforms(key, first_path, 2, asset, draw, half)
    _spread(half, int(pairing is Pairing.OPPOSITE), out)


def key_of(seed: int, stream: int) -> Key:
    """Return the key of one stream of a seed.

    Raises:
        SimulationError: the seed has no 64 bits, or the stream no 32.
    """
    if not 0 <= seed <= LARGEST_SEED:
        raise SimulationError(f"seed was {seed}", allowed=f"0 to {LARGEST_SEED}")
    if not 0 <= stream < LARGEST_COUNT:
        raise SimulationError(f"stream was {stream}", allowed=f"0 to {LARGEST_COUNT - 1}")
    counter = (np.uint64(seed & 0xFFFFFFFF), np.uint64(seed >> 32), np.uint64(stream), np.uint64(0))
    words = block(counter, KEY_OF_KEYS)
    return np.uint64(words[0]), np.uint64(words[1])


def uniforms(
    *, seed: int, paths: int, steps: int, stream: int = Stream.INNOVATION, first_path: int = 0, asset: int = 0
) -> NDArray[np.float64]:
    """Return uniforms in (0, 1), shape (step, path).

    Raises:
        SimulationError: a number is outside what the counter holds.
    """
    check_counts(paths=paths, steps=steps, first_path=first_path)
    if not 0 <= asset < LARGEST_COUNT:
        raise SimulationError(f"asset was number {asset}", allowed=f"0 to {LARGEST_COUNT - 1}")
    out = np.empty((steps, paths))
    fill_uniforms(key_of(seed, stream), first_path, 1, asset, 0, out)
    return out


def check_counts(*, paths: int, steps: int, first_path: int) -> None:
    """Refuse counts that are none, or that the counter's words do not hold.

    Raises:
        SimulationError: no path, no step, or a number above 32 bits.
    """
    if paths < 1 or steps < 1:
        raise SimulationError(
            f"{paths} paths of {steps} steps were asked for", allowed="one of each at least"
        )
    if first_path < 0 or first_path + paths > LARGEST_COUNT or steps > LARGEST_COUNT:
        raise SimulationError(
            f"paths {first_path} to {first_path + paths - 1} of {steps} steps were asked for",
            allowed=f"numbers below {LARGEST_COUNT}",
            hint="take another seed for more paths",
        )
