"""From signatures to a changed market, to a veto, and to a market that moved away in between."""

from __future__ import annotations

import pytest

from core.errors import GovernanceError, GuardrailError
from core.proposal import ProposalState
from core.units import PRICE_ONE
from governance.rehearsal import DAY, HOUR, Rehearsal


def test_an_unopposed_proposal_changes_the_market(dao: Rehearsal) -> None:
    number = dao.propose()
    dao.close_window()
    dao.queue_and_wait(number)
    dao.proposals.execute(number, dao.people.stranger)
    after = dao.reader.parameters()
    assert dao.proposals.state(number) is ProposalState.EXECUTED
    assert (after.ltv_bps, after.liquidation_threshold_bps) == (70_50, 75_50)
    assert after.liquidation_bonus_bps == 5_00


def test_a_veto_at_the_threshold_changes_nothing(dao: Rehearsal) -> None:
    before = dao.reader.parameters()
    number = dao.propose()
    dao.open_voting()
    dao.proposals.veto(number, dao.people.large)
    assert dao.proposals.state(number) is ProposalState.DEFEATED
    dao.close_window()
    with pytest.raises(GovernanceError, match="GovernorUnexpectedProposalState"):
        dao.proposals.queue(number, dao.people.stranger)
    assert dao.reader.parameters() == before


def test_a_veto_below_the_threshold_does_not_stop_it(dao: Rehearsal) -> None:
    number = dao.propose()
    dao.open_voting()
    dao.proposals.veto(number, dao.people.small)
    dao.close_window()
    assert dao.proposals.state(number) is ProposalState.SUCCEEDED


def test_a_price_fall_beyond_the_band_ends_in_market_drift(dao: Rehearsal) -> None:
    before = dao.reader.parameters()
    number = dao.propose()
    dao.open_voting()
    dao.move_price(1_799 * PRICE_ONE)  # band: 10.00 % below 2 000
    dao.client.advance(60 * HOUR)
    dao.queue_and_wait(number)
    with pytest.raises(GuardrailError, match=r"MarketDrift.*oracle_price"):
        dao.proposals.execute(number, dao.people.stranger)
    assert dao.reader.parameters() == before
    assert dao.proposals.state(number) is ProposalState.QUEUED


def test_a_drifted_proposal_executes_when_the_market_is_back(dao: Rehearsal) -> None:
    number = dao.propose()
    dao.close_window()
    dao.queue_and_wait(number)
    dao.move_price(1_799 * PRICE_ONE)
    with pytest.raises(GuardrailError, match="MarketDrift"):
        dao.proposals.execute(number, dao.people.stranger)
    dao.move_price(1_800 * PRICE_ONE)
    dao.proposals.execute(number, dao.people.stranger)
    assert dao.proposals.state(number) is ProposalState.EXECUTED


def test_a_proposal_that_nobody_executes_expires(dao: Rehearsal) -> None:
    number = dao.propose()
    dao.close_window()
    dao.queue_and_wait(number)
    dao.client.advance(7 * DAY)
    assert dao.proposals.state(number) is ProposalState.QUEUED
    dao.client.advance(1)
    assert dao.proposals.state(number) is ProposalState.EXPIRED
    with pytest.raises(GovernanceError, match=r"GovernorUnexpectedProposalState.*Expired"):
        dao.proposals.execute(number, dao.people.stranger)


def test_a_success_that_nobody_queues_expires(dao: Rehearsal) -> None:
    number = dao.propose()
    end = dao.proposals.show(number).window_end
    dao.client.request("evm_mine", end + 7 * DAY)
    assert dao.proposals.state(number) is ProposalState.SUCCEEDED
    dao.client.advance(1)
    assert dao.proposals.state(number) is ProposalState.EXPIRED
    with pytest.raises(GovernanceError, match=r"GovernorUnexpectedProposalState.*Expired"):
        dao.proposals.queue(number, dao.people.stranger)


def test_numbers_count_from_one_in_order_of_creation(dao: Rehearsal) -> None:
    first = dao.propose()
    second = dao.propose(dao.update(75_40, epoch=2))
    assert (first, second) == (1, 2)
    assert [p.epoch for p in dao.proposals.list_proposals()] == [1, 2]


def test_an_unknown_number_names_what_there_is(dao: Rehearsal) -> None:
    dao.propose()
    with pytest.raises(GovernanceError) as caught:
        dao.proposals.show(2)
    assert caught.value.allowed == "1 to 1"
