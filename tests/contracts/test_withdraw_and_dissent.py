"""Agents' second thoughts: withdrawals cancel, dissents lengthen; one agent alone does neither."""

from __future__ import annotations

import pytest
from web3.contract.contract import Contract

from core.errors import GovernanceError
from core.proposal import ProposalState
from governance.proposals import Dissent
from governance.rehearsal import HOUR, Rehearsal


@pytest.fixture
def governor(dao: Rehearsal) -> Contract:
    return dao.client.contract("ParameterGovernor", dao.deployment.addresses["governor"])


def leave(dao: Rehearsal, place: int) -> str:
    """The agent at this place gives its seat up; its wallet."""
    agent = dao.people.agents[place]
    registry = dao.client.contract("AgentRegistry", dao.deployment.addresses["registry"])
    dao.client.send(agent, registry.functions.unsetAgentWallet(place + 1))
    return agent.address


def test_withdrawals_cancel_a_queued_proposal_too(dao: Rehearsal) -> None:
    number = dao.propose()
    dao.close_window()
    dao.queue_and_wait(number)
    for agent in dao.people.agents[:2]:
        dao.proposals.withdraw(number, agent)
    assert dao.proposals.state(number) is ProposalState.CANCELED
    with pytest.raises(GovernanceError, match="GovernorUnexpectedProposalState"):
        dao.proposals.execute(number, dao.people.stranger)


def test_an_agent_that_did_not_sign_cannot_withdraw(dao: Rehearsal) -> None:
    number = dao.propose()
    with pytest.raises(GovernanceError, match="NotASigner"):
        dao.proposals.withdraw(number, dao.people.agents[3])


def test_withdrawal_after_execution_reverts(dao: Rehearsal) -> None:
    number = dao.propose()
    dao.close_window()
    dao.queue_and_wait(number)
    dao.proposals.execute(number, dao.people.stranger)
    with pytest.raises(GovernanceError, match="AlreadyExecuted"):
        dao.proposals.withdraw(number, dao.people.agents[0])


def test_a_lost_seat_counts_as_one_withdrawal(dao: Rehearsal, governor: Contract) -> None:
    number = dao.propose()
    wallet = leave(dao, 0)
    report = governor.functions.reportLostSeat(dao.proposals.governor_id(number), wallet)
    dao.client.send(dao.people.stranger, report)
    assert dao.proposals.show(number).withdrawals == 1
    assert dao.proposals.state(number) is ProposalState.PENDING
    with pytest.raises(GovernanceError, match="NotASigner"):
        dao.client.send(dao.people.stranger, report)


def test_a_held_seat_cannot_be_reported(dao: Rehearsal, governor: Contract) -> None:
    number = dao.propose()
    wallet = dao.people.agents[0].address
    with pytest.raises(GovernanceError, match="StillSeated"):
        report = governor.functions.reportLostSeat(dao.proposals.governor_id(number), wallet)
        dao.client.send(dao.people.stranger, report)


def test_two_dissents_extend_the_window_once(dao: Rehearsal) -> None:
    number = dao.propose()
    end = dao.proposals.show(number).window_end
    dao.proposals.dissent(number, dao.people.agents[3], reason="stress")
    assert dao.proposals.show(number).window_end == end
    dao.proposals.dissent(number, dao.people.agents[2], reason="data")
    assert dao.proposals.show(number).window_end == end + 24 * HOUR
    dao.proposals.dissent(number, dao.people.agents[1], reason="model")
    view = dao.proposals.show(number)
    assert view.window_end == end + 24 * HOUR
    assert view.dissents == tuple(
        Dissent(dao.people.agents[n].address, reason)
        for n, reason in ((3, "stress"), (2, "data"), (1, "model"))
    )


def test_an_agent_dissents_once(dao: Rehearsal) -> None:
    number = dao.propose()
    dao.proposals.dissent(number, dao.people.agents[3], reason="stress")
    with pytest.raises(GovernanceError, match="AlreadyDissented"):
        dao.proposals.dissent(number, dao.people.agents[3], reason="stress")


def test_dissent_reverts_for_strangers(dao: Rehearsal) -> None:
    number = dao.propose()
    with pytest.raises(GovernanceError, match="NotSeatedNow"):
        dao.proposals.dissent(number, dao.people.stranger, reason="stress")


def test_dissent_reverts_after_the_window(dao: Rehearsal) -> None:
    number = dao.propose()
    dao.close_window()
    with pytest.raises(GovernanceError, match="GovernorUnexpectedProposalState"):
        dao.proposals.dissent(number, dao.people.agents[3], reason="stress")


def test_an_unknown_reason_names_those_there_are(dao: Rehearsal) -> None:
    with pytest.raises(GovernanceError) as caught:
        dao.proposals.dissent(1, dao.people.agents[3], reason="mood")
    assert "stress" in caught.value.allowed
