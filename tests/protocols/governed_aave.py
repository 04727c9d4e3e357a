"""Aave V3 under the rule of a DAO: both reserves and the e-mode category are its markets."""

from __future__ import annotations

from dataclasses import dataclass

from web3.contract.contract import Contract

from core.mandate import FreshnessBands
from core.units import Bps
from governance.signing import LocalSigner
from tests.protocols.aave import AaveMarket, set_cap, set_category
from tests.protocols.dao import ProtocolDao, found_dao, install

MARGIN_BPS = 2_50
CATEGORY_KEY = "0x" + "00" * 19 + "01"
BANDS = FreshnessBands(price_fall_bps=Bps(10_00))


@dataclass(frozen=True, slots=True)
class GovernedAave:
    """A market and its DAO."""

    market: AaveMarket
    dao: ProtocolDao

    @property
    def weth(self) -> str:
        """The market of WETH against USDC."""
        return self.market.weth.address

    @property
    def usdc(self) -> str:
        """The market of USDC itself: its caps are governed there."""
        return self.market.usdc.address

    def own_adapter(self) -> Contract:
        """Deploy another adapter, which a stranger owns: for what only an owner may do."""
        limits, sample = (self.dao.founded.addresses[role] for role in ("limits", "sample"))
        owner, client = self.market.people.stranger, self.market.client
        arguments = (self.market.provider.address, owner.address, limits, sample)
        return client.contract("AaveV3Adapter", client.deploy(owner, "AaveV3Adapter", *arguments))


def govern_aave(market: AaveMarket, funder: LocalSigner) -> GovernedAave:
    """Cap the reserves, open a category, and put a DAO before them that holds RISK_ADMIN."""
    risk_admin, admin = market.people.risk_admin, market.people.admin
    set_cap(market, risk_admin, "setSupplyCap", asset=market.weth, cap=1_000)
    set_cap(market, risk_admin, "setBorrowCap", asset=market.usdc, cap=500_000)
    set_category(market, risk_admin, ltv=90_00, threshold=93_00, bonus=102_00)
    dao = install(found_dao(market.client, funder), "AaveV3Adapter", market.provider.address)
    functions, send = dao.adapter.functions, dao.founded.send
    weth, usdc = market.weth.address, market.usdc.address
    for key, collateral in ((weth, weth), (usdc, usdc), (CATEGORY_KEY, weth)):
        send(functions.watch(key, collateral, usdc))
    dao.take(weth, margin_bps=MARGIN_BPS, bands=BANDS)
    dao.take(usdc, margin_bps=MARGIN_BPS)
    dao.take(CATEGORY_KEY, margin_bps=MARGIN_BPS, is_emode=True)
    dao.hand_over()
    market.client.send(admin, market.acl.functions.addRiskAdmin(dao.adapter.address))
    return GovernedAave(market, dao)
