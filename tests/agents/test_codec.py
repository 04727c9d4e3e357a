"""The codec: an event that was journalled comes back as it was."""

from __future__ import annotations

import json

import pytest
from fake_dao import FakeReader
from hypothesis import given
from hypothesis import strategies as st

from agents.codec import event_from_row, event_to_row, snapshot_from_dict, snapshot_to_dict
from core.errors import NegotiationError
from core.evidence import canonical_json
from core.market import MarketSnapshot, Parameters
from core.messages import Phase, SignedMessage
from core.negotiation import Assessed, Consumed, Event, Judged, Received, Reconsidered, Refused, Tick
from core.units import Bps

numbers = st.integers(0, 2**63 - 1)
amounts = st.integers(0, 2**255)
text = st.text(max_size=30)
shares = st.integers(0, 100_00).map(Bps)
bodies = st.dictionaries(text, st.none() | numbers | text | st.lists(numbers, max_size=3), max_size=4)
messages = st.builds(
    SignedMessage,
    epoch=numbers,
    attempt=numbers,
    round=numbers,
    phase=st.sampled_from(Phase),
    agent_id=numbers,
    payload=bodies.map(canonical_json),
    digest=st.binary(min_size=32, max_size=32),
    signature=st.binary(max_size=65),
)
snapshots = st.builds(
    MarketSnapshot,
    market=text,
    block_number=numbers,
    timestamp=numbers,
    parameters=st.builds(Parameters, shares, shares, shares, amounts, amounts),
    oracle_price=amounts,
    total_collateral=amounts,
    total_debt_supply=amounts,
    total_borrow=amounts,
    reserves=amounts,
    positions_root=st.binary(min_size=32, max_size=32),
)
events = st.one_of(
    st.builds(Tick, numbers),
    st.builds(Received, messages),
    st.builds(Judged, snapshots, amounts, amounts, bodies),
    st.builds(Refused, numbers, text),
    st.builds(Reconsidered, bodies),
    st.builds(Assessed, st.sampled_from([Phase.AGREE, Phase.DISSENT]), bodies),
    st.just(Consumed()),
)


@given(events)
def test_every_event_survives_the_journal(event: Event) -> None:
    kind, body = event_to_row(event)
    assert event_from_row(kind, json.loads(json.dumps(body, sort_keys=True))) == event


def test_every_kind_of_event_has_a_name_of_its_own() -> None:
    message = SignedMessage(1, 0, 0, Phase.COMMIT, 2, b"{}", bytes(32), bytes(65))
    one_of_each = [
        Tick(1),
        Received(message),
        Judged(FakeReader().market_snapshot(), 1, 2, {}),
        Refused(1, ""),
        Reconsidered({}),
        Assessed(Phase.AGREE, {}),
        Consumed(),
    ]
    assert {type(event) for event in one_of_each} == set(Event.__args__)
    assert len({event_to_row(event)[0] for event in one_of_each}) == len(one_of_each)


@given(snapshots)
def test_a_snapshot_keeps_its_types(snapshot: MarketSnapshot) -> None:
    again = snapshot_from_dict(json.loads(json.dumps(snapshot_to_dict(snapshot))))
    assert again == snapshot
    assert isinstance(again.parameters.ltv_bps, Bps)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(NegotiationError, match="kind 'slashed'") as refused:
        event_from_row("slashed", {})
    assert refused.value.hint == "run the version that wrote it"


def test_a_received_row_without_a_field_is_refused() -> None:
    kind, body = event_to_row(Received(SignedMessage(1, 0, 0, Phase.COMMIT, 2, b"{}", bytes(32), bytes(65))))
    del body["digest"]
    with pytest.raises(NegotiationError, match="digest"):
        event_from_row(kind, body)
