"""No strategy and no model imports what draws the demo's market."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FORBIDDEN = ("simulations.generator", "simulations.demo_market")


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return found


def test_strategies_and_models_do_not_import_the_generator() -> None:
    files = [*(ROOT / "agents" / "strategies").rglob("*.py"), *(ROOT / "models").rglob("*.py")]
    files += [ROOT / "simulations" / name for name in ("engine.py", "montecarlo.py", "search.py")]
    assert len(files) > 10
    for path in files:
        assert not imports_of(path) & set(FORBIDDEN), path


def test_the_check_would_see_an_import(tmp_path: Path) -> None:
    for line in ("from simulations import generator", "import simulations.generator"):
        path = tmp_path / "strategy.py"
        path.write_text(line)
        assert imports_of(path) & set(FORBIDDEN)
