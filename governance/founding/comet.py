"""One Compound III market before a DAO: Comet, its Configurator and its proxy's admin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from eth_utils.address import to_checksum_address
from web3.contract.contract import Contract, ContractFunction

from core.errors import ConfigError
from governance.client import ChainClient
from governance.founding.comparison import Line
from governance.founding.dao import GovernedMarket
from governance.founding.foreign import NOBODY, answer, foreign, function, require_code

ADMIN_SLOT = "0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103"
"""Where a proxy keeps who may upgrade it (EIP-1967)."""

ASSET_INFO = ["uint8", "address", "address", "uint64", "uint64", "uint64", "uint64", "uint128"]
ASSET, SUPPLY_CAP = 1, 7

COMET_ABI = [
    function("baseToken", answers=["address"]),
    function("numAssets", answers=["uint8"]),
    function("getAssetInfo", "uint8", answers=ASSET_INFO),
    function("getAssetInfoByAddress", "address", answers=ASSET_INFO),
    function("factory", "address", answers=["address"]),
    function("updateAssetSupplyCap", "address", "address", "uint128", writes=True),
    function("deployAndUpgradeTo", "address", "address", writes=True),
]
"""What is asked of Comet, the Configurator and the proxy's admin."""


@dataclass(frozen=True, slots=True)
class CometProtocol:
    """A Compound III market that stands already; every market of ours is one of its collaterals."""

    comet: str
    configurator: str
    proxy_admin: str
    adapter_kind: ClassVar[str] = "CometAdapter"
    left_to_do: ClassVar[str] = (
        "Compound's governance makes the adapter market admin of Configurator and proxy admin"
    )

    def adapter_arguments(self) -> tuple[object, ...]:
        """Return the first arguments of the adapter's constructor."""
        return self.comet, self.configurator, self.proxy_admin

    def require_ready(self, client: ChainClient, markets: Sequence[GovernedMarket]) -> None:
        """Check that the three belong together, and that each market is a collateral.

        Raises:
            ConfigError: one of them is none of Compound's, or another Comet's; an asset is no collateral.
        """
        for key, address in (
            ("comet.comet", self.comet),
            ("comet.configurator", self.configurator),
            ("comet.proxy_admin", self.proxy_admin),
        ):
            require_code(client, address, key)
        self._require_parts(client)
        collaterals = self._collaterals(client)
        for number, market in enumerate(markets, 1):
            if market.key not in collaterals:
                raise ConfigError(
                    f"market {number}: {market.key} is no collateral of the Comet {self.comet}",
                    allowed=", ".join(collaterals),
                )

    def _require_parts(self, client: ChainClient) -> None:
        comet = foreign(client, self.comet, COMET_ABI).functions
        if answer(client, comet.baseToken()) is None or answer(client, comet.numAssets()) is None:
            raise ConfigError(
                f"comet.comet: {self.comet} does not answer baseToken and numAssets",
                allowed="a Comet, by its proxy",
            )
        factory = answer(client, foreign(client, self.configurator, COMET_ABI).functions.factory(self.comet))
        if factory in (None, NOBODY):
            raise ConfigError(
                f"comet.configurator: {self.configurator} has no factory for the Comet {self.comet}",
                allowed="the Configurator, by its proxy",
            )
        admin = _admin_of(client, self.comet)
        if admin != self.proxy_admin:
            raise ConfigError(f"comet.proxy_admin was {self.proxy_admin}", allowed=f"{admin}, Comet's own")

    def _collaterals(self, client: ChainClient) -> tuple[str, ...]:
        comet = foreign(client, self.comet, COMET_ABI).functions
        count = client.call(comet.numAssets())
        return tuple(client.call(comet.getAssetInfo(place))[ASSET] for place in range(count))

    def record(self, client: ChainClient, markets: Sequence[GovernedMarket]) -> dict[str, str]:
        """Return Comet, which tells prices too, the first market's collateral, and the base token."""
        comet = foreign(client, self.comet, COMET_ABI).functions
        return {
            "market": self.comet,
            "oracle": self.comet,
            "collateral_token": markets[0].key,
            "debt_token": client.call(comet.baseToken()),
        }

    def naming(self, adapter: Contract, market: GovernedMarket) -> ContractFunction | None:
        """Return nothing: a collateral is a market by itself."""
        return None

    def adapter_lines(self, client: ChainClient, adapter: Contract) -> Iterator[Line]:
        """Yield the three, and the factory that the adapter accepts."""
        ask = adapter.functions
        yield Line("adapter.comet", self.comet, client.call(ask.comet()))
        yield Line("adapter.configurator", self.configurator, client.call(ask.configurator()))
        yield Line("adapter.proxyAdmin", self.proxy_admin, client.call(ask.proxyAdmin()))
        configurator = foreign(client, self.configurator, COMET_ABI).functions
        factory = answer(client, configurator.factory(self.comet))
        yield Line("adapter.factory", factory, client.call(ask.factory()))
        yield Line("admin of Comet's proxy", self.proxy_admin, _admin_of(client, self.comet))

    def lines(self, client: ChainClient, adapter: Contract, market: GovernedMarket) -> Iterator[Line]:
        """Yield nothing: the key says it."""
        return iter(())

    def powers(self, client: ChainClient, adapter: str, markets: Sequence[GovernedMarket]) -> Iterator[Line]:
        """Yield whether Configurator and proxy admin would obey the adapter now; nothing is sent."""
        comet = foreign(client, self.comet, COMET_ABI).functions
        cap = client.call(comet.getAssetInfoByAddress(markets[0].key))[SUPPLY_CAP]
        configurator = foreign(client, self.configurator, COMET_ABI).functions
        proxy_admin = foreign(client, self.proxy_admin, COMET_ABI).functions
        for who, call in (
            ("Configurator", configurator.updateAssetSupplyCap(self.comet, markets[0].key, cap)),
            ("proxy admin", proxy_admin.deployAndUpgradeTo(self.configurator, self.comet)),
        ):
            obeys = answer(client, call, sender=adapter) is not None
            yield Line(f"Compound's {who} obeys the adapter", True, obeys)


def _admin_of(client: ChainClient, proxy: str) -> str:
    word = client.request("eth_getStorageAt", proxy, ADMIN_SLOT, "latest")
    return to_checksum_address(int(word, 16).to_bytes(32)[-20:])
