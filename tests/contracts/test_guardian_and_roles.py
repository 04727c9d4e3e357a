"""The guardian cancels and no more; the timelock obeys the governor and nobody else."""

from __future__ import annotations

import pytest

from core.errors import GovernanceError
from core.proposal import ProposalState
from governance.founding.sealing import require_sealed
from governance.rehearsal import DAY, Rehearsal
from governance.signing import keccak, update_tuple


def test_the_guardian_cancels_a_pending_proposal(dao: Rehearsal) -> None:
    number = dao.propose()
    dao.proposals.cancel(number, dao.people.guardian)
    assert dao.proposals.state(number) is ProposalState.CANCELED
    assert "canceled" in dao.proposals.show(number).transactions


def test_the_guardian_cancels_in_the_timelock(dao: Rehearsal) -> None:
    number = dao.propose()
    dao.close_window()
    dao.queue_and_wait(number)
    dao.proposals.cancel(number, dao.people.guardian)
    with pytest.raises(GovernanceError, match="GovernorUnexpectedProposalState"):
        dao.proposals.execute(number, dao.people.stranger)


def test_cancelling_after_execution_reverts(dao: Rehearsal) -> None:
    number = dao.propose()
    dao.close_window()
    dao.queue_and_wait(number)
    dao.proposals.execute(number, dao.people.stranger)
    with pytest.raises(GovernanceError, match="GovernorUnexpectedProposalState"):
        dao.proposals.cancel(number, dao.people.guardian)


@pytest.mark.parametrize("who", ["deployer", "stranger", "large"])
def test_nobody_else_cancels(dao: Rehearsal, who: str) -> None:
    number = dao.propose()
    with pytest.raises(GovernanceError, match="GovernorUnableToCancel"):
        dao.proposals.cancel(number, getattr(dao.people, who))


def test_the_bringer_of_a_proposal_cannot_cancel_it(dao: Rehearsal) -> None:
    number = dao.propose()  # brought by the stranger
    with pytest.raises(GovernanceError, match="GovernorUnableToCancel"):
        dao.proposals.cancel(number, dao.people.stranger)


def test_the_guardian_expires(dao: Rehearsal) -> None:
    dao.client.advance(180 * DAY)
    number = dao.propose()
    with pytest.raises(GovernanceError, match="GovernorUnableToCancel"):
        dao.proposals.cancel(number, dao.people.guardian)


def test_a_sealed_dao_has_no_other_owner(dao: Rehearsal) -> None:
    require_sealed(dao.client, dao.deployment, former_owner=dao.people.deployer.address)


@pytest.mark.parametrize(
    ("contract", "role", "call"),
    [
        ("DemoLendingMarket", "market", ("setConfigurator", "0x" + "11" * 20)),
        ("SeatRegistry", "seats", ("unseat", 1)),
        ("AgentRegistry", "registry", ("setSeatWatch", "0x" + "11" * 20)),
        ("ModelRegistry", "models", ("revoke", bytes(32), "")),
        ("UpdateGate", "gate", ("setEntrances", "0x" + "11" * 20, "0x" + "11" * 20)),
        ("DemoMarketAdapter", "adapter", ("setEntrances", "0x" + "11" * 20, "0x" + "11" * 20)),
        ("LimitBook", "limits", ("setDelegate", "0x" + "11" * 20)),
        ("DemoOracle", "oracle", ("setReporter", "0x" + "11" * 20)),
        ("DemoToken", "collateral_token", ("mint", "0x" + "11" * 20, 1)),
    ],
)
def test_the_deployer_has_no_power_left(
    dao: Rehearsal, *, contract: str, role: str, call: tuple[str, object]
) -> None:
    name, *arguments = call
    made = dao.client.contract(contract, dao.deployment.addresses[role])
    with pytest.raises(GovernanceError, match="OwnableUnauthorizedAccount"):
        dao.client.send(dao.people.deployer, made.functions[name](*arguments))


@pytest.mark.parametrize("who", ["deployer", "guardian", "stranger"])
def test_nobody_schedules_past_the_governor(dao: Rehearsal, who: str) -> None:
    timelock = dao.client.contract("TribunateTimelock", dao.deployment.addresses["timelock"])
    target = dao.deployment.addresses["market"]
    with pytest.raises(GovernanceError, match="AccessControlUnauthorizedAccount"):
        function = timelock.functions.schedule(target, 0, b"", bytes(32), bytes(32), DAY)
        dao.client.send(getattr(dao.people, who), function)


def test_nobody_executes_past_the_governor(dao: Rehearsal) -> None:
    number = dao.propose()
    dao.close_window()
    dao.queue_and_wait(number)
    view = dao.proposals.show(number)
    timelock = dao.client.contract("TribunateTimelock", dao.deployment.addresses["timelock"])
    text = f"Tribunate parameter update 0x{view.digest.hex()}"
    governor = bytes.fromhex(dao.deployment.addresses["governor"][2:]).ljust(32, b"\0")
    salt = bytes(a ^ b for a, b in zip(governor, keccak(text.encode()), strict=True))
    with pytest.raises(GovernanceError, match="AccessControlUnauthorizedAccount"):
        function = timelock.functions.executeBatch([view.call_target], [0], [view.call_data], bytes(32), salt)
        dao.client.send(dao.people.stranger, function)


def test_nobody_calls_the_adapter_directly(dao: Rehearsal) -> None:
    adapter = dao.client.contract("DemoMarketAdapter", dao.deployment.addresses["adapter"])
    for person in (dao.people.deployer, dao.people.guardian, dao.people.stranger):
        row = update_tuple(dao.update())
        with pytest.raises(GovernanceError, match="OwnableUnauthorizedAccount"):
            dao.client.send(person, adapter.functions.applyUpdates([row]))
        with pytest.raises(GovernanceError, match="NotFastLane"):
            dao.client.send(person, adapter.functions.applyCut(row))
        with pytest.raises(GovernanceError, match="NotGovernor"):
            dao.client.send(person, adapter.functions.stopRamp(row[1], 1))


def test_nobody_writes_to_the_market_directly(dao: Rehearsal) -> None:
    market = dao.client.contract("DemoLendingMarket", dao.deployment.addresses["market"])
    values = tuple(dao.reader.parameters().as_dict().values())
    with pytest.raises(GovernanceError, match="NotConfigurator"):
        dao.client.send(dao.people.deployer, market.functions.setParameters(values))
