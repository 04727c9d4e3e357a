"""The life of a proposal: every end, and the seconds around it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import GovernanceError
from core.proposal import (
    HOUR,
    ProposalRecord,
    ProposalState,
    cancel,
    execute,
    queue,
    record_dissent,
    state_at,
    vote_against,
    withdraw,
)

NEW = ProposalRecord(created=0, votable_supply=1_000_000, faulty=1)
OPEN = 13 * HOUR
END = 72 * HOUR


def queued() -> ProposalRecord:
    return queue(NEW, END + 1)


def test_a_quiet_proposal_succeeds_after_72_hours() -> None:
    states = [state_at(NEW, at) for at in (0, 12 * HOUR, 12 * HOUR + 1, END, END + 1)]
    assert states == [
        ProposalState.PENDING,
        ProposalState.PENDING,
        ProposalState.ACTIVE,
        ProposalState.ACTIVE,
        ProposalState.SUCCEEDED,
    ]


def test_a_veto_in_the_last_second_blocks_execution() -> None:
    dead = vote_against(NEW, 5_000, END)
    assert state_at(dead, END) is ProposalState.DEFEATED
    with pytest.raises(GovernanceError, match="defeated"):
        queue(dead, END + 1)


def test_one_vote_below_the_threshold_kills_nothing() -> None:
    assert state_at(vote_against(NEW, 4_999, OPEN), OPEN) is ProposalState.ACTIVE


def test_votes_add_up() -> None:
    half = vote_against(NEW, 2_500, OPEN)
    assert state_at(vote_against(half, 2_500, OPEN), OPEN) is ProposalState.DEFEATED


@pytest.mark.parametrize("at", [0, 12 * HOUR, END + 1])
def test_nobody_votes_outside_the_window(at: int) -> None:
    with pytest.raises(GovernanceError, match="cannot veto"):
        vote_against(NEW, 1, at)


def test_half_the_threshold_in_the_last_twelve_hours_extends_once() -> None:
    late = vote_against(NEW, 2_500, 60 * HOUR + 1)
    assert late.deadline == END + 24 * HOUR
    assert vote_against(late, 10, late.deadline - 1).deadline == late.deadline


def test_half_the_threshold_early_extends_nothing() -> None:
    assert vote_against(NEW, 2_500, 60 * HOUR).deadline == END


def test_one_dissent_extends_nothing_and_two_do() -> None:
    one = record_dissent(NEW, OPEN)
    assert one.deadline == END
    assert record_dissent(one, OPEN).deadline == END + 24 * HOUR


def test_one_withdrawal_cancels_nothing_and_two_do() -> None:
    one = withdraw(NEW, OPEN)
    assert state_at(one, OPEN) is ProposalState.ACTIVE
    assert state_at(withdraw(one, OPEN), OPEN) is ProposalState.CANCELED


def test_execution_waits_for_the_timelock_and_ends_with_grace() -> None:
    record = queued()
    assert record.eta is not None
    with pytest.raises(GovernanceError, match="cannot execute before"):
        execute(record, record.eta - 1)
    assert state_at(execute(record, record.eta), record.eta) is ProposalState.EXECUTED
    grace_end = record.eta + record.rules.grace_seconds
    assert execute(record, grace_end).executed
    with pytest.raises(GovernanceError, match="expired"):
        execute(record, grace_end + 1)


def test_a_proposal_that_nobody_queues_expires() -> None:
    last = END + 7 * 24 * HOUR
    assert state_at(NEW, last) is ProposalState.SUCCEEDED
    assert state_at(NEW, last + 1) is ProposalState.EXPIRED


def test_nothing_is_executed_twice() -> None:
    record = queued()
    done = execute(record, record.eta or 0)
    with pytest.raises(GovernanceError, match="executed"):
        execute(done, record.eta or 0)


def test_the_guardian_cancels_until_execution() -> None:
    record = queued()
    assert state_at(cancel(record, record.eta or 0), record.eta or 0) is ProposalState.CANCELED
    with pytest.raises(GovernanceError, match="ended"):
        cancel(execute(record, record.eta or 0), record.eta or 0)


def test_a_dust_supply_still_needs_one_vote() -> None:
    assert replace(NEW, votable_supply=0).veto_threshold == 1


ACTS = st.sampled_from(["vote", "dissent", "withdraw", "queue", "execute", "cancel"])


@given(st.lists(st.tuples(ACTS, st.integers(0, 30 * HOUR), st.integers(1, 6_000)), max_size=20))
def test_no_sequence_executes_a_vetoed_or_an_early_proposal(acts: list[tuple[str, int, int]]) -> None:
    record, now = NEW, 0
    for act, wait, weight in acts:
        now += wait
        step = {
            "vote": lambda r, t, w=weight: vote_against(r, w, t),
            "dissent": record_dissent,
            "withdraw": withdraw,
            "queue": queue,
            "execute": execute,
            "cancel": cancel,
        }[act]
        try:
            record = step(record, now)
        except GovernanceError:
            continue
        if record.executed:
            assert not record.vetoed and not record.canceled
            assert record.eta is not None
            assert now >= record.eta >= record.deadline + record.rules.timelock_seconds
            return
