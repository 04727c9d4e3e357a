"""The demo market through the judgement alone: what follows from the data, with nothing steering it."""

from __future__ import annotations

import statistics
from itertools import pairwise

import numpy as np
import pytest

from core.epoch import candidate_value, clamp, quorum
from core.guardrails import DEFAULT_LIMITS, negotiable
from core.mandate import Limit
from core.market import Scalar
from core.recommendation import Recommendation
from simulations.demo_market import GENESIS_TIME, OPENING_BAR, demo_market

pytestmark = pytest.mark.xdist_group(name="judgement")
"""One worker, so that what is fitted once is shared."""

SEEDS = range(1, 11)
SCALES = (0.5, 1.0, 2.0, 4.0)
LOWEST = 0
"""An agent that finds no safe value stands below every number, and reveals this one."""


def bounds_of(found: dict[str, Recommendation]) -> dict[str, int]:
    return {name: LOWEST if r.revealed_bound is None else r.revealed_bound for name, r in found.items()}


def outcome(seed: int, found: dict[str, Recommendation]) -> int:
    """The value that the epoch would propose: k-th largest bound, inside what lanes and guardrails reach."""
    market = demo_market(seed)
    current = market.parameters.field(Scalar.LIQUIDATION_THRESHOLD)
    bounds = [r.revealed_bound for r in found.values() if r.revealed_bound is not None]
    value = candidate_value(bounds, quorum(len(found)))
    if value is None:
        return current
    lowest, highest = reach(seed)
    return clamp(value, lowest=lowest, highest=highest)


def reach(seed: int) -> tuple[int, int]:
    market = demo_market(seed)
    return negotiable(
        market.parameters,
        Scalar.LIQUIDATION_THRESHOLD,
        limits=DEFAULT_LIMITS,
        changes=(),
        now=GENESIS_TIME,
        margin_bps=market.mandate.margin_bps,
    )


def test_at_least_seven_of_ten_seeds_raise(judge, capsys) -> None:
    raised = 0
    lines = []
    for seed in SEEDS:
        found = judge(seed, 1.0)
        value = outcome(seed, found)
        current = demo_market(seed).parameters.field(Scalar.LIQUIDATION_THRESHOLD)
        raised += value > current
        verdict = f"{current} -> {value}" if value > current else "no_change"
        lines.append(f"seed {seed:2}: {verdict:<13} {bounds_of(found)}")
    with capsys.disabled():
        print("\n" + "\n".join(lines))
    assert raised >= 7


def test_tripled_volatility_brings_three_bounds_below_the_current_value_and_starts_a_ramp(judge) -> None:
    for seed in SEEDS:
        found = judge(seed, 3.0)
        current = demo_market(seed).parameters.field(Scalar.LIQUIDATION_THRESHOLD)
        below = [name for name, bound in bounds_of(found).items() if bound < current]
        assert len(below) >= 3, (seed, bounds_of(found))
        lowest, _ = reach(seed)
        kth = sorted(bounds_of(found).values())[-3]
        assert outcome(seed, found) == max(lowest, min(kth, current))


def test_bounds_never_rise_with_volatility_and_the_lowest_falls(judge) -> None:
    medians = {
        scale: {
            name: statistics.median(bounds_of(judge(seed, scale))[name] for seed in SEEDS)
            for name in judge(1, scale)
        }
        for scale in SCALES
    }
    for calm, wild in pairwise(SCALES):
        for name, median in medians[calm].items():
            assert medians[wild][name] <= median, (name, calm, wild)
        assert min(medians[wild].values()) < min(medians[calm].values())


def test_bad_debt_is_the_limit_that_binds_most_agents(judge) -> None:
    simulated = [r for seed in SEEDS for name, r in judge(seed, 1.0).items() if name != "closed-form"]
    bound_by_debt = [r for r in simulated if Limit.BAD_DEBT_ES in r.binding]
    assert len(bound_by_debt) > len(simulated) / 2


def test_the_four_numbers_differ(judge) -> None:
    for seed in SEEDS:
        assert len(set(bounds_of(judge(seed, 1.0)).values())) == 4


def test_a_scale_changes_nothing_before_the_opening() -> None:
    calm, wild = demo_market(5), demo_market(5, 3.0)
    for source in ("exchange", "oracle"):
        before, after = calm.history(source).closes_e8, wild.history(source).closes_e8
        assert np.array_equal(before[:OPENING_BAR], after[:OPENING_BAR])
        assert not np.array_equal(before[OPENING_BAR:], after[OPENING_BAR:])


@pytest.mark.parametrize("seed", SEEDS)
def test_the_market_opens_conservative(seed: int) -> None:
    parameters = demo_market(seed).parameters
    assert (parameters.ltv_bps, parameters.liquidation_threshold_bps) == (70_00, 75_00)
    assert parameters.liquidation_bonus_bps == 5_00
