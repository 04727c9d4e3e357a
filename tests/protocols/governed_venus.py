"""Venus under the rule of a DAO: the markets of WETH and USDC."""

from __future__ import annotations

from dataclasses import dataclass

from core.units import WAD
from governance.signing import LocalSigner
from tests.protocols.dao import ProtocolDao, found_dao, install
from tests.protocols.venus import USDC_ONE, WETH_ONE, VenusMarket, factor_change, grant

NO_LTV_MARGIN_BPS = 100_00
NO_BORROWING = 1
"""What a borrow cap of zero means in Venus: the adapter's enum."""


@dataclass(frozen=True, slots=True)
class GovernedVenus:
    """A pool and its DAO."""

    market: VenusMarket
    dao: ProtocolDao

    @property
    def vweth(self) -> str:
        """The market of WETH against USDC."""
        return self.market.vweth.address

    @property
    def vusdc(self) -> str:
        """The market of USDC itself: its caps are governed there."""
        return self.market.vusdc.address

    def set_factor(self, factor_bps: int) -> None:
        """Write WETH's factor past the DAO, whom access control forgets for that moment."""
        grant(self.market, self.market.people.risk_admin.address)
        self.market.client.send(
            self.market.people.risk_admin, factor_change(self.market, factor_bps * WAD // 100_00)
        )
        grant(self.market, self.dao.adapter.address)


def govern_venus(market: VenusMarket, funder: LocalSigner) -> GovernedVenus:
    """Cap the markets, and put a DAO before them whom alone access control lets in."""
    comptroller, risk_admin = market.comptroller.functions, market.people.risk_admin
    vweth, vusdc = market.vweth.address, market.vusdc.address
    market.client.send(risk_admin, comptroller._setMarketSupplyCaps([vweth], [1_000 * WETH_ONE]))
    market.client.send(risk_admin, comptroller._setMarketBorrowCaps([vusdc], [500_000 * USDC_ONE]))
    founded = found_dao(market.client, funder)
    dao = install(founded, "ComptrollerAdapter", market.comptroller.address, NO_BORROWING)
    for key in (vweth, vusdc):
        founded.send(dao.adapter.functions.setDebtMarket(key, vusdc))
        dao.take(key, margin_bps=NO_LTV_MARGIN_BPS)
    dao.hand_over()
    grant(market, dao.adapter.address)
    return GovernedVenus(market, dao)
