"""Venus's core pool as ``@venusprotocol/venus-protocol`` 9.7.0 ships it: a comptroller of Compound V2's kind.

The last release with one collateral factor; from 10.0 on it has a liquidation threshold of its own.
The access control manager is the package's mock, which lets one account do everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eth_utils.abi import abi_to_signature
from eth_utils.crypto import keccak
from web3.contract.contract import Contract, ContractFunction
from web3.types import TxReceipt

from core.units import PRICE_ONE, WAD
from governance.client import ChainClient
from governance.signing import LocalSigner
from tests.protocols.npm_artifacts import NpmArtifacts, installed
from tests.protocols.stage import MAX_UINT, Actors, Builder, actors, pay_gas

PACKAGE = "@venusprotocol/venus-protocol"
FACETS = ("MarketFacet", "PolicyFacet", "SetterFacet", "RewardFacet")
ADD_FUNCTIONS = 0
WETH_ONE = 10**18
USDC_ONE = 10**6
START_PRICE = 2_000 * PRICE_ONE
WETH_FACTOR = 80 * WAD // 100
USDC_FACTOR = 75 * WAD // 100
CLOSE_FACTOR = 50 * WAD // 100
LIQUIDATION_INCENTIVE = 110 * WAD // 100

NO_ERROR = 0
INSUFFICIENT_LIQUIDITY = 4
INVALID_COLLATERAL_FACTOR = 6
TOO_MUCH_REPAY = 17
"""Codes of ``ComptrollerErrorReporter``: what a V2-like comptroller returns instead of reverting."""

TOKEN_COMPTROLLER_REJECTION = 3
"""Code of ``TokenErrorReporter``: the vToken says that the comptroller said no."""


@dataclass(frozen=True, slots=True)
class VenusMarket:
    """Contracts of one deployment; ``people.risk_admin`` is whom access control lets in."""

    client: ChainClient
    people: Actors
    comptroller: Contract
    oracle: Contract
    weth: Contract
    usdc: Contract
    vweth: Contract
    vusdc: Contract


class VenusDeployer:
    """Deploys one core pool, step by step; every step needs those before it."""

    def __init__(self, chain_url: str, funder: LocalSigner) -> None:
        self.artifacts = NpmArtifacts(installed(PACKAGE) / "artifacts" / "contracts")
        self.client = ChainClient(chain_url, artifacts=self.artifacts)
        self.people = actors()
        self.admin = self.people.admin
        self.build = Builder(self.client, self.admin)
        pay_gas(self.client, funder, self.people)

    def deploy(self) -> VenusMarket:
        """Return a pool with two markets and nobody in it."""
        comptroller = self._diamond()
        oracle = self._configured(comptroller)
        rates = self.build.new("JumpRateModel", 0, 4 * WAD // 100, 75 * WAD // 100, 90 * WAD // 100)
        weth, usdc = (
            self.build.new("MockToken", name, symbol, decimals)
            for name, symbol, decimals in (("Wrapped Ether", "WETH", 18), ("USD Coin", "USDC", 6))
        )
        vweth = self._vtoken(weth, comptroller, rates, symbol="vWETH", decimals=18)
        vusdc = self._vtoken(usdc, comptroller, rates, symbol="vUSDC", decimals=6)
        market = VenusMarket(self.client, self.people, comptroller, oracle, weth, usdc, vweth, vusdc)
        self._listed(market)
        grant(market, self.people.risk_admin.address)
        return market

    def _diamond(self) -> Contract:
        unitroller, diamond = self.build.new("Unitroller"), self.build.new("Diamond")
        self.build.send(unitroller, "_setPendingImplementation", diamond.address)
        self.build.send(diamond, "_become", unitroller.address)
        cuts = [self._cut(facet) for facet in FACETS]
        self.build.send(self.client.contract("Diamond", unitroller.address), "diamondCut", cuts)
        return self.client.web3.eth.contract(address=unitroller.address, abi=self._facets_abi())

    def _cut(self, facet: str) -> tuple[str, int, list[bytes]]:
        """Return the functions of a facet's interface, without the storage getters that all facets share."""
        functions = [entry for entry in self.artifacts(f"I{facet}").abi if entry["type"] == "function"]
        selectors = [keccak(text=abi_to_signature(function))[:4] for function in functions]  # type: ignore[arg-type]
        return self.client.deploy(self.admin, facet), ADD_FUNCTIONS, selectors

    def _facets_abi(self) -> list[dict[str, Any]]:
        entries = (entry for facet in FACETS for entry in self.artifacts(facet).abi)
        named = (entry for entry in entries if entry["type"] in {"function", "event"})
        return list({(entry["type"], abi_to_signature(entry)): entry for entry in named}.values())  # type: ignore[arg-type]

    def _configured(self, comptroller: Contract) -> Contract:
        oracle = self.build.new("SimplePriceOracle")
        self.build.send(comptroller, "_setPriceOracle", oracle.address)
        self.build.send(comptroller, "_setComptrollerLens", self.build.new("ComptrollerLens").address)
        access = self.build.new("AccessControlManagerMock", self.admin.address)
        self.build.send(comptroller, "_setAccessControl", access.address)
        self.build.send(comptroller, "_setCloseFactor", CLOSE_FACTOR)
        self.build.send(comptroller, "_setLiquidationIncentive", LIQUIDATION_INCENTIVE)
        return oracle

    def _vtoken(
        self, token: Contract, comptroller: Contract, rates: Contract, *, symbol: str, decimals: int
    ) -> Contract:
        """Return the market of a token; 50 of its vTokens (8 decimals) are one token at first."""
        first_rate = 2 * 10 ** (18 + decimals - 8 - 2)
        addresses = (token.address, comptroller.address, rates.address)
        return self.build.new(
            "VBep20Immutable", *addresses, first_rate, f"Venus {symbol}", symbol, 8, self.admin.address
        )

    def _listed(self, market: VenusMarket) -> None:
        vtokens = [market.vweth.address, market.vusdc.address]
        move_price(market, START_PRICE)
        set_price(market, market.vusdc, PRICE_ONE, decimals=6)
        for vtoken, factor in zip(vtokens, (WETH_FACTOR, USDC_FACTOR), strict=True):
            self.build.send(market.comptroller, "_supportMarket", vtoken)
            self.build.send(market.comptroller, "_setCollateralFactor", vtoken, factor)
        self.build.send(market.comptroller, "_setMarketSupplyCaps", vtokens, [MAX_UINT, MAX_UINT])
        self.build.send(market.comptroller, "_setMarketBorrowCaps", vtokens, [MAX_UINT, MAX_UINT])


def grant(market: VenusMarket, account: str) -> None:
    """Let access control allow everything to ``account``, and nothing to anybody else."""
    admin = market.people.admin
    access = market.client.deploy(admin, "AccessControlManagerMock", account)
    market.client.send(admin, market.comptroller.functions._setAccessControl(access))


def open_positions(market: VenusMarket) -> None:
    """Supply 1 000 000 USDC; against 100 WETH at 2 000 USD, borrow 150 000 USDC."""
    supply(market, market.people.supplier, market.vusdc, amount=1_000_000 * USDC_ONE)
    supply(market, market.people.borrower, market.vweth, amount=100 * WETH_ONE)
    borrow(market, market.people.borrower, amount=150_000 * USDC_ONE)


def give(market: VenusMarket, who: LocalSigner, vtoken: Contract, *, amount: int) -> None:
    """Mint the underlying token to somebody, who lets the market take it."""
    token = market.weth if vtoken.address == market.vweth.address else market.usdc
    market.client.send(who, token.functions.faucet(amount))
    market.client.send(who, token.functions.approve(vtoken.address, MAX_UINT))


def supply(market: VenusMarket, who: LocalSigner, vtoken: Contract, *, amount: int) -> None:
    """Supply freshly minted tokens, as collateral too."""
    give(market, who, vtoken, amount=amount)
    market.client.send(who, vtoken.functions.mint(amount))
    market.client.send(who, market.comptroller.functions.enterMarkets([vtoken.address]))


def borrow(market: VenusMarket, who: LocalSigner, *, amount: int) -> TxReceipt:
    """Borrow USDC."""
    return market.client.send(who, market.vusdc.functions.borrow(amount))


def liquidation(market: VenusMarket, *, repay: int) -> ContractFunction:
    """Return the call that repays a part of the borrower's debt for WETH."""
    borrower = market.people.borrower.address
    function: ContractFunction = market.vusdc.functions.liquidateBorrow(borrower, repay, market.vweth.address)
    return function


def factor_change(market: VenusMarket, factor: int) -> ContractFunction:
    """Return the call that sets WETH's collateral factor (wad)."""
    function: ContractFunction = market.comptroller.functions._setCollateralFactor(
        market.vweth.address, factor
    )
    return function


def code_of(market: VenusMarket, who: LocalSigner, function: ContractFunction) -> int:
    """Return the error code that a call would return now.

    Warning: such a call succeeds on chain and changes nothing, so nobody may look at its receipt alone.
    """
    return int(market.client.call(function, sender=who.address))


def move_price(market: VenusMarket, price: int) -> None:
    """Let the oracle say ``price`` (eight decimals) for WETH."""
    set_price(market, market.vweth, price, decimals=18)


def set_price(market: VenusMarket, vtoken: Contract, price: int, *, decimals: int) -> None:
    """Let the oracle say ``price`` (eight decimals); its own unit is 36 less the token's decimals."""
    function = market.oracle.functions.setUnderlyingPrice(vtoken.address, price * 10 ** (28 - decimals))
    market.client.send(market.people.admin, function)


def collateral_factor(market: VenusMarket) -> int:
    """Return WETH's collateral factor in wad."""
    return int(market.client.call(market.comptroller.functions.markets(market.vweth.address))[1])


def liquidity(market: VenusMarket, account: str) -> tuple[int, int]:
    """Return what an account may still borrow and what it lacks, one of them zero, in wad USD."""
    code, excess, shortfall = market.client.call(market.comptroller.functions.getAccountLiquidity(account))
    if code != NO_ERROR:
        raise AssertionError(f"getAccountLiquidity returned error {code}")
    return excess, shortfall
