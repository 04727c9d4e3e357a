"""The desk: when an agent lowers its bound, and when it signs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from desk_in_memory import FRESH_SEED, desk, judged
from fake_dao import (
    DAO,
    HASHER,
    MANDATE,
    MARKET,
    OPENING,
    SEATS,
    SIGNERS,
    START,
    THRESHOLD,
    FakeReader,
)

from agents.desk import Desk
from core.mandate import SimulatedOutcome
from core.market import Scalar, with_scalar
from core.messages import Phase
from core.negotiation import Assess, Assessed, Reconsider, Reconsidered
from core.recommendation import Observation
from core.units import Bps
from core.update import FreshnessSnapshot, ParameterUpdate

# --- reconsider --------------------------------------------------------------------------------------


def reconsidered(own: Desk, *, candidate: int | None, bound: int | None) -> Reconsidered:
    return own.reconsider(judged(own), THRESHOLD, Reconsider(candidate, bound, FRESH_SEED))


def test_a_bound_holds_when_the_candidate_is_safe_over_fresh_paths() -> None:
    answer = reconsidered(desk(safe=76_10, fresh=75_50), candidate=77_85, bound=76_10)
    assert answer == Reconsidered({"bound": 76_10, "evidence": "fresh_paths", "seed": FRESH_SEED})


def test_a_bound_is_lowered_to_what_fresh_paths_call_safe() -> None:
    answer = reconsidered(desk(safe=76_10, fresh=75_20), candidate=77_85, bound=76_10)
    assert answer.body["bound"] == 75_20


def test_a_bound_falls_to_where_a_ramp_may_lead_when_fresh_paths_call_nothing_safe() -> None:
    assert reconsidered(desk(safe=76_10, fresh=None), candidate=77_85, bound=76_10).body["bound"] == 73_50


@pytest.mark.parametrize("fresh", [75_50, 76_11, 80_00, 93_00])
def test_a_bound_is_never_raised(fresh: int) -> None:
    assert reconsidered(desk(safe=76_10, fresh=fresh), candidate=77_85, bound=76_10).body["bound"] == 76_10


@pytest.mark.parametrize(
    ("candidate", "bound", "why"),
    [
        (None, 76_10, "no candidate stands"),
        (76_10, None, "it abstained"),
        (77_85, 75_20, "the candidate, 75.50 % after the step, is above its bound anyway"),
        (75_00, 76_10, "the candidate is the current value"),
    ],
)
def test_a_bound_that_no_fresh_path_could_matter_to_is_left(
    candidate: int | None, bound: int | None, why: str
) -> None:
    own = desk(fresh=75_10)
    assert reconsidered(own, candidate=candidate, bound=bound) == Reconsidered(
        {"bound": bound, "evidence": "none"}
    ), why
    assert len(own.strategy.shown) == 1, "only the judgement asked the strategy"


# --- assess ------------------------------------------------------------------------------------------


def update(value: int) -> ParameterUpdate:
    snapshot = FakeReader().market_snapshot()
    return ParameterUpdate(
        epoch=1,
        market=MARKET,
        attempt=0,
        seat_table_hash=SEATS.table_hash,
        expected=snapshot.parameters,
        proposed=with_scalar(snapshot.parameters, THRESHOLD, value, margin_bps=Bps(5_00)),
        snapshot=FreshnessSnapshot(snapshot.oracle_price, 50_00, 10**21, 10**13, START),
        positions_root=snapshot.positions_root,
        low_bound=76_10,
        high_bound=77_85,
        evidence_root=bytes(32),
        transcript_root=bytes(32),
        valid_until=START + 4_800,
    )


def assessed(own: Desk, value: int, *, bound: int | None, seed: int = 5) -> Assessed:
    answer = own.assess(judged(own), THRESHOLD, Assess(update(value)), bound=bound, seed=seed)
    assert answer.phase in (Phase.AGREE, Phase.DISSENT)
    return answer


@pytest.mark.parametrize("bound", [75_50, 75_51])
def test_an_agent_signs_a_value_within_its_bound_that_is_safe_again(bound: int) -> None:
    answer = assessed(desk(3, safe=75_50), 75_50, bound=bound)
    digest = HASHER.update_digest(update(75_50))
    assert answer.phase is Phase.AGREE
    assert answer.body["update_digest"] == digest.hex()
    assert (
        DAO.verifier.signer_of(digest, bytes.fromhex(answer.body["update_signature"])) == SIGNERS[3].address
    )


# --- moves down --------------------------------------------------------------------------------------

MARGIN = MANDATE.margin_bps


def down(scalar: Scalar, value: int) -> ParameterUpdate:
    proposed = with_scalar(OPENING, scalar, value, margin_bps=MARGIN)
    return replace(update(75_00), proposed=proposed)


def struck(value: int, *, liquidatable: int = 0, power: int = 0) -> SimulatedOutcome:
    """An outcome that breaks the risk limit of bad debt (10 % of supply), and disrupts as much as is said."""
    return SimulatedOutcome(value, 10**8, 0, liquidatable, power, 0)


def outcomes_of(*found: SimulatedOutcome) -> Callable[[Observation], tuple[SimulatedOutcome, ...]]:
    return lambda shown: tuple(o for o in found if shown.floor <= o.value <= shown.ceiling)


def answered(
    scalar: Scalar, value: int, *found: SimulatedOutcome, bound: int | None, safe: int | None = None
) -> Assessed:
    own = desk(3, safe=safe, fresh=safe)
    own.strategy.outcomes = outcomes_of(*found)
    effect = Assess(down(scalar, value))
    return own.assess(judged(own), scalar, effect, bound=bound, seed=5)


@pytest.mark.parametrize("scalar", [THRESHOLD, Scalar.LTV])
@pytest.mark.parametrize("bound", [0, 60_00])
def test_an_agent_signs_a_move_down_that_guardrails_stop_above_its_bound(scalar: Scalar, bound: int) -> None:
    answer = answered(scalar, 69_00, struck(69_00), bound=bound)
    assert answer.phase is Phase.AGREE


def test_an_agent_that_abstained_signs_no_move_down() -> None:
    assert answered(THRESHOLD, 74_00, bound=None).phase is Phase.DISSENT


def test_a_lower_bonus_is_not_called_safer() -> None:
    assert answered(Scalar.LIQUIDATION_BONUS, 4_50, bound=4_00).phase is Phase.DISSENT


def test_only_the_first_step_of_a_ramp_is_held_against_newly_liquidatable_debt() -> None:
    """The mandate allows 0.50 % of debt; the first step from 75.00 % ends at 74.50 %."""
    found = struck(73_50, liquidatable=10**9), struck(74_50, liquidatable=5 * 10**6)
    assert answered(THRESHOLD, 73_50, *found, bound=0).phase is Phase.AGREE


def test_a_ramp_whose_first_step_strikes_too_many_is_not_signed() -> None:
    found = struck(73_50), struck(74_50, liquidatable=5 * 10**6 + 1)
    answer = answered(THRESHOLD, 73_50, *found, bound=0)
    assert answer == Assessed(Phase.DISSENT, {"value": 0, "reason": "breaks_newly_liquidatable"})


def test_a_cut_that_takes_too_much_borrowing_power_is_not_signed() -> None:
    answer = answered(Scalar.LTV, 62_99, struck(62_99, power=-(10**8) - 1), bound=0)
    assert answer.body["reason"] == "breaks_borrowing_power_loss"


@pytest.mark.parametrize("bound", [74_00, 80_00])
def test_within_its_own_bound_an_agent_signs_a_move_down_that_strikes_nobody(bound: int) -> None:
    assert answered(THRESHOLD, 74_00, struck(74_00), bound=bound).phase is Phase.AGREE
    struck_too_many = struck(74_00), struck(74_50, liquidatable=10**9)
    assert answered(THRESHOLD, 74_00, *struck_too_many, bound=bound).phase is Phase.DISSENT


# --- above one's bound -------------------------------------------------------------------------------


@pytest.mark.parametrize("bound", [None, 0, 75_49])
def test_an_agent_does_not_sign_above_its_bound(bound: int | None) -> None:
    answer = assessed(desk(safe=80_00), 75_50, bound=bound)
    assert answer == Assessed(Phase.DISSENT, {"value": bound, "reason": "above_own_bound"})


@pytest.mark.parametrize("again", [None, 75_49])
def test_an_agent_does_not_sign_what_is_unsafe_when_simulated_again(again: int | None) -> None:
    answer = assessed(desk(safe=76_10, fresh=again), 75_50, bound=76_10, seed=FRESH_SEED)
    assert answer == Assessed(Phase.DISSENT, {"value": 76_10, "reason": "unsafe_when_simulated_again"})


def test_two_agents_sign_different_things_when_the_update_differs_in_one_field() -> None:
    digests = {HASHER.update_digest(replace(update(75_50), valid_until=n)) for n in (1, 2)}
    assert len(digests) == 2
