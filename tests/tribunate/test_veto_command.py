"""``tribunate proposal veto`` with a code, and how ``proposal show`` counts codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.proposal import VetoReason
from governance.deployment import save_deployment
from governance.keys import make_keystore
from governance.rehearsal import ETHER, Rehearsal
from tribunate import cli
from tribunate.dao import connect
from tribunate.proposal_text import LONGEST_TEXT, proposal_record, proposal_text, read_proposal


@pytest.fixture(scope="module")
def deployed() -> Iterator[Rehearsal]:
    rehearsal = Rehearsal()
    yield rehearsal
    rehearsal.close()


@pytest.fixture
def dao(deployed: Rehearsal) -> Iterator[Rehearsal]:
    with deployed.rewound():
        yield deployed


@pytest.fixture
def voting(dao: Rehearsal) -> Rehearsal:
    """Proposal 1, open for votes."""
    dao.propose()
    dao.open_voting()
    return dao


def where(dao: Rehearsal, folder: Path) -> list[str]:
    """Return the options that lead to the DAO."""
    file = folder / "deployment.json"
    save_deployment(dao.deployment, file)
    return ["--rpc", dao.client.rpc_url, "--deployment", str(file)]


def page(dao: Rehearsal) -> str:
    return proposal_text(
        read_proposal(connect(dao.client.rpc_url, dao.deployment), 1, None), with_call_data=False
    )


def test_a_code_is_sent_with_the_vote(
    voting: Rehearsal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    holder = make_keystore(tmp_path, "holder")
    voting.client.pay(voting.people.deployer, holder.address, ETHER)
    options = [*where(voting, tmp_path), "--key", str(tmp_path / "holder.json"), "--yes"]
    command = ["proposal", "veto", "1", "--code", "too-risky", "--reason", "supply is thin"]
    assert cli.run([*command, *options]) == 0
    assert cli.run(["proposal", "show", "1", "--json", *where(voting, tmp_path)]) == 0
    said = capsys.readouterr().out
    record = json.loads(said[said.index("{") :])
    vote = {"holder": holder.address, "weight": "0", "code": "too-risky", "reason": "supply is thin"}
    assert record["vetoes"] == [vote]
    assert record["veto_codes"] == {"too-risky": {"votes": 1, "weight": "0"}}


def test_a_code_that_is_none_is_a_mistake_of_input(voting: Rehearsal, tmp_path: Path) -> None:
    command = ["proposal", "veto", "1", "--code", "too-bad", "--yes"]
    assert cli.run([*command, *where(voting, tmp_path)]) == 2
    assert voting.proposals.show(1).vetoes == ()


def test_the_page_has_a_line_per_code_and_the_words_below_it(voting: Rehearsal) -> None:
    small = voting.people.small
    voting.proposals.veto(1, small, code=VetoReason.TOO_FAST, reason="wait a week")
    lines = page(voting).splitlines()
    place = lines.index(f"{'':<12}too-fast: 1 vote, 40.00 % of the votes needed")
    assert lines[place + 1] == f"{'':<12}  {small.address}: wait a week"


def test_the_heaviest_code_stands_first(voting: Rehearsal) -> None:
    voting.proposals.veto(1, voting.people.small, code=VetoReason.OTHER)
    voting.proposals.veto(1, voting.people.large, code=VetoReason.DATA_WRONG)
    text = page(voting)
    assert text.index("data-wrong: 1 vote, 140.00 %") < text.index("other: 1 vote, 40.00 %")


def test_a_strangers_words_cannot_steer_the_terminal(voting: Rehearsal) -> None:
    voting.proposals.veto(1, voting.people.small, reason="\x1b[2J\nProposal 1 is fine\u202e" + "x" * 1000)
    text = page(voting)
    (line,) = (found for found in text.splitlines() if voting.people.small.address in found)
    assert "\x1b" not in text and "\u202e" not in text
    assert "[2J Proposal 1 is fine" in line
    assert len(line) < LONGEST_TEXT + 80 and line.endswith("…")


def test_words_without_votes_are_not_printed_but_recorded(voting: Rehearsal) -> None:
    voting.proposals.veto(1, voting.people.stranger, reason="look at my coin")
    seen = read_proposal(connect(voting.client.rpc_url, voting.deployment), 1, None)
    assert "look at my coin" not in proposal_text(seen, with_call_data=False)
    assert proposal_record(seen)["vetoes"][0]["reason"] == "look at my coin"


def test_a_veto_without_code_and_words_says_no_more_than_its_weight(voting: Rehearsal) -> None:
    voting.proposals.veto(1, voting.people.small)
    assert "40.00 % of the votes needed" in page(voting)
    assert "unspecified" not in page(voting)


def test_without_votes_there_is_no_code(voting: Rehearsal) -> None:
    assert "votes needed" in page(voting)
    assert not any(f"{reason.value}:" in page(voting) for reason in VetoReason)
