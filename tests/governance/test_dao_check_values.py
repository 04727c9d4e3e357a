"""Each value that an owner may set is compared: one is changed, and the check names that one alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from web3.contract.contract import ContractFunction

from core.errors import GovernanceError
from core.guardrails import DEFAULT_LIMITS
from core.market import Scalar
from governance.client import ChainClient
from governance.devchain.chain import Genesis
from governance.founding.check import check_deployment
from governance.founding.comparison import differences
from governance.reader import limits_tuple
from governance.rehearsal import ETHER, GENESIS_TIME, known_key
from tests.chains import open_chain
from tests.governance.file_deployment import LOCAL, FileDeployment
from tests.governance.getters import unasked
from tribunate.dao_deploy import carry_out

DEPLOYER = known_key("deployer")
OTHER = "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc"
HASH = bytes(31) + b"\1"
LTV = 0


@pytest.fixture(scope="module")
def unsealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FileDeployment]:
    """The file of the repository, up to where the agents must register: the deployer owns everything."""
    folder = tmp_path_factory.mktemp("unsealed")
    balances = {bytes.fromhex(DEPLOYER.address[2:]): 10**6 * ETHER}
    with open_chain(Genesis(GENESIS_TIME, balances)) as chain:
        made = FileDeployment(ChainClient(chain.url), folder, folder / "dao.toml")
        made.file.write_text(LOCAL.read_text())
        with pytest.raises(GovernanceError, match="is not registered"):
            carry_out(made.order())
        yield made


def wrong(made: FileDeployment) -> set[str]:
    """Return what differs from the file."""
    lines = check_deployment(made.client, made.deployment, made.order().plan)
    return {line.what for line in differences(lines)}


def call_of(made: FileDeployment, role: str, name: str, arguments: tuple[object, ...]) -> ContractFunction:
    """Return a call; a text that names a role stands for its address."""
    at = {**made.deployment.addresses, "the market": made.deployment.market}
    given = [at.get(a, a) if isinstance(a, str) else a for a in arguments]
    call: ContractFunction = made.client.contract(KINDS[role], at[role]).functions[name](*given)
    return call


KINDS = {
    "adapter": "DemoMarketAdapter",
    "bonds": "Bonds",
    "gate": "UpdateGate",
    "limits": "LimitBook",
    "market": "DemoLendingMarket",
    "oracle": "DemoOracle",
    "scores": "ScoreBoard",
    "seats": "SeatRegistry",
}
RULES = (5_00, 50, (10_00, 10_00, 30_00, 30_00))
STEP = limits_tuple(replace(DEFAULT_LIMITS[Scalar.SUPPLY_CAP], step_up=1))


@pytest.mark.parametrize(
    ("role", "name", "arguments", "named"),
    [
        ("bonds", "setVerifier", (OTHER,), "bonds.verifier"),
        ("scores", "setAllotment", (OTHER, 1), "tokens that scores may pay"),
        ("gate", "setEntrances", (OTHER, "fast_lane"), "gate.governor"),
        ("gate", "setEntrances", ("governor", OTHER), "gate.fastLane"),
        ("gate", "setMandate", (HASH, 15_00), "mandate's hash"),
        ("gate", "setAdapter", ("the market", OTHER), "adapter of {market}"),
        ("gate", "setAdapter", (OTHER, "adapter"), "markets of the gate"),
        ("limits", "open", (OTHER, "adapter", False), "markets of the limits"),
        ("limits", "setLimits", ("the market", 3, STEP), "supply_cap.step_up of {market}"),
        ("limits", "setDelegate", (OTHER,), "limits.delegate"),
        ("seats", "setGuardian", (OTHER,), "seats.guardian"),
        ("adapter", "setEntrances", (OTHER, "fast_lane"), "adapter.governor"),
        ("adapter", "setEntrances", ("governor", OTHER), "adapter.fastLane"),
        ("adapter", "listMarket", ("the market", (5_01, *RULES[1:])), "margin_bps of {market}"),
        ("adapter", "setCeiling", ("the market", OTHER), "ceiling of {market}"),
        ("market", "setConfigurator", (OTHER,), "market.configurator"),
        ("oracle", "setReporter", (OTHER,), "oracle.reporter"),
    ],
)
def test_what_an_owner_has_set_is_named(
    unsealed: FileDeployment, role: str, name: str, arguments: tuple[object, ...], named: str
) -> None:
    before = wrong(unsealed)
    snapshot = unsealed.client.request("evm_snapshot")
    unsealed.client.send(DEPLOYER, call_of(unsealed, role, name, arguments))
    found = wrong(unsealed)
    unsealed.client.request("evm_revert", snapshot)
    assert found - before == {named.format(market=unsealed.deployment.market)}
    assert before - found == set()


def test_another_debt_token_is_named(unsealed: FileDeployment) -> None:
    """The record says one, the market was made with another."""
    deployment = unsealed.deployment
    other = unsealed.client.deploy(DEPLOYER, "DemoToken", DEPLOYER.address, "USD Coin", "USDC", 6)
    moved = replace(deployment, addresses={**deployment.addresses, "debt_token": other})
    lines = check_deployment(unsealed.client, moved, unsealed.order().plan)
    found = {line.what for line in differences(lines)} - wrong(unsealed)
    assert found == {"market.debtToken", "bonds.token", "scores.bondToken"}


def test_a_guardian_that_was_named_before_the_records_block_is_named(unsealed: FileDeployment) -> None:
    """The term is an immutable value: forged, it would not show in the code."""
    late = replace(unsealed.deployment, block=unsealed.client.block_number())
    lines = check_deployment(unsealed.client, late, unsealed.order().plan)
    terms = {f"{role}'s guardian expires 180 days after it was named" for role in ("governor", "seats")}
    assert terms <= {line.what for line in differences(lines)}


def test_every_getter_is_compared_or_needs_no_comparison(unsealed: FileDeployment) -> None:
    made = unsealed
    assert unasked(made.client.rpc_url, made.deployment, made.order().plan) == set()
