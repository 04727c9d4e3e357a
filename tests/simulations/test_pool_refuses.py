"""What a pool refuses: shapes, prices, amounts, terms."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from core.errors import SimulationError
from core.pool.account import PoolAccount
from core.pool.path import replay_pool
from core.pool.terms import Borrowers, Drought, PoolAsset, PoolTerms
from simulations.pool.arrays import PoolBook, plain_book
from simulations.pool.face import run_pool

TERMS = PoolTerms((PoolAsset("ETH", 80_00, 75_00, 5_00), PoolAsset("USDC", 80_00, 75_00, 5_00)), 3600)


def book(accounts: int = 3, assets: int = 2) -> PoolBook:
    return plain_book(np.ones((accounts, assets)), np.ones((accounts, assets)) / 10)


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, -1.0])
def test_a_price_that_is_none(value: float) -> None:
    prices = np.ones((2, 3, 2))
    prices[1, 2, 1] = value
    with pytest.raises(SimulationError, match="price"):
        run_pool(book(), prices, terms=TERMS)


@pytest.mark.parametrize("shape", [(2, 3), (0, 3, 2), (2, 0, 2), (2, 3, 3)])
def test_prices_of_another_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(SimulationError, match="prices had shape"):
        run_pool(book(), np.ones(shape), terms=TERMS)


def test_a_book_of_other_assets() -> None:
    with pytest.raises(SimulationError, match="the book had 3 assets"):
        run_pool(book(assets=3), np.ones((1, 1, 2)), terms=TERMS)


def test_an_empty_book() -> None:
    with pytest.raises(SimulationError, match="pool book"):
        plain_book(np.ones((0, 2)), np.ones((0, 2)))


def test_a_book_in_which_nobody_owes() -> None:
    with pytest.raises(SimulationError, match="nobody"):
        run_pool(plain_book(np.ones((2, 2)), np.zeros((2, 2))), np.ones((1, 1, 2)), terms=TERMS)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_an_amount_that_is_none(value: float) -> None:
    with pytest.raises(SimulationError, match="collateral was"):
        plain_book(np.array([[1.0, value]]), np.ones((1, 2)))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [("mode", 1, "a mode was 1"), ("kind", 4, "a kind was 4"), ("phase", -1, "a phase was negative")],
)
def test_an_account_of_unknown_manners(name: str, value: int, message: str) -> None:
    plain = book()
    getattr(plain, name)[0] = value
    with pytest.raises(SimulationError, match=message):
        run_pool(plain, np.ones((1, 1, 2)), terms=TERMS)


@pytest.mark.parametrize("threads", [0, -1])
def test_no_threads(threads: int) -> None:
    with pytest.raises(SimulationError, match="threads"):
        run_pool(book(), np.ones((1, 1, 2)), terms=TERMS, threads=threads)


@pytest.mark.parametrize(
    "changes",
    [
        {"ltv_bps": 81_00},
        {"threshold_bps": 100_00},
        {"ltv_bps": -1},
        {"bonus_bps": -1},
        {"fee_bps": 100_01},
        {"heartbeat_steps": 0},
        {"supply": Decimal(0)},
        {"depth_usd": Decimal(0)},
        {"supply_cap": Decimal(-1)},
    ],
)
def test_an_asset_that_no_market_may_have(changes: dict[str, object]) -> None:
    with pytest.raises(SimulationError, match="ETH"):
        PoolAsset(**{"name": "ETH", "threshold_bps": 80_00, "ltv_bps": 75_00, "bonus_bps": 5_00, **changes})  # type: ignore[arg-type]


def test_a_pool_without_assets() -> None:
    with pytest.raises(SimulationError, match="no assets"):
        PoolTerms((), 3600)


@pytest.mark.parametrize(
    "changes",
    [{"alert": Decimal("0.9")}, {"restored": Decimal(1)}, {"looped": Decimal(1)}, {"attention_steps": -1}],
)
def test_borrowers_who_would_harm_themselves(changes: dict[str, object]) -> None:
    with pytest.raises(SimulationError):
        Borrowers(**changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("changes", [{"depth_bps": 0}, {"window_steps": 0}, {"fall_bps": 100_01}])
def test_a_drought_without_an_end(changes: dict[str, int]) -> None:
    with pytest.raises(SimulationError, match="drought"):
        Drought(**changes)


def test_the_specification_refuses_prices_too() -> None:
    account = PoolAccount((Decimal(1), Decimal(0)), (Decimal(0), Decimal(1)))
    for prices in ([], [[Decimal(1)]], [[Decimal(1), Decimal(0)]]):
        with pytest.raises(SimulationError, match="price"):
            replay_pool([account], prices, TERMS)
