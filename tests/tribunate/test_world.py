"""The world of a demo: rounds come at their times, one by one, and never early."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from core.market import ROUNDS, PriceHistory
from governance.rehearsal import Rehearsal
from tribunate.demo.world import World

USD = 10**8


@pytest.fixture(scope="module")
def dao() -> Iterator[Rehearsal]:
    rehearsal = Rehearsal()
    yield rehearsal
    rehearsal.close()


@pytest.fixture
def world(dao: Rehearsal) -> Iterator[World]:
    """Rounds 100, 250 and 4 000 seconds from now, at 2 000, 1 500 and 1 600 USD."""
    with dao.rewound():
        now = dao.client.timestamp()
        times = now + np.array([100, 250, 4_000], dtype=np.int64)
        prices = np.array([2_000, 1_500, 1_600], dtype=np.int64) * USD
        rounds = PriceHistory("WETH", "oracle", ROUNDS, times, prices)
        yield World(dao.client, dao.deployment, dao.people.reporter, rounds)


def oracle(dao: Rehearsal) -> tuple[int, int]:
    return dao.reader.oracle()


def test_a_step_goes_to_the_next_round_and_no_further(dao: Rehearsal, world: World) -> None:
    start = world.now()
    world.step_towards(start + 1_000)
    assert world.now() == start + 100
    assert oracle(dao) == (2_000 * USD, start + 100)
    world.step_towards(start + 1_000)
    assert oracle(dao) == (1_500 * USD, start + 250)
    world.step_towards(start + 1_000)
    assert world.now() == start + 1_000, "no round is left before"
    assert oracle(dao) == (1_500 * USD, start + 250)


def test_advancing_reports_every_round_on_the_way(dao: Rehearsal, world: World) -> None:
    start = world.now()
    world.advance_to(start + 4_000)
    assert world.now() == start + 4_000
    assert oracle(dao) == (1_600 * USD, start + 4_000)


def test_a_round_is_never_reported_before_its_time(dao: Rehearsal, world: World) -> None:
    start, (_, seen) = world.now(), oracle(dao)
    world.advance_to(start + 99)
    assert oracle(dao)[1] == seen


def test_the_clock_never_goes_back(world: World) -> None:
    start = world.now()
    world.advance_to(start + 50)
    world.advance_to(start)
    assert world.now() == start + 50


@pytest.mark.parametrize(("after", "fall"), [(100, 0), (250, 25_00), (4_000, 20_00)])
def test_the_fall_is_that_of_the_newest_round_from_the_highest_of_a_day(
    world: World, after: int, fall: int
) -> None:
    start = int(world.prices.times[0]) - 100
    assert world.fall_bps(start + after) == fall
