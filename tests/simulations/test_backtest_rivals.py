"""Constants under guardrails, the best of them in hindsight and so far, and the formula alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from backtest_market import DAY, FIRST, START, prices_of

from core.errors import SimulationError
from core.guardrails import DEFAULT_LIMITS
from core.market import PriceHistory, Scalar
from core.ports import Strategy
from core.units import Bps
from models.data.timeline import TimelineRow
from simulations.backtest.books import BookTerms
from simulations.backtest.parameters import V2_BEGINS, parameter_history
from simulations.backtest.rivals import (
    HINDSIGHT,
    Constants,
    SmartLtv,
    best_so_far,
    reachable_constants,
    replay_constants,
)
from simulations.backtest.trajectories import (
    WEEK_SECONDS,
    Actuation,
    Trajectory,
    constant,
    dao_policy,
    hours_of,
    never_changing,
)
from simulations.backtest.walk_forward import WalkForward

LIMITS = DEFAULT_LIMITS[Scalar.LIQUIDATION_THRESHOLD]
SPAN = {"begin": START, "end": START + 10 * WEEK_SECONDS}


def values(trajectory: Trajectory) -> list[int]:
    return [int(p.liquidation_threshold_bps) for _, p in trajectory.changes]


def test_a_constant_is_reached_step_by_step_within_the_budget_and_held() -> None:
    """50 bps a week, 150 in 30 days: the fourth step waits, the fifth is the last half."""
    found = constant(81_75, FIRST, Actuation(), **SPAN, margin_bps=Bps(5_00))
    assert values(found) == [80_00, 80_50, 81_00, 81_50, 81_75]
    assert found.changes[4][0] - found.changes[1][0] >= 30 * DAY


def test_the_grid_ends_where_threshold_and_bonus_leave_nothing_and_at_the_floor() -> None:
    """1 / 1.15 is 86.95 %: with a bonus of 15 % nothing above 86 % is on the grid."""
    high_bonus = replace(FIRST, liquidation_bonus_bps=Bps(15_00))
    assert reachable_constants(high_bonus, Actuation())[-1] == 86_00
    assert reachable_constants(FIRST, Actuation())[0] == LIMITS.floor == 20_00
    assert 80_00 in reachable_constants(FIRST, Actuation())


def test_limits_that_leave_no_constant_are_refused() -> None:
    with pytest.raises(SimulationError, match="no constant"):
        reachable_constants(FIRST, Actuation(replace(LIMITS, floor=92_00, ceiling=90_00)))


def made_up(net_income: list[list[float]]) -> Constants:
    held = (70_00, 90_00)
    trajectories = tuple(constant(v, FIRST, Actuation(), **SPAN, margin_bps=Bps(5_00)) for v in held)
    return Constants(held, trajectories, np.array(net_income))


def test_hindsight_takes_what_earned_most_over_the_whole_span_and_says_so_by_name() -> None:
    found = made_up([[1.0] * 9 + [-100.0], [0.0] * 10])
    assert values(found.hindsight())[-1] > 80_00
    assert found.hindsight().policy == HINDSIGHT == "best constant in hindsight"


def test_the_best_so_far_knows_only_weeks_that_were_over_before_the_embargo() -> None:
    """Week 0 speaks for 70 %, week 1 overwhelmingly for 90 %.

    With an embargo of one week, week 0 (over after 7 d) counts from day 14 on, week 1 from day 21 on.
    """
    found = made_up([[1.0] + [-100.0] + [0.0] * 8, [0.0] * 10])
    walk = WalkForward(embargo_seconds=7 * DAY)
    changes = best_so_far(found, FIRST, Actuation(), walk=walk, **SPAN).changes
    decided = [(since - START) // DAY - 4 for since, _ in changes[1:3]]
    assert decided == [14, 21]
    assert [int(p.liquidation_threshold_bps) for _, p in changes[:3]] == [80_00, 79_50, 80_00]


def test_without_embargo_it_would_know_a_week_earlier() -> None:
    found = made_up([[1.0] + [0.0] * 9, [0.0] * 10])
    none = WalkForward(embargo_seconds=0)
    assert best_so_far(found, FIRST, Actuation(), walk=none, **SPAN).changes[1][0] == START + 11 * DAY


def test_constants_are_measured_along_prices() -> None:
    """Prices fall by 40 % after a month: 20 % is on its way down by then and loses less than 93 %."""
    prices = prices_of([2_000.0] * 24 * 36 + [1_200.0] * (24 * 34 + 1))
    sizes = np.tile(np.array([[np.log(1_000.0)], [0.0], [0.5]]), (1, 10))
    book = BookTerms(np.zeros(20), np.linspace(1.05, 1.6, 20), sizes, 0.80, 1.0, 1e9, 0.8)
    hours = hours_of(prices, SPAN["begin"], SPAN["end"])
    found = replay_constants(FIRST, Actuation(), hours=hours, book=book, **SPAN)
    crash = np.arange(10) == 5
    net = found.net_income[:, crash].sum(axis=1)
    assert net[0] > net[-1]
    assert found.values[found.best(crash)] < 80_00


def test_the_formula_alone_follows_volatility_down() -> None:
    """More volatility, a lower value; it looks at no simulation."""
    rng = np.random.default_rng(1)
    bounds = []
    for hourly in (0.001, 0.02):
        history = prices_of(list(2_000 * np.exp(np.cumsum(hourly * rng.standard_normal(1_000)))))
        strategy = SmartLtv()
        strategy.fit(history, seed=1)
        bounds.append(strategy.recommend(observation(history)).bound)
    assert isinstance(strategy, Strategy)
    assert bounds[0] > bounds[1]


def observation(history: PriceHistory):  # type: ignore[no-untyped-def]
    from core.cascade import Liquidity
    from core.mandate import Mandate
    from core.market import MarketSnapshot
    from core.position import Position
    from core.recommendation import Observation
    from core.units import WAD

    position = Position("a", WAD, 1_000 * WAD)
    snapshot = MarketSnapshot(
        "ETH", 0, history.last_time, FIRST, 2_000 * 10**8, WAD, 2_000 * 10**6, 10**9, 0, bytes(32)
    )
    return Observation(
        snapshot, Scalar.LIQUIDATION_THRESHOLD, Mandate("ETH"), history, (position,),
        Liquidity(1_000 * WAD), Bps(50_00), 79_50, 80_50, 1,
    )  # fmt: skip


def test_the_daos_policy_is_its_record_within_the_span() -> None:
    rows = [
        TimelineRow(START - DAY, "AaveV1Main", "ETH", 75_00, 80_00, 5_00),
        TimelineRow(V2_BEGINS + DAY, "AaveV2Ethereum", "WETH", 80_00, 82_50, 5_00),
    ]
    history = parameter_history(rows, "ETH")
    short = dao_policy(history, FIRST, begin=START, end=V2_BEGINS)
    whole = dao_policy(history, FIRST, begin=START, end=V2_BEGINS + 2 * DAY)
    assert (short.number_of_changes, whole.number_of_changes) == (0, 1)
    assert never_changing(START, FIRST).number_of_changes == 0
