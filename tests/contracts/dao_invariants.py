"""Numbered invariants of a whole DAO: seats, quorum, veto, timelock, registries and the fast lane.

Each function must pass on the real bytecode and fail on the one with the planted bug (test_invariants.py).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from core.errors import GovernanceError, GuardrailError
from core.lanes import Lane
from core.market import Scalar
from core.ports import TransportBinding
from core.proposal import ProposalState
from governance.registry import AgentCard, AgentDirectory
from governance.rehearsal import DAY, ETHER, HOUR, TIMELOCK_SECONDS, known_key
from governance.signing import keccak, update_tuple
from tests.contracts.conftest import refused

if TYPE_CHECKING:
    from tests.contracts.conftest import Stage


def a_quorum_of_distinct_seats_signs(stage: Stage) -> None:
    dao = stage.dao()
    update = dao.update()
    agents = dao.people.agents
    governor = dao.client.contract("ParameterGovernor", dao.deployment.addresses["governor"])

    def bring(pairs: list[tuple[str, bytes]]) -> None:
        signers, proofs = [s for s, _ in pairs], [p for _, p in pairs]
        function = governor.functions.proposeUpdate(update_tuple(update), signers, proofs)
        dao.client.send(dao.people.stranger, function)

    with refused(GovernanceError, "TooFewSigners"):
        bring(dao.signed(update, agents[:2]))
    with refused(GovernanceError, "SignersNotAscending"):
        bring(dao.signed(update, [agents[0], agents[1], agents[1]]))
    outsiders = sorted([*agents[:2], dao.people.stranger], key=lambda a: int(a.address, 16))
    with refused(GovernanceError, "SignerNotSeated"):
        bring(dao.signed(update, outsiders))
    (first, proof), second, third = dao.signed(update, agents[:3])
    with refused(GovernanceError, "BadSignature"):
        bring([(first, second[1]), second, third])
    bring([(first, proof), second, third])


def an_epoch_is_consumed_once(stage: Stage) -> None:
    dao = stage.dao()
    dao.propose(dao.update(75_40))
    assert dao.reader.epoch_consumed(1)
    with refused(GovernanceError, "EpochConsumed"):
        dao.propose(replace(dao.update(75_30), attempt=1))
    dao.propose(dao.update(75_30, epoch=2))


def a_veto_at_the_threshold_kills_at_once(stage: Stage) -> None:
    dao = stage.dao()
    people = dao.people
    token = dao.client.contract("GovernanceToken", dao.deployment.addresses["governance_token"])
    # votable: 1 000 000 less the treasury's 100 000; 0.5 % of it is 4 500, of which small holds 1 800
    dao.client.send(people.large, token.functions.transfer(people.stranger.address, 3_600 * ETHER))
    number = dao.propose()
    dao.open_voting()
    dao.proposals.veto(number, people.small)
    assert dao.proposals.state(number) is ProposalState.ACTIVE
    dao.proposals.veto(number, people.large)  # 1 800 + 2 700 = 4 500
    assert dao.proposals.state(number) is ProposalState.DEFEATED
    dao.close_window()
    assert dao.proposals.state(number) is ProposalState.DEFEATED


def nothing_executes_early_or_late(stage: Stage) -> None:
    dao = stage.dao()
    number = dao.propose()
    view = dao.proposals.show(number)
    assert view.window_end == view.created + 72 * HOUR
    dao.client.request("evm_mine", view.window_end - 1)  # a transaction now is in the window's last second
    with refused(GovernanceError, "GovernorUnexpectedProposalState"):
        dao.proposals.queue(number, dao.people.stranger)
    dao.client.request("evm_mine", view.window_end)
    dao.proposals.queue(number, dao.people.stranger)
    eta = dao.client.timestamp() + TIMELOCK_SECONDS
    dao.client.request("evm_mine", eta - 2)
    with refused(GovernanceError, "TimelockUnexpectedOperationState"):
        dao.proposals.execute(number, dao.people.stranger)
    dao.client.request("evm_mine", eta + 7 * DAY - 1)
    with dao.rewound():
        dao.proposals.execute(number, dao.people.stranger)
    dao.client.request("evm_mine", eta + 7 * DAY)
    with refused(GovernanceError, "GovernorUnexpectedProposalState"):
        dao.proposals.execute(number, dao.people.stranger)


def each_change_has_its_lane_by_effect(stage: Stage) -> None:
    dao = stage.dao()
    for lane, update in (
        ("RAMP", dao.update(74_50)),
        ("SLOW", dao.update(75_50)),
        ("SLOW", dao.update(5_50, scalar=Scalar.LIQUIDATION_BONUS)),
    ):
        with pytest.raises(GovernanceError, match=rf"^NotFast\(lane={lane}\)"):
            dao.announce(update)
    cut = dao.update(69_50, scalar=Scalar.LTV)
    with pytest.raises(GuardrailError, match=r"^LaneNotOpen\(lane=FAST\)"):
        dao.propose(cut)
    dao.announce(cut)
    assert dao.proposals.show(dao.propose(dao.update(74_50, epoch=2))).lane is Lane.RAMP


def one_agent_cannot_cancel_and_two_can(stage: Stage) -> None:
    dao = stage.dao()
    number = dao.propose()
    dao.proposals.withdraw(number, dao.people.agents[0])
    assert dao.proposals.state(number) is ProposalState.PENDING
    with refused(GovernanceError, "NotASigner"):
        dao.proposals.withdraw(number, dao.people.agents[0])
    dao.proposals.withdraw(number, dao.people.agents[1])
    assert dao.proposals.state(number) is ProposalState.CANCELED


def a_transferred_identity_loses_its_seat(stage: Stage) -> None:
    dao = stage.dao()
    registry = dao.client.contract("AgentRegistry", dao.deployment.addresses["registry"])
    agent, version = dao.people.agents[0], dao.reader.seat_table().version
    transfer = registry.functions.transferFrom(agent.address, dao.people.stranger.address, 1)
    dao.client.send(agent, transfer)
    table = dao.reader.seat_table()
    assert table.version == version + 1
    assert [seat.agent_id for seat in table.seats] == [2, 3, 4]
    assert dao.client.call(registry.functions.getAgentWallet(1)) == "0x" + "00" * 20


def a_cut_waits_an_hour(stage: Stage) -> None:
    dao = stage.dao()
    number = dao.announce(dao.update(60_00, scalar=Scalar.LTV))
    announced = dao.client.timestamp()
    dao.client.request("evm_mine", announced + HOUR - 2)
    with refused(GovernanceError, "CutNotReady"):
        dao.cuts.execute(number, dao.people.stranger)
    dao.client.request("evm_mine", announced + HOUR - 1)
    dao.cuts.execute(number, dao.people.stranger)
    assert dao.reader.parameters().ltv_bps == 60_00


def two_lost_seats_stop_execution_unreported(stage: Stage) -> None:
    dao = stage.dao()
    registry = dao.client.contract("AgentRegistry", dao.deployment.addresses["registry"])
    number = dao.propose()
    dao.close_window()
    dao.queue_and_wait(number)
    dao.client.send(dao.people.agents[0], registry.functions.unsetAgentWallet(1))
    with dao.rewound():
        dao.proposals.execute(number, dao.people.stranger)
    dao.client.send(dao.people.agents[1], registry.functions.unsetAgentWallet(2))
    with refused(GovernanceError, "BackingLost"):
        dao.proposals.execute(number, dao.people.stranger)


def a_revoked_model_blocks_what_rests_on_it(stage: Stage) -> None:
    dao = stage.dao(sealed=False)
    adapter = dao.client.contract("DemoMarketAdapter", dao.deployment.addresses["adapter"])
    timelock = dao.deployment.addresses["timelock"]
    dao.client.send(dao.people.deployer, adapter.functions.transferOwnership(timelock))
    models = dao.client.contract("ModelRegistry", dao.deployment.addresses["models"])
    content = (keccak(b"data"), keccak(b"code"), keccak(b"model"), [])
    dao.client.send(dao.people.stranger, models.functions.publish(content, ""))
    model = bytes(dao.client.call(models.functions.idOf(content, dao.people.stranger.address)))
    number = dao.propose(replace(dao.update(), models=(model,)))
    dao.close_window()
    dao.queue_and_wait(number)
    with dao.rewound():
        dao.proposals.execute(number, dao.people.stranger)
    dao.client.send(dao.people.deployer, models.functions.revoke(model, "trained on a poisoned feed"))
    with refused(GovernanceError, "ModelNotLive"):
        dao.proposals.execute(number, dao.people.stranger)


def the_guardian_disables_at_most_f_seats(stage: Stage) -> None:
    dao = stage.dao()
    seats = dao.client.contract("SeatRegistry", dao.deployment.addresses["seats"])
    dao.client.send(dao.people.guardian, seats.functions.disable(1))
    with refused(GovernanceError, "TooManyDisabled"):
        dao.client.send(dao.people.guardian, seats.functions.disable(2))
    assert not dao.client.call(seats.functions.isActive(dao.people.agents[0].address))


def a_transport_address_is_bound_by_its_own_key(stage: Stage) -> None:
    dao = stage.dao()
    directory, stranger = AgentDirectory(dao.client, dao.deployment), dao.people.stranger
    victim = known_key(f"transport of {dao.people.agents[0].address}")
    digest = directory.binding_digest(stranger.address, directory.entry(1).card.uagent)
    forged = TransportBinding(victim.public_key, stranger.sign(digest), stranger.sign(digest))
    with refused(GovernanceError, "BadTransportProof"):
        directory.register(stranger, AgentCard("", (), b""), forged)
    genuine = TransportBinding(victim.public_key, victim.sign(digest), stranger.sign(digest))
    directory.register(stranger, AgentCard("", (), b""), genuine)
