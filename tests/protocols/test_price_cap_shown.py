"""What a person is shown of a proposal that changes a price cap."""

from __future__ import annotations

import json

import pytest

from core.errors import GovernanceError
from core.lanes import Lane
from core.proposal import ProposalState
from governance.proposals import CapMove
from tests.protocols.governed_cap import START, GovernedCap
from tests.protocols.test_price_cap_adapter import STEPPED_RATIO, sound
from tribunate.dao import connect
from tribunate.proposal_text import proposal_record, proposal_text, read_proposal, summary_record


def test_the_list_has_it_with_its_epoch(governed_cap: GovernedCap) -> None:
    governed_cap.propose(sound(governed_cap))

    (row,) = governed_cap.dao.proposals.list_proposals()

    assert (row.number, row.lane, row.epoch, row.state) == (1, Lane.SLOW, 1, ProposalState.PENDING)
    assert summary_record(row)["lane"] == "SLOW"


def test_old_and_new_of_what_moves(governed_cap: GovernedCap) -> None:
    update = sound(governed_cap)

    view = governed_cap.dao.proposals.show(governed_cap.propose(update))

    assert view.price_cap == update
    assert view.cap_moves == (
        CapMove("snapshot_ratio", START.snapshot_ratio, STEPPED_RATIO),
        CapMove("snapshot_timestamp", update.expected.snapshot_timestamp, update.proposed.snapshot_timestamp),
    )
    assert update.proposed.snapshot_timestamp > update.expected.snapshot_timestamp
    assert (view.moves, view.ramp) == ((), None)


def test_it_is_no_update_of_parameters(governed_cap: GovernedCap) -> None:
    number = governed_cap.propose(sound(governed_cap))

    with pytest.raises(GovernanceError, match="changes the price cap of"):
        governed_cap.dao.proposals.updates(number)
    with pytest.raises(GovernanceError, match="changes the price cap of"):
        _ = governed_cap.dao.proposals.show(number).update


def test_the_page_says_all_three_values(governed_cap: GovernedCap) -> None:
    number = governed_cap.propose(governed_cap.update(ratio=STEPPED_RATIO, age_days=120, growth_bps=10_68))
    seen = read_proposal(connect(governed_cap.client.rpc_url, governed_cap.dao.deployment), number, None)

    page = proposal_text(seen, with_call_data=True)

    assert "snapshot ratio         1,157,200,000,000,000,000 → 1,191,900,000,000,000,000" in page
    assert "max yearly growth      9.68 % → 10.68 %" in page
    assert f"applyPriceCap(ratio {STEPPED_RATIO}, " in page
    assert "liquidatable" not in page


def test_the_record_is_plain(governed_cap: GovernedCap) -> None:
    number = governed_cap.propose(sound(governed_cap))
    seen = read_proposal(connect(governed_cap.client.rpc_url, governed_cap.dao.deployment), number, None)

    record = json.loads(json.dumps(proposal_record(seen)))

    assert (record["kind"], record["affected"]) == ("price_cap", None)
    assert record["expected"]["max_yearly_growth_bps"] == 9_68
    assert record["proposed"]["snapshot_ratio"] == STEPPED_RATIO
