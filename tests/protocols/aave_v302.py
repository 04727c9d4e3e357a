"""Aave V3.0.2 as ``@aave/core-v3`` 1.19.3 ships it: compiled, unlinked."""

from __future__ import annotations

from web3.contract.contract import Contract

from core.units import PRICE_ONE
from governance.client import ChainClient
from governance.signing import LocalSigner
from tests.protocols.aave import START_PRICE, USDC_COLLATERAL, WETH_COLLATERAL, AaveMarket, Refusals
from tests.protocols.npm_artifacts import NpmArtifacts, installed
from tests.protocols.stage import NOBODY, Actors, actors, pay_gas

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
)
"""Numbers of ``Errors.sol``."""

RAY = 10**27
RATE_STRATEGY = tuple(percent * RAY // 100 for percent in (80, 0, 4, 60, 2, 60, 2, 5, 20))
"""Optimal usage, base rate, two slopes of the variable and of the stable rate, three stable offsets."""


class AaveV302Deployer:
    """Deploys one market, step by step; every step needs those before it."""

    def __init__(self, chain_url: str, funder: LocalSigner) -> None:
        self.artifacts = NpmArtifacts(installed(PACKAGE) / "artifacts" / "contracts")
        self.client = ChainClient(chain_url, artifacts=self.artifacts)
        self.people: Actors = actors()
        self.admin = self.people.admin
        pay_gas(self.client, funder, self.people)

    def deploy(self) -> AaveMarket:
        """Return a market with two reserves and nobody in it."""
        for library in LIBRARIES:
            self.artifacts.link(library, self.client.deploy(self.admin, library))
        provider = self._new("PoolAddressesProvider", "Tribunate test market", self.admin.address)
        acl = self._access_control(provider)
        pool, configurator = self._pool(provider)
        weth, usdc = self._new("WETH9Mocked"), self._new("MintableERC20", "USD Coin", "USDC", 6)
        oracle = self._oracle(provider, weth, usdc)
        data_provider = self._new("AaveProtocolDataProvider", provider.address)
        self._send(provider, "setPoolDataProvider", data_provider.address)
        market = AaveMarket(
            version="3.0.2",
            refusals=REFUSALS,
            client=self.client,
            people=self.people,
            provider=provider,
            acl=acl,
            pool=pool,
            configurator=configurator,
            oracle=oracle,
            data_provider=data_provider,
            weth=weth,
            usdc=usdc,
        )
        self._reserves(market)
        return market

    def _access_control(self, provider: Contract) -> Contract:
        self._send(provider, "setACLAdmin", self.admin.address)
        acl = self._new("ACLManager", provider.address)
        self._send(provider, "setACLManager", acl.address)
        self._send(acl, "addPoolAdmin", self.admin.address)
        self._send(acl, "addRiskAdmin", self.people.risk_admin.address)
        return acl

    def _pool(self, provider: Contract) -> tuple[Contract, Contract]:
        self._send(provider, "setPoolImpl", self._new("Pool", provider.address).address)
        self._send(provider, "setPoolConfiguratorImpl", self._new("PoolConfigurator").address)
        pool = self.client.call(provider.functions.getPool())
        configurator = self.client.call(provider.functions.getPoolConfigurator())
        return self.client.contract("Pool", pool), self.client.contract("PoolConfigurator", configurator)

    def _oracle(self, provider: Contract, weth: Contract, usdc: Contract) -> Contract:
        feeds = [self._new("MockAggregator", price).address for price in (START_PRICE, PRICE_ONE)]
        assets = [weth.address, usdc.address]
        oracle = self._new("AaveOracle", provider.address, assets, feeds, NOBODY, NOBODY, PRICE_ONE)
        self._send(provider, "setPriceOracle", oracle.address)
        return oracle

    def _reserves(self, market: AaveMarket) -> None:
        pool, configurator = market.pool, market.configurator
        tokens = [
            self._new(name, pool.address).address
            for name in ("AToken", "StableDebtToken", "VariableDebtToken")
        ]
        strategy = self._new("DefaultReserveInterestRateStrategy", market.provider.address, *RATE_STRATEGY)
        described = ((market.weth, "WETH", 18), (market.usdc, "USDC", 6))
        inputs = [
            (*tokens, decimals, strategy.address, asset.address, self.admin.address, NOBODY, *names(symbol))
            for asset, symbol, decimals in described
        ]
        self._send(configurator, "initReserves", inputs)
        for asset, values in ((market.weth, WETH_COLLATERAL), (market.usdc, USDC_COLLATERAL)):
            self._send(configurator, "configureReserveAsCollateral", asset.address, *values)
            self._send(configurator, "setReserveBorrowing", asset.address, True)
            self._send(configurator, "setReserveFactor", asset.address, 10_00)

    def _new(self, name: str, *arguments: object) -> Contract:
        return self.client.contract(name, self.client.deploy(self.admin, name, *arguments))

    def _send(self, contract: Contract, name: str, *arguments: object) -> None:
        self.client.send(self.admin, contract.functions[name](*arguments))


def names(symbol: str) -> tuple[str | bytes, ...]:
    """Return names and symbols of the three tokens of a reserve, and no further parameters."""
    return (
        f"Aave {symbol}",
        f"a{symbol}",
        f"Aave variable debt {symbol}",
        f"variableDebt{symbol}",
        f"Aave stable debt {symbol}",
        f"stableDebt{symbol}",
        b"",
    )
