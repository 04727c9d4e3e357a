"""The command line.  Commands import what they need when they run, so that ``--help`` is quick.

Exit codes: 0 ok, 1 refused or negative, 2 input or configuration, 3 chain or network,
4 data, model or simulation, 70 bug, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import typer
from typer.exceptions import TyperException

from core.errors import TribunateError
from simulations.compiled import use_cache_folder
from tribunate.commands import (
    agent,
    backtest,
    chain,
    cut,
    dao,
    demo,
    guardrails,
    judge,
    model,
    pool,
    proof,
    proposal,
    runs,
    search,
    simulate,
    strategy,
)
from tribunate.doctor import require_own_agents
from tribunate.threads import ONE_THREAD

app = typer.Typer(
    name="tribunate",
    help="Agents propose lending parameters, people keep the veto.",
    epilog="Example: tribunate demo --seed 7",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
demo.register(app)
judge.register(app)
backtest.register(app)
simulate.register(app)
search.register(app)
pool.register(app)
proof.register(app)
chain.register(app)
guardrails.register(app)
app.add_typer(proposal.app, name="proposal")
app.add_typer(cut.app, name="cut")
app.add_typer(dao.app, name="dao")
app.add_typer(agent.app, name="agent")
app.add_typer(strategy.app, name="strategy")
app.add_typer(model.app, name="model")
app.add_typer(runs.app, name="runs")

EXIT_MISUSED = 2
EXIT_BUG = 70
EXIT_INTERRUPTED = 130


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    for name, value in ONE_THREAD.items():
        os.environ.setdefault(name, value)
    use_cache_folder()
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; return its exit code.  Never shows a traceback for anything a user did."""
    try:
        require_own_agents()
        result = app(args=arguments, prog_name="tribunate", standalone_mode=False)
        return _ended(result if isinstance(result, int) else 0)
    except typer.Exit as stop:
        return _ended(stop.exit_code)
    except TyperException as error:
        return _misused(error)
    except (KeyboardInterrupt, typer.Abort):
        return _ended(EXIT_INTERRUPTED)
    except TribunateError as error:
        print(error.render(), file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _bug(error)


def _ended(code: int) -> int:
    """Say so when a command was interrupted (typer turns the interrupt into an exit code)."""
    if code == EXIT_INTERRUPTED:
        print("interrupted", file=sys.stderr)
    return code


def _misused(error: TyperException) -> int:
    """Say what is wrong with the command line, as every other error is said."""
    print(f"error: {error.format_message()}", file=sys.stderr)
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "tribunate"
    print(f"       hint: see `{path} --help`", file=sys.stderr)
    return EXIT_MISUSED


def _bug(error: Exception) -> int:
    if os.environ.get("TRIBUNATE_TRACEBACK"):
        raise error
    print(f"error: {type(error).__name__}: {error}", file=sys.stderr)
    print("       this is a bug in Tribunate, not in what you did", file=sys.stderr)
    print("       hint: run again with TRIBUNATE_TRACEBACK=1 and report what it shows", file=sys.stderr)
    return EXIT_BUG
