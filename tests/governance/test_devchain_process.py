"""The chain as a process: one line when it listens, a clean end, nothing lost to kill -9."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from governance.client import ChainClient
from governance.rehearsal import GENESIS_TIME, known_key

PAYER = known_key("deployer")
OTHER = known_key("other").address


class ChainProcess:
    """Starts ``python -m governance.devchain`` on one file, any number of times."""

    def __init__(self, database: Path) -> None:
        self.database = database
        self.process: subprocess.Popen[str] | None = None

    def start(self, *arguments: str) -> ChainClient:
        command = [sys.executable, "-m", "governance.devchain", "--db", str(self.database), *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = json.loads(self.process.stdout.readline())
        assert line["chain_id"] == 31337
        return ChainClient(line["url"])

    def end(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(timeout=20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
        return code


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ChainProcess]:
    made = ChainProcess(tmp_path / "chain.sqlite")
    yield made
    if made.process is not None:
        made.end(signal.SIGKILL)


NEW = ("--genesis-time", str(GENESIS_TIME), "--fund", PAYER.address)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(served: ChainProcess, number: signal.Signals) -> None:
    served.start(*NEW)
    assert served.end(number) == 0


def test_kill_nine_loses_nothing_that_was_answered(served: ChainProcess) -> None:
    client = served.start(*NEW)
    for _ in range(3):
        client.pay(PAYER, OTHER, 1)
    head = client.request("eth_getBlockByNumber", "latest", True)
    assert served.end(signal.SIGKILL) == -signal.SIGKILL
    again = served.start()
    assert again.request("eth_getBlockByNumber", "latest", True) == head
    again.pay(PAYER, OTHER, 1)
    assert again.balance_wei(OTHER) == 4
    served.end(signal.SIGTERM)
    with sqlite3.connect(served.database) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    file.close()


def test_a_reverted_branch_does_not_come_back(served: ChainProcess) -> None:
    client = served.start(*NEW)
    snapshot = client.request("evm_snapshot")
    client.pay(PAYER, OTHER, 1)
    client.request("evm_revert", snapshot)
    served.end(signal.SIGKILL)
    assert served.start().block_number() == 0


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        ((), "--genesis-time is missing"),
        (("--genesis-time", "1", "--fund", "0x12"), "--fund was 0x12"),
        (("--genesis-time", "1", "--port", "99999"), "port 99999 cannot be taken"),
    ],
)
def test_bad_arguments_are_explained(tmp_path: Path, arguments: tuple[str, ...], fragment: str) -> None:
    command = [sys.executable, "-m", "governance.devchain", "--db", str(tmp_path / "c.sqlite"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert fragment in done.stderr
    assert "Traceback" not in done.stderr
