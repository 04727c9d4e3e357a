"""Positions as columns are the positions that they stand for."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import SimulationError
from core.position import Position
from core.units import WAD
from simulations.columns import PositionColumns
from simulations.engine import book_from

COINS, DEBT = np.array([1.5, 1e-19, 0.0, 1 / 3]), np.array([0.25, 7.0, 1e12 / 7, 0.0])


def test_a_position_is_whole_wad_cut_off() -> None:
    columns = PositionColumns(COINS, DEBT, prefix="p")
    assert columns[0] == Position("p0", 3 * WAD // 2, WAD // 4)
    assert columns[1] == Position("p1", 0, 7 * WAD)
    assert (len(columns), [p.account for p in columns[2:]]) == (4, ["p2", "p3"])


def test_columns_equal_whatever_holds_the_same_positions() -> None:
    columns = PositionColumns(COINS, DEBT, prefix="p")
    assert columns == tuple(columns) and hash(columns) == hash(tuple(columns))
    assert columns != PositionColumns(COINS, DEBT, prefix="q") and columns != tuple(columns)[1:]


def test_a_book_of_columns_is_the_book_of_its_positions_to_the_last_bit() -> None:
    rng = np.random.default_rng(1)
    coins, debt = rng.lognormal(0, 9, 5_000), rng.lognormal(0, 9, 5_000)
    columns = PositionColumns(coins, debt, prefix="p")
    made, found = book_from(tuple(columns)), book_from(columns)
    assert (made.collateral == found.collateral).all() and (made.debt == found.debt).all()


def test_columns_of_two_lengths_are_refused() -> None:
    with pytest.raises(SimulationError, match="columns had shapes"):
        PositionColumns(COINS, DEBT[:2], prefix="p")


def test_a_place_that_is_not_there_is_refused() -> None:
    with pytest.raises(IndexError):
        PositionColumns(COINS, DEBT, prefix="p")[4]
