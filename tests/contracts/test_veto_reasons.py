"""Why holders vote against: codes in the vote, sent or signed, and what readers make of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from web3.contract.contract import Contract

from core.errors import GovernanceError
from core.proposal import ProposalState, VetoReason
from governance.ballots import AGAINST, ReasonTally, VetoVote, tally_of
from governance.rehearsal import ETHER, Rehearsal

ROOT = Path(__file__).resolve().parents[2]
LARGE, SMALL = 6_300 * ETHER, 1_800 * ETHER


@pytest.fixture
def governor(dao: Rehearsal) -> Contract:
    return dao.client.contract("ParameterGovernor", dao.deployment.addresses["governor"])


@pytest.fixture
def number(dao: Rehearsal) -> int:
    """A proposal that is open for votes."""
    proposed = dao.propose()
    dao.open_voting()
    return proposed


def vote(dao: Rehearsal, governor: Contract, number: int, params: bytes, *, support: int = AGAINST) -> None:
    proposal = dao.proposals.governor_id(number)
    cast = governor.functions.castVoteWithReasonAndParams(proposal, support, "", params)
    dao.client.send(dao.people.small, cast)


def test_the_codes_are_those_of_the_contract() -> None:
    source = (ROOT / "contracts/src/governor/VetoCounting.sol").read_text()
    found = re.search(r"enum VetoReason \{([^}]*)\}", source)
    assert found is not None
    names = [name.strip().lower().replace("_", "-") for name in found[1].split(",")]
    assert names == [reason.value for reason in VetoReason]


def test_a_veto_is_shown_with_its_code_its_words_and_its_weight(dao: Rehearsal, number: int) -> None:
    dao.proposals.veto(number, dao.people.small, code=VetoReason.TOO_FAST, reason="wait a week")
    dao.proposals.veto(number, dao.people.large, code=VetoReason.TOO_RISKY)
    small, large = (to_checksum_address(person.address) for person in (dao.people.small, dao.people.large))
    view = dao.proposals.show(number)
    assert view.vetoes == (
        VetoVote(small, SMALL, VetoReason.TOO_FAST, "wait a week"),
        VetoVote(large, LARGE, VetoReason.TOO_RISKY, ""),
    )
    assert tally_of(view.vetoes) == (
        ReasonTally(VetoReason.TOO_RISKY, 1, LARGE),
        ReasonTally(VetoReason.TOO_FAST, 1, SMALL),
    )
    assert (view.votes_against, view.state) == (LARGE + SMALL, ProposalState.DEFEATED)


@pytest.mark.parametrize("code", range(len(VetoReason)))
def test_every_code_is_taken_as_one_byte(dao: Rehearsal, governor: Contract, number: int, code: int) -> None:
    vote(dao, governor, number, bytes([code]))
    (found,) = dao.proposals.show(number).vetoes
    assert (found.reason, found.weight) == (list(VetoReason)[code], SMALL)


@pytest.mark.parametrize(
    "params",
    [bytes([len(VetoReason)]), b"\xff", b"\x01\x00", encode(["uint256"], [1]), bytes(96)],
    ids=["one above", "255", "two bytes", "a word", "fractional votes"],
)
def test_what_is_no_code_is_refused_and_the_holder_may_vote_again(
    dao: Rehearsal, governor: Contract, number: int, params: bytes
) -> None:
    with pytest.raises(GovernanceError, match="NotAVetoReason"):
        vote(dao, governor, number, params)
    vote(dao, governor, number, b"\x01")
    assert dao.proposals.show(number).votes_against == SMALL


def test_a_plain_vote_has_no_code(dao: Rehearsal, governor: Contract, number: int) -> None:
    dao.client.send(dao.people.small, governor.functions.castVote(dao.proposals.governor_id(number), AGAINST))
    (found,) = dao.proposals.show(number).vetoes
    assert (found.reason, found.text) == (VetoReason.UNSPECIFIED, "")


def test_a_code_in_a_vote_for_counts_nowhere(dao: Rehearsal, governor: Contract, number: int) -> None:
    vote(dao, governor, number, VetoReason.TOO_RISKY.params, support=1)
    view = dao.proposals.show(number)
    assert (view.vetoes, view.votes_against) == ((), 0)


def test_a_code_of_another_proposal_is_left_out(dao: Rehearsal) -> None:
    first = dao.propose(dao.update(75_10, epoch=1))
    second = dao.propose(dao.update(75_20, epoch=2))
    dao.open_voting()
    dao.proposals.veto(second, dao.people.small, code=VetoReason.OTHER)
    assert dao.proposals.show(first).vetoes == ()
    assert [found.reason for found in dao.proposals.show(second).vetoes] == [VetoReason.OTHER]


def test_words_that_are_no_utf8_hide_no_proposal(dao: Rehearsal, governor: Contract, number: int) -> None:
    selector = governor.functions.castVoteWithReason(0, 0, "")._encode_transaction_data()[:10]
    arguments = encode(
        ["uint256", "uint8", "bytes"], [dao.proposals.governor_id(number), AGAINST, b"\xff\x1b[2J"]
    )
    raw = dao.client.signed(dao.people.small, to=governor.address, data=selector + arguments.hex())
    dao.client.broadcast(raw)
    assert dao.proposals.show(number).vetoes[0].text == "\ufffd\x1b[2J"


# ---- by signature


def test_a_signed_veto_with_a_code_counts_whoever_brings_it(dao: Rehearsal, number: int) -> None:
    code, holder = VetoReason.DATA_WRONG, dao.people.large
    cast = dao.proposals.signed_veto_call(number, holder, code=code, reason="feed was down")
    dao.client.send(dao.people.stranger, cast)
    assert dao.proposals.show(number).vetoes == (VetoVote(holder.address, LARGE, code, "feed was down"),)
    with pytest.raises(GovernanceError, match="GovernorInvalidSignature"):
        dao.client.send(dao.people.stranger, cast)


def test_a_signed_veto_needs_no_code(dao: Rehearsal, number: int) -> None:
    dao.client.send(dao.people.stranger, dao.proposals.signed_veto_call(number, dao.people.large))
    assert dao.proposals.state(number) is ProposalState.DEFEATED
    assert dao.proposals.show(number).vetoes[0].reason is VetoReason.UNSPECIFIED


@pytest.mark.parametrize("place", [1, 3, 4], ids=["support", "reason", "params"])
def test_a_relayer_cannot_change_what_was_signed(
    dao: Rehearsal, governor: Contract, number: int, place: int
) -> None:
    signed = dao.proposals.signed_veto_call(number, dao.people.large, code=VetoReason.TOO_RISKY, reason="a")
    other = {1: 1, 3: "b", 4: VetoReason.OTHER.params}
    arguments = list(signed.args)
    arguments[place] = other[place]
    with pytest.raises(GovernanceError, match="GovernorInvalidSignature"):
        dao.client.send(dao.people.stranger, governor.functions.castVoteWithReasonAndParamsBySig(*arguments))
