"""Aave V3 before a DAO: where its parts are, and what its adapter holds of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from web3.contract.contract import Contract, ContractFunction

from core.errors import ConfigError
from governance.client import ChainClient
from governance.founding.comparison import Line
from governance.founding.dao import GovernedMarket
from governance.founding.foreign import NOBODY, answer, answers, foreign, function, require_code

RESERVE_DATA = {
    "type": "tuple",
    "name": "",
    "internalType": "struct ReserveData",
    "components": [
        {"name": name, "type": kind, "internalType": kind}
        for name, kind in (
            ("configuration", "uint256"),
            ("liquidityIndex", "uint128"),
            ("currentLiquidityRate", "uint128"),
            ("variableBorrowIndex", "uint128"),
            ("currentVariableBorrowRate", "uint128"),
            ("currentStableBorrowRate", "uint128"),
            ("lastUpdateTimestamp", "uint40"),
            ("id", "uint16"),
            ("aTokenAddress", "address"),
            ("stableDebtTokenAddress", "address"),
            ("variableDebtTokenAddress", "address"),
            ("interestRateStrategyAddress", "address"),
            ("accruedToTreasury", "uint128"),
            ("unbacked", "uint128"),
            ("isolationModeTotalDebt", "uint128"),
        )
    ],
}
A_TOKEN, STABLE_DEBT, VARIABLE_DEBT = 8, 9, 10

AAVE_ABI = [
    function("getPool", answers=["address"]),
    function("getPoolConfigurator", answers=["address"]),
    function("getPriceOracle", answers=["address"]),
    function("getACLManager", answers=["address"]),
    function("getReservesList", answers=["address[]"]),
    {**function("getReserveData", "address"), "outputs": [RESERVE_DATA]},
    function("isRiskAdmin", "address", answers=["bool"]),
    function("getPendingLtv", "address", answers=["uint256"]),
    function("getEModeCategoryCollateralConfig", "uint8", answers=["uint256"]),
]
"""What is asked of the PoolAddressesProvider, the Pool, its configurator and the ACLManager."""


@dataclass(frozen=True, slots=True)
class AaveProtocol:
    """An Aave V3 market that stands already, by its PoolAddressesProvider."""

    provider: str
    adapter_kind: ClassVar[str] = "AaveV3Adapter"
    left_to_do: ClassVar[str] = "Aave's governance grants RISK_ADMIN to the adapter"

    def adapter_arguments(self) -> tuple[object, ...]:
        """Return the first arguments of the adapter's constructor."""
        return (self.provider,)

    def require_ready(self, client: ChainClient, markets: Sequence[GovernedMarket]) -> None:
        """Check that the provider is one, and that each market's assets are reserves.

        Raises:
            ConfigError: it is none, or an asset is no reserve of the pool.
        """
        require_code(client, self.provider, "aave.addresses_provider")
        pool = answer(client, self._part(client).functions.getPool())
        if pool is None:
            raise ConfigError(
                f"aave.addresses_provider: {self.provider} does not answer getPool",
                allowed="a PoolAddressesProvider of Aave V3",
            )
        reserves = client.call(foreign(client, pool, AAVE_ABI).functions.getReservesList())
        for number, market in enumerate(markets, 1):
            for asset in market.watched or ():
                if asset not in reserves:
                    raise ConfigError(
                        f"market {number}: {asset} is no reserve of the pool {pool}",
                        allowed=", ".join(reserves),
                    )

    def record(self, client: ChainClient, markets: Sequence[GovernedMarket]) -> dict[str, str]:
        """Return pool, oracle, and the reserves of the first market."""
        collateral, debt = _watched(markets[0])
        provider = self._part(client).functions
        return {
            "market": client.call(provider.getPool()),
            "oracle": client.call(provider.getPriceOracle()),
            "collateral_token": collateral,
            "debt_token": debt,
        }

    def naming(self, adapter: Contract, market: GovernedMarket) -> ContractFunction | None:
        """Return the call that names the reserves whose price, supply and borrowing stand for a market."""
        call: ContractFunction = adapter.functions.watch(market.key, *_watched(market))
        return call

    def adapter_lines(self, client: ChainClient, adapter: Contract) -> Iterator[Line]:
        """Yield the parts of Aave as the adapter keeps them, and what it has found that the pool can do."""
        ask, provider = adapter.functions, self._part(client).functions
        pool, configurator = client.call(provider.getPool()), client.call(provider.getPoolConfigurator())
        yield Line("adapter.provider", self.provider, client.call(ask.provider()))
        yield Line("adapter.pool", pool, client.call(ask.pool()))
        yield Line("adapter.configurator", configurator, client.call(ask.configurator()))
        keeps = answers(client, foreign(client, configurator, AAVE_ABI).functions.getPendingLtv(NOBODY))
        liquid = foreign(client, pool, AAVE_ABI).functions.getEModeCategoryCollateralConfig(1)
        yield Line("adapter.keepsPendingLtv", keeps, client.call(ask.keepsPendingLtv()))
        yield Line(
            "adapter.hasLiquidCategories", answers(client, liquid), client.call(ask.hasLiquidCategories())
        )

    def lines(self, client: ChainClient, adapter: Contract, market: GovernedMarket) -> Iterator[Line]:
        """Yield the reserves that stand for a market, by their tokens as the pool has them now."""
        collateral, debt = _watched(market)
        pool = foreign(client, client.call(self._part(client).functions.getPool()), AAVE_ABI).functions
        supplied = client.call(pool.getReserveData(collateral))
        lent = client.call(pool.getReserveData(debt))
        kept = tuple(client.call(adapter.functions.watchedOf(market.key)))
        yield Line(f"collateral of {market.key}", (collateral, supplied[A_TOKEN]), kept[:2])
        tokens = lent[A_TOKEN], lent[VARIABLE_DEBT], lent[STABLE_DEBT]
        yield Line(f"tokens of the debt asset {debt} of {market.key}", tokens, kept[2:])

    def powers(self, client: ChainClient, adapter: str, markets: Sequence[GovernedMarket]) -> Iterator[Line]:
        """Yield whether Aave's governance lets the adapter write."""
        acl = foreign(client, client.call(self._part(client).functions.getACLManager()), AAVE_ABI)
        found = bool(client.call(acl.functions.isRiskAdmin(adapter)))
        yield Line("adapter holds Aave's RISK_ADMIN", True, found)

    def _part(self, client: ChainClient) -> Contract:
        return foreign(client, self.provider, AAVE_ABI)


def _watched(market: GovernedMarket) -> tuple[str, str]:
    if market.watched is None:
        raise ConfigError(f"market {market.key} names no assets", allowed="asset and debt_asset")
    return market.watched
