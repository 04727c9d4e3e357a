"""The double of a Compound III market: USDC is lent, WETH is collateral.

Warning: a double.  It keeps names, units and the two-step change of the real one (written values are inert
until ``deployAndUpgradeTo``); contracts/test/CometDouble.sol says what it leaves out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from web3.contract.contract import Contract
from web3.types import TxReceipt

from contracts.artifacts import Artifact, load_any_artifact
from core.units import PRICE_ONE, WAD
from governance.client import ChainClient
from governance.signing import LocalSigner
from tests.protocols.stage import MAX_UINT, NOBODY, Actors, Builder, actors, pay_gas

WETH_ONE = 10**18
USDC_ONE = 10**6
START_PRICE = 2_000 * PRICE_ONE
BORROW_FACTOR = 80 * WAD // 100
LIQUIDATE_FACTOR = 85 * WAD // 100
LIQUIDATION_FACTOR = 95 * WAD // 100
SUPPLY_CAP = 10_000 * WETH_ONE


@dataclass(frozen=True, slots=True)
class CometMarket:
    """Contracts of one deployment; ``people.risk_admin`` is the market admin."""

    client: ChainClient
    people: Actors
    comet: Contract
    configurator: Contract
    proxy_admin: Contract
    weth: Contract
    usdc: Contract
    weth_feed: Contract


def deploy_comet(
    chain_url: str, funder: LocalSigner, *, artifacts: Callable[[str], Artifact] = load_any_artifact
) -> CometMarket:
    """Return a market with one collateral and nobody in it."""
    client = ChainClient(chain_url, artifacts=artifacts)
    people = actors()
    pay_gas(client, funder, people)
    admin = people.admin
    build = Builder(client, admin)
    proxy_admin = build.new("CometProxyAdminDouble", admin.address)
    market = CometMarket(
        client=client,
        people=people,
        comet=build.new("CometDouble", proxy_admin.address),
        configurator=build.new("CometConfiguratorDouble", admin.address),
        proxy_admin=proxy_admin,
        weth=build.new("DemoToken", admin.address, "Wrapped Ether", "WETH", 18),
        usdc=build.new("DemoToken", admin.address, "USD Coin", "USDC", 6),
        weth_feed=build.new("PriceFeedDouble", START_PRICE),
    )
    usdc_feed = build.new("PriceFeedDouble", PRICE_ONE)
    written = configuration(market, usdc_feed)
    build.send(market.configurator, "setConfiguration", market.comet.address, written)
    build.send(market.configurator, "setFactory", market.comet.address, market.configurator.address)
    for contract in (market.configurator, proxy_admin):
        build.send(contract, "setMarketAdmin", people.risk_admin.address)
    upgrade(market, admin)
    return market


def configuration(market: CometMarket, usdc_feed: Contract) -> tuple[object, ...]:
    """Return what is written to the Configurator at first; every rate is zero."""
    weth = (
        market.weth.address,
        market.weth_feed.address,
        18,
        BORROW_FACTOR,
        LIQUIDATE_FACTOR,
        LIQUIDATION_FACTOR,
        SUPPLY_CAP,
    )
    admin = market.people.admin.address
    addresses = (admin, admin, market.usdc.address, usdc_feed.address, NOBODY)
    return (*addresses, *[0] * 15, [weth])


def upgrade(market: CometMarket, who: LocalSigner) -> TxReceipt:
    """Make what is written live."""
    addresses = (market.configurator.address, market.comet.address)
    return market.client.send(who, market.proxy_admin.functions.deployAndUpgradeTo(*addresses))


def write(market: CometMarket, who: LocalSigner, setter: str, *, value: int) -> TxReceipt:
    """Write one value of WETH, by the setter's name, without making it live."""
    function = market.configurator.functions[setter]
    return market.client.send(who, function(market.comet.address, market.weth.address, value))


def open_positions(market: CometMarket) -> None:
    """Supply 1 000 000 USDC; against 100 WETH at 2 000 USD, borrow 150 000 USDC."""
    supply(market, market.people.supplier, market.usdc, amount=1_000_000 * USDC_ONE)
    supply(market, market.people.borrower, market.weth, amount=100 * WETH_ONE)
    borrow(market, market.people.borrower, amount=150_000 * USDC_ONE)


def supply(market: CometMarket, who: LocalSigner, asset: Contract, *, amount: int) -> TxReceipt:
    """Supply freshly minted tokens."""
    market.client.send(market.people.admin, asset.functions.mint(who.address, amount))
    market.client.send(who, asset.functions.approve(market.comet.address, MAX_UINT))
    return market.client.send(who, market.comet.functions.supply(asset.address, amount))


def borrow(market: CometMarket, who: LocalSigner, *, amount: int) -> TxReceipt:
    """Borrow USDC, which is a withdrawal below zero."""
    return market.client.send(who, market.comet.functions.withdraw(market.usdc.address, amount))


def absorb(market: CometMarket, account: str) -> TxReceipt:
    """Let the liquidator have an account absorbed."""
    liquidator = market.people.liquidator
    return market.client.send(liquidator, market.comet.functions.absorb(liquidator.address, [account]))


def move_price(market: CometMarket, price: int) -> None:
    """Let WETH's feed say ``price`` (eight decimals)."""
    market.client.send(market.people.admin, market.weth_feed.functions.setAnswer(price))


def live_factors(market: CometMarket) -> tuple[int, int, int, int]:
    """Return borrow, liquidate and liquidation factor (wad) and the cap of WETH, as Comet says them."""
    info = market.client.call(market.comet.functions.getAssetInfoByAddress(market.weth.address))
    return info[4], info[5], info[6], info[7]


def is_liquidatable(market: CometMarket, account: str) -> bool:
    """Return whether anybody may absorb the account."""
    return bool(market.client.call(market.comet.functions.isLiquidatable(account)))
