"""Documents say what the code does: glossary, links, help, imports."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import core.negotiation

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "contracts" / "SPEC.md"])
HEAVY = ("torch", "web3", "uagents", "langchain", "pandas", "numpy", "numba")


def public_names() -> set[str]:
    """Return the public classes and functions of ``core``."""
    names = set(core.negotiation.__all__)
    for path in [*(ROOT / "core").glob("*.py"), *(ROOT / "core" / "pool").glob("*.py")]:
        body = ast.parse(path.read_text()).body
        names |= {n.name for n in body if isinstance(n, ast.ClassDef | ast.FunctionDef) and n.name[0] != "_"}
    return names


def test_the_glossary_has_every_public_name_of_core() -> None:
    found = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE))
    assert public_names() == found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)", page.read_text())
    for target in targets:
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_decisions_are_short_and_named_files_exist(page: Path) -> None:
    text = page.read_text()
    if page.parent.name == "decisions":
        assert len(text.splitlines()) <= 40
    for name in re.findall(
        r"`((?:core|agents|models|simulations|governance|tribunate|contracts)/[\w/.]+)`", text
    ):
        assert (ROOT / name).exists(), f"{page.name} names {name}"


def test_every_command_of_the_readme_exists() -> None:
    commands = re.findall(
        r"tribunate ((?:\w+-?\w*)(?: (?!--)[a-z][\w-]*)?)", (ROOT / "README.md").read_text()
    )
    for command in sorted(set(commands)):
        words = [word for word in command.split() if not word.isdigit()]
        done = run_help(words)
        assert done.returncode == 0, f"tribunate {command}: {done.stderr}"


def run_help(words: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tribunate", *words, "--help"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom tribunate.cli import run\n"
        "assert run(['--help']) == 0\n"
        f"print('LOADED', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED []"


def test_every_command_shows_an_example() -> None:
    for words in (
        ["demo"],
        ["run"],
        ["backtest"],
        ["simulate"],
        ["search"],
        ["runs", "export"],
        ["chain"],
        ["doctor"],
        ["proposal", "veto"],
        ["agent", "run"],
    ):
        assert "Example:" in run_help(words).stdout


def test_the_strategy_of_the_docs_passes_the_checks() -> None:
    from tribunate.testing import check_strategy

    text = (ROOT / "docs" / "strategies.md").read_text()
    code = re.search(r"```python\n(from tribunate import Observation.*?)```", text, re.DOTALL)
    assert code is not None
    space: dict[str, object] = {}
    exec(code[1], space)
    for _, check in check_strategy(space["Cautious"]):
        check()


def test_nothing_names_a_machine_or_an_index() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    forbidden = re.compile(
        r"/opt/pypi|/opt/wheels|files\.pythonhosted|registry\.npmjs|pypi\.org/simple|/work/main"
    )
    for name in tracked.splitlines():
        path = ROOT / name
        if path.is_file() and path != Path(__file__) and path.suffix not in {".png", ".parquet"}:
            assert not forbidden.search(path.read_text(errors="replace")), name
