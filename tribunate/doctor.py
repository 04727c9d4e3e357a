"""Is this installation whole?  Each check is independent and says what it found."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from core.errors import ConfigError

PACKAGES = ("torch", "uagents", "web3", "pandas", "langchain", "apscheduler", "pydantic", "py-evm", "numba")


@dataclass(frozen=True, slots=True)
class Checked:
    """One line of the examination."""

    name: str
    ok: bool
    found: str


def examine() -> list[Checked]:
    """Run every check; none stops the others."""
    return list(_rows())


def _rows() -> Iterator[Checked]:
    supported = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Checked("python", supported, f"{platform.python_version()} (3.11 to 3.13 are supported)")
    for package in PACKAGES:
        try:
            yield Checked(package, True, version(package))
        except PackageNotFoundError:
            yield Checked(package, False, "not installed")
    for name, check in (("agents package", _agents), ("strategies", _strategies), ("embedded chain", _chain)):
        yield _run(name, check)


def _run(name: str, check: Callable[[], str]) -> Checked:
    try:
        return Checked(name, True, check())
    except Exception as error:  # an examination reports whatever goes wrong
        return Checked(name, False, f"{type(error).__name__}: {error}")


def _agents() -> str:
    require_own_agents()
    return "ours"


def require_own_agents() -> None:
    """Refuse another distribution's package of the name ``agents``.

    Raises:
        ConfigError: ``agents`` is somebody else's.
    """
    import agents

    own = Path(__file__).resolve().parents[1] / "agents"
    found = Path(str(agents.__file__)).resolve().parent
    if found != own:
        raise ConfigError(
            f"the package 'agents' is {found}, not Tribunate's",
            allowed="an environment of its own",
            hint="run `python bootstrap.py install` and use its .venv",
        )


def _strategies() -> str:
    from agents.plugins import installed

    names = sorted(installed())
    if not names:
        raise ConfigError("no strategy is installed", hint="python bootstrap.py install")
    return ", ".join(names)


def _chain() -> str:
    from contracts.artifacts import load_artifact
    from governance.devchain.chain import Chain, Genesis

    load_artifact("ParameterGovernor")
    chain = Chain(Genesis(1_700_000_000))
    chain.close()
    return f"py-evm, chain {chain.chain_id}"
