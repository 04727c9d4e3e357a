"""Bonds: deposit, unbond, slash for what the contract decides by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from web3.contract.contract import Contract

from core.errors import GovernanceError
from core.update import ParameterUpdate
from governance.rehearsal import DAY, USD, Rehearsal
from governance.signing import LocalSigner, update_tuple
from tests.contracts.settlement_money import BURNED, balance, money

BOND = 5_000 * USD


@pytest.fixture
def bonds(open_dao: Rehearsal) -> Contract:
    """The first agent has bonded 5,000; deployer and stranger hold the token."""
    dao, people = open_dao, open_dao.people
    made = dao.client.contract("Bonds", dao.deployment.addresses["bonds"])
    token = money(dao)
    for person in (people.deployer, people.stranger):
        dao.client.send(people.deployer, token.functions.mint(person.address, 2 * BOND))
        dao.client.send(person, token.functions.approve(made.address, 2 * BOND))
    dao.client.send(people.deployer, made.functions.deposit(1, BOND))
    return made


def signed(
    dao: Rehearsal, signer: LocalSigner, updates: list[ParameterUpdate], place: int = 0
) -> tuple[list[object], int, bytes]:
    """What a signer has put its name to, as the contract wants it."""
    digest = dao.hasher.batch_digest(updates)
    return [update_tuple(u) for u in updates], place, signer.sign(digest)


def conserved(dao: Rehearsal, bonds: Contract) -> bool:
    return balance(dao, bonds.address) == dao.client.call(bonds.functions.totalBonds())


def test_a_bond_comes_back_after_thirty_days(open_dao: Rehearsal, bonds: Contract) -> None:
    dao, agent = open_dao, open_dao.people.agents[0]
    dao.client.send(agent, bonds.functions.startUnbonding(1, BOND))
    dao.client.advance(30 * DAY - 60)
    with pytest.raises(GovernanceError, match="StillUnbonding"):
        dao.client.send(agent, bonds.functions.withdraw(1))
    dao.client.advance(60)
    dao.client.send(agent, bonds.functions.withdraw(1))
    assert balance(dao, agent.address) == BOND
    assert conserved(dao, bonds)


def test_unbonding_lasts_longer_than_any_proposal(open_dao: Rehearsal, bonds: Contract) -> None:
    window, queueing, timelock, grace, ramp = 5 * DAY, 7 * DAY, DAY, 7 * DAY, 7 * DAY
    longest = window + queueing + timelock + grace + ramp
    assert open_dao.client.call(bonds.functions.UNBONDING_SECONDS()) > longest


def test_only_the_agents_owner_unbonds(open_dao: Rehearsal, bonds: Contract) -> None:
    for function in (bonds.functions.startUnbonding(1, 1), bonds.functions.withdraw(1)):
        with pytest.raises(GovernanceError, match="NotAgentOwner"):
            open_dao.client.send(open_dao.people.stranger, function)


def test_more_than_the_bond_cannot_be_unbonded(open_dao: Rehearsal, bonds: Contract) -> None:
    with pytest.raises(GovernanceError, match="NotEnoughBonded"):
        open_dao.client.send(open_dao.people.agents[0], bonds.functions.startUnbonding(1, BOND + 1))


def test_a_bond_for_nobody_reverts(open_dao: Rehearsal, bonds: Contract) -> None:
    with pytest.raises(GovernanceError, match="ERC721NonexistentToken"):
        open_dao.client.send(open_dao.people.stranger, bonds.functions.deposit(99, 1))


def test_two_signatures_for_one_turn_are_slashed(open_dao: Rehearsal, bonds: Contract) -> None:
    """Half to whoever shows them, half burned, what is unbonding included."""
    dao, agent, stranger = open_dao, open_dao.people.agents[0], open_dao.people.stranger
    dao.client.send(agent, bonds.functions.startUnbonding(1, 2_000 * USD))
    update, before = dao.update(75_50), balance(dao, stranger.address)
    one, other = signed(dao, agent, [update]), signed(dao, agent, [replace(update, high_bound=76_00)])
    dao.client.send(stranger, bonds.functions.slashEquivocation(agent.address, one, other))
    assert balance(dao, stranger.address) - before == BOND // 2
    assert balance(dao, BURNED) == BOND // 2
    assert conserved(dao, bonds)
    with pytest.raises(GovernanceError, match="NothingToSlash"):
        dao.client.send(stranger, bonds.functions.slashEquivocation(agent.address, one, other))


def test_an_update_and_a_batch_of_one_turn_are_slashed(open_dao: Rehearsal, bonds: Contract) -> None:
    dao, agent = open_dao, open_dao.people.agents[0]
    update = dao.update(75_50)
    beside = replace(update, market=dao.people.stranger.address)
    one = signed(dao, agent, [update])
    other = signed(dao, agent, [beside, replace(update, low_bound=70_00)], 1)
    dao.client.send(dao.people.stranger, bonds.functions.slashEquivocation(agent.address, one, other))
    assert dao.client.call(bonds.functions.totalBonds()) == 0


@pytest.mark.parametrize("change", [{"epoch": 2}, {"attempt": 1}, {"market": "0x" + "11" * 20}])
def test_another_turn_is_no_equivocation(
    open_dao: Rehearsal, bonds: Contract, change: dict[str, object]
) -> None:
    dao, agent = open_dao, open_dao.people.agents[0]
    update = dao.update(75_50)
    one, other = signed(dao, agent, [update]), signed(dao, agent, [replace(update, **change)])  # type: ignore[arg-type]
    with pytest.raises(GovernanceError, match="NotTheSameTurn"):
        function = bonds.functions.slashEquivocation(agent.address, one, other)
        dao.client.send(dao.people.stranger, function)


def test_the_same_content_twice_is_no_equivocation(open_dao: Rehearsal, bonds: Contract) -> None:
    dao, agent = open_dao, open_dao.people.agents[0]
    one = signed(dao, agent, [dao.update()])
    with pytest.raises(GovernanceError, match="SameContent"):
        dao.client.send(dao.people.stranger, bonds.functions.slashEquivocation(agent.address, one, one))


def test_nobody_is_slashed_for_anothers_signature(open_dao: Rehearsal, bonds: Contract) -> None:
    dao, (agent, other, *_) = open_dao, open_dao.people.agents
    update = dao.update()
    one, forged = signed(dao, agent, [update]), signed(dao, other, [replace(update, high_bound=76_00)])
    with pytest.raises(GovernanceError, match="NotSignedBy"):
        function = bonds.functions.slashEquivocation(agent.address, one, forged)
        dao.client.send(dao.people.stranger, function)


def test_a_stranger_without_a_seat_has_nothing_to_lose(open_dao: Rehearsal, bonds: Contract) -> None:
    dao, stranger = open_dao, open_dao.people.stranger
    update = dao.update()
    one = signed(dao, stranger, [update])
    other = signed(dao, stranger, [replace(update, high_bound=76_00)])
    with pytest.raises(GovernanceError, match="NotASeat"):
        dao.client.send(stranger, bonds.functions.slashEquivocation(stranger.address, one, other))


def test_a_wrong_claim_is_slashed_and_a_right_one_costs_the_challenger(
    open_dao: Rehearsal, bonds: Contract
) -> None:
    dao, stranger = open_dao, open_dao.people.stranger
    verifier = dao.client.deploy(dao.people.deployer, "FixedVerifier")
    with pytest.raises(GovernanceError, match="NoVerifier"):
        dao.client.send(stranger, bonds.functions.challengeClaim(1, b"wrong"))
    dao.client.send(dao.people.deployer, bonds.functions.setVerifier(verifier))
    before = balance(dao, stranger.address)
    dao.client.send(stranger, bonds.functions.challengeClaim(1, b"right"))
    assert before - balance(dao, stranger.address) == 1_000 * USD == balance(dao, BURNED)
    dao.client.send(stranger, bonds.functions.challengeClaim(1, b"wrong"))
    assert balance(dao, stranger.address) == before - 1_000 * USD + BOND // 2
    assert conserved(dao, bonds)
