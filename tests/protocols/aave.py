"""A deployed Aave V3 market, whatever its minor version, and what people do with it."""

from __future__ import annotations

from dataclasses import dataclass

from web3.contract.contract import Contract
from web3.types import TxReceipt

from core.units import PRICE_ONE
from governance.client import ChainClient
from governance.signing import LocalSigner
from tests.protocols.stage import MAX_UINT, NOBODY, Actors, overload

WETH_ONE = 10**18
USDC_ONE = 10**6
VARIABLE_RATE = 2
CATEGORY = 1
START_PRICE = 2_000 * PRICE_ONE

WETH_COLLATERAL = (80_00, 82_50, 105_00)
"""LTV, liquidation threshold, and bonus as Aave writes it: one plus the excess."""

USDC_COLLATERAL = (77_00, 80_00, 104_50)


@dataclass(frozen=True, slots=True)
class Refusals:
    """What the protocol answers, as :mod:`governance.reverts` shows it: a pattern for each rule."""

    not_a_risk_admin: str
    invalid_parameters: str
    collateral_too_small: str
    healthy: str
    supply_cap: str
    borrow_cap: str
    frozen: str
    invalid_category: str


@dataclass(frozen=True, slots=True)
class AaveMarket:
    """Addresses and contracts of one deployment; ``weth`` is collateral, ``usdc`` is borrowed."""

    version: str
    refusals: Refusals
    client: ChainClient
    people: Actors
    provider: Contract
    acl: Contract
    pool: Contract
    configurator: Contract
    oracle: Contract
    data_provider: Contract
    weth: Contract
    usdc: Contract


def open_positions(market: AaveMarket) -> None:
    """Supply 1 000 000 USDC; against 100 WETH at 2 000 USD, borrow 150 000 USDC."""
    supply(market, market.people.supplier, market.usdc, amount=1_000_000 * USDC_ONE)
    supply(market, market.people.borrower, market.weth, amount=100 * WETH_ONE)
    borrow(market, market.people.borrower, amount=150_000 * USDC_ONE)


def give(market: AaveMarket, who: LocalSigner, asset: Contract, *, amount: int) -> None:
    """Mint tokens to somebody, who lets the pool take them."""
    market.client.send(who, overload(asset, "mint(address,uint256)", who.address, amount))
    market.client.send(who, asset.functions.approve(market.pool.address, MAX_UINT))


def supply(market: AaveMarket, who: LocalSigner, asset: Contract, *, amount: int) -> TxReceipt:
    """Supply freshly minted tokens."""
    give(market, who, asset, amount=amount)
    return market.client.send(who, market.pool.functions.supply(asset.address, amount, who.address, 0))


def borrow(market: AaveMarket, who: LocalSigner, *, amount: int) -> TxReceipt:
    """Borrow USDC at the variable rate."""
    function = market.pool.functions.borrow(market.usdc.address, amount, VARIABLE_RATE, 0, who.address)
    return market.client.send(who, function)


def repay(market: AaveMarket, who: LocalSigner, *, amount: int) -> TxReceipt:
    """Repay USDC at the variable rate."""
    market.client.send(who, market.usdc.functions.approve(market.pool.address, MAX_UINT))
    return market.client.send(
        who, market.pool.functions.repay(market.usdc.address, amount, VARIABLE_RATE, who.address)
    )


def liquidate(market: AaveMarket, *, cover: int = MAX_UINT) -> TxReceipt:
    """Let the liquidator repay the borrower's debt, as much as the protocol allows up to ``cover``."""
    people = market.people
    give(market, people.liquidator, market.usdc, amount=1_000_000 * USDC_ONE)
    function = market.pool.functions.liquidationCall(
        market.weth.address, market.usdc.address, people.borrower.address, cover, False
    )
    return market.client.send(people.liquidator, function)


def set_collateral(
    market: AaveMarket, who: LocalSigner, *, ltv: int, threshold: int, bonus: int
) -> TxReceipt:
    """Change WETH's collateral parameters; ``bonus`` is one plus the excess."""
    function = market.configurator.functions.configureReserveAsCollateral
    return market.client.send(who, function(market.weth.address, ltv, threshold, bonus))


def set_cap(market: AaveMarket, who: LocalSigner, setter: str, *, asset: Contract, cap: int) -> TxReceipt:
    """Write a cap by its setter's name; Aave counts whole tokens, and zero is no cap."""
    return market.client.send(who, market.configurator.functions[setter](asset.address, cap))


def caps(market: AaveMarket, asset: Contract) -> tuple[int, int]:
    """Return supply cap and borrow cap, in whole tokens."""
    borrow_cap, supply_cap = market.client.call(market.data_provider.functions.getReserveCaps(asset.address))
    return supply_cap, borrow_cap


def set_frozen(market: AaveMarket, who: LocalSigner, *, frozen: bool) -> TxReceipt:
    """Freeze or thaw WETH."""
    function = market.configurator.functions.setReserveFreeze(market.weth.address, frozen)
    return market.client.send(who, function)


def set_ltv_zero(market: AaveMarket, who: LocalSigner, *, zero: bool) -> TxReceipt:
    """From V3.6 on: zero WETH's LTV without freezing it, or bring the LTV back that was written last."""
    function = market.configurator.functions.setReserveLtvzero(market.weth.address, zero)
    return market.client.send(who, function)


def set_category(market: AaveMarket, who: LocalSigner, *, ltv: int, threshold: int, bonus: int) -> TxReceipt:
    """Write the parameters of the e-mode category; up to V3.0 it may have an oracle of its own."""
    oracle = [NOBODY] if market.version == "3.0.2" else []
    function = market.configurator.functions.setEModeCategory
    return market.client.send(who, function(CATEGORY, ltv, threshold, bonus, *oracle, "ETH against USD"))


def category_parameters(market: AaveMarket) -> tuple[int, int, int]:
    """Return LTV, threshold and bonus (one plus the excess) of the e-mode category."""
    values = market.client.call(market.pool.functions.getEModeCategoryData(CATEGORY))
    return values[0], values[1], values[2]


def enter_category(market: AaveMarket, who: LocalSigner) -> None:
    """Put both assets into the e-mode category, and somebody too."""
    admin, configurator = market.people.admin, market.configurator.functions
    if market.version == "3.0.2":
        for asset in (market.weth, market.usdc):
            market.client.send(admin, configurator.setAssetEModeCategory(asset.address, CATEGORY))
    else:
        collateral = configurator.setAssetCollateralInEMode(market.weth.address, CATEGORY, True)
        market.client.send(admin, collateral)
        borrowable = configurator.setAssetBorrowableInEMode(market.usdc.address, CATEGORY, True)
        market.client.send(admin, borrowable)
    market.client.send(who, market.pool.functions.setUserEMode(CATEGORY))


def move_price(market: AaveMarket, price: int) -> None:
    """Let the oracle say ``price`` (eight decimals) for WETH."""
    feed = market.client.deploy(market.people.admin, "MockAggregator", price)
    function = market.oracle.functions.setAssetSources([market.weth.address], [feed])
    market.client.send(market.people.admin, function)


def collateral_parameters(market: AaveMarket) -> tuple[int, int, int]:
    """Return WETH's LTV, threshold and bonus (one plus the excess)."""
    values = market.client.call(
        market.data_provider.functions.getReserveConfigurationData(market.weth.address)
    )
    return values[1], values[2], values[3]


def health_factor(market: AaveMarket, who: LocalSigner) -> int:
    """Return the health factor in wad."""
    return int(market.client.call(market.pool.functions.getUserAccountData(who.address))[5])
