"""What bounds the agents now, in one look."""

from __future__ import annotations

import json

from core.lanes import Lane
from core.market import Scalar
from governance.overview import read_overview
from governance.rehearsal import DAY, HOUR, Rehearsal
from tribunate.guardrail_text import overview_record, overview_text


def test_a_fresh_dao_has_all_its_budgets_and_nothing_pending(dao: Rehearsal) -> None:
    seen = read_overview(dao.client, dao.deployment)
    assert [(seat.agent_id, seat.active, seat.bond) for seat in seen.seats] == [
        (n, True, 0) for n in range(1, 5)
    ]
    assert (seen.faults, seen.signers_needed) == (1, 3)
    threshold = next(f for f in seen.fields if f.scalar is Scalar.LIQUIDATION_THRESHOLD)
    assert (threshold.value, threshold.budget_left_up, threshold.next_allowed_at) == (75_00, 150, None)
    assert seen.waiting == ()


def test_an_executed_change_uses_budget_and_starts_the_delay(dao: Rehearsal) -> None:
    number = dao.propose(dao.update(75_40))
    pending = read_overview(dao.client, dao.deployment).waiting
    assert [(item.kind, item.number, item.lane, item.state) for item in pending] == [
        ("proposal", 1, Lane.SLOW, "pending")
    ]
    dao.close_window()
    dao.queue_and_wait(number)
    dao.proposals.execute(number, dao.people.stranger)
    executed = dao.client.timestamp()
    seen = read_overview(dao.client, dao.deployment)
    for scalar in (Scalar.LIQUIDATION_THRESHOLD, Scalar.LTV):
        field = next(f for f in seen.fields if f.scalar is scalar)
        assert (field.budget_left_up, field.budget_left_down) == (110, 150)
        assert field.next_allowed_at == executed + 3 * DAY
    assert seen.waiting == ()


def test_cuts_and_ramps_wait_until_they_have_ended(dao: Rehearsal) -> None:
    dao.announce(dao.update(60_00, scalar=Scalar.LTV))
    seen = read_overview(dao.client, dao.deployment)
    assert [(item.kind, item.lane, item.state) for item in seen.waiting] == [("cut", Lane.FAST, "waiting")]
    dao.client.advance(HOUR)
    dao.cuts.execute(1, dao.people.stranger)
    number = dao.propose(dao.update(74_00, epoch=2))
    dao.close_window()
    dao.queue_and_wait(number)
    dao.proposals.execute(number, dao.people.stranger)
    seen = read_overview(dao.client, dao.deployment)
    assert [(item.kind, item.lane, item.state) for item in seen.waiting] == [("ramp", Lane.RAMP, "armed")]
    ltv = next(field for field in seen.fields if field.scalar is Scalar.LTV)
    assert ltv.cut is not None
    assert ltv.cut.before == 70_00


def test_a_disabled_seat_is_shown(dao: Rehearsal) -> None:
    seats = dao.client.contract("SeatRegistry", dao.deployment.addresses["seats"])
    dao.client.send(dao.people.guardian, seats.functions.disable(2))
    seen = read_overview(dao.client, dao.deployment)
    assert [seat.active for seat in seen.seats] == [True, False, True, True]
    assert "disabled" in overview_text(seen)


def test_the_record_is_plain_json(dao: Rehearsal) -> None:
    dao.propose()
    record = json.loads(json.dumps(overview_record(read_overview(dao.client, dao.deployment))))
    assert record["fields"]["ltv_bps"]["limits"]["step_up"] == 50
    assert record["waiting"][0]["lane"] == "SLOW"
    assert len(record["seats"]) == 4
