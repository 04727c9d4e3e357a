"""core/lending.py and the demo market's arithmetic agree to the last unit."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from web3.contract.contract import Contract

from core.cascade import RateCurve
from core.lending import (
    Decimals,
    LiquidationRules,
    close_amount,
    collateral_value,
    health_factor_wad,
    liquidate,
    max_borrow,
)
from core.position import Position
from core.units import PRICE_ONE, WAD, Bps
from governance.client import ChainClient

BATCH = 100
NO_DEBT = 2**256 - 1


def vector(rng: random.Random) -> dict[str, int]:
    """A position around its liquidation threshold, of any size, in odd amounts."""
    price = rng.randrange(1, 10 ** rng.randrange(1, 13) + 1)
    collateral = rng.randrange(0, 10 ** rng.randrange(1, 25))
    threshold = rng.randrange(1, 95_00)
    worth = collateral * price * 10**6 // (PRICE_ONE * WAD)
    debt = rng.choice(
        [0, 1, rng.randrange(0, 10**13), worth * threshold * rng.randrange(80_00, 130_00) // 10**8]
    )
    return {
        "collateral": collateral,
        "debt": debt,
        "price": price,
        "ltv": rng.randrange(0, threshold + 1),
        "threshold": threshold,
        "bonus": rng.randrange(0, 20_00),
        "close": rng.choice([1, 50_00, 100_00, rng.randrange(1, 100_01)]),
    }


def by_core(v: dict[str, int]) -> tuple[Any, ...]:
    decimals = Decimals()
    rules = LiquidationRules(Bps(v["threshold"]), Bps(v["bonus"]), Bps(v["close"]), decimals)
    position = Position("0x1", v["collateral"], v["debt"])
    health = health_factor_wad(position, price=v["price"], rules=rules)
    call = liquidate(position, price=v["price"], rules=rules)
    return (
        collateral_value(v["collateral"], price=v["price"], decimals=decimals),
        NO_DEBT if health is None else health,
        max_borrow(v["collateral"], price=v["price"], ltv_bps=Bps(v["ltv"]), decimals=decimals),
        close_amount(v["debt"], close_factor=Bps(v["close"])),
        (0, 0, 0) if call is None else (call.repaid, call.seized, call.bad_debt),
    )


@pytest.mark.parametrize("seed", range(10))
def test_lending_agrees(seed: int, harness: Callable[[str], Contract], solidity_client: ChainClient) -> None:
    rng = random.Random(seed)
    vectors = [vector(rng) for _ in range(BATCH)]
    rows = [
        (
            v["collateral"],
            v["debt"],
            v["price"],
            v["ltv"],
            (v["threshold"], v["bonus"], v["close"], WAD, 10**6),
        )
        for v in vectors
    ]
    found = solidity_client.call(harness("LendingHarness").functions.run(rows))
    for v, result in zip(vectors, found, strict=True):
        *plain, liquidation = result
        assert (*plain, tuple(liquidation)) == by_core(v), v


def test_vectors_reach_every_kind_of_liquidation() -> None:
    rng = random.Random(0)
    calls = [by_core(vector(rng))[4] for _ in range(1_000)]
    assert sum(call == (0, 0, 0) for call in calls) > 50
    assert sum(call[1] > 0 and call[2] == 0 for call in calls) > 50
    assert sum(call[2] > 0 for call in calls) > 50


def test_rates_agree(harness: Callable[[str], Contract], solidity_client: ChainClient) -> None:
    rng = random.Random(1)
    kink = 90 * WAD // 100
    points = [0, 1, kink - 1, kink, kink + 1, WAD, *(rng.randrange(WAD) for _ in range(200))]
    found = solidity_client.call(harness("LendingHarness").functions.rates(points))
    assert list(found) == [RateCurve().per_year(point) for point in points]
