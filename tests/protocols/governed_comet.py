"""The double of Compound III under the rule of a DAO: WETH against USDC."""

from __future__ import annotations

from dataclasses import dataclass

from governance.signing import LocalSigner
from tests.protocols.comet import CometMarket
from tests.protocols.dao import ProtocolDao, found_dao, install

MARGIN_BPS = 5_00


@dataclass(frozen=True, slots=True)
class GovernedComet:
    """A market and its DAO."""

    market: CometMarket
    dao: ProtocolDao

    @property
    def weth(self) -> str:
        """The collateral."""
        return self.market.weth.address

    def let_in(self, account: str) -> None:
        """Make somebody market admin, and nobody else."""
        for contract in (self.market.configurator, self.market.proxy_admin):
            self.market.client.send(self.market.people.admin, contract.functions.setMarketAdmin(account))


def govern_comet(market: CometMarket, funder: LocalSigner) -> GovernedComet:
    """Put a DAO before the market, whose adapter is market admin."""
    addresses = (market.comet.address, market.configurator.address, market.proxy_admin.address)
    dao = install(found_dao(market.client, funder), "CometAdapter", *addresses)
    dao.take(market.weth.address, margin_bps=MARGIN_BPS)
    dao.hand_over()
    governed = GovernedComet(market, dao)
    governed.let_in(dao.adapter.address)
    return governed
