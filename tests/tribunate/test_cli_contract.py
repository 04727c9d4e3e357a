"""The command line's contract with scripts: exit codes, and where tracebacks are shown."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from core.errors import (
    ChainError,
    ConfigError,
    DataError,
    GovernanceError,
    GuardrailError,
    ModelError,
    NegotiationError,
    SimulationError,
    TribunateError,
)
from tribunate import cli

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "web3", "uagents", "langchain", "pandas", "numba", "arch", "scipy", "matplotlib")
CODES: list[tuple[TribunateError, int]] = [
    (ConfigError("x"), 2),
    (DataError("x"), 4),
    (ModelError("x"), 4),
    (SimulationError("x"), 4),
    (NegotiationError("x"), 1),
    (GuardrailError("x", rule="step"), 1),
    (GovernanceError("x"), 1),
    (ChainError("x"), 3),
]


class Failing:
    """A command that the test lets fail as it likes."""

    error: BaseException | None = None

    def __call__(self) -> None:
        if self.error is not None:
            raise self.error


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Failing]:
    """Add the command ``fail`` for one test."""
    monkeypatch.delenv("TRIBUNATE_TRACEBACK", raising=False)
    command = Failing()
    cli.app.command("fail")(lambda: command())
    yield command
    cli.app.registered_commands.pop()


def test_every_error_class_has_an_exit_code_here() -> None:
    assert {type(error) for error, _ in CODES} == set(TribunateError.__subclasses__())


@pytest.mark.parametrize(("error", "code"), CODES, ids=lambda value: type(value).__name__)
def test_an_error_ends_with_the_code_of_its_class(
    failing: Failing, capsys: pytest.CaptureFixture[str], error: TribunateError, code: int
) -> None:
    failing.error = error
    assert cli.run(["fail"]) == code
    assert capsys.readouterr() == ("", "error: x\n")


def test_an_error_says_what_was_found_allowed_and_to_do(
    failing: Failing, capsys: pytest.CaptureFixture[str]
) -> None:
    failing.error = ConfigError("seed was -1", allowed="whole numbers from 0", hint="drop --seed")
    cli.run(["fail"])
    said = "error: seed was -1\n       allowed: whole numbers from 0\n       hint: drop --seed\n"
    assert capsys.readouterr().err == said


def test_a_command_that_succeeds_ends_with_0(failing: Failing) -> None:
    assert cli.run(["fail"]) == 0


@pytest.mark.parametrize("error", [KeyboardInterrupt(), typer.Abort()])
def test_an_interrupt_ends_with_130(
    failing: Failing, capsys: pytest.CaptureFixture[str], error: BaseException
) -> None:
    failing.error = error
    assert cli.run(["fail"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


@pytest.mark.parametrize("code", [0, 1, 5])
def test_a_command_may_choose_its_code(failing: Failing, code: int) -> None:
    failing.error = typer.Exit(code)
    assert cli.run(["fail"]) == code


def test_a_bug_ends_with_70_and_says_that_it_is_one(
    failing: Failing, capsys: pytest.CaptureFixture[str]
) -> None:
    failing.error = ZeroDivisionError("division by zero")
    assert cli.run(["fail"]) == 70
    said = capsys.readouterr().err
    assert said.startswith("error: ZeroDivisionError: division by zero\n")
    assert "this is a bug in Tribunate" in said
    assert "TRIBUNATE_TRACEBACK=1" in said
    assert "Traceback" not in said


def test_a_bug_shows_its_traceback_when_asked(failing: Failing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIBUNATE_TRACEBACK", "1")
    failing.error = ZeroDivisionError("division by zero")
    with pytest.raises(ZeroDivisionError):
        cli.run(["fail"])


def test_no_traceback_is_shown_for_what_a_user_did(
    failing: Failing, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRIBUNATE_TRACEBACK", "1")
    failing.error = ConfigError("x")
    assert cli.run(["fail"]) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["no-such-command"], "No such command 'no-such-command'"),
        (["demo", "--no-such-option"], "No such option"),
        (["demo", "--seed", "x"], "Invalid value for '--seed'"),
        (["proposal", "show"], "Missing argument"),
    ],
)
def test_a_misused_command_line_ends_with_2_and_points_to_help(
    capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert cli.run(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert says in said
    assert "hint: see `tribunate" in said


def test_help_loads_no_heavy_package() -> None:
    code = (
        "import sys; from tribunate.cli import run; run(['--help']); "
        f"print([n for n in {HEAVY} if n in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "demo" in done.stdout
    assert done.stderr.strip() == "[]"


def test_the_module_ends_the_process_with_its_code() -> None:
    command = [sys.executable, "-m", "tribunate", "no-such-command"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ}, check=False)
    assert (done.returncode, done.stdout) == (2, "")
