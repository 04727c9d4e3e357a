"""``core.aave`` does what the bytecode of Aave V3 does, to the last base unit."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from core.aave import RAY, AaveAccount, AaveAsset, AaveRelease, AaveTerms, health_factor_wad, liquidate
from core.errors import SimulationError
from core.units import PRICE_ONE, Bps
from tests.protocols.aave_liquidations import Case, Harness, harness_of, random_case
from tests.protocols.stage import rewound

BATCH = 20
EXECUTED = {"embedded": 60, "anvil": 10_000}
"""Liquidations that must have been executed, by chain: the embedded one takes a second for each."""


@pytest.fixture(scope="module", params=["v302", "v36"])
def harness(request: pytest.FixtureRequest) -> Iterator[Harness]:
    market = request.getfixturevalue(f"deployed_aave_{request.param}")
    with rewound(market.client):
        yield harness_of(market)


def kind_of(harness: Harness, case: Case, seen: dict[str, Any]) -> str:
    """Hold one case against the model; return what kind of case it was."""
    account, terms = harness.modelled(case, seen)
    assert health_factor_wad(account, terms) == seen["health_factor"]
    try:
        call = liquidate(account, terms, cover=case.cover)
    except SimulationError:
        assert not seen["done"], (case, seen)
        return "refused"
    if call is None:
        assert not seen["done"], (case, seen)
        return "healthy"
    assert seen["done"], (case, seen)
    assert (call.repaid, call.seized) == (seen["repaid"], seen["seized"])
    left = AaveAccount(seen["scaled_collateral_left"], seen["scaled_debt_left"])
    assert call.account == left
    assert abs(call.fee - seen["scaled_fee"] * seen["collateral_index"] // RAY) <= 1
    if call.deficit:
        return "written off"
    return "partial" if left.scaled_collateral else "emptied"


def compare(harness: Harness, executed: int, *, seed: int) -> Counter[str]:
    """Draw cases until so many liquidations have been executed; return how many there were of each kind."""
    rng, kinds = random.Random(seed), Counter[str]()
    while sum(kinds[kind] for kind in ("partial", "emptied", "written off")) < executed:
        cases = [random_case(rng) for _ in range(BATCH)]
        kinds.update(kind_of(harness, *pair) for pair in zip(cases, harness.run(cases), strict=True))
    return kinds


def test_random_liquidations_agree(harness: Harness) -> None:
    kinds = compare(harness, EXECUTED[os.environ.get("TRIBUNATE_CHAIN", "embedded")], seed=7)

    expected = {"partial", "emptied", "healthy"}
    if harness.release is AaveRelease.V3_6:
        expected = {"partial", "written off", "healthy", "refused"}
    assert expected <= set(kinds)


# ---- by hand

ONE_TO_ONE = AaveTerms(
    AaveRelease.V3_0,
    threshold_bps=Bps(80_00),
    bonus_bps=Bps(5_00),
    fee_bps=Bps(10_00),
    collateral=AaveAsset(1_800 * PRICE_ONE, 18),
    debt=AaveAsset(PRICE_ONE, 6),
)
ACCOUNT = AaveAccount(10 * 10**18, 14_500 * 10**6)  # 18 000 x 0.8 / 14 500 = 0.993


def test_half_is_closed_and_the_fee_is_taken_from_the_bonus() -> None:
    call = liquidate(ACCOUNT, ONE_TO_ONE, cover=10**12)

    # 7 250 USD are worth 4.02777... WETH, with the bonus 4.22916..., of which a tenth of the bonus is the fee
    assert call is not None
    assert call.repaid == 7_250 * 10**6
    assert call.seized + call.fee == 4_229_166_666_666_666_666
    assert call.fee == 20_138_888_888_888_889
    assert call.account == AaveAccount(10 * 10**18 - call.seized - call.fee, 7_250 * 10**6)


def test_below_the_close_factor_threshold_all_is_closed_and_in_3_0_the_rest_stays_as_debt() -> None:
    fallen = replace(ONE_TO_ONE, collateral=AaveAsset(1_000 * PRICE_ONE, 18))
    call = liquidate(ACCOUNT, fallen, cover=10**12)

    assert call is not None
    assert (call.repaid, call.deficit) == (9_523_809_524, 0)  # 10 000 / 1.05
    assert call.account == AaveAccount(0, 14_500 * 10**6 - 9_523_809_524)


def test_in_3_6_the_rest_is_written_off_in_the_same_call() -> None:
    fallen = replace(
        ONE_TO_ONE, release=AaveRelease.V3_6, collateral=AaveAsset(1_000 * PRICE_ONE, 18), fee_bps=Bps(0)
    )
    call = liquidate(ACCOUNT, fallen, cover=10**12)

    assert call is not None
    assert (call.repaid, call.deficit) == (9_523_809_524, 14_500 * 10**6 - 9_523_809_524)
    assert call.account == AaveAccount(0, 0)


def test_in_3_6_a_call_may_not_leave_dust() -> None:
    terms = replace(ONE_TO_ONE, release=AaveRelease.V3_6, collateral=AaveAsset(1_500 * PRICE_ONE, 18))
    with pytest.raises(SimulationError, match="would leave"):
        liquidate(ACCOUNT, terms, cover=13_600 * 10**6)  # 900 USD of debt would be left


def test_in_3_6_a_small_position_is_closed_at_once() -> None:
    terms = replace(ONE_TO_ONE, release=AaveRelease.V3_6)
    call = liquidate(AaveAccount(10**18, 1_450 * 10**6), terms, cover=10**12)

    assert call is not None
    assert call.repaid == 1_450 * 10**6


def test_a_healthy_account_and_one_without_debt_are_left_alone() -> None:
    assert liquidate(AaveAccount(10**19, 14_400 * 10**6), ONE_TO_ONE, cover=1) is None  # exactly 1
    assert liquidate(AaveAccount(10**19, 0), ONE_TO_ONE, cover=1) is None


@pytest.mark.parametrize("price", [0, -1])
def test_a_price_that_is_not_above_zero_is_refused(price: int) -> None:
    with pytest.raises(SimulationError, match="not above zero"):
        liquidate(ACCOUNT, replace(ONE_TO_ONE, collateral=AaveAsset(price, 18)), cover=1)


def test_an_offer_of_nothing_is_refused() -> None:
    with pytest.raises(SimulationError, match="move nothing"):
        liquidate(ACCOUNT, ONE_TO_ONE, cover=0)
