"""The steps that deployments of all minor versions of Aave V3 share, in the order in which they are taken."""

from __future__ import annotations

from collections.abc import Sequence

from web3.contract.contract import Contract

from core.units import PRICE_ONE
from governance.client import ChainClient
from tests.protocols.aave import START_PRICE, USDC_COLLATERAL, WETH_COLLATERAL, AaveMarket
from tests.protocols.npm_artifacts import NpmArtifacts
from tests.protocols.stage import NOBODY, Actors, Builder

TREASURY = "0x" + "77" * 20
RESERVE_FACTOR_BPS = 10_00


def link_libraries(build: Builder, artifacts: NpmArtifacts, libraries: Sequence[str]) -> None:
    """Deploy libraries; a later one may call an earlier one."""
    for library in libraries:
        artifacts.link(library, build.client.deploy(build.account, library))


def provider_with_access_control(build: Builder, people: Actors) -> tuple[Contract, Contract]:
    """Deploy the addresses provider and the ACL manager; ``admin`` is pool admin."""
    provider = build.new("PoolAddressesProvider", "Tribunate test market", build.account.address)
    build.send(provider, "setACLAdmin", build.account.address)
    acl = build.new("ACLManager", provider.address)
    build.send(provider, "setACLManager", acl.address)
    build.send(acl, "addPoolAdmin", build.account.address)
    build.send(acl, "addRiskAdmin", people.risk_admin.address)
    return provider, acl


def install_pool(build: Builder, provider: Contract, pool: Contract, configurator: Contract) -> None:
    """Let the provider make the two proxies."""
    build.send(provider, "setPoolImpl", pool.address)
    build.send(provider, "setPoolConfiguratorImpl", configurator.address)


def proxies(client: ChainClient, provider: Contract, names: tuple[str, str]) -> tuple[Contract, Contract]:
    """Return pool and configurator behind their proxies, with the ABIs of ``names``."""
    pool = client.call(provider.functions.getPool())
    configurator = client.call(provider.functions.getPoolConfigurator())
    return client.contract(names[0], pool), client.contract(names[1], configurator)


def install_oracle(build: Builder, provider: Contract, assets: Sequence[str]) -> Contract:
    """Deploy feeds (WETH, USDC) and the oracle over them."""
    feeds = [build.new("MockAggregator", price).address for price in (START_PRICE, PRICE_ONE)]
    oracle = build.new("AaveOracle", provider.address, assets, feeds, NOBODY, NOBODY, PRICE_ONE)
    build.send(provider, "setPriceOracle", oracle.address)
    return oracle


def install_data_provider(build: Builder, provider: Contract) -> Contract:
    """Deploy the data provider; from V3.2 on it needs the pool to be there."""
    data_provider = build.new("AaveProtocolDataProvider", provider.address)
    build.send(provider, "setPoolDataProvider", data_provider.address)
    return data_provider


def configure_reserves(build: Builder, market: AaveMarket) -> None:
    """Make both reserves collateral that can be borrowed."""
    for asset, values in ((market.weth, WETH_COLLATERAL), (market.usdc, USDC_COLLATERAL)):
        build.send(market.configurator, "configureReserveAsCollateral", asset.address, *values)
        build.send(market.configurator, "setReserveBorrowing", asset.address, True)
        build.send(market.configurator, "setReserveFactor", asset.address, RESERVE_FACTOR_BPS)
