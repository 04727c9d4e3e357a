"""Aave V3.0.2 as ``@aave/core-v3`` 1.19.3 ships it: compiled, unlinked."""

from __future__ import annotations

from web3.contract.contract import Contract

from governance.client import ChainClient
from governance.signing import LocalSigner
from tests.protocols.aave import AaveMarket, Refusals
from tests.protocols.aave_steps import (
    TREASURY,
    configure_reserves,
    install_data_provider,
    install_oracle,
    install_pool,
    link_libraries,
    provider_with_access_control,
    proxies,
)
from tests.protocols.npm_artifacts import NpmArtifacts, installed
from tests.protocols.stage import NOBODY, Builder, actors, pay_gas

PACKAGE = "@aave/core-v3"
LIBRARIES = (
    "SupplyLogic",
    "BorrowLogic",
    "LiquidationLogic",
    "EModeLogic",
    "BridgeLogic",
    "ConfiguratorLogic",
    "FlashLoanLogic",
    "PoolLogic",
)
REFUSALS = Refusals(
    not_a_risk_admin=r"Error\(message=4\)",
    invalid_parameters=r"Error\(message=20\)",
    collateral_too_small=r"Error\(message=36\)",
    healthy=r"Error\(message=45\)",
    supply_cap=r"Error\(message=51\)",
    borrow_cap=r"Error\(message=50\)",
    frozen=r"Error\(message=28\)",
    invalid_category=r"Error\(message=21\)",
)
"""Numbers of ``Errors.sol``."""

RAY = 10**27
RATE_STRATEGY = tuple(percent * RAY // 100 for percent in (80, 0, 4, 60, 2, 60, 2, 5, 20))
"""Optimal usage, base rate, two slopes of the variable and of the stable rate, three stable offsets."""


def deploy_aave_v302(chain_url: str, funder: LocalSigner) -> AaveMarket:
    """Return a market with two reserves and nobody in it."""
    artifacts = NpmArtifacts(installed(PACKAGE) / "artifacts" / "contracts")
    client = ChainClient(chain_url, artifacts=artifacts)
    people = actors()
    pay_gas(client, funder, people)
    build = Builder(client, people.admin)
    link_libraries(build, artifacts, LIBRARIES)
    provider, acl = provider_with_access_control(build, people)
    install_pool(build, provider, build.new("Pool", provider.address), build.new("PoolConfigurator"))
    pool, configurator = proxies(client, provider, ("Pool", "PoolConfigurator"))
    weth, usdc = build.new("WETH9Mocked"), build.new("MintableERC20", "USD Coin", "USDC", 6)
    market = AaveMarket(
        version="3.0.2",
        refusals=REFUSALS,
        client=client,
        people=people,
        provider=provider,
        acl=acl,
        pool=pool,
        configurator=configurator,
        oracle=install_oracle(build, provider, [weth.address, usdc.address]),
        data_provider=install_data_provider(build, provider),
        weth=weth,
        usdc=usdc,
    )
    build.send(configurator, "initReserves", reserves(build, market))
    configure_reserves(build, market)
    return market


def reserves(build: Builder, market: AaveMarket) -> list[tuple[object, ...]]:
    """Deploy what reserves share, and return both reserves' descriptions."""
    tokens = [
        build.new(name, market.pool.address).address
        for name in ("AToken", "StableDebtToken", "VariableDebtToken")
    ]
    strategy = build.new("DefaultReserveInterestRateStrategy", market.provider.address, *RATE_STRATEGY)

    def described(asset: Contract, symbol: str, decimals: int) -> tuple[object, ...]:
        addresses = (strategy.address, asset.address, TREASURY, NOBODY)
        return (*tokens, decimals, *addresses, *names(symbol), b"")

    return [described(market.weth, "WETH", 18), described(market.usdc, "USDC", 6)]


def names(symbol: str) -> tuple[str, ...]:
    """Return names and symbols of the three tokens of a reserve."""
    return (
        f"Aave {symbol}",
        f"a{symbol}",
        f"Aave variable debt {symbol}",
        f"variableDebt{symbol}",
        f"Aave stable debt {symbol}",
        f"stableDebt{symbol}",
    )
