"""What a person is shown of a proposal."""

from __future__ import annotations

from core.lanes import Lane
from core.market import Scalar
from core.ports import ProposalSink
from core.proposal import ProposalState
from governance.proposals import FieldMove, ProposalSummary
from governance.rehearsal import DAY, ETHER, HOUR, Rehearsal
from governance.signing import keccak


def test_moves_with_their_use_of_step_and_budget(dao: Rehearsal) -> None:
    view = dao.proposals.show(dao.propose(dao.update(75_20)))
    assert view.moves == (
        FieldMove(Scalar.LTV, 70_00, 70_20, 20, 50, 0, 150),
        FieldMove(Scalar.LIQUIDATION_THRESHOLD, 75_00, 75_20, 20, 50, 0, 150),
    )


def test_the_life_of_an_executed_proposal(dao: Rehearsal) -> None:
    number = dao.propose()
    created = dao.client.timestamp()
    dao.close_window()
    dao.queue_and_wait(number)
    dao.proposals.execute(number, dao.people.stranger)
    view = dao.proposals.show(number)
    assert (view.created, view.snapshot) == (created, created + 12 * HOUR)
    assert view.window_end == created + 72 * HOUR
    assert view.eta is not None
    assert view.grace_end == view.eta + 7 * DAY
    assert view.moves[1].budget_used == 50
    assert list(view.transactions) == ["proposed", "queued", "executed"]


def test_the_life_of_a_vetoed_proposal(dao: Rehearsal) -> None:
    number = dao.propose()
    dao.open_voting()
    dao.proposals.veto(number, dao.people.large, reason="too early")
    view = dao.proposals.show(number)
    assert (view.state, view.votes_against) == (ProposalState.DEFEATED, 6_300 * ETHER)
    assert view.veto_threshold == 4_500 * ETHER
    assert list(view.transactions) == ["proposed", "vetoed"]
    assert (view.eta, view.grace_end) == (None, None)


def test_the_call_is_what_the_governor_will_make(dao: Rehearsal) -> None:
    view = dao.proposals.show(dao.propose())
    governor = dao.client.contract("ParameterGovernor", dao.deployment.addresses["governor"])
    description = keccak(f"Tribunate parameter update 0x{view.digest.hex()}".encode())
    proposal = governor.functions.getProposalId([view.call_target], [0], [view.call_data], description)
    assert dao.client.call(proposal) == view.governor_id


def test_the_list_is_in_order_of_creation(dao: Rehearsal) -> None:
    assert dao.proposals.list_proposals() == ()
    number = dao.propose(dao.update(epoch=9))
    view = dao.proposals.show(number)
    assert dao.proposals.list_proposals() == (
        ProposalSummary(1, view.governor_id, Lane.SLOW, 9, ProposalState.PENDING, view.window_end),
    )


def test_the_sink_returns_the_transaction(dao: Rehearsal) -> None:
    sink: ProposalSink = dao.proposals.sink(dao.people.stranger)
    update = dao.update()
    sent = sink.submit(update, dao.signed(update))
    assert dao.proposals.show(1).transactions == {"proposed": sent}
