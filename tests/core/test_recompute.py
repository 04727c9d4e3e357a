"""A candidate follows from the signed messages alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from network_in_memory import Network, Player, message_digest, recover, signed

from core.calls import extraordinary_epoch
from core.errors import NegotiationError
from core.messages import Phase, SignedMessage, message_to_dict
from core.recompute import recompute


def signer_of(message: SignedMessage) -> str | None:
    digest = message_digest(
        message.epoch, message.attempt, message.round, message.phase, message.agent_id, message.payload
    )
    return recover(digest, message.signature) if digest == message.digest else None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(74_00, 79_00)), min_size=4, max_size=4), st.data())
def test_any_epoch_is_recomputed_from_its_messages(bounds: list[int | None], data: st.DataObject) -> None:
    net = Network({a: Player(b) for a, b in enumerate(bounds, 1)}, highest=76_00)
    obstinate = data.draw(st.sampled_from([0, 1, 2, 3, 4]))
    if obstinate:
        net.players[obstinate].signs = False
    net.run()
    again = recompute(reversed(net.log), 1, signer_of=signer_of)
    assert {again.outcome} == {finish.outcome for finish in net.outcomes.values()}
    if net.submitted:
        update = net.submitted[0][1].update
        assert again.value == update.proposed.liquidation_threshold_bps
        assert again.attempt == update.attempt


def test_an_obstinate_agent_can_turn_a_change_into_none() -> None:
    net = Network({1: Player(74_00), 2: Player(75_01, signs=False), 3: Player(75_01), 4: Player(75_01)})
    net.run()
    assert {finish.outcome for finish in net.outcomes.values()} == {"no_change"}
    assert recompute(net.log, 1, signer_of=signer_of).outcome == "no_change"


def test_a_forged_reveal_inside_a_certificate_is_found() -> None:
    net = Network({1: Player(77_00), 2: Player(77_00), 3: Player(76_00), 4: Player(76_00)})
    net.run()
    forged = []
    for message in net.log:
        if message.phase is Phase.CERTIFICATE and message.round == 0:
            payload = message.payload.replace(b"7600", b"7700")
            assert payload != message.payload
            message = replace(message, payload=payload)
        forged.append(message)
    again = recompute(forged, 1, signer_of=signer_of)
    assert again.value is None, "the forged certificate is not its keeper's, so nothing is certified"


def test_the_models_are_recomputed_as_the_machine_names_them() -> None:
    models = {agent: bytes([agent]) * 32 for agent in (1, 2, 3, 4)}
    players = {a: Player(b, model_id=models[a]) for a, b in ((1, 77_00), (2, 76_00), (3, 76_50), (4, 75_20))}
    players[2].signs = False
    net = Network(players, highest=90_00, live_models={a: (m,) for a, m in models.items()})
    net.run()
    again = recompute(net.log, 1, signer_of=signer_of)
    assert again.models == net.submitted[-1][1].update.models == (models[1], models[3], models[4])


@pytest.mark.parametrize("call", [None, {}, {"epoch": 1}, "forged"])
def test_an_extraordinary_epoch_that_nobody_called_is_found(call: object) -> None:
    epoch = extraordinary_epoch(0)
    true = signed(epoch, 2, Phase.CALL, {})
    carried = message_to_dict(replace(true, agent_id=3)) if call == "forged" else call
    net = Network({a: Player(76_00) for a in (1, 2, 3, 4)}, epoch=epoch)
    announce = {**net.announce(), "call": carried}
    messages = [signed(epoch, 1, Phase.ANNOUNCE, announce)]
    with pytest.raises(NegotiationError):
        recompute(messages, epoch, signer_of=signer_of)
    announce["call"] = message_to_dict(true)
    assert recompute([signed(epoch, 1, Phase.ANNOUNCE, announce)], epoch, signer_of=signer_of).bounds == {}


def test_without_an_announce_there_is_nothing_to_recompute() -> None:
    with pytest.raises(NegotiationError, match="no announce"):
        recompute([], 1, signer_of=signer_of)
