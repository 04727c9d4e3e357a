"""Philox: known answers, independence of order and chunks, and a battery on a million draws.

Seeds are fixed, so every p-value is a constant: nothing here can flake.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from core.errors import SimulationError
from simulations.paths.normal import normals
from simulations.paths.philox import (
    LARGEST_COUNT,
    MARKET,
    Stream,
    block,
    key_of,
    uniform_of,
    uniform_pair,
    uniforms,
)

MILLION = 1_000_000
PLAUSIBLE = 0.001


def word(value: int) -> np.uint64:
    return np.uint64(value)


def philox(counter: Sequence[int], key: Sequence[int], *, bits: int) -> list[int]:
    """Ten rounds of Philox with four words of ``bits``, as the paper writes them: whole numbers of Python."""
    multipliers = {32: (0xD2511F53, 0xCD9E8D57), 64: (0xD2E7470EE14C6C93, 0xCA5A826395121157)}[bits]
    weyl = {32: (0x9E3779B9, 0xBB67AE85), 64: (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)}[bits]
    size = 2**bits
    c, k = list(counter), list(key)
    for _ in range(10):
        left, right = multipliers[0] * c[0], multipliers[1] * c[2]
        c = [right // size ^ c[1] ^ k[0], right % size, left // size ^ c[3] ^ k[1], left % size]
        k = [(part + constant) % size for part, constant in zip(k, weyl, strict=True)]
    return c


def ours(counter: Sequence[int], key: Sequence[int]) -> list[int]:
    c0, c1, c2, c3 = (word(value) for value in counter)
    return [int(value) for value in block((c0, c1, c2, c3), (word(key[0]), word(key[1])))]


@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [
        ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ],
)
def test_a_block_has_the_known_answers_of_random123(
    counter: list[int], key: list[int], answer: list[int]
) -> None:
    assert ours(counter, key) == answer
    assert philox(counter, key, bits=32) == answer


def test_the_rounds_with_wide_words_are_numpy_s_philox() -> None:
    """NumPy has the variant with words of 64 bits: the same rounds, compared through the plain reference."""
    rng = np.random.default_rng(1)
    for _ in range(20):
        key = [int(value) for value in rng.integers(0, 2**63, 2)]
        counter = [int(value) for value in rng.integers(1, 2**63, 4)]
        raw = np.random.Philox(key=np.array(key, np.uint64), counter=np.array(counter, np.uint64)).random_raw(
            4
        )
        following = [counter[0] + 1, *counter[1:]]  # NumPy counts before it draws
        assert philox(following, key, bits=64) == [int(value) for value in raw]


def test_blocks_are_the_reference_s_for_any_counter_and_key() -> None:
    rng = np.random.default_rng(2)
    for row in rng.integers(0, 2**32, (300, 6)):
        values = [int(value) for value in row]
        assert ours(values[:4], values[4:]) == philox(values[:4], values[4:], bits=32)


def test_a_uniform_is_an_odd_multiple_of_two_to_the_minus_53() -> None:
    assert uniform_of(word(0), word(0)) == 2.0**-53
    assert uniform_of(word(0xFFFFFFFF), word(0xFFFFFFFF)) == 1 - 2.0**-53
    scaled = uniforms(seed=3, paths=1_000, steps=10) * 2.0**53
    assert (scaled == np.floor(scaled)).all() and (scaled % 2 == 1).all()


def test_one_minus_a_uniform_is_exact() -> None:
    drawn = uniforms(seed=3, paths=1_000, steps=10)
    assert ((1.0 - drawn) + drawn == 1.0).all() and (1.0 - (1.0 - drawn) == drawn).all()


def test_numbers_do_not_depend_on_how_paths_are_split() -> None:
    whole = normals(seed=5, paths=1_000, steps=7)
    cuts = [0, 1, 3, 500, 999, 1_000]
    parts = [normals(seed=5, paths=end - start, steps=7, first_path=start) for start, end in pairwise(cuts)]
    assert np.array_equal(whole, np.concatenate(parts, axis=1))


def test_numbers_do_not_depend_on_how_many_steps_or_in_what_order() -> None:
    whole = uniforms(seed=5, paths=10, steps=9)
    assert np.array_equal(whole[:4], uniforms(seed=5, paths=10, steps=4))
    key = key_of(5, Stream.INNOVATION)
    for path, step in ((9, 8), (0, 0), (4, 5)):
        assert whole[step, path] == uniform_pair(path, step // 2, 0, 0, key)[step % 2]


def test_a_path_s_last_number_is_reached() -> None:
    last = uniforms(seed=1, paths=1, steps=1, first_path=LARGEST_COUNT - 1)
    assert 0 < last[0, 0] < 1


def test_seed_stream_asset_each_give_other_numbers() -> None:
    base = uniforms(seed=1, paths=50, steps=4)
    others = [
        uniforms(seed=2, paths=50, steps=4),
        uniforms(seed=1 + 2**32, paths=50, steps=4),
        uniforms(seed=1, paths=50, steps=4, stream=Stream.MIXING),
        uniforms(seed=1, paths=50, steps=4, asset=1),
        uniforms(seed=1, paths=50, steps=4, asset=MARKET),
    ]
    for other in others:
        assert not np.isin(other, base).any()


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_without_64_bits_is_refused(seed: int) -> None:
    with pytest.raises(SimulationError, match=f"seed was {seed}"):
        uniforms(seed=seed, paths=1, steps=1)


@pytest.mark.parametrize(
    ("paths", "steps", "first"), [(0, 1, 0), (1, 0, 0), (-3, 1, 0), (1, 1, -1), (2, 1, 2**32 - 1)]
)
def test_counts_that_no_counter_holds_are_refused(paths: int, steps: int, first: int) -> None:
    with pytest.raises(SimulationError, match="asked for") as refused:
        uniforms(seed=1, paths=paths, steps=steps, first_path=first)
    assert refused.value.allowed


def test_an_asset_or_stream_that_no_counter_holds_is_refused() -> None:
    with pytest.raises(SimulationError, match="asset was number"):
        uniforms(seed=1, paths=1, steps=1, asset=2**32)
    with pytest.raises(SimulationError, match="stream was"):
        uniforms(seed=1, paths=1, steps=1, stream=-1)


@pytest.fixture(scope="module")
def million() -> NDArray[np.float64]:
    """A million uniforms, shape (step, path): 1,000 by 1,000."""
    return uniforms(seed=2026, paths=1_000, steps=1_000)


def test_battery_ks_uniform(million: NDArray[np.float64]) -> None:
    assert stats.kstest(million.ravel(), "uniform").pvalue > PLAUSIBLE


def test_battery_chi_square_of_a_thousand_bins(million: NDArray[np.float64]) -> None:
    counts = np.bincount((million.ravel() * 1_000).astype(np.int64), minlength=1_000)
    assert stats.chisquare(counts).pvalue > PLAUSIBLE


def test_battery_chi_square_of_pairs(million: NDArray[np.float64]) -> None:
    """Neighbours in time (both halves of a block, and across blocks) fill the square evenly."""
    cells = (million * 16).astype(np.int64)
    for first, second in (
        (cells[0::2], cells[1::2]),
        (cells[1:-1:2], cells[2::2]),
        (cells[:, 0::2], cells[:, 1::2]),
    ):
        counts = np.bincount((first * 16 + second).ravel(), minlength=256)
        assert stats.chisquare(counts).pvalue > PLAUSIBLE


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("lag", [1, 2, 3, 7, 64, 256])
def test_battery_serial_correlation(million: NDArray[np.float64], axis: int, lag: int) -> None:
    moved = np.moveaxis(million, axis, 0) - 0.5
    pairs = moved[:-lag] * moved[lag:] * 12
    assert abs(pairs.sum()) / np.sqrt(pairs.size) < 3.5


@pytest.mark.parametrize("axis", [0, 1])
def test_battery_runs_above_and_below_the_median(million: NDArray[np.float64], axis: int) -> None:
    above = np.moveaxis(million, axis, 0) > 0.5
    changes = above[1:] != above[:-1]
    assert stats.binomtest(int(changes.sum()), changes.size).pvalue > PLAUSIBLE


@pytest.mark.parametrize("bit", [*range(1, 52, 4), 52])
def test_battery_every_bit_is_a_coin(million: NDArray[np.float64], bit: int) -> None:
    ones = int(((million * 2.0**bit).astype(np.int64) & 1).sum())
    assert stats.binomtest(ones, MILLION).pvalue > PLAUSIBLE


def test_battery_streams_seeds_and_assets_are_uncorrelated() -> None:
    size = {"paths": 1_000, "steps": 200}
    columns = [
        uniforms(seed=7, stream=stream, asset=asset, **size) for stream in Stream for asset in (0, 1, MARKET)
    ]
    columns += [uniforms(seed=seed, **size) for seed in (8, 7 + 2**32, 7 + 2**63)]
    flat = np.stack([column.ravel() for column in columns])
    correlation = np.corrcoef(flat) - np.eye(len(flat))
    assert np.abs(correlation).max() * np.sqrt(flat.shape[1]) < 4


def test_battery_the_largest_of_many_are_as_expected(million: NDArray[np.float64]) -> None:
    """The largest of each row of 1,000, to the power of 1,000, is uniform; so is the smallest."""
    assert stats.kstest(million.max(axis=0) ** 1_000, "uniform").pvalue > PLAUSIBLE
    assert stats.kstest((1 - million.min(axis=0)) ** 1_000, "uniform").pvalue > PLAUSIBLE
