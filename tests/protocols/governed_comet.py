"""The double of Compound III under the rule of a DAO: WETH and WBTC against USDC."""

from __future__ import annotations

from dataclasses import dataclass

from core.units import PRICE_ONE, WAD
from governance.signing import LocalSigner
from tests.protocols.comet import CometMarket, upgrade
from tests.protocols.dao import ProtocolDao, found_dao, install

MARGIN_BPS = 5_00
WBTC_ONE = 10**8


@dataclass(frozen=True, slots=True)
class GovernedComet:
    """A market and its DAO."""

    market: CometMarket
    dao: ProtocolDao
    wbtc: str

    @property
    def weth(self) -> str:
        """The collateral."""
        return self.market.weth.address

    def let_in(self, account: str) -> None:
        """Make somebody market admin, and nobody else."""
        for contract in (self.market.configurator, self.market.proxy_admin):
            self.market.client.send(self.market.people.admin, contract.functions.setMarketAdmin(account))


def add_wbtc(market: CometMarket) -> str:
    """Write a second collateral and make it live; return its address."""
    client, admin = market.client, market.people.admin
    token = client.deploy(admin, "DemoToken", admin.address, "Wrapped Bitcoin", "WBTC", 8)
    feed = client.deploy(admin, "PriceFeedDouble", 60_000 * PRICE_ONE)
    configurator = market.configurator.functions
    written = list(client.call(configurator.getConfiguration(market.comet.address)))
    factors = (70 * WAD // 100, 77 * WAD // 100, 90 * WAD // 100)
    written[-1] = [*written[-1], (token, feed, 8, *factors, 100 * WBTC_ONE)]
    client.send(admin, configurator.setConfiguration(market.comet.address, tuple(written)))
    upgrade(market, admin)
    return token


def govern_comet(market: CometMarket, funder: LocalSigner) -> GovernedComet:
    """Add a second collateral, and put a DAO before the market, whose adapter is market admin."""
    wbtc = add_wbtc(market)
    addresses = (market.comet.address, market.configurator.address, market.proxy_admin.address)
    dao = install(found_dao(market.client, funder), "CometAdapter", *addresses)
    for asset in (market.weth.address, wbtc):
        dao.take(asset, margin_bps=MARGIN_BPS)
    dao.hand_over()
    governed = GovernedComet(market, dao, wbtc)
    governed.let_in(dao.adapter.address)
    return governed
