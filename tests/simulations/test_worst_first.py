"""The heap hands out the worst first, as sorting does, ties in the book's order."""

from __future__ import annotations

import numpy as np
import pytest

from simulations.kernels.rules import drop_worst, heap_worst_first, sort_worst_first


def popped(slots: list[int], triggers: np.ndarray, numbers: np.ndarray) -> list[int]:
    heap, out = np.array(slots, dtype=np.int64), []
    heap_worst_first(heap, len(slots), triggers, numbers)
    for left in range(len(slots) - 1, -1, -1):
        out.append(int(heap[0]))
        drop_worst(heap, left, triggers, numbers)
    return out


def test_the_worst_comes_first_and_ties_keep_the_books_order() -> None:
    triggers, numbers = np.array([2.0, 5.0, 2.0, 9.0]), np.array([7, 1, 3, 0])
    assert popped([0, 1, 2, 3], triggers, numbers) == [3, 1, 2, 0]


@pytest.mark.parametrize("count", [1, 2, 3, 31, 32, 200])
def test_heap_and_sort_agree(count: int) -> None:
    rng = np.random.default_rng(count)
    triggers, numbers = rng.integers(0, 20, count).astype(float), rng.permutation(count)
    slots = rng.permutation(count)
    by_sort = slots.copy()
    sort_worst_first(by_sort, count, triggers, numbers)
    assert popped(slots.tolist(), triggers, numbers) == by_sort.tolist()


def test_one_position_leaves_an_empty_heap() -> None:
    assert popped([0], np.array([1.0]), np.array([0])) == [0]
