"""The demo oracle: one reporter, prices above zero, times that do not run backwards."""

from __future__ import annotations

import pytest
from web3.contract.contract import Contract

from core.errors import GovernanceError
from core.units import PRICE_ONE
from governance.rehearsal import GENESIS_TIME, Rehearsal


@pytest.fixture
def oracle(dao: Rehearsal) -> Contract:
    return dao.client.contract("DemoOracle", dao.deployment.addresses["oracle"])


def test_a_report_moves_price_round_and_times(dao: Rehearsal, oracle: Contract) -> None:
    dao.client.send(dao.people.reporter, oracle.functions.report(1_900 * PRICE_ONE, GENESIS_TIME + 1))
    now = dao.client.timestamp()
    rounds = dao.client.call(oracle.functions.latestRoundData())
    assert rounds == [2, 1_900 * PRICE_ONE, GENESIS_TIME + 1, now, 2]
    assert dao.reader.oracle() == (1_900 * PRICE_ONE, GENESIS_TIME + 1)
    assert dao.reader.market_snapshot().oracle_price == 1_900 * PRICE_ONE


def test_a_report_reverts_for_others(dao: Rehearsal, oracle: Contract) -> None:
    with pytest.raises(GovernanceError, match="NotReporter"):
        dao.client.send(dao.people.deployer, oracle.functions.report(1, GENESIS_TIME))


@pytest.mark.parametrize("price", [0, 2**128])
def test_an_impossible_price_reverts(dao: Rehearsal, oracle: Contract, price: int) -> None:
    with pytest.raises(GovernanceError, match="BadPrice"):
        dao.client.send(dao.people.reporter, oracle.functions.report(price, GENESIS_TIME))


@pytest.mark.parametrize("seconds", [-1, 10**6])
def test_a_time_before_the_last_or_in_the_future_reverts(
    dao: Rehearsal, oracle: Contract, seconds: int
) -> None:
    with pytest.raises(GovernanceError, match="BadObservationTime"):
        dao.client.send(dao.people.reporter, oracle.functions.report(PRICE_ONE, GENESIS_TIME + seconds))
