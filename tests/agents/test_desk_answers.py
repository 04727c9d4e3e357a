"""The desk: when an agent lowers its bound, and when it signs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from desk_in_memory import FRESH_SEED, desk, judged
from fake_dao import DAO, HASHER, MARKET, SEATS, SIGNERS, START, THRESHOLD, FakeReader

from agents.desk import Desk
from core.market import with_scalar
from core.messages import Phase
from core.negotiation import Assess, Assessed, Reconsider, Reconsidered
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


def test_a_bound_falls_to_the_current_value_when_fresh_paths_call_nothing_safe() -> None:
    assert reconsidered(desk(safe=76_10, fresh=None), candidate=77_85, bound=76_10).body["bound"] == 75_00


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
