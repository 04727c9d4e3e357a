"""The desk: what an agent reads of the chain, and when it refuses an announce."""

from __future__ import annotations

from typing import Any

import pytest
from desk_in_memory import announced, desk, judged
from fake_dao import AGENTS, MARKET, SEATS, START, THRESHOLD, model_of

from agents.desk import seed_of
from core.evidence import canonical_json
from core.mandate import SimulatedOutcome
from core.market import Scalar
from core.negotiation import Refused


def test_every_honest_agent_announces_the_same() -> None:
    bodies = [desk(agent).announce_body(THRESHOLD) for agent in AGENTS]
    assert all(body == bodies[0] for body in bodies)


def test_the_announce_says_what_a_reader_needs_to_recompute_the_candidate() -> None:
    body = desk().announce_body(THRESHOLD)
    assert (body["market"], body["block"], body["timestamp"]) == (MARKET, 1, START)
    assert body["seats"] == {str(seat.agent_id): seat.wallet for seat in SEATS.seats}
    assert body["quorum"] == 3, "k = ceil((2 * 4 + 1) / 3)"
    assert (body["lowest"], body["highest"]) == (73_50, 75_50), "a ramp of 1.50 % down, one step of 0.50 % up"
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
    assert (answer.lowest, answer.highest) == (73_50, 75_50)
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


def test_a_strategy_that_finds_nothing_safe_reveals_zero() -> None:
    own = desk(safe=None)
    own.strategy.outcomes = lambda shown: (SimulatedOutcome(shown.floor, 10**9, 0, 0, 0, 0),)
    assert judged(own).reveal["bound"] == 0


def test_the_announce_of_a_called_epoch_reaches_down_as_far_as_the_mandate_allows() -> None:
    body = desk().announce_body(Scalar.LTV, call={"epoch": 1})
    assert (body["lowest"], body["highest"]) == (63_00, 70_00), "a tenth of the borrowing power"
    assert body["call"] == {"epoch": 1}


def test_the_announce_lists_the_live_models_by_agent() -> None:
    own = desk()
    own.models.revoked.add(3)
    listed = own.announce_body(THRESHOLD)["models"]
    assert listed == {str(agent): [model_of(agent).hex()] for agent in (1, 2, 4)}
    assert judged(own).reveal["model_id"] == model_of(1).hex()


def test_a_cut_knows_no_floor() -> None:
    own = desk()
    shown = own.observe(own.reader.market_snapshot(), Scalar.LTV, seed=1, fast=True)
    assert (shown.floor, shown.ceiling) == (0, 90_00)
    assert own.observe(own.reader.market_snapshot(), Scalar.LTV, seed=1).floor == 10_00


def contradicting(name: str) -> Refused:
    return Refused(2, f"the announce contradicts the chain: {name}")


LIES: dict[str, Any] = {
    "market": "0x" + "44" * 20,
    "scalar": "ltv_bps",
    "timestamp": START + 1,
    "mandate_hash": "00" * 32,
    "seat_table_hash": "00" * 32,
    "seats": {"1": SEATS.seats[0].wallet},
    "models": {"1": [bytes(32).hex()]},
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
