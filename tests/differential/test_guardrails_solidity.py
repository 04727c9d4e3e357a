"""core/guardrails.py and core/market.py refuse what Solidity refuses, by the same rule."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from eth_utils.abi import collapse_if_tuple
from eth_utils.crypto import keccak
from web3.contract.contract import Contract

from contracts.artifacts import FOLDER
from core.errors import ConfigError, GuardrailError
from core.guardrails import (
    BUDGET_WINDOW_SECONDS,
    DEFAULT_LIMITS,
    Change,
    FieldLimits,
    budget_used,
    check_field,
    check_ramp_field,
    largest_step_up,
    moved,
    smallest_step_down,
)
from core.lanes import Lane, lane_of
from core.market import PARAMETER_FIELDS, Parameters, Scalar, validate_parameters, with_scalar
from core.units import Bps
from governance.client import ChainClient
from governance.reader import limits_tuple
from governance.reverts import GUARDRAIL_RULES

SEEDS, BATCH = 60, 170
"""More than ten thousand moves in all."""

Vector = tuple[bool, Scalar, int, int, FieldLimits, tuple[Change, ...]]


def rule_of_selector() -> dict[bytes, str]:
    abi = json.loads((FOLDER / "artifacts" / "LimitBook.json").read_text(encoding="utf-8"))["abi"]
    rules = {bytes(4): ""}
    for entry in (e for e in abi if e["type"] == "error" and e["name"] in GUARDRAIL_RULES):
        types = ",".join(collapse_if_tuple(item) for item in entry["inputs"])
        rules[keccak(text=f"{entry['name']}({types})")[:4]] = GUARDRAIL_RULES[entry["name"]]
    return rules


def vector(rng: random.Random, now: int) -> Vector:
    """A move near the edges of its limits."""
    scalar = rng.choice(list(Scalar))
    limits = DEFAULT_LIMITS[scalar] if rng.random() < 0.3 else random_limits(rng)
    top = 10**24 if limits.relative_up or limits.unit_decimals else 95_00
    current = rng.choice([0, 1, rng.randrange(top), rng.randrange(top)])
    low, high = smallest_step_down(current, limits), largest_step_up(current, limits)
    proposed = rng.choice(
        [current, low, high, max(0, low - 1), high + 1, rng.randint(low, high), limits.floor]
    )
    times = sorted(now - age for age in (edge_age(rng, limits) for _ in range(rng.randrange(4))))
    unit = max(1, limits.budget_up // 2)
    changes = tuple(Change(scalar, time, rng.choice([-unit, unit, 1, -1])) for time in times)
    return rng.random() < 0.3, scalar, current, proposed, limits, changes


def random_limits(rng: random.Random) -> FieldLimits:
    return FieldLimits(
        enabled=rng.random() < 0.9,
        floor=rng.choice([0, rng.randrange(50_00)]),
        ceiling=rng.choice([2**128 - 1, rng.randrange(50_00, 95_00)]),
        step_up=rng.randrange(1, 60_00),
        step_down=rng.randrange(1, 60_00),
        relative_up=rng.random() < 0.5,
        relative_down=rng.random() < 0.5,
        unit_decimals=rng.choice([0, 0, 0, 6, 18]),
        min_delay_seconds=rng.randrange(0, 10**6),
        budget_up=rng.randrange(1, 100_00),
        budget_down=rng.randrange(1, 100_00),
    )


def edge_age(rng: random.Random, limits: FieldLimits) -> int:
    edge = rng.choice([BUDGET_WINDOW_SECONDS, limits.min_delay_seconds, rng.randrange(1, 4 * 10**6)])
    return max(0, edge + rng.choice([-1, 0, 1]))


def solidity(v: Vector) -> tuple[Any, ...]:
    is_ramp, scalar, current, proposed, limits, changes = v
    rows = [(change.time, change.amount) for change in changes]
    field = PARAMETER_FIELDS.index(scalar.value)
    return is_ramp, field, current, proposed, limits_tuple(limits), rows


def core_rule(v: Vector, now: int) -> str:
    is_ramp, scalar, current, proposed, limits, changes = v
    check = check_ramp_field if is_ramp else check_field
    try:
        check(scalar, current, proposed, limits=limits, changes=changes, now=now)
    except GuardrailError as error:
        return error.rule
    return ""


@pytest.mark.parametrize("seed", range(SEEDS))
def test_guardrails_agree(
    seed: int, harness: Callable[[str], Contract], solidity_client: ChainClient
) -> None:
    contract, now, rng = harness("GuardrailHarness"), solidity_client.timestamp(), random.Random(seed)
    vectors = [vector(rng, now) for _ in range(BATCH)]
    rows = [solidity(v) for v in vectors]
    rules = rule_of_selector()
    refusals, measures = solidity_client.call(contract.functions.examine(rows))
    assert [rules[s] for s in refusals] == [core_rule(v, now) for v in vectors]
    for (_, scalar, current, proposed, limits, changes), found in zip(vectors, measures, strict=True):
        assert tuple(found) == (
            largest_step_up(current, limits),
            smallest_step_down(current, limits),
            moved(current, proposed, limits),
            budget_used(changes, scalar, now, upwards=True),
            budget_used(changes, scalar, now, upwards=False),
        )


def test_vectors_reach_every_rule() -> None:
    now, rng = 1_700_000_000, random.Random(0)
    reached = {core_rule(vector(rng, now), now) for _ in range(2_000)}
    assert reached == {"", "disabled", "floor", "ceiling", "step", "delay", "budget"}


def test_soundness_agrees(harness: Callable[[str], Contract], solidity_client: ChainClient) -> None:
    rng = random.Random(3)
    vectors = [
        Parameters(Bps(ltv), Bps(threshold), Bps(bonus), 0, 0)
        for threshold in (80_00, 93_00, rng.randrange(1, 100_00))
        for ltv in (0, threshold - 1, threshold, threshold + 1)
        for bonus in (0, 5_00, 7_52, 7_53, 24_99, 25_00, 25_01)
    ]
    rows = [tuple(v.as_dict().values()) for v in vectors]
    refusals = solidity_client.call(harness("GuardrailHarness").functions.soundness(rows))
    assert [selector == bytes(4) for selector in refusals] == [sound(v) for v in vectors]


def sound(parameters: Parameters) -> bool:
    try:
        validate_parameters(parameters)
    except ConfigError:
        return False
    return True


def test_coupling_agrees(harness: Callable[[str], Contract], solidity_client: ChainClient) -> None:
    """The vector of with_scalar is accepted; one basis point beside it is not."""
    contract, rng = harness("GuardrailHarness"), random.Random(4)
    for margin in (0, 5_00):
        current, good = [], []
        for _ in range(60):
            threshold = rng.randrange(60_00, 90_00)
            ltv = rng.choice([threshold - margin, rng.randrange(0, max(1, threshold - margin))])
            now = Parameters(Bps(ltv), Bps(threshold), Bps(5_00), 10, 10)
            value = threshold + rng.choice([-50, -1, 1, 50])
            current.append(now)
            good.append(with_scalar(now, Scalar.LIQUIDATION_THRESHOLD, value, margin_bps=Bps(margin)))
        rows = [tuple(p.as_dict().values()) for p in current]
        accepted = [tuple(p.as_dict().values()) for p in good]
        beside = [(ltv + 1, *rest) for ltv, *rest in accepted]
        call, coupling = solidity_client.call, contract.functions.coupling
        assert all(call(coupling(rows, accepted, margin)))
        assert not any(call(coupling(rows, beside, margin)))


def test_lanes_agree(harness: Callable[[str], Contract], solidity_client: ChainClient) -> None:
    rng = random.Random(5)
    pairs = [(around(rng), around(rng), rng.choice([0, 9, 10, 11])) for _ in range(2_000)]
    rows = [[tuple(p.as_dict().values()) for p in side] for side in list(zip(*pairs, strict=True))[:2]]
    function = harness("GuardrailHarness").functions.lanes(*rows, [supplied for *_, supplied in pairs])
    found = [list(Lane)[number] for number in solidity_client.call(function)]
    assert found == [lane_of(a, b, total_collateral=supplied) for a, b, supplied in pairs]
    assert set(found) == set(Lane)


def around(rng: random.Random) -> Parameters:
    """Parameters of which most fields are those of the others."""
    values = [rng.choice([base, base, base, base - 1, base + 1]) for base in (70_00, 75_00, 5_00, 10, 10)]
    return Parameters(Bps(values[0]), Bps(values[1]), Bps(values[2]), values[3], values[4])


def test_the_ltv_follows_alike(harness: Callable[[str], Contract], solidity_client: ChainClient) -> None:
    rng = random.Random(6)
    current = [around(rng) for _ in range(1_000)]
    thresholds = [rng.randrange(1, 100_00) for _ in current]
    rows = [tuple(p.as_dict().values()) for p in current]
    function = harness("GuardrailHarness").functions.followed(rows, thresholds, 5_00)
    expected = [
        with_scalar(p, Scalar.LIQUIDATION_THRESHOLD, value, margin_bps=Bps(5_00))
        for p, value in zip(current, thresholds, strict=True)
    ]
    found = [tuple(row) for row in solidity_client.call(function)]
    assert found == [tuple(p.as_dict().values()) for p in expected]
