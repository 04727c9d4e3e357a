"""Strategies come through one door, built-in or not; installed distributions are made in a folder."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agents.plugins import installed, load_strategy, strategy_factory
from core.errors import ConfigError
from core.ports import STRATEGY_API_VERSION, Strategy

BUILT_IN = {"garch-stress", "deep-quantile", "closed-form", "tail-empirical"}
MODULE = """
class Constant:
    name = "constant"
    family = "constant"
    api_version = {version}

    def fit(self, history, *, seed, report=None):
        pass

    def recommend(self, observation):
        raise NotImplementedError
"""

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return a function that puts a distribution with one strategy on the path."""

    def make(name: str, target: str, *, module: str = "", api_version: int = STRATEGY_API_VERSION) -> None:
        folder = tmp_path / f"{name}-{target.replace(':', '-')}"
        information = folder / f"{name.replace('-', '_')}-1.0.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text(f"[tribunate.strategies]\n{name} = {target}\n")
        if module:
            (folder / f"{module}.py").write_text(MODULE.format(version=api_version))
        monkeypatch.syspath_prepend(folder)

    return make


def test_the_built_in_strategies_come_through_the_entry_point_group() -> None:
    found = installed()
    assert set(found) >= BUILT_IN
    assert all(found[name].group == "tribunate.strategies" for name in BUILT_IN)


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_a_built_in_strategy_answers_to_its_entry_point(name: str) -> None:
    strategy = load_strategy(name)
    assert isinstance(strategy, Strategy)
    assert strategy.api_version == STRATEGY_API_VERSION


def test_listing_the_installed_strategies_imports_none_of_them() -> None:
    code = (
        "import sys; from agents.plugins import installed; installed(); "
        "print([n for n in ('torch', 'arch', 'scipy', 'agents.strategies') if n in sys.modules])"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_third_partys_strategy_is_loaded_like_a_built_in(install: Install) -> None:
    install("constant", "constant_plugin:Constant", module="constant_plugin")
    assert load_strategy("constant").name == "constant"


def test_every_load_gives_a_fresh_strategy() -> None:
    assert load_strategy("closed-form") is not load_strategy("closed-form")


def test_an_unknown_name_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="there is no strategy 'garch-stres'") as refused:
        load_strategy("garch-stres")
    assert refused.value.hint == "did you mean 'garch-stress'?"
    assert all(name in refused.value.allowed for name in BUILT_IN)


def test_a_name_unlike_any_other_is_not_guessed_at() -> None:
    with pytest.raises(ConfigError) as refused:
        load_strategy("zzzzzz")
    assert refused.value.hint == "install the package that provides it"


@pytest.mark.parametrize("version", [STRATEGY_API_VERSION - 1, STRATEGY_API_VERSION + 1])
def test_a_strategy_of_another_interface_version_is_refused(install: Install, version: int) -> None:
    name = f"plugin_of_version_{version}"
    install("elsewhere", f"{name}:Constant", module=name, api_version=version)
    with pytest.raises(ConfigError, match=f"interface version {version}") as refused:
        load_strategy("elsewhere")
    assert refused.value.allowed == f"version {STRATEGY_API_VERSION}"


@pytest.mark.parametrize(
    ("target", "module", "says"),
    [
        ("no_such_module_here:Constant", "", "No module named 'no_such_module_here'"),
        ("plugin_without_it:Missing", "plugin_without_it", "Missing"),
    ],
)
def test_a_module_that_does_not_load_is_reported(
    install: Install, target: str, module: str, says: str
) -> None:
    install("broken", target, module=module)
    with pytest.raises(ConfigError, match=says) as refused:
        strategy_factory("broken")
    assert target in refused.value.found
    assert refused.value.hint == "reinstall the package that provides it"


def test_a_broken_plugin_does_no_harm_until_it_is_named(install: Install) -> None:
    install("broken", "no_such_module_here:Constant")
    assert "broken" in installed()
    assert load_strategy("closed-form").name == "closed-form"


def test_two_packages_of_one_name_are_refused(install: Install) -> None:
    install("closed-form", "somebody_elses:Strategy")
    with pytest.raises(ConfigError, match="two strategies are named 'closed-form'") as refused:
        installed()
    assert "somebody_elses:Strategy" in refused.value.found
