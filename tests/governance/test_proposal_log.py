"""How often a question about proposals asks the node for logs: not once per proposal, nor per answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from eth_utils.abi import function_abi_to_4byte_selector
from web3 import Web3
from web3.middleware import Web3Middleware
from web3.types import RPCEndpoint, RPCResponse

from core.calls import extraordinary_epoch
from core.errors import GovernanceError
from core.lanes import Lane
from core.market import Scalar
from core.proposal import ProposalState
from governance.overview import read_overview
from governance.rehearsal import Rehearsal


@contextmanager
def counted(web3: Web3) -> Iterator[list[dict[str, Any]]]:
    """Yield the filters of the log queries that are made inside."""
    asked: list[dict[str, Any]] = []

    class Counter(Web3Middleware):
        def wrap_make_request(
            self, make_request: Callable[[RPCEndpoint, Any], RPCResponse]
        ) -> Callable[[RPCEndpoint, Any], RPCResponse]:
            def ask(method: RPCEndpoint, params: Any) -> RPCResponse:
                if method == "eth_getLogs":
                    asked.append(dict(params[0]))
                return make_request(method, params)

            return ask

    web3.middleware_onion.add(Counter, "counter")
    try:
        yield asked
    finally:
        web3.middleware_onion.remove("counter")


@pytest.fixture
def three(dao: Rehearsal) -> Rehearsal:
    """Three proposals: two raises and a ramp."""
    for epoch, value in ((1, 75_10), (2, 75_20), (3, 74_00)):
        dao.propose(dao.update(value, epoch=epoch))
    return dao


def test_the_list_asks_for_two_kinds_of_events_however_many_proposals_there_are(three: Rehearsal) -> None:
    with counted(three.client.web3) as asked:
        rows = three.proposals.list_proposals()
    assert [(row.number, row.lane, row.epoch) for row in rows] == [
        (1, Lane.SLOW, 1),
        (2, Lane.SLOW, 2),
        (3, Lane.RAMP, 3),
    ]
    assert len(asked) == 2


def test_a_keeper_that_looks_asks_once(three: Rehearsal) -> None:
    with counted(three.client.web3) as asked:
        seen = three.proposals.progress()
    assert [(found.number, found.state) for found in seen] == [
        (number, ProposalState.PENDING) for number in (1, 2, 3)
    ]
    assert len(asked) == 1


def test_what_is_left_out_is_not_asked_about(three: Rehearsal) -> None:
    assert [found.number for found in three.proposals.progress(leave_out={1, 3})] == [2]


def test_a_page_asks_for_its_number_once_and_for_nothing_before_its_block(three: Rehearsal) -> None:
    with counted(three.client.web3) as asked:
        three.proposals.show(2)
    blocks = [int(found["fromBlock"], 16) for found in asked]
    assert blocks.count(three.deployment.block) == 1
    assert sum(block > three.deployment.block for block in blocks) == len(asked) - 1 == 6


def test_the_overview_asks_as_often_for_three_proposals_as_for_one(dao: Rehearsal) -> None:
    lengths = []
    for epoch, value in ((1, 75_10), (2, 75_20), (3, 74_00)):
        dao.propose(dao.update(value, epoch=epoch))
        with counted(dao.client.web3) as asked:
            read_overview(dao.client, dao.deployment)
        lengths.append(len(asked))
    assert lengths[0] == lengths[1] == lengths[2]


@pytest.mark.parametrize("number", [0, -1, 4])
def test_a_number_that_was_never_given_is_refused(three: Rehearsal, number: int) -> None:
    with pytest.raises(GovernanceError, match=f"there is no proposal {number}") as refused:
        three.proposals.governor_id(number)
    assert refused.value.allowed == "1 to 3"


def test_before_the_first_proposal_there_is_no_number(dao: Rehearsal) -> None:
    with pytest.raises(GovernanceError, match="there is no proposal 1") as refused:
        dao.proposals.show(1)
    assert refused.value.allowed == "none yet"


def test_the_call_of_a_price_cap_is_told_by_its_selector(dao: Rehearsal) -> None:
    contract = dao.client.contract("PriceCapAdapter", dao.deployment.addresses["adapter"])
    assert function_abi_to_4byte_selector(contract.functions.applyPriceCap.abi).hex() == "73adbc87"


def test_a_cut_has_no_number_among_proposals(dao: Rehearsal) -> None:
    epoch = extraordinary_epoch(dao.client.timestamp())
    dao.cuts.submit(
        update := dao.update(63_00, scalar=Scalar.LTV, epoch=epoch),
        dao.signed(update),
        sender=dao.people.stranger,
    )
    assert dao.proposals.progress() == ()
