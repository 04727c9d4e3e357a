"""What the engine refuses: each with a SimulationError that says what was found and what is allowed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from core.cascade import WAD_DECIMALS, CascadeTerms, Liquidity
from core.errors import SimulationError
from core.lending import LiquidationRules
from core.units import WAD, Bps
from simulations import engine


def run(
    *,
    collateral: object = ((1.0, 2.0),),
    debt: object = ((1_000.0, 1_500.0),),
    prices: object = ((2_000.0, 1_900.0),),
    thresholds: tuple[int, ...] = (75_00,),
    bonuses: tuple[int, ...] = (5_00,),
    threads: int | None = None,
) -> engine.EngineResult:
    rules = LiquidationRules(Bps(75_00), Bps(5_00), decimals=WAD_DECIMALS)
    return engine.run(
        engine.Book(np.asarray(collateral, dtype=float), np.asarray(debt, dtype=float)),
        np.asarray(prices, dtype=float),
        thresholds_bps=np.array(thresholds),
        bonuses_bps=np.array(bonuses),
        terms=CascadeTerms(rules, Liquidity(10**6 * WAD), 10**6 * WAD),
        threads=threads,
    )


def test_what_the_cases_below_change_is_accepted_as_it_stands() -> None:
    assert run().liquidations.tolist() == [[0]]


@pytest.mark.parametrize(
    ("case", "found"),
    [
        pytest.param(lambda: run(prices=((2_000.0, float("nan")),)), "not finite and above zero", id="NaN"),
        pytest.param(lambda: run(prices=((2_000.0, -1.0),)), "not finite and above zero", id="negative"),
        pytest.param(lambda: run(prices=((0.0, 1.0),)), "not finite and above zero", id="zero"),
        pytest.param(lambda: run(prices=((float("inf"),),)), "not finite and above zero", id="endless"),
        pytest.param(lambda: run(prices=(2_000.0, 1_900.0)), "prices had shape", id="one axis"),
        pytest.param(lambda: run(prices=((),)), "prices had shape", id="no steps"),
        pytest.param(lambda: run(collateral=((),), debt=((),)), "the book was empty", id="empty book"),
        pytest.param(lambda: run(debt=((0.0, 0.0),)), "nobody in the book owed", id="nobody owes"),
        pytest.param(lambda: run(debt=((-1.0, 5.0),)), "debt held an amount", id="negative debt"),
        pytest.param(
            lambda: run(collateral=((float("nan"), 5.0),)), "collateral held an amount", id="NaN collateral"
        ),
        pytest.param(lambda: run(debt=((1.0,),)), "book had collateral", id="shapes of a book"),
        pytest.param(
            lambda: run(thresholds=(70_00, 75_00, 80_00), bonuses=(5_00,) * 3, collateral=np.ones((2, 2)),
                        debt=np.ones((2, 2))),
            "2 rows for 3 candidates", id="rows of a book",
        ),
        pytest.param(lambda: run(thresholds=(75_00, 80_00)), "2 thresholds and 1 bonuses", id="bonuses"),
        pytest.param(lambda: run(thresholds=(95_24,)), "threshold was 9524 bps", id="above 1 / (1 + bonus)"),
        pytest.param(lambda: run(thresholds=(0,)), "threshold was 0 bps", id="no threshold"),
        pytest.param(lambda: run(bonuses=(-1,)), "bonus of -1 bps", id="negative bonus"),
        pytest.param(lambda: run(threads=0), "threads was 0", id="no thread"),
        pytest.param(
            lambda: run(prices=np.broadcast_to(2_000.0, (10**12, 1))), "need .* GiB", id="memory"
        ),
    ],
)  # fmt: skip
def test_input_that_is_none_is_refused(case: Callable[[], object], found: str) -> None:
    with pytest.raises(SimulationError, match=found) as refused:
        case()
    assert refused.value.exit_code == 4


def test_a_threshold_of_just_one_over_one_plus_bonus_is_accepted() -> None:
    """80 % x 1.25 = 1: a liquidation leaves the health factor where it is."""
    assert run(thresholds=(80_00,), bonuses=(25_00,)).liquidations.shape == (1, 1)


def test_a_position_without_debt_is_never_liquidated() -> None:
    assert run(debt=((0.0, 1_500.0),), prices=((1e-3, 1e-3),)).liquidations.tolist() == [[1]]


def test_refused_memory_says_what_there_is() -> None:
    with pytest.raises(SimulationError) as refused:
        run(prices=np.broadcast_to(2_000.0, (10**12, 1)))
    assert "GiB" in refused.value.allowed
    assert "split the paths" in refused.value.hint
