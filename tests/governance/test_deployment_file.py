"""deployment.json: written whole, read with suspicion."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.errors import ConfigError
from governance.deployment import CONTRACTS, Deployment, load_deployment, save_deployment
from governance.rehearsal import known_key

DEPLOYMENT = Deployment(31337, "WETH", 41, {name: known_key(name).address for name in CONTRACTS})


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    save_deployment(DEPLOYMENT, tmp_path / "deployment.json")
    assert load_deployment(tmp_path / "deployment.json") == DEPLOYMENT
    assert [path.name for path in tmp_path.iterdir()] == ["deployment.json"]


def test_the_market_is_the_collateral_asset() -> None:
    assert DEPLOYMENT.market == DEPLOYMENT.addresses["collateral_token"]


def remove_governor(content: dict[str, Any]) -> None:
    del content["addresses"]["governor"]


def lower_case(content: dict[str, Any]) -> None:
    content["addresses"]["adapter"] = content["addresses"]["adapter"].lower()


@pytest.mark.parametrize(
    ("spoil", "fragment"),
    [
        (lambda c: c.pop("chain_id"), "chain_id was None"),
        (lambda c: c.update(chain_id="31337"), "chain_id was '31337'"),
        (lambda c: c.update(block=True), "block was True"),
        (lambda c: c.update(addresses=[]), "addresses was []"),
        (remove_governor, "address of governor was None"),
        (lower_case, "address of adapter was"),
    ],
)
def test_a_bad_field_is_named(
    tmp_path: Path, spoil: Callable[[dict[str, Any]], object], fragment: str
) -> None:
    path = tmp_path / "deployment.json"
    save_deployment(DEPLOYMENT, path)
    content = json.loads(path.read_text())
    spoil(content)
    path.write_text(json.dumps(content))
    with pytest.raises(ConfigError) as caught:
        load_deployment(path)
    assert fragment in caught.value.found


@pytest.mark.parametrize(("text", "fragment"), [("{", "cannot be read"), ("[]", "holds no object")])
def test_something_else_is_refused(tmp_path: Path, text: str, fragment: str) -> None:
    path = tmp_path / "deployment.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=fragment):
        load_deployment(path)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_deployment(tmp_path / "none.json")
    assert "deploy first" in caught.value.hint
