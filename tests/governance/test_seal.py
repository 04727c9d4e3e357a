"""A DAO is sealed when the timelock owns everything and nobody votes with a treasury's tokens."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.errors import ConfigError, GovernanceError
from governance.founding.demo import SeatAttestation
from governance.founding.sealing import require_sealed, seal
from governance.rehearsal import Rehearsal


@pytest.fixture(scope="module")
def opened_dao() -> Iterator[Rehearsal]:
    dao = Rehearsal(sealed=False)
    yield dao
    dao.close()


@pytest.fixture
def open_dao(opened_dao: Rehearsal) -> Iterator[Rehearsal]:
    with opened_dao.rewound():
        yield opened_dao


def check(dao: Rehearsal) -> None:
    require_sealed(dao.client, dao.deployment, former_owner=dao.people.deployer.address)


def test_sealing_hands_everything_over(open_dao: Rehearsal) -> None:
    seal(open_dao.client, open_dao.people.deployer, open_dao.deployment)
    check(open_dao)


def test_an_open_dao_is_not_sealed(open_dao: Rehearsal) -> None:
    with pytest.raises(GovernanceError, match="is owned by"):
        check(open_dao)


def test_only_the_owner_seals(open_dao: Rehearsal) -> None:
    with pytest.raises(GovernanceError, match="OwnableUnauthorizedAccount"):
        seal(open_dao.client, open_dao.people.stranger, open_dao.deployment)


def test_a_second_executor_is_found(open_dao: Rehearsal) -> None:
    deployer, timelock = open_dao.people.deployer, open_dao.deployment.addresses["timelock"]
    made = open_dao.client.contract("TribunateTimelock", timelock)
    role = open_dao.client.call(made.functions.EXECUTOR_ROLE())
    open_dao.client.send(deployer, made.functions.grantRole(role, deployer.address))
    with pytest.raises(GovernanceError, match="holds EXECUTOR_ROLE"):
        seal(open_dao.client, deployer, open_dao.deployment)


def test_an_open_executor_is_found(open_dao: Rehearsal) -> None:
    deployer, timelock = open_dao.people.deployer, open_dao.deployment.addresses["timelock"]
    made = open_dao.client.contract("TribunateTimelock", timelock)
    role = open_dao.client.call(made.functions.EXECUTOR_ROLE())
    open_dao.client.send(deployer, made.functions.grantRole(role, "0x" + "00" * 20))
    with pytest.raises(GovernanceError, match="holds EXECUTOR_ROLE"):
        seal(open_dao.client, deployer, open_dao.deployment)


def test_a_treasury_that_lends_its_votes_is_found(open_dao: Rehearsal) -> None:
    people = open_dao.people
    made = open_dao.client.contract("GovernanceToken", open_dao.deployment.addresses["governance_token"])
    open_dao.client.send(people.treasury, made.functions.delegate(people.large.address))
    with pytest.raises(GovernanceError, match="has delegated to"):
        seal(open_dao.client, people.deployer, open_dao.deployment)


@pytest.mark.parametrize("text", ["", "x" * 32, "Zürich"])
def test_a_seats_texts_are_short_ascii(text: str) -> None:
    with pytest.raises(ConfigError, match="seat text was"):
        SeatAttestation(1, text, "neural", "exchange").encoded()
