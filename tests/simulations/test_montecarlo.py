"""Candidates under the mandate: statistics by hand, reactions as declared, the search as promised."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.cascade import Liquidity
from core.errors import SimulationError
from core.mandate import Limit, Mandate, SimulatedOutcome, StressScenario
from core.market import Scalar
from core.position import Position
from core.recommendation import Observation
from core.units import NANO, PRICE_ONE, WAD, Bps
from simulations.demo_market import demo_market
from simulations.montecarlo import (
    Behaviour,
    expected_shortfall,
    sample_candidates,
    shortfall_error,
    simulate_candidates,
)
from simulations.search import binding_limits, candidate_grid, largest_safe, risk_bound, safe_search

DEMO = demo_market(2)


def one_borrower(*, stress: tuple[StressScenario, ...] = ()) -> Observation:
    """1,000 WETH at 2,000 USD against 1,400,000 USD: health 1.0714 at 75 %; supply 10 M, reserves 0.1 M."""
    demo = DEMO.observation("exchange", seed=1)
    snapshot = replace(
        demo.snapshot,
        oracle_price=2_000 * PRICE_ONE,
        total_debt_supply=10_000_000 * 10**6,
        total_borrow=1_400_000 * 10**6,
        reserves=100_000 * 10**6,
    )
    return replace(
        demo,
        snapshot=snapshot,
        positions=(Position("a", 1_000 * WAD, 1_400_000 * WAD),),
        liquidity=Liquidity(10**12 * WAD),
        mandate=Mandate("WETH", stress=stress),
    )


def falls(*shares: float) -> np.ndarray:
    """One path per share: the price falls by it in the first hour and stays (40 paths at least)."""
    returns = np.zeros((max(40, len(shares)), 24))
    returns[: len(shares), 0] = np.log1p(-np.asarray(shares))
    return returns


def test_expected_shortfall_is_the_mean_of_the_worst_fortieth() -> None:
    assert expected_shortfall(np.arange(80.0)) == (78 + 79) / 2
    assert expected_shortfall(np.array([0.0] * 39 + [4.0])) == 4.0


def test_the_standard_error_shrinks_with_the_number_of_paths() -> None:
    losses = np.random.default_rng(1).lognormal(size=64_000)
    assert shortfall_error(losses) < shortfall_error(losses[:4_000]) / 2


def test_the_standard_error_covers_the_true_value() -> None:
    """ES97.5 of a standard exponential is ln(40) + 1; about 95 % of intervals of 2 s.e. hold it."""
    rng = np.random.default_rng(7)
    wanted = np.log(40) + 1
    inside = 0
    for _ in range(300):
        sample = rng.exponential(size=4_000)
        inside += abs(expected_shortfall(sample) - wanted) <= 2 * shortfall_error(sample)
    assert inside >= 270


def test_a_fall_below_the_debt_is_bad_debt_by_hand() -> None:
    """At -40 % the coins are worth 1.2 M: 1.2 M / 1.05 is repaid, 257,143 USD remain, of 10 M supply."""
    outcome = simulate_candidates(one_borrower(), falls(0.40), [75_00], behaviour=Behaviour(0.0))[0]
    lost = (1_400_000 - 1_200_000 / 1.05) / 10_000_000
    assert outcome.bad_debt_es_975_nano == pytest.approx(lost * NANO, rel=1e-4)
    assert outcome.reserve_breach_nano == NANO // 40
    assert outcome.borrowing_power_nano == 0


def test_a_small_fall_costs_nothing() -> None:
    outcome = simulate_candidates(one_borrower(), falls(0.05), [75_00])[0]
    assert (outcome.bad_debt_es_975_nano, outcome.liquidated_nano) == (0, 0)


def test_a_higher_threshold_raises_borrowing_power() -> None:
    """LTV follows the threshold: 70 % to 71 % is 1/70 more."""
    outcome = simulate_candidates(one_borrower(), falls(0.0), [76_00])[0]
    assert outcome.borrowing_power_nano == round(NANO / 70)


def test_a_lower_threshold_makes_debt_liquidatable() -> None:
    """Health 1.0714 at 75 % is below one at 69.9 %: all of the debt, and none at 70.1 %."""
    struck, spared = (
        simulate_candidates(one_borrower(), falls(0.0), [value])[0].newly_liquidatable_nano
        for value in (69_90, 70_10)
    )
    assert (struck, spared) == (NANO, 0)


def test_borrowers_who_relever_lose_more() -> None:
    """Debt 1.6 M at 75 % -> 80 %: 1.493 M with all of the way, 1.4 M with none; price -30 %."""
    still, moving = (
        simulate_candidates(one_borrower(), falls(0.30), [80_00], behaviour=Behaviour(share))[0]
        for share in (0.0, 1.0)
    )
    assert still.bad_debt_es_975_nano == pytest.approx((1_400_000 - 1_400_000 / 1.05) / 1e7 * NANO, rel=1e-3)
    debt = 1_400_000 * 80 / 75
    assert moving.bad_debt_es_975_nano == pytest.approx((debt - 1_400_000 / 1.05) / 1e7 * NANO, rel=1e-3)


def at_ltv(*shares: float, candidates: list[int], relever: float = 1.0) -> list[int]:
    """Expected shortfalls of LTV candidates; the borrower has drawn 1.4 M of 2 M, 70 %."""
    observation = replace(one_borrower(), scalar=Scalar.LTV)
    found = simulate_candidates(
        observation, falls(*shares), candidates, behaviour=Behaviour(relever_share=relever)
    )
    return [outcome.bad_debt_es_975_nano for outcome in found]


def test_what_a_higher_ltv_allows_is_drawn_and_lost() -> None:
    """At LTV 74 % the debt is 1.48 M; at -30 % the coins repay 1.4 M / 1.05; supply is 10 M."""
    at_the_limit, higher = at_ltv(0.30, candidates=[70_00, 74_00])
    assert at_the_limit == pytest.approx((1_400_000 - 1_400_000 / 1.05) / 1e7 * NANO, rel=1e-3)
    assert higher == pytest.approx((1_480_000 - 1_400_000 / 1.05) / 1e7 * NANO, rel=1e-3)


def test_borrowers_who_draw_half_of_their_room_lose_half_as_much_more() -> None:
    none, half, all_of_it = (at_ltv(0.30, candidates=[74_00], relever=share)[0] for share in (0, 0.5, 1))
    assert half - none == pytest.approx((all_of_it - none) / 2, rel=1e-3)


def test_a_lower_ltv_makes_nobody_repay() -> None:
    assert len(set(at_ltv(0.30, candidates=[0, 50_00, 70_00]))) == 1


@pytest.mark.parametrize(
    ("shortfalls", "bound"),
    [((0, 0, 0), 70_00), ((0, 0, 10**7), 60_00), ((0, 10**7, 0), 0), ((10**7, 0, 0), None)],
)
def test_an_ltv_is_safe_only_if_every_lower_one_is(shortfalls: tuple[int, ...], bound: int | None) -> None:
    found = [
        SimulatedOutcome(value, shortfall, 0, 0, 0, 0)
        for value, shortfall in zip((0, 60_00, 70_00), shortfalls, strict=True)
    ]
    assert largest_safe(found, replace(one_borrower(), scalar=Scalar.LTV)) == bound


def test_a_threshold_is_safe_by_itself() -> None:
    found = [SimulatedOutcome(60_00, 10**7, 0, 0, 0, 0), SimulatedOutcome(70_00, 0, 0, 0, 0, 0)]
    assert largest_safe(found, one_borrower()) == 70_00


def test_bad_debt_of_a_healthy_book_never_falls_with_the_ltv() -> None:
    observation = replace(DEMO.observation("exchange", seed=1), scalar=Scalar.LTV)
    returns = 0.03 * np.random.default_rng(1).standard_normal((400, 24))
    found = simulate_candidates(observation, returns, [0, 40_00, 60_00, 65_00, 68_00, 70_00, 72_00, 74_00])
    shortfalls = [outcome.bad_debt_es_975_nano for outcome in found]
    assert shortfalls == sorted(shortfalls)
    assert shortfalls[0] < shortfalls[-1]


def test_the_search_finds_the_largest_safe_ltv() -> None:
    """At -30 % what is repaid is 1 333 333; the limit of 5 bps of 10 M adds 5 000: 66.92 % of 2 M.

    The borrower has drawn more than that already: no LTV is safe.  With a debt of 1.2 M, 66.92 % is.
    """
    observation = replace(one_borrower(), scalar=Scalar.LTV, floor=0, ceiling=90_00)
    outcomes, bound = safe_search(observation, falls(*[0.30] * 40))
    assert bound is None and outcomes, "nothing is safe, not even 0"
    smaller = replace(observation, positions=(Position("a", 1_000 * WAD, 1_200_000 * WAD),))
    _, bound = safe_search(smaller, falls(*[0.30] * 40))
    assert bound is not None
    assert 0 <= (1_400_000 / 1.05 + 5_000) / 2_000_000 * 100_00 - bound <= 6


def test_a_scenario_whose_loss_exceeds_the_reserves_is_named() -> None:
    hard = StressScenario("gap_40", Bps(40_00), Bps(100_00))
    mild = StressScenario("gap_10", Bps(10_00), Bps(50_00))
    outcome = simulate_candidates(one_borrower(stress=(hard, mild)), falls(0.0), [75_00])[0]
    assert outcome.stress_failures == ("gap_40",)


def test_candidates_share_their_paths() -> None:
    """Common random numbers: a candidate's outcome does not depend on its neighbours."""
    observation = DEMO.observation("exchange", seed=1)
    returns = 0.02 * np.random.default_rng(1).standard_normal((400, 24))
    together = simulate_candidates(observation, returns, [70_00, 75_00, 80_00])
    alone = simulate_candidates(observation, returns, [75_00])
    assert together[1] == alone[0]


def test_losses_are_reported_per_path() -> None:
    sample = sample_candidates(one_borrower(), falls(0.4, 0.0), [75_00])
    assert sample.bad_debt_share.shape == (1, 40)
    assert sample.bad_debt_share[0, 0] > 0 == sample.bad_debt_share[0, 1]
    assert sample.standard_errors().shape == (1,)


@pytest.mark.parametrize("candidates", [[], [75_00, 75_00], [76_00, 75_00]])
def test_candidates_that_do_not_ascend_are_refused(candidates: list[int]) -> None:
    with pytest.raises(SimulationError, match="ascend strictly"):
        simulate_candidates(one_borrower(), falls(0.0), candidates)


def test_a_scalar_without_a_model_is_refused() -> None:
    with pytest.raises(SimulationError, match="supply_cap is not simulated"):
        simulate_candidates(replace(one_borrower(), scalar=Scalar.SUPPLY_CAP), falls(0.0), [1])


def test_paths_shorter_than_the_horizon_are_refused() -> None:
    with pytest.raises(SimulationError, match=r"returns had shape \(40, 23\)"):
        simulate_candidates(one_borrower(), falls(0.0)[:, :23], [75_00])


def test_too_few_paths_for_a_tail_are_refused() -> None:
    with pytest.raises(SimulationError, match="there were 39 paths"):
        simulate_candidates(one_borrower(), falls(0.0)[:39], [75_00])


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_outside_zero_and_one_is_refused(share: float) -> None:
    with pytest.raises(SimulationError, match="relever_share"):
        Behaviour(share)


def test_the_grid_holds_the_current_value_and_one_step_around_it() -> None:
    grid = candidate_grid(DEMO.observation("exchange", seed=1))
    now = DEMO.parameters.field(Scalar.LIQUIDATION_THRESHOLD)
    assert {now - 50, now, now + 50} <= set(grid)
    assert list(grid) == sorted(set(grid))
    assert grid[-1] * 105_00 < 100_00 * 100_00


def test_the_grid_stops_where_the_vector_would_be_invalid() -> None:
    """With a bonus of 15 % the threshold must stay below 86.96 %."""
    observation = DEMO.observation("exchange", seed=1)
    parameters = replace(observation.snapshot.parameters, liquidation_bonus_bps=Bps(15_00))
    snapshot = replace(observation.snapshot, parameters=parameters)
    assert candidate_grid(replace(observation, snapshot=snapshot))[-1] == 86_95


def test_the_search_finds_the_largest_safe_value_to_five_bps() -> None:
    """A fall of 30 % leaves 1.4 M: debt x T / 75 is covered up to 1.4 M / 1.05 / 1.4 M x 75 %.

    With supply 10 M and a limit of 5 bps the excess may be 5,000 USD: 71.43 % + 0.27 %.
    """
    observation = replace(one_borrower(), floor=60_00, ceiling=90_00)
    outcomes, bound = safe_search(observation, falls(*[0.30] * 40), behaviour=Behaviour(1.0))
    largest = (1_400_000 / 1.05 + 5_000) / 1_400_000 * 75_00
    assert bound is not None
    assert 0 <= largest - bound <= 6
    assert binding_limits(outcomes, bound, observation.mandate) == (Limit.BAD_DEBT_ES,)


def test_a_disruption_limit_does_not_lower_the_bound() -> None:
    """At 69 % all debt would be newly liquidatable; that limits the step, not the bound."""
    observation = replace(one_borrower(), floor=60_00, ceiling=69_00)
    outcomes, bound = safe_search(observation, falls(0.0))
    assert bound == 69_00
    assert outcomes[-1].newly_liquidatable_nano == NANO


def test_no_safe_value_gives_no_bound() -> None:
    observation = replace(one_borrower(), floor=70_00, ceiling=80_00)
    outcomes, bound = safe_search(observation, falls(*[0.6] * 40), behaviour=Behaviour(0.0))
    assert bound is None
    assert risk_bound(outcomes, observation.mandate) is None
    assert Limit.BAD_DEBT_ES in binding_limits(outcomes, None, observation.mandate)
