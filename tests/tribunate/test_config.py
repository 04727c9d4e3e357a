"""What people write: unknown keys name the nearest, and a mandate survives its file."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ConfigError
from core.mandate import FreshnessBands, Mandate, PhaseSeconds, StressScenario
from core.market import Scalar
from core.units import Bps
from simulations.demo_market import demo_market
from tribunate import network
from tribunate.config import AgentConfig, NetworkConfig, parse, read_toml

MARKET = demo_market(1)
NETWORK = network.describe(MARKET, mandate=Mandate("WETH"), first_start=1_000, paths=500)
AGENT = {
    "name": "ada",
    "strategy": "closed-form",
    "operator": "north",
    "data_source": "oracle",
    "rpc_url": "http://127.0.0.1:8545",
    "deployment": "deployment.json",
    "network": "network.json",
    "prices": "prices.parquet",
    "home": "home",
}

shares = st.integers(0, 100_00).map(Bps)
seconds = st.integers(1, 366 * 24 * 3600)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True)
mandates = st.builds(
    Mandate,
    market=names,
    schedule=st.lists(st.sampled_from(Scalar), min_size=1, max_size=4).map(tuple),
    epoch_seconds=seconds,
    horizon_hours=st.integers(1, 720),
    bad_debt_es_975_bps=shares,
    reserve_breach_probability_bps=shares,
    newly_liquidatable_bps=shares,
    borrowing_power_loss_bps=shares,
    margin_bps=shares,
    spread_limit_bps=shares,
    stress=st.lists(st.builds(StressScenario, names, shares, shares), max_size=3).map(tuple),
    data_sources=st.lists(names, max_size=3).map(tuple),
    phases=st.builds(PhaseSeconds, *[seconds] * 7),
    freshness=st.builds(FreshnessBands, shares, shares, shares, shares, seconds),
    fast_price_fall_bps=shares,
    fast_phases=st.builds(PhaseSeconds, *[seconds] * 7),
)


def changed(document: dict[str, Any], change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    again = copy.deepcopy(document)
    change(again)
    return again


@given(mandates, st.integers(0, 2**40), st.integers(100, 1_000_000))
@settings(max_examples=60)
def test_a_mandate_survives_its_file(mandate: Mandate, first_start: int, paths: int) -> None:
    described = network.describe(MARKET, mandate=mandate, first_start=first_start, paths=paths)
    read = parse(NetworkConfig, json.loads(json.dumps(described)), source="network.json")
    again = read.to_mandate()
    assert again == mandate
    assert again.canonical() == mandate.canonical(), "its hash on chain is the same"
    assert (read.first_start, read.paths) == (first_start, paths)
    assert read.to_liquidity() == MARKET.liquidity


def test_the_calendar_and_the_assumptions_are_those_of_the_file() -> None:
    read = parse(NetworkConfig, NETWORK, source="network.json")
    assert network.calendar_of(read).start_of(2) == 1_000 + 24 * 3600
    assert network.assumptions_of(read).paths == 500
    assert network.assumptions_of(read).close_factor_bps == MARKET.close_factor_bps


@pytest.mark.parametrize(
    ("change", "where", "nearest"),
    [
        (lambda d: d.update(path=500), "path", "paths"),
        (lambda d: d["mandate"].update(epoch_second=1), "mandate.epoch_second", "epoch_seconds"),
        (lambda d: d["mandate"]["phases"].update(comit=1), "mandate.phases.comit", "commit"),
        (
            lambda d: d["mandate"]["freshness"].update(price_fal_bps=1),
            "mandate.freshness.price_fal_bps",
            "price_fall_bps",
        ),
        (lambda d: d["liquidity"].update(depht="1"), "liquidity.depht", "depth"),
        (
            lambda d: d["mandate"]["stress"][0].update(deph_bps=1),
            "mandate.stress.0.deph_bps",
            "depth_bps",
        ),
    ],
)
def test_an_unknown_key_names_the_nearest_at_every_level(
    change: Callable[[dict[str, Any]], object], where: str, nearest: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(NetworkConfig, changed(NETWORK, change), source="network.json")
    assert refused.value.found == f"network.json: unknown key {where}"
    assert refused.value.hint == f"did you mean {nearest!r}?"
    assert nearest in refused.value.allowed.split(", ")


def test_an_unknown_key_of_an_agent_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="unknown key opperator") as refused:
        parse(AgentConfig, {**AGENT, "opperator": "x"}, source="agent.toml")
    assert refused.value.hint == "did you mean 'operator'?"


def test_a_key_like_no_other_is_not_guessed_at() -> None:
    with pytest.raises(ConfigError) as refused:
        parse(AgentConfig, {**AGENT, "zzz": 1}, source="agent.toml")
    assert refused.value.hint == ""
    assert "operator" in refused.value.allowed


@pytest.mark.parametrize("missing", list(AGENT))
def test_a_missing_key_is_named(missing: str) -> None:
    with pytest.raises(ConfigError, match=f"agent.toml: {missing} is missing"):
        parse(AgentConfig, {k: v for k, v in AGENT.items() if k != missing}, source="agent.toml")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("port", 65_536),
        ("port", "8000"),
        ("port", True),
        ("poll_seconds", 0.0),
        ("rpc_url", "ftp://host"),
        ("rpc_url", "http://"),
        ("name", "../escape"),
        ("name", ""),
        ("name", "x" * 65),
    ],
)
def test_a_value_out_of_range_is_shown_with_what_is_allowed(key: str, value: object) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(AgentConfig, {**AGENT, key: value}, source="agent.toml")
    assert refused.value.found == f"agent.toml: {key} was {value!r}"[:120]
    assert refused.value.allowed


@pytest.mark.parametrize("schedule", [["colour"], []])
def test_a_schedule_of_no_known_scalar_is_refused(schedule: list[str]) -> None:
    document = changed(NETWORK, lambda d: d["mandate"].update(schedule=schedule))
    with pytest.raises(ConfigError, match="schedule"):
        parse(NetworkConfig, document, source="network.json")


def test_a_file_that_is_not_toml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_bytes(b"name = \xff")
    with pytest.raises(ConfigError, match="is not TOML"):
        read_toml(path)
    with pytest.raises(ConfigError, match="cannot read"):
        read_toml(tmp_path / "absent.toml")
