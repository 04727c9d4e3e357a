"""A keeper's hands on a chain: queue, execute, step down, cut; each exactly once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.calls import extraordinary_epoch
from core.errors import GovernanceError, GuardrailError
from core.market import Scalar
from core.ports import DueAct
from core.proposal import ProposalState
from governance.cuts import CutState
from governance.outbox import Outbox
from governance.rehearsal import DAY, HOUR, Rehearsal
from tribunate.keeping import ChainKeeper


@pytest.fixture(scope="module")
def dao() -> Iterator[Rehearsal]:
    rehearsal = Rehearsal()
    yield rehearsal
    rehearsal.close()


@pytest.fixture
def stage(dao: Rehearsal) -> Iterator[Rehearsal]:
    with dao.rewound():
        yield dao


@pytest.fixture
def hands(stage: Rehearsal, tmp_path: Path) -> ChainKeeper:
    outbox = Outbox(stage.client, stage.people.stranger, tmp_path / "outbox.sqlite")
    return ChainKeeper(stage.client, stage.deployment, outbox)


def submit(stage: Rehearsal, hands: ChainKeeper, value: int, scalar: Scalar, *, epoch: int = 1) -> None:
    update = stage.update(value, scalar=scalar, epoch=epoch)
    hands.submit(update, stage.signed(update))


def acts(hands: ChainKeeper) -> list[tuple[int, str]]:
    return [(due.number, due.act) for due in hands.due()]


def carry(stage: Rehearsal, hands: ChainKeeper) -> None:
    """Carry proposal 1 through its window and its timelock; stand before its execution."""
    stage.close_window()
    (queue,) = hands.due()
    hands.perform(queue)
    stage.client.advance(DAY)


def test_with_nothing_on_chain_nothing_is_due(hands: ChainKeeper) -> None:
    assert hands.due() == ()


def test_a_raise_is_queued_and_executed_when_each_is_due(stage: Rehearsal, hands: ChainKeeper) -> None:
    submit(stage, hands, 75_50, Scalar.LIQUIDATION_THRESHOLD)
    assert acts(hands) == []
    stage.close_window()
    assert acts(hands) == [(1, "queue")]
    hands.perform(hands.due()[0])
    assert acts(hands) == [], "the timelock runs"
    stage.client.advance(DAY)
    assert acts(hands) == [(1, "execute")]
    hands.perform(hands.due()[0])
    assert acts(hands) == []
    assert stage.proposals.state(1) is ProposalState.EXECUTED


def test_a_ramp_is_stepped_down_once_a_day_until_it_has_arrived(stage: Rehearsal, hands: ChainKeeper) -> None:
    submit(stage, hands, 73_80, Scalar.LIQUIDATION_THRESHOLD)
    carry(stage, hands)
    hands.perform(hands.due()[0])
    values = [stage.reader.parameters().liquidation_threshold_bps]
    while values[-1] > 73_80:
        for due in hands.due():
            assert due.act == "ramp_step"
            hands.perform(due)
        values.append(stage.reader.parameters().liquidation_threshold_bps)
        assert acts(hands) == [], "no second step within the day"
        stage.client.advance(DAY)
    assert set(values) <= {75_00, 74_50, 74_00, 73_80}
    assert acts(hands) == []
    ramp = stage.proposals.ramp(1)
    assert ramp is not None and ramp.ended
    assert [step.value_bps for step in ramp.steps] == [74_50, 74_00, 73_80]


def test_a_ramp_that_has_lapsed_is_left_alone(stage: Rehearsal, hands: ChainKeeper) -> None:
    submit(stage, hands, 73_80, Scalar.LIQUIDATION_THRESHOLD)
    carry(stage, hands)
    hands.perform(hands.due()[0])
    stage.client.advance(7 * DAY + 1)
    assert acts(hands) == []


def test_a_cut_is_executed_after_its_hour(stage: Rehearsal, hands: ChainKeeper) -> None:
    epoch = extraordinary_epoch(stage.client.timestamp())
    submit(stage, hands, 63_00, Scalar.LTV, epoch=epoch)
    assert acts(hands) == []
    stage.client.advance(HOUR)
    assert acts(hands) == [(1, "execute_cut")]
    hands.perform(hands.due()[0])
    assert acts(hands) == []
    assert stage.cuts.state(1) is CutState.EXECUTED
    assert stage.reader.parameters().ltv_bps == 63_00


def test_a_cut_and_a_proposal_of_one_number_are_told_apart(stage: Rehearsal, hands: ChainKeeper) -> None:
    submit(stage, hands, 75_50, Scalar.LIQUIDATION_THRESHOLD)
    stage.close_window()
    submit(stage, hands, 63_00, Scalar.LTV, epoch=extraordinary_epoch(stage.client.timestamp()))
    stage.client.advance(HOUR)
    assert acts(hands) == [(1, "queue"), (1, "execute_cut")]


def test_a_vetoed_proposal_is_never_due(stage: Rehearsal, hands: ChainKeeper) -> None:
    submit(stage, hands, 75_50, Scalar.LIQUIDATION_THRESHOLD)
    stage.open_voting()
    stage.proposals.veto(1, stage.people.large)
    stage.close_window()
    assert acts(hands) == []


@pytest.mark.parametrize("act", ["queue", "execute", "ramp_step"])
def test_what_is_not_due_is_refused(stage: Rehearsal, hands: ChainKeeper, act: str) -> None:
    submit(stage, hands, 73_80, Scalar.LIQUIDATION_THRESHOLD)
    with pytest.raises((GovernanceError, GuardrailError)):
        hands.perform(DueAct(1, act, 0))


def test_a_cut_before_its_hour_is_refused(stage: Rehearsal, hands: ChainKeeper) -> None:
    submit(stage, hands, 63_00, Scalar.LTV, epoch=extraordinary_epoch(stage.client.timestamp()))
    with pytest.raises(GovernanceError):
        hands.perform(DueAct(1, "execute_cut", 0))


def test_the_same_update_is_brought_once(stage: Rehearsal, hands: ChainKeeper) -> None:
    update = stage.update(75_50)
    first = hands.submit(update, stage.signed(update))
    assert hands.submit(update, stage.signed(update)) == first
    assert stage.proposals.count() == 1
    other = replace(update, attempt=1)
    with pytest.raises(GovernanceError):
        hands.submit(other, stage.signed(other))
