"""proposeUpdate: who signed what, and until when."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.errors import GovernanceError, GuardrailError
from core.market import Scalar
from core.proposal import ProposalState
from governance.rehearsal import ETHER, HOUR, USD, Rehearsal
from governance.signing import CURVE_ORDER, Eip712Hasher, update_tuple


def bring(dao: Rehearsal, pairs: list[tuple[str, bytes]], **changes: object) -> None:
    """Send exactly these signers, in this order."""
    update = replace(dao.update(), **changes)  # type: ignore[arg-type]
    governor = dao.client.contract("ParameterGovernor", dao.deployment.addresses["governor"])
    signers, proofs = [s for s, _ in pairs], [p for _, p in pairs]
    dao.client.send(
        dao.people.stranger, governor.functions.proposeUpdate(update_tuple(update), signers, proofs)
    )


def test_three_of_four_signatures_make_a_pending_proposal(dao: Rehearsal) -> None:
    update = dao.update()
    number = dao.propose(update)
    view = dao.proposals.show(number)
    assert view.state is ProposalState.PENDING
    assert view.update == update
    assert view.digest == dao.hasher.update_digest(update)
    assert view.signers == tuple(agent.address for agent in dao.people.agents[:3])


def test_four_signatures_are_welcome(dao: Rehearsal) -> None:
    update = dao.update()
    dao.proposals.submit(update, dao.signed(update, dao.people.agents), sender=dao.people.stranger)
    assert dao.proposals.count() == 1


def test_anyone_may_bring_it_but_nobody_may_change_it(dao: Rehearsal) -> None:
    update = dao.update()
    signed = dao.signed(update)
    with pytest.raises(GovernanceError, match="BadSignature"):
        dao.proposals.submit(replace(update, high_bound=76_00), signed, sender=dao.people.stranger)


def test_a_signature_for_another_chain_reverts(dao: Rehearsal) -> None:
    update = dao.update()
    other = Eip712Hasher(1, dao.deployment.addresses["governor"]).update_digest(update)
    pairs = [(a.address, a.sign(other)) for a in dao.people.agents[:3]]
    with pytest.raises(GovernanceError, match="BadSignature"):
        dao.proposals.submit(update, pairs, sender=dao.people.stranger)


def test_a_high_s_signature_reverts(dao: Rehearsal) -> None:
    update = dao.update()
    (signer, good), *others = dao.signed(update)
    s = CURVE_ORDER - int.from_bytes(good[32:64], "big")
    malleable = good[:32] + s.to_bytes(32, "big") + bytes([27 + 28 - good[64]])
    with pytest.raises(GovernanceError, match="BadSignature"):
        dao.proposals.submit(update, [(signer, malleable), *others], sender=dao.people.stranger)


def test_missing_signatures_revert(dao: Rehearsal) -> None:
    update = dao.update()
    governor = dao.client.contract("ParameterGovernor", dao.deployment.addresses["governor"])
    signers = [agent.address for agent in dao.people.agents[:3]]
    with pytest.raises(GovernanceError, match="SignaturesMissing"):
        function = governor.functions.proposeUpdate(update_tuple(update), signers, [])
        dao.client.send(dao.people.stranger, function)


def test_descending_signers_revert(dao: Rehearsal) -> None:
    pairs = dao.signed(dao.update())
    with pytest.raises(GovernanceError, match="SignersNotAscending"):
        bring(dao, pairs[::-1])


def test_an_expired_update_reverts(dao: Rehearsal) -> None:
    update = dao.update()
    dao.client.advance(HOUR)
    with pytest.raises(GovernanceError, match="UpdateExpired"):
        dao.propose(update)


def test_crossed_bounds_revert(dao: Rehearsal) -> None:
    with pytest.raises(GovernanceError, match="BoundsNotAscending"):
        dao.propose(replace(dao.update(), low_bound=76_00, high_bound=75_99))


def test_another_market_reverts(dao: Rehearsal) -> None:
    update = replace(dao.update(), market=dao.people.stranger.address)
    with pytest.raises(GuardrailError, match="UnknownMarket") as caught:
        dao.propose(update)
    assert caught.value.rule == "market"


def test_guardrails_are_checked_at_submission(dao: Rehearsal) -> None:
    with pytest.raises(GuardrailError) as caught:
        dao.propose(dao.update(75_51))
    assert caught.value.rule == "step"
    assert dao.proposals.count() == 0


def test_a_failed_submission_does_not_consume_the_epoch(dao: Rehearsal) -> None:
    with pytest.raises(GuardrailError):
        dao.propose(dao.update(75_51))
    assert not dao.reader.epoch_consumed(1)
    assert dao.propose(dao.update(75_50)) == 1


def test_ordinary_propose_reverts(dao: Rehearsal) -> None:
    governor = dao.client.contract("ParameterGovernor", dao.deployment.addresses["governor"])
    with pytest.raises(GovernanceError, match="UseProposeUpdate"):
        dao.client.send(dao.people.large, governor.functions.propose([governor.address], [0], [b""], "mine"))


@pytest.mark.parametrize(
    ("scalar", "value"), [(Scalar.BORROW_CAP, 11_000_000 * USD), (Scalar.SUPPLY_CAP, 11_000 * ETHER)]
)
def test_caps_can_be_raised(dao: Rehearsal, scalar: Scalar, value: int) -> None:
    number = dao.propose(dao.update(value, scalar=scalar))
    dao.close_window()
    dao.queue_and_wait(number)
    dao.proposals.execute(number, dao.people.stranger)
    assert dao.reader.parameters().field(scalar) == value


def test_bounds_far_apart_lengthen_the_window_by_a_day(dao: Rehearsal) -> None:
    update = replace(dao.update(), low_bound=70_00, high_bound=85_00)
    near = dao.proposals.show(dao.propose(update))
    far = dao.proposals.show(dao.propose(replace(update, epoch=2, high_bound=85_01)))
    assert near.window_end - near.created == 72 * HOUR
    assert far.window_end - far.created == 96 * HOUR
