"""Votes against: who counts, when, and how late votes lengthen the window."""

from __future__ import annotations

import pytest
from eth_account.messages import encode_typed_data
from web3.contract.contract import Contract

from core.errors import GovernanceError
from core.proposal import ProposalState
from governance.rehearsal import ETHER, HOUR, Rehearsal
from governance.signing import keccak

THRESHOLD = 4_500 * ETHER  # 0.5 % of 900 000: a million less the treasury's hundred thousand


@pytest.fixture
def token(dao: Rehearsal) -> Contract:
    return dao.client.contract("GovernanceToken", dao.deployment.addresses["governance_token"])


@pytest.fixture
def governor(dao: Rehearsal) -> Contract:
    return dao.client.contract("ParameterGovernor", dao.deployment.addresses["governor"])


def test_the_threshold_leaves_treasuries_out(dao: Rehearsal) -> None:
    number = dao.propose()
    dao.open_voting()
    assert dao.proposals.show(number).veto_threshold == THRESHOLD


def test_before_the_snapshot_there_is_no_threshold_and_no_vote(dao: Rehearsal) -> None:
    number = dao.propose()
    assert dao.proposals.show(number).veto_threshold is None
    with pytest.raises(GovernanceError, match=r"GovernorUnexpectedProposalState.*Pending"):
        dao.proposals.veto(number, dao.people.large)


def test_a_veto_in_the_last_second_counts(dao: Rehearsal) -> None:
    number = dao.propose()
    dao.client.request("evm_mine", dao.proposals.show(number).window_end - 1)
    dao.proposals.veto(number, dao.people.large)
    assert dao.proposals.state(number) is ProposalState.DEFEATED


def test_a_veto_one_second_later_reverts(dao: Rehearsal) -> None:
    number = dao.propose()
    dao.client.request("evm_mine", dao.proposals.show(number).window_end)
    with pytest.raises(GovernanceError, match=r"GovernorUnexpectedProposalState.*Succeeded"):
        dao.proposals.veto(number, dao.people.large)


def test_a_holder_votes_once(dao: Rehearsal) -> None:
    number = dao.propose()
    dao.open_voting()
    dao.proposals.veto(number, dao.people.small)
    with pytest.raises(GovernanceError, match="GovernorAlreadyCastVote"):
        dao.proposals.veto(number, dao.people.small)


def test_a_treasury_cannot_vote(dao: Rehearsal) -> None:
    number = dao.propose()
    dao.open_voting()
    dao.client.pay(dao.people.deployer, dao.people.treasury.address, ETHER)
    with pytest.raises(GovernanceError, match="TreasuryCannotVote"):
        dao.proposals.veto(number, dao.people.treasury)


def test_tokens_bought_after_the_snapshot_have_no_vote(dao: Rehearsal, token: Contract) -> None:
    number = dao.propose()
    dao.open_voting()
    stranger = dao.people.stranger
    dao.client.send(dao.people.large, token.functions.transfer(stranger.address, 6_300 * ETHER))
    dao.client.send(stranger, token.functions.delegate(stranger.address))
    dao.proposals.veto(number, stranger)
    assert dao.proposals.show(number).votes_against == 0
    assert dao.proposals.state(number) is ProposalState.ACTIVE


def test_votes_that_are_not_delegated_do_not_count(dao: Rehearsal, token: Contract) -> None:
    stranger = dao.people.stranger
    dao.client.send(dao.people.large, token.functions.transfer(stranger.address, 6_300 * ETHER))
    number = dao.propose()
    dao.open_voting()
    dao.proposals.veto(number, stranger)
    assert dao.proposals.show(number).votes_against == 0


def test_votes_for_change_nothing(dao: Rehearsal, governor: Contract) -> None:
    number = dao.propose()
    dao.open_voting()
    proposal = dao.proposals.governor_id(number)
    dao.client.send(dao.people.large, governor.functions.castVote(proposal, 1))
    dao.close_window()
    assert dao.proposals.state(number) is ProposalState.SUCCEEDED


def halve(dao: Rehearsal, token: Contract) -> None:
    """Leave the large holder with 2 250, exactly half of the threshold."""
    dao.client.send(dao.people.large, token.functions.transfer(dao.people.deployer.address, 4_050 * ETHER))


def test_half_the_threshold_in_the_last_twelve_hours_extends_once(dao: Rehearsal, token: Contract) -> None:
    halve(dao, token)
    number = dao.propose()
    end = dao.proposals.show(number).window_end
    dao.client.request("evm_mine", end - 12 * HOUR)  # the vote comes a second later
    dao.proposals.veto(number, dao.people.large)
    assert dao.proposals.show(number).window_end == end + 24 * HOUR
    dao.client.request("evm_mine", end + 23 * HOUR)
    dao.proposals.veto(number, dao.people.small)  # 4 050 of 4 500, late again
    assert dao.proposals.show(number).window_end == end + 24 * HOUR


def test_half_the_threshold_in_time_extends_nothing(dao: Rehearsal, token: Contract) -> None:
    halve(dao, token)
    number = dao.propose()
    end = dao.proposals.show(number).window_end
    dao.client.request("evm_mine", end - 12 * HOUR - 1)
    dao.proposals.veto(number, dao.people.large)
    assert dao.proposals.show(number).window_end == end


def test_less_than_half_the_threshold_extends_nothing(dao: Rehearsal) -> None:
    number = dao.propose()
    end = dao.proposals.show(number).window_end
    dao.client.request("evm_mine", end - HOUR)
    dao.proposals.veto(number, dao.people.small)
    assert dao.proposals.show(number).window_end == end


def deploy_governor(dao: Rehearsal, *, threshold_bps: int) -> None:
    at, guardian = dao.deployment.addresses, dao.people.guardian.address
    neighbours = at["veto_power"], at["timelock"], at["gate"], guardian
    dao.client.deploy(dao.people.deployer, "ParameterGovernor", *neighbours, threshold_bps)


def deploy_power(dao: Rehearsal, treasuries: tuple[str, ...]) -> None:
    token = dao.deployment.addresses["governance_token"]
    dao.client.deploy(dao.people.deployer, "VotesPower", token, list(treasuries))


@pytest.mark.parametrize("threshold_bps", [0, 5_01])
def test_a_threshold_out_of_range_cannot_be_deployed(dao: Rehearsal, threshold_bps: int) -> None:
    deploy_governor(dao, threshold_bps=5_00)
    with pytest.raises(GovernanceError, match="VetoThresholdOutOfRange"):
        deploy_governor(dao, threshold_bps=threshold_bps)


def test_a_treasury_named_twice_cannot_be_deployed(dao: Rehearsal) -> None:
    treasury = dao.people.treasury.address
    with pytest.raises(GovernanceError, match="TreasuriesNotAscending"):
        deploy_power(dao, (treasury, treasury))


def test_nine_treasuries_cannot_be_deployed(dao: Rehearsal) -> None:
    with pytest.raises(GovernanceError, match="TooManyTreasuries"):
        deploy_power(dao, tuple(f"0x{n:040x}" for n in range(1, 10)))


def test_a_veto_by_signature_counts_like_one_sent(dao: Rehearsal) -> None:
    """Any relayer brings it; OpenZeppelin's ballot, nonce and domain."""
    number, holder = dao.propose(), dao.people.large
    dao.open_voting()
    at = dao.deployment.addresses["governor"]
    governor, proposal = dao.client.contract("ParameterGovernor", at), dao.proposals.governor_id(number)
    nonce = dao.client.call(governor.functions.nonces(holder.address))
    domain = {"name": "Tribunate", "version": "1", "chainId": dao.client.chain_id, "verifyingContract": at}
    fields = (("proposalId", "uint256"), ("support", "uint8"), ("voter", "address"), ("nonce", "uint256"))
    types = {"Ballot": [{"name": name, "type": kind} for name, kind in fields]}
    ballot = {"proposalId": proposal, "support": 0, "voter": holder.address, "nonce": nonce}
    message = encode_typed_data(domain, types, ballot)
    digest = keccak(b"\x19" + message.version + message.header + message.body)
    cast = governor.functions.castVoteBySig(proposal, 0, holder.address, holder.sign(digest))
    dao.client.send(dao.people.stranger, cast)
    assert dao.proposals.state(number) is ProposalState.DEFEATED
    with pytest.raises(GovernanceError, match="GovernorInvalidSignature"):
        dao.client.send(dao.people.stranger, cast)
