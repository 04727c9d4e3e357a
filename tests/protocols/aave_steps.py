"""The steps that deployments of all minor versions of Aave V3 share, in the order in which they are taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from web3.contract.contract import Contract

from core.units import PRICE_ONE
from governance.client import ChainClient
from governance.signing import LocalSigner
from tests.protocols.aave import START_PRICE, USDC_COLLATERAL, WETH_COLLATERAL, AaveMarket, Refusals
from tests.protocols.npm_artifacts import NpmArtifacts
from tests.protocols.stage import NOBODY, Actors, Builder, actors, pay_gas

TREASURY = "0x" + "77" * 20
RESERVE_FACTOR_BPS = 10_00


@dataclass(frozen=True, slots=True)
class Release:
    """What differs between versions; ``pool`` and ``configurator`` are the names of their contracts.

    ``new_pool`` deploys the pool's implementation for a provider; ``reserves`` deploys what reserves share,
    and returns both reserves' descriptions.
    """

    version: str
    refusals: Refusals
    libraries: tuple[str, ...]
    pool: str
    configurator: str
    new_pool: Callable[[Builder, Contract], Contract]
    reserves: Callable[[Builder, AaveMarket], list[tuple[object, ...]]]


def deploy_release(
    chain_url: str, funder: LocalSigner, *, artifacts: NpmArtifacts, release: Release
) -> AaveMarket:
    """Return a market with two reserves and nobody in it."""
    client = ChainClient(chain_url, artifacts=artifacts)
    people = actors()
    pay_gas(client, funder, people)
    build = Builder(client, people.admin)
    link_libraries(build, artifacts, release.libraries)
    provider, acl = provider_with_access_control(build, people)
    install_pool(build, provider, release.new_pool(build, provider), build.new(release.configurator))
    pool, configurator = proxies(client, provider, (release.pool, release.configurator))
    weth, usdc = build.new("WETH9Mocked"), build.new("MintableERC20", "USD Coin", "USDC", 6)
    market = AaveMarket(
        version=release.version,
        refusals=release.refusals,
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
    build.send(configurator, "initReserves", release.reserves(build, market))
    configure_reserves(build, market)
    return market


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
