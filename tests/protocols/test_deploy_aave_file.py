"""``deploy/aave.toml`` before the real Aave V3.0.2: its own addresses put in, deployed, checked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import ConfigError, GovernanceError, GuardrailError
from governance.deployment import load_deployment
from governance.founding.check import check_deployment
from governance.founding.comparison import differences
from governance.founding.from_plan import DeploymentPlan
from governance.rehearsal import ETHER
from governance.signing import LocalSigner
from tests.governance.getters import unasked
from tests.protocols.aave import AaveMarket, set_category
from tests.protocols.file_orders import DEPLOY, DEPLOYER, FileOrder, file_order
from tests.protocols.stage import rewound
from tribunate.cli import run
from tribunate.dao_deploy import Order, carry_out, draft_text
from tribunate.dao_plan import read_plan

FILE = DEPLOY / "aave.toml"
WETH = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
USDC = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
PROVIDER = "0x2f39d218133AFaB8F2B819B1066c7E434Ad94E9e"
TOKEN = "0x2222222222222222222222222222222222222222"


@pytest.fixture
def market(deployed_aave_v302: AaveMarket, funder: LocalSigner) -> Iterator[AaveMarket]:
    with rewound(deployed_aave_v302.client):
        deployed_aave_v302.client.pay(funder, DEPLOYER.address, 100 * ETHER)
        risk_admin = deployed_aave_v302.people.risk_admin
        set_category(deployed_aave_v302, risk_admin, ltv=90_00, threshold=93_00, bonus=102_00)
        yield deployed_aave_v302


@pytest.fixture
def file(market: AaveMarket, funder: LocalSigner, tmp_path: Path) -> FileOrder:
    """The file with this chain's addresses."""
    real = {
        WETH: market.weth.address,
        USDC: market.usdc.address,
        PROVIDER: market.provider.address,
        TOKEN: market.client.deploy(funder, "GovernanceToken", funder.address, 10**24),
    }
    return file_order("aave.toml", tmp_path, market.client, real)


@pytest.fixture
def order(file: FileOrder) -> Order:
    """What is made of it."""
    return file.order


def again(order: Order, old: str, new: str) -> DeploymentPlan:
    """Return the plan of the file with one change."""
    return FileOrder(order.client, order.out.with_name("aave.toml")).changed(old, new)


def test_the_file_in_the_repository_is_one() -> None:
    plan = read_plan(FILE)
    assert plan.chain_id == 1
    assert [market.is_emode for market in plan.markets] == [False, False, True]
    assert plan.markets[2].key == "0x" + "00" * 19 + "01"


def test_what_stands_equals_the_file(order: Order) -> None:
    said = carry_out(order)

    deployment = load_deployment(order.out)
    assert f"grants RISK_ADMIN to the adapter, {deployment.addresses['adapter']}" in said
    lines = check_deployment(order.client, deployment, order.plan)
    assert differences(lines) == ()
    assert len(lines) > 180


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("step_up = 2_000", "step_up = 2_001", "supply_cap.step_up"),
        ("margin_bps = 250 ", "margin_bps = 251 ", "margin_bps"),
        ("emode_category = 1", "emode_category = 2", "adapter.markets"),
        ("hash = \"0x33", "hash = \"0x34", "mandate's hash"),
        ("challenge = \"1000000000\"", "challenge = \"1\"", "bonds.challengeBond"),
    ],
)  # fmt: skip
def test_a_changed_key_is_named(order: Order, old: str, new: str, named: str) -> None:
    carry_out(order)
    lines = check_deployment(order.client, load_deployment(order.out), again(order, old, new))
    assert any(named in line.what for line in differences(lines))


def test_another_debt_asset_is_named(file: FileOrder, order: Order, market: AaveMarket) -> None:
    """Only what is borrowed against WETH is another: the reserve of WETH itself."""
    unsealed = file.seated(DEPLOYER.address).order
    with pytest.raises(GovernanceError, match="agent 1 is not registered"):
        carry_out(unsealed)
    deployment, weth = load_deployment(order.out), market.weth.address
    before = differences(check_deployment(order.client, deployment, unsealed.plan))

    adapter = order.client.contract("AaveV3Adapter", deployment.addresses["adapter"])
    order.client.send(DEPLOYER, adapter.functions.watch(weth, weth, weth))

    after = differences(check_deployment(order.client, deployment, unsealed.plan))
    found = {line.what for line in after} - {line.what for line in before}
    assert found == {f"tokens of the debt asset {market.usdc.address} of {weth}"}


def test_a_changed_debt_asset_in_the_file_is_named(order: Order, market: AaveMarket) -> None:
    carry_out(order)
    weth, usdc = market.weth.address, market.usdc.address
    plan = again(order, f'debt_asset = "{usdc}"', f'debt_asset = "{weth}"')
    lines = check_deployment(order.client, load_deployment(order.out), plan)
    assert [line.what for line in differences(lines)] == [
        "debt_token of the deployment record",
        f"tokens of the debt asset {weth} of {weth}",
    ]


def test_every_getter_is_compared_or_needs_no_comparison(order: Order) -> None:
    carry_out(order)
    assert unasked(order.client.rpc_url, load_deployment(order.out), order.plan) == set()


def test_a_dry_run_before_a_live_market_sends_nothing(order: Order) -> None:
    block = order.client.block_number()

    text = draft_text(order)

    assert order.client.block_number() == block
    assert len(re.findall(r"adapter\.(?:watch|listMarket)", text)) == 6
    assert not order.out.exists()


def test_the_bound_of_gas_holds_before_aave(file: FileOrder) -> None:
    carry_out(file.order)
    assert file.over_the_bound() == []


def test_a_token_that_counts_blocks_is_refused(order: Order, market: AaveMarket) -> None:
    token = order.plan.charter.token
    assert token is not None
    plan = again(order, token, market.weth.address)
    with pytest.raises(ConfigError, match=r"token\.address: the clock of .* was none"):
        draft_text(Order(order.client, DEPLOYER, plan, order.out))


def test_a_provider_that_is_not_there_is_refused(order: Order, market: AaveMarket) -> None:
    plan = again(order, market.provider.address, "0x1111111111111111111111111111111111111111")
    with pytest.raises(ConfigError, match=r"aave\.addresses_provider: no contract stands at"):
        draft_text(Order(order.client, DEPLOYER, plan, order.out))


def test_a_reserve_that_is_not_there_is_refused(order: Order, market: AaveMarket) -> None:
    token = order.plan.charter.token
    assert token is not None
    plan = again(order, f'asset = "{market.weth.address}"', f'asset = "{token}"')
    with pytest.raises(ConfigError, match=r"market 1: .* is no reserve of the pool"):
        carry_out(Order(order.client, DEPLOYER, plan, order.out))
    assert order.client.next_nonce(DEPLOYER.address) == 0


def test_a_category_that_is_not_there_is_refused(order: Order) -> None:
    plan = again(order, "emode_category = 1", "emode_category = 7")
    with pytest.raises(GuardrailError, match="UnknownMarket"):
        carry_out(Order(order.client, DEPLOYER, plan, order.out))


def test_the_check_says_whether_aave_has_granted_its_role(
    order: Order, market: AaveMarket, capsys: pytest.CaptureFixture[str]
) -> None:
    carry_out(order)
    file = str(order.out.with_name("aave.toml"))
    command = ["dao", "check", file, "--rpc", order.client.rpc_url, "--deployment", str(order.out)]

    assert run(command) == 1
    assert "RISK_ADMIN: the file says True, the chain has False" in capsys.readouterr().out

    adapter = load_deployment(order.out).addresses["adapter"]
    market.client.send(market.people.admin, market.acl.functions.addRiskAdmin(adapter))
    assert run(command) == 0
