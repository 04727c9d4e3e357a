"""The journal: what one agent remembers, in order, whatever happens to its process."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.journal import Journal
from core.errors import ConfigError, NegotiationError

APPEND_FOR_EVER = """
import sys
from itertools import count
from pathlib import Path
from agents.journal import Journal

journal = Journal(Path(sys.argv[1]))
for number in count():
    journal.append(1, "tick", {"now": number})
    print(number, flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    opened = Journal(path)
    yield opened
    opened.close()


def test_an_epoch_is_claimed_exactly_once(journal: Journal) -> None:
    assert [journal.claim(1) for _ in range(3)] == [True, False, False]


def test_two_connections_claim_an_epoch_once_between_them(journal: Journal, path: Path) -> None:
    other = Journal(path)
    assert (journal.claim(1), other.claim(1)) == (True, False)
    assert (other.claim(2), journal.claim(2)) == (True, False)
    other.close()


def test_a_finished_epoch_is_not_claimed_again(journal: Journal) -> None:
    journal.claim(1)
    journal.finish(1, "no_change", "calm")
    assert not journal.claim(1)
    assert journal.outcome(1) == ("no_change", "calm")


def test_finish_of_an_unclaimed_epoch_is_refused(journal: Journal) -> None:
    with pytest.raises(NegotiationError, match="epoch 7 was never claimed"):
        journal.finish(7, "proposed", "")
    assert journal.outcome(7) is None


def test_an_epoch_that_is_running_has_no_outcome(journal: Journal) -> None:
    journal.claim(1)
    assert journal.outcome(1) is None


def test_running_epochs_are_known_after_a_crash(path: Path) -> None:
    abandoned = Journal(path)
    for epoch in (3, 1, 2):
        abandoned.claim(epoch)
    abandoned.finish(2, "proposed", "")
    again = Journal(path)
    assert again.running() == [1, 3]
    again.close()
    abandoned.close()


def test_events_come_back_in_their_order_and_by_epoch(journal: Journal) -> None:
    journal.append(1, "tick", {"now": 5})
    journal.append(2, "tick", {"now": 6})
    journal.append(1, "consumed", {})
    journal.append(1, "tick", {"now": 1})
    assert list(journal.events(1)) == [("tick", {"now": 5}), ("consumed", {}), ("tick", {"now": 1})]
    assert list(journal.events(3)) == []


def test_rejects_are_kept_against_their_sender_and_cut_to_200_characters(journal: Journal) -> None:
    journal.reject(1, 4, "reveal", "no commit")
    journal.reject(1, 2, "counter", "x" * 1_000)
    assert journal.rejects(1) == [(4, "reveal", "no commit"), (2, "counter", "x" * 200)]
    assert journal.rejects(2) == []


def test_a_sound_file_passes_the_integrity_check(journal: Journal) -> None:
    journal.append(1, "tick", {"now": 5})
    assert journal.check() == "ok"


def test_a_damaged_file_fails_the_integrity_check(path: Path) -> None:
    whole = Journal(path)
    whole.append(1, "tick", {"filler": "x" * 20_000})
    whole.close()
    content = bytearray(path.read_bytes())
    content[-4_096:] = b"\xff" * 4_096
    path.write_bytes(content)
    damaged = Journal(path)
    assert damaged.check() != "ok"
    damaged.close()


def test_kill_9_amid_appends_leaves_a_sound_journal_with_a_prefix(path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", APPEND_FOR_EVER, str(path)]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        told = [int(child.stdout.readline()) for _ in range(25)]
        child.kill()
        told += [int(line) for line in child.stdout.read().splitlines()]
    assert child.returncode == -signal.SIGKILL
    journal = Journal(path)
    kept = [body["now"] for _, body in journal.events(1)]
    assert journal.check() == "ok"
    assert kept == list(range(len(kept)))
    assert len(kept) >= len(told), "what the process said was written is written"
    journal.close()


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_text("not a database, but long enough to be taken for one" * 30)
    with pytest.raises(ConfigError, match="is not a journal"):
        Journal(path)
