"""The event file: what is read from it, and which line is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.epoch import quorum
from core.errors import DataError, NegotiationError
from core.evidence import canonical_json, sha256
from core.market import Parameters, Scalar
from core.messages import Phase, SignedMessage, commitment, message_to_dict
from core.negotiation import set_hash
from core.units import Bps
from governance.signing import Eip712Hasher, LocalSigner
from tribunate.events import read_events, recompute_epoch

CHAIN_ID, GOVERNOR = 31_337, "0x" + "22" * 20
HASHER = Eip712Hasher(CHAIN_ID, GOVERNOR)
WALLETS = {agent: LocalSigner(sha256(b"wallet %d" % agent)) for agent in (1, 2, 3, 4)}
BOUNDS = {1: 77_85, 2: 78_40, 3: 76_10, 4: 75_90}
NOW = Parameters(Bps(70_00), Bps(75_00), Bps(5_00), 10**24, 10**13)


def signed(agent: int, phase: Phase, body: dict[str, Any], *, by: LocalSigner | None = None) -> SignedMessage:
    payload = canonical_json(body)
    digest = HASHER.message_digest(epoch=1, attempt=0, round_=0, phase=phase, agent_id=agent, payload=payload)
    signature = (by or WALLETS[agent]).sign(digest)
    return SignedMessage(1, 0, 0, phase, agent, payload, digest, signature)


def negotiated(*, endorsers: tuple[int, ...] = (1, 2, 3, 4)) -> list[SignedMessage]:
    """Return the messages of a short epoch: announce, commits, reveals, certificate, endorsements."""
    announce = signed(
        1,
        Phase.ANNOUNCE,
        {
            "scalar": Scalar.LIQUIDATION_THRESHOLD.value,
            "seats": {str(agent): wallet.address for agent, wallet in WALLETS.items()},
            "quorum": quorum(4),
            "current": NOW.as_dict(),
            "lowest": 75_00,
            "highest": 75_50,
        },
    )
    about = {"announce": announce.digest.hex()}
    reveals = [signed(a, Phase.REVEAL, {**about, "bound": b, "salt": "s"}) for a, b in BOUNDS.items()]
    commits = [
        signed(r.agent_id, Phase.COMMIT, {**about, "commitment": commitment(r.payload)}) for r in reveals
    ]
    members = [message_to_dict(message) for message in (*commits, *reveals)]
    certificate = signed(1, Phase.CERTIFICATE, {**about, "members": members})
    name = set_hash({r.agent_id: r for r in reveals}).hex()
    endorsements = [signed(a, Phase.ENDORSE, {**about, "set": name}) for a in endorsers]
    agrees = [signed(a, Phase.AGREE, about) for a in endorsers]
    return [announce, *commits, *reveals, certificate, *endorsements, *agrees]


def line(message: SignedMessage, **changes: Any) -> str:
    head = {"from": message.agent_id, "to": [1, 2], "chain_id": CHAIN_ID, "governor": GOVERNOR}
    return json.dumps({**message_to_dict(message), **head, **changes})


def written(folder: Path, lines: list[str]) -> Path:
    path = folder / "events.ndjson"
    path.write_text("".join(f"{each}\n" for each in lines))
    return path


def test_a_file_is_read_line_by_line(tmp_path: Path) -> None:
    messages = negotiated()
    events = read_events(written(tmp_path, [line(m) for m in messages]))
    assert [event.message for event in events] == messages
    assert {(e.chain_id, e.governor, e.to) for e in events} == {(CHAIN_ID, GOVERNOR, (1, 2))}


def test_the_candidate_follows_from_the_file_alone(tmp_path: Path) -> None:
    found = recompute_epoch(read_events(written(tmp_path, [line(m) for m in negotiated()])), 1)
    assert (found.value, found.bounds, found.signers) == (75_50, BOUNDS, (1, 2, 3, 4))


GOOD = line(negotiated()[0])


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "{",
        "[]",
        "null",
        "7",
        "{}",
        GOOD.replace('"from": 1', '"from": "1"'),
        GOOD.replace('"to": [1, 2]', '"to": 3'),
        GOOD.replace('"phase": "announce"', '"phase": "shout"'),
        GOOD.replace('"epoch": 1', '"epoch": -1'),
        GOOD.replace('"chain_id"', '"chain"'),
        GOOD[: len(GOOD) // 2],
    ],
)
def test_an_error_names_the_line(tmp_path: Path, bad: str) -> None:
    path = written(tmp_path, [GOOD, GOOD, bad, GOOD])
    with pytest.raises(DataError, match=r"^events.ndjson, line 3 is not an event: "):
        read_events(path)


def test_an_absent_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read") as refused:
        read_events(tmp_path / "events.ndjson")
    assert "--events" in refused.value.hint


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "events.ndjson").write_bytes(b"\xff\xfe\n")
    with pytest.raises(DataError, match="not text"):
        read_events(tmp_path / "events.ndjson")


def test_events_of_two_deployments_are_refused(tmp_path: Path) -> None:
    messages = negotiated()
    lines = [line(messages[0]), line(messages[1], chain_id=1)]
    with pytest.raises(NegotiationError, match="2 deployments"):
        recompute_epoch(read_events(written(tmp_path, lines)), 1)


def test_an_epoch_without_an_announce_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NegotiationError, match="no announce"):
        recompute_epoch(read_events(written(tmp_path, [GOOD])), 2)


def test_a_signature_of_another_wallet_does_not_count(tmp_path: Path) -> None:
    forged = signed(4, Phase.AGREE, {}, by=WALLETS[1])
    lines = [line(m) for m in (*negotiated(endorsers=(1, 2, 3)), forged)]
    assert recompute_epoch(read_events(written(tmp_path, lines)), 1).signers == (1, 2, 3)


@pytest.mark.parametrize("phase", [Phase.ENDORSE, Phase.AGREE])
def test_a_stranger_without_a_signature_does_not_make_the_quorum(tmp_path: Path, phase: Phase) -> None:
    messages = negotiated(endorsers=(1, 2))
    (body,) = {m.payload for m in messages if m.phase is phase and m.agent_id == 1}
    strangers = [SignedMessage(1, 0, 0, phase, n, body, bytes(32), b"") for n in (98, 99)]
    found = recompute_epoch(read_events(written(tmp_path, [line(m) for m in (*messages, *strangers)])), 1)
    assert found.outcome == "no_agreement"
    assert found.signers == ()
