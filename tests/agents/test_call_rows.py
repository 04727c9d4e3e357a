"""Calls in the journal: with the epoch's claim or not at all, and never twice."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.journal import Journal

EPOCH = 2**32 + 7


class FailingClaims(Journal):
    """A journal whose disk fails between a call and the claim of its epoch."""

    def claim(self, epoch: int) -> bool:
        raise sqlite3.OperationalError("disk I/O error")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal.sqlite")
    yield opened
    opened.close()


def call(agent: int, **changes: Any) -> dict[str, Any]:
    return {"agent_id": agent, **changes}


def test_a_call_claims_its_epoch(journal: Journal) -> None:
    journal.open_call(EPOCH, 3, time=500, message=call(3))
    assert journal.running() == [EPOCH]
    assert journal.claim(EPOCH) is False
    assert journal.calls_of(EPOCH) == [call(3)]


def test_an_agent_s_first_call_of_an_epoch_stands(journal: Journal) -> None:
    journal.open_call(EPOCH, 3, time=500, message=call(3))
    journal.open_call(EPOCH, 3, time=501, message=call(3, other=1))
    assert journal.calls_of(EPOCH) == [call(3)]
    assert journal.call_times(3) == [500]


def test_calls_of_one_epoch_ascend_by_agent(journal: Journal) -> None:
    for agent in (4, 2, 3):
        journal.open_call(EPOCH, agent, time=500 + agent, message=call(agent))
    assert [row["agent_id"] for row in journal.calls_of(EPOCH)] == [2, 3, 4]
    assert journal.call_times(2) == [502]
    assert journal.call_times(9) == []


@pytest.mark.parametrize(("since", "found"), [(499, [EPOCH]), (500, [EPOCH]), (501, [])])
def test_recent_calls_are_those_since_a_time(journal: Journal, since: int, found: list[int]) -> None:
    journal.open_call(EPOCH, 3, time=500, message=call(3))
    assert journal.calls_since(since) == found


def test_a_call_of_a_finished_epoch_does_not_open_it_again(journal: Journal) -> None:
    journal.open_call(EPOCH, 3, time=500, message=call(3))
    journal.finish(EPOCH, "proposed", "")
    journal.open_call(EPOCH, 4, time=510, message=call(4))
    assert journal.running() == []


def test_without_the_claim_there_is_no_call(tmp_path: Path) -> None:
    failing = FailingClaims(tmp_path / "journal.sqlite")
    with pytest.raises(sqlite3.OperationalError, match="disk"):
        failing.open_call(EPOCH, 3, time=500, message=call(3))
    assert failing.calls_of(EPOCH) == []
    failing.close()


def test_calls_survive_the_process(tmp_path: Path) -> None:
    first = Journal(tmp_path / "journal.sqlite")
    first.open_call(EPOCH, 3, time=500, message=call(3))
    first.close()
    again = Journal(tmp_path / "journal.sqlite")
    assert (again.call_times(3), again.running()) == ([500], [EPOCH])
    again.close()
