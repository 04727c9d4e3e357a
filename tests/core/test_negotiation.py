"""The negotiation machine: what four agents agree on, and what nobody can make them do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from network_in_memory import Network, Player, signed

from core.lanes import Lane, lane_of
from core.messages import Phase
from core.negotiation import Received, Stage, State

BOUNDS = {1: 77_85, 2: 78_40, 3: 76_10, 4: 75_90}


def network(bounds: dict[int, int | None] = BOUNDS, **changes: object) -> Network:
    return Network({agent: Player(bound) for agent, bound in bounds.items()}, **changes)


def outcomes(net: Network) -> set[str]:
    return {finish.outcome for finish in net.outcomes.values()}


def test_four_honest_agents_propose_the_clamped_third_largest_bound() -> None:
    net = network()
    net.run()
    assert outcomes(net) == {"proposed"}
    (_, submit), *_ = net.submitted
    assert submit.update.proposed.liquidation_threshold_bps == 75_50
    assert submit.update.proposed.ltv_bps == 70_50
    assert len(submit.signatures) == 4
    assert net.now == 0, "nobody waited for a deadline"


def test_without_a_step_limit_the_candidate_is_the_third_largest_bound() -> None:
    net = network(highest=90_00)
    net.run()
    (_, submit), *_ = net.submitted
    assert submit.update.proposed.liquidation_threshold_bps == 76_10
    assert (submit.update.low_bound, submit.update.high_bound) == (76_10, 77_85)
    assert len(submit.signatures) == 3, "the most cautious agent calls 75.90 % the limit and dissents"


def test_bounds_below_the_current_value_propose_a_ramp_to_the_third_largest() -> None:
    net = network({1: 74_00, 2: 74_50, 3: 73_00, 4: 74_90}, lowest=73_50)
    net.run()
    assert outcomes(net) == {"proposed"}
    update = net.submitted[0][1].update
    assert update.proposed.liquidation_threshold_bps == 74_00
    assert update.proposed.ltv_bps == 69_00, "the LTV stood at the margin and moves along"
    assert lane_of(update.expected, update.proposed, total_collateral=10**21) is Lane.RAMP


def test_a_ramp_goes_no_further_than_guardrails_let_it() -> None:
    net = network({1: 60_00, 2: 0, 3: 0, 4: 74_90}, lowest=73_50)
    net.run()
    update = net.submitted[0][1].update
    assert update.proposed.liquidation_threshold_bps == 73_50
    assert len(net.submitted[0][1].signatures) == 4, "it is safer than what stands for all of them"


def test_two_low_bounds_of_four_start_a_ramp_and_one_alone_does_not() -> None:
    one = network({1: 60_00, 2: 75_00, 3: 75_00, 4: 78_00}, lowest=73_50)
    two = network({1: 60_00, 2: 60_00, 3: 75_00, 4: 78_00}, lowest=73_50)
    one.run()
    two.run()
    assert (outcomes(one), outcomes(two)) == ({"no_change"}, {"proposed"})


def test_where_no_lane_leads_down_bounds_below_the_current_value_end_in_no_change() -> None:
    net = network({1: 74_00, 2: 74_50, 3: 73_00, 4: 74_90})
    net.run()
    assert outcomes(net) == {"no_change"}
    assert net.submitted == []


def test_two_abstentions_leave_no_agreement() -> None:
    net = network({1: 77_00, 2: 77_00, 3: None, 4: None})
    net.run()
    assert outcomes(net) == {"no_agreement"}


@pytest.mark.parametrize("phase", [Phase.COMMIT, Phase.REVEAL])
@pytest.mark.parametrize("agent", [1, 2, 3, 4])
def test_one_agent_that_dies_leaves_three_signers(phase: Phase, agent: int) -> None:
    net = network({1: 77_85, 2: 78_40, 3: 76_10, 4: 75_90})
    net.players[agent].dies_after = phase
    net.run()
    assert {net.outcomes[a].outcome for a in net.players if a != agent} == {"proposed"}
    assert len(net.submitted[0][1].signatures) == 3


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_the_next_keeper_announces_when_the_first_is_dead(rank: int) -> None:
    net = network()
    dead = net.keepers[rank]
    net.players[dead].alive = False
    net.run()
    assert {net.outcomes[a].outcome for a in net.players if a != dead} == {"proposed"}


def announced_by(net: Network) -> list[int]:
    return [message.agent_id for message in net.log if message.phase is Phase.ANNOUNCE]


@pytest.mark.parametrize(("late", "rank"), [(149, 0), (150, 1), (299, 1), (300, 2), (450, 3), (599, 3)])
def test_the_keeper_whose_turn_it_is_announces_and_no_other(late: int, rank: int) -> None:
    """Turns are 150 s long; whoever wakes after its own leaves the announce to the next."""
    net = network()
    net.now = late
    net.states = {agent: State(now=late) for agent in net.players}
    net.run()
    assert announced_by(net) == [net.keepers[rank]]
    assert outcomes(net) == {"proposed"}


def test_a_counter_lowers_the_candidate() -> None:
    net = network(highest=90_00)
    net.players[3].counter = 75_20
    net.run()
    assert net.submitted[0][1].update.proposed.liquidation_threshold_bps == 75_90


def test_a_counter_that_raises_is_refused_by_all() -> None:
    net = network(highest=90_00)
    net.players[4].counter = 89_00
    net.run()
    assert net.submitted[0][1].update.proposed.liquidation_threshold_bps == 76_10


def test_one_who_withholds_below_its_bound_is_left_out() -> None:
    net = network(highest=90_00)
    net.players[3].signs = False
    net.run()
    submits = [submit.update for _, submit in net.submitted]
    assert submits[0].attempt == 1
    assert submits[0].proposed.liquidation_threshold_bps == 75_90


def test_two_who_withhold_stop_the_epoch() -> None:
    net = network()
    net.players[1].signs = net.players[2].signs = False
    net.run()
    assert outcomes(net) == {"no_agreement"}


def test_a_forged_signature_is_refused() -> None:
    net = network()
    real = signed(1, 2, Phase.COMMIT, {"announce": "", "commitment": ""})
    net.feed(1, Received(replace(real, agent_id=3)))
    assert "signature" in net.rejects[0].reason


def test_a_stranger_is_refused() -> None:
    net = network()
    net.feed(1, Received(signed(1, 9, Phase.COMMIT, {})))
    assert "no seat" in net.rejects[0].reason


def test_a_message_of_another_epoch_is_refused() -> None:
    net = network()
    net.feed(1, Received(signed(2, 2, Phase.COMMIT, {})))
    assert "epoch 2" in net.rejects[0].reason


def test_two_different_reveals_are_a_contradiction() -> None:
    net = network()
    net.feed(1, Received(signed(1, 2, Phase.REVEAL, {"bound": 1})))
    net.feed(1, Received(signed(1, 2, Phase.REVEAL, {"bound": 2})))
    assert "contradicts" in net.rejects[0].reason


def test_the_same_message_twice_changes_nothing() -> None:
    net = network()
    message = signed(1, 2, Phase.COMMIT, {"announce": "", "commitment": ""})
    net.feed(1, Received(message))
    before = net.states[1]
    net.feed(1, Received(message))
    assert net.states[1] is before and net.rejects == []


def test_a_finished_epoch_takes_no_more_events() -> None:
    net = network()
    net.run()
    before = net.states[1]
    net.feed(1, Received(signed(1, 2, Phase.DISSENT, {})))
    assert net.states[1] is before and before.stage is Stage.DONE


def test_a_commit_without_its_reveal_is_no_bound() -> None:
    net = network(highest=90_00)
    net.players[2].dies_after = Phase.COMMIT
    net.run()
    assert net.submitted[0][1].update.proposed.liquidation_threshold_bps == 75_90


# --- models ------------------------------------------------------------------------------------------

MODELS = {agent: bytes([9 - agent]) * 32 for agent in (1, 2, 3, 4)}
LIVE = {agent: (model,) for agent, model in MODELS.items()}


def with_models(net: Network, models: dict[int, bytes]) -> Network:
    for agent, model in models.items():
        net.players[agent].model_id = model
    net.run()
    return net


def test_an_update_names_the_models_that_its_bounds_rest_on_ascending() -> None:
    net = with_models(network(live_models=LIVE), MODELS)
    assert net.submitted[0][1].update.models == tuple(MODELS[agent] for agent in (4, 3, 2, 1))


def test_two_agents_of_one_model_name_it_once_and_one_without_a_model_names_none() -> None:
    live = {1: (MODELS[1],), 2: (MODELS[1],), 3: (MODELS[3],)}
    net = with_models(network(live_models=live), {1: MODELS[1], 2: MODELS[1], 3: MODELS[3]})
    assert net.submitted[0][1].update.models == (MODELS[3], MODELS[1])


def test_who_abstains_brings_no_model() -> None:
    net = with_models(network({**BOUNDS, 4: None}, live_models=LIVE), MODELS)
    assert MODELS[4] not in net.submitted[0][1].update.models


def test_who_is_left_out_of_an_attempt_takes_its_model_along() -> None:
    net = network(highest=90_00, live_models=LIVE)
    net.players[3].signs = False
    with_models(net, MODELS)
    assert net.submitted[0][1].update.models == tuple(MODELS[agent] for agent in (4, 2, 1))


@pytest.mark.parametrize("named", [b"\x77" * 32, MODELS[2]], ids=["dead or unknown", "another agent's"])
def test_a_reveal_with_a_model_that_is_not_its_author_s_does_not_count(named: bytes) -> None:
    """Otherwise one agent could keep every update from the chain, which refuses dead models."""
    net = with_models(network(highest=90_00, live_models=LIVE), {**MODELS, 1: named})
    update = net.submitted[0][1].update
    assert named not in update.models or named == MODELS[2]
    assert update.proposed.liquidation_threshold_bps == 75_90, "the third largest of three bounds"


@settings(max_examples=25, deadline=None)
@given(
    honest=st.lists(st.integers(70_00, 80_00), min_size=3, max_size=3),
    liar=st.one_of(st.none(), st.integers(0, 100_00)),
)
def test_one_liar_cannot_leave_the_honest_bounds(honest: list[int], liar: int | None) -> None:
    net = network({1: honest[0], 2: honest[1], 3: honest[2], 4: liar}, lowest=0, highest=100_00)
    net.run()
    for _, submit in net.submitted:
        value = submit.update.proposed.liquidation_threshold_bps
        assert min(honest) <= value <= max(honest)
