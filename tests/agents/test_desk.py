"""The desk: what an agent reads, when it refuses an announce, when it lowers a bound, when it signs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fake_dao import (
    AGENTS,
    DAO,
    HASHER,
    MARKET,
    SEATS,
    SIGNERS,
    START,
    THRESHOLD,
    FakeReader,
    FakeStrategy,
    make_desk,
)

from agents.desk import Desk, seed_of
from core.evidence import canonical_json
from core.market import with_scalar
from core.messages import Phase, SignedMessage
from core.negotiation import Assess, Assessed, Judged, Reconsider, Reconsidered, Refused
from core.units import Bps
from core.update import FreshnessSnapshot, ParameterUpdate
from tribunate.dao import message_signer

FRESH_SEED = 99


def desk(agent: int = 1, *, safe: int | None = 76_10, fresh: int | None = 76_10) -> Desk:
    """Return a desk whose strategy says ``safe``, and ``fresh`` over the paths of ``FRESH_SEED``."""
    strategy = FakeStrategy(lambda seed: fresh if seed == FRESH_SEED else safe)
    return make_desk(agent, FakeReader(), strategy)


def announced(body: dict[str, Any]) -> SignedMessage:
    return message_signer(DAO, SIGNERS[2], 2)(1, Phase.ANNOUNCE, 0, 0, canonical_json(body))


def judged(own: Desk) -> Judged:
    answer = own.judge(1, announced(own.announce_body(THRESHOLD)), THRESHOLD)
    assert isinstance(answer, Judged)
    return answer


# --- announce and judge ------------------------------------------------------------------------------


def test_every_honest_agent_announces_the_same() -> None:
    bodies = [desk(agent).announce_body(THRESHOLD) for agent in AGENTS]
    assert all(body == bodies[0] for body in bodies)


def test_the_announce_says_what_a_reader_needs_to_recompute_the_candidate() -> None:
    body = desk().announce_body(THRESHOLD)
    assert (body["market"], body["block"], body["timestamp"]) == (MARKET, 1, START)
    assert body["seats"] == {str(seat.agent_id): seat.wallet for seat in SEATS.seats}
    assert body["quorum"] == 3, "k = ceil((2 * 4 + 1) / 3)"
    assert (body["lowest"], body["highest"]) == (75_00, 75_50), "one step of 0.50 % up from 75.00 %"
    assert canonical_json(body), "whole numbers and text only"


def test_the_announce_of_an_old_block_is_that_of_the_block() -> None:
    own = desk()
    first = own.announce_body(THRESHOLD)
    own.reader.newest = 8
    assert own.announce_body(THRESHOLD, 1) == first
    assert own.announce_body(THRESHOLD)["block"] == 8


def test_a_true_announce_is_judged_by_the_strategy_and_its_evidence_revealed() -> None:
    own = desk(safe=77_85)
    answer = judged(own)
    assert (answer.lowest, answer.highest) == (75_00, 75_50)
    assert answer.reveal["bound"] == 77_85
    assert answer.reveal["bundle_root"] == own.evidence.write(1, None, None)["bundle_root"]
    assert canonical_json(dict(answer.reveal))


def test_two_reveals_of_one_bound_cannot_be_told_from_their_commitments() -> None:
    own = desk()
    assert judged(own).reveal["salt"] != judged(own).reveal["salt"]


def test_the_strategy_draws_by_a_seed_that_the_announce_fixes() -> None:
    own = desk()
    message = announced(own.announce_body(THRESHOLD))
    own.judge(1, message, THRESHOLD)
    (shown,) = own.strategy.shown
    assert shown.seed == seed_of(message.digest)
    assert shown.positions[0].debt == 10**9 * 10**12, "USDC's 6 decimals become 18"


def test_a_strategy_that_abstains_reveals_no_bound() -> None:
    assert judged(desk(safe=None)).reveal["bound"] is None


def contradicting(name: str) -> Refused:
    return Refused(2, f"the announce contradicts the chain: {name}")


LIES: dict[str, Any] = {
    "market": "0x" + "44" * 20,
    "scalar": "ltv_bps",
    "timestamp": START + 1,
    "mandate_hash": "00" * 32,
    "seat_table_hash": "00" * 32,
    "seats": {"1": SEATS.seats[0].wallet},
    "quorum": 2,
    "current": {"ltv_bps": 70_00},
    "lowest": 74_99,
    "highest": 75_51,
    "margin_bps": 4_99,
}


def test_there_is_a_lie_about_every_field() -> None:
    assert {*LIES, "block"} == set(desk().announce_body(THRESHOLD))


@pytest.mark.parametrize("name", LIES)
def test_an_announce_that_lies_about_one_field_is_refused_by_its_name(name: str) -> None:
    own = desk()
    body = {**own.announce_body(THRESHOLD), name: LIES[name]}
    assert own.judge(1, announced(body), THRESHOLD) == Refused(
        2, f"the announce contradicts the chain: {name}"
    )
    assert own.strategy.shown == [], "the strategy was not asked"


@pytest.mark.parametrize("name", LIES)
def test_an_announce_without_a_field_is_refused_by_its_name(name: str) -> None:
    own = desk()
    body = own.announce_body(THRESHOLD)
    del body[name]
    assert own.judge(1, announced(body), THRESHOLD) == Refused(
        2, f"the announce contradicts the chain: {name}"
    )


def test_an_announce_with_a_field_too_many_is_refused_by_its_name() -> None:
    own = desk()
    body = {**own.announce_body(THRESHOLD), "bonus": 1}
    assert own.judge(1, announced(body), THRESHOLD) == contradicting("bonus")


@pytest.mark.parametrize("block", [None, "x", "1", -1, (1.0).hex(), [1], True, 2, 10**18])
def test_an_announce_of_no_usable_block_is_refused_so_that_the_next_keeper_can_announce(block: Any) -> None:
    own = desk()
    answer = own.judge(1, announced({**own.announce_body(THRESHOLD), "block": block}), THRESHOLD)
    assert isinstance(answer, Refused)
    assert "block" in answer.reason


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
