"""A transaction happens exactly once, whatever happens between writing it down and its receipt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from web3.contract.contract import Contract

from core.errors import ChainError, GovernanceError
from governance.outbox import Outbox
from governance.rehearsal import GENESIS_TIME, Rehearsal


@pytest.fixture
def oracle(dao: Rehearsal) -> Contract:
    return dao.client.contract("DemoOracle", dao.deployment.addresses["oracle"])


@pytest.fixture
def open_outbox(dao: Rehearsal, tmp_path: Path) -> Iterator[Callable[[], Outbox]]:
    """Opens the reporter's outbox, as a restarted process would."""
    made = []

    def opened() -> Outbox:
        made.append(Outbox(dao.client, dao.people.reporter, tmp_path / "outbox.sqlite"))
        return made[-1]

    yield opened
    for outbox in made:
        outbox.close()


def rounds(dao: Rehearsal, oracle: Contract) -> int:
    return int(dao.client.call(oracle.functions.roundId()))


def test_sending_twice_happens_once(
    dao: Rehearsal, oracle: Contract, open_outbox: Callable[[], Outbox]
) -> None:
    outbox = open_outbox()
    first = outbox.send("price 1", oracle.functions.report(5, GENESIS_TIME))
    second = outbox.send("price 1", oracle.functions.report(6, GENESIS_TIME))
    assert first["transactionHash"] == second["transactionHash"]
    assert (rounds(dao, oracle), dao.reader.oracle()[0]) == (2, 5)


def test_another_purpose_is_another_transaction(
    dao: Rehearsal, oracle: Contract, open_outbox: Callable[[], Outbox]
) -> None:
    outbox = open_outbox()
    outbox.send("price 1", oracle.functions.report(5, GENESIS_TIME))
    outbox.send("price 2", oracle.functions.report(6, GENESIS_TIME))
    assert rounds(dao, oracle) == 3


def test_a_restart_before_the_broadcast_sends_the_same_bytes(
    dao: Rehearsal, oracle: Contract, open_outbox: Callable[[], Outbox]
) -> None:
    crashed = open_outbox()
    crashed._record("price 1", oracle.functions.report(5, GENESIS_TIME))  # written down, then killed
    assert rounds(dao, oracle) == 1
    again = open_outbox()
    receipt = again.send("price 1", oracle.functions.report(5, GENESIS_TIME))
    assert "0x" + bytes(receipt["transactionHash"]).hex() == again.transaction_of("price 1")
    assert rounds(dao, oracle) == 2


def test_a_restart_after_the_broadcast_only_waits(
    dao: Rehearsal, oracle: Contract, open_outbox: Callable[[], Outbox]
) -> None:
    open_outbox().send("price 1", oracle.functions.report(5, GENESIS_TIME))
    open_outbox().send("price 1", oracle.functions.report(5, GENESIS_TIME))
    assert rounds(dao, oracle) == 2


def test_a_refused_call_is_not_written_down(
    dao: Rehearsal, oracle: Contract, open_outbox: Callable[[], Outbox]
) -> None:
    outbox = open_outbox()
    with pytest.raises(GovernanceError, match="BadPrice"):
        outbox.send("price 1", oracle.functions.report(0, GENESIS_TIME))
    assert outbox.transaction_of("price 1") is None
    outbox.send("price 1", oracle.functions.report(5, GENESIS_TIME))
    assert rounds(dao, oracle) == 2


def test_a_nonce_used_elsewhere_is_reported_and_repaired(
    dao: Rehearsal, oracle: Contract, open_outbox: Callable[[], Outbox]
) -> None:
    crashed = open_outbox()
    crashed._record("price 1", oracle.functions.report(5, GENESIS_TIME))
    dao.client.send(dao.people.reporter, oracle.functions.report(9, GENESIS_TIME))  # past the outbox
    outbox = open_outbox()
    with pytest.raises(ChainError, match="was used elsewhere"):
        outbox.send("price 1", oracle.functions.report(5, GENESIS_TIME))
    outbox.send("price 1", oracle.functions.report(5, GENESIS_TIME))
    assert dao.reader.oracle()[0] == 5
