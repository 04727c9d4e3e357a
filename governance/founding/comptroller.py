"""A pool of Compound V2's kind before a DAO: its comptroller, and its cTokens or vTokens as markets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar

from web3.contract.contract import Contract, ContractFunction

from core.errors import ConfigError
from governance.client import ChainClient
from governance.founding.comparison import Line
from governance.founding.dao import GovernedMarket
from governance.founding.foreign import NOBODY, answer, answers, foreign, function, require_code

COMPTROLLER_ABI = [
    function("oracle", answers=["address"]),
    function("liquidationIncentiveMantissa", answers=["uint256"]),
    function("markets", "address", answers=["bool", "uint256"]),
    function("supplyCaps", "address", answers=["uint256"]),
    function("borrowCaps", "address", answers=["uint256"]),
    function("_setCollateralFactor", "address", "uint256", answers=["uint256"], writes=True),
    function("_setMarketSupplyCaps", "address[]", "uint256[]", writes=True),
    function("_setMarketBorrowCaps", "address[]", "uint256[]", writes=True),
]
NO_ERROR = 0


class ZeroBorrowCap(IntEnum):
    """What a borrow cap of zero means in a protocol, numbered as the adapter's enum."""

    NO_CAP = 0
    NO_BORROWING = 1


@dataclass(frozen=True, slots=True)
class ComptrollerProtocol:
    """A V2-like pool that stands already; ``watched`` of a market is (itself, the market borrowed from)."""

    comptroller: str
    zero_borrow_cap: ZeroBorrowCap
    adapter_kind: ClassVar[str] = "ComptrollerAdapter"
    left_to_do: ClassVar[str] = "the protocol's governance lets the adapter set collateral factors and caps"

    def adapter_arguments(self) -> tuple[object, ...]:
        """Return the first arguments of the adapter's constructor."""
        return self.comptroller, int(self.zero_borrow_cap)

    def require_ready(self, client: ChainClient, markets: Sequence[GovernedMarket]) -> None:
        """Check that the comptroller is one that we know, with one incentive, and lists the markets.

        Raises:
            ConfigError: it is none, or does not list a market.
        """
        require_code(client, self.comptroller, "comptroller.comptroller")
        ask = self._part(client)
        for call in (ask.oracle(), ask.liquidationIncentiveMantissa(), ask.markets(NOBODY)):
            if answer(client, call) is None:
                raise ConfigError(
                    f"comptroller.comptroller: {self.comptroller} does not answer {call.fn_name}",
                    allowed="a comptroller of Compound V2's kind, Venus's up to 9",
                    hint="Venus from 10 on has a liquidation threshold of its own; see docs/adapters.md",
                )
        for number, market in enumerate(markets, 1):
            for token in dict.fromkeys(_watched(market)):
                if not client.call(ask.markets(token))[0]:
                    raise ConfigError(
                        f"market {number}: {token} is no market of the comptroller {self.comptroller}",
                        allowed="cTokens or vTokens that it lists, not what they hold",
                    )

    def record(self, client: ChainClient, markets: Sequence[GovernedMarket]) -> dict[str, str]:
        """Return comptroller, oracle, and the first market's cTokens or vTokens, which are its keys."""
        collateral, debt = _watched(markets[0])
        return {
            "market": self.comptroller,
            "oracle": client.call(self._part(client).oracle()),
            "collateral_token": collateral,
            "debt_token": debt,
        }

    def naming(self, adapter: Contract, market: GovernedMarket) -> ContractFunction | None:
        """Return the call that names the market whose borrowing is watched."""
        call: ContractFunction = adapter.functions.setDebtMarket(*_watched(market))
        return call

    def adapter_lines(self, client: ChainClient, adapter: Contract) -> Iterator[Line]:
        """Yield the comptroller, and what the adapter was told or has found of it."""
        ask = adapter.functions
        yield Line("adapter.comptroller", self.comptroller, client.call(ask.comptroller()))
        yield Line("adapter.zeroBorrowCap", int(self.zero_borrow_cap), client.call(ask.zeroBorrowCap()))
        capped = answers(client, self._part(client).supplyCaps(NOBODY))
        yield Line("adapter.hasSupplyCaps", capped, client.call(ask.hasSupplyCaps()))

    def lines(self, client: ChainClient, adapter: Contract, market: GovernedMarket) -> Iterator[Line]:
        """Yield the market whose borrowing is watched."""
        found = client.call(adapter.functions.debtMarketOf(market.key))
        yield Line(f"debt market of {market.key}", _watched(market)[1], found)

    def powers(self, client: ChainClient, adapter: str, markets: Sequence[GovernedMarket]) -> Iterator[Line]:
        """Yield whether the comptroller would obey the adapter now; nothing is sent.

        The factor asked for is a wei beside the one that is there, which Venus would refuse as no change.
        """
        ask, key = self._part(client), markets[0].key
        factor = client.call(ask.markets(key))[1]
        beside = factor - 1 if factor else 1
        code = answer(client, ask._setCollateralFactor(key, beside), sender=adapter)
        yield Line("the adapter may set collateral factors", True, code == NO_ERROR)
        borrow_cap = client.call(ask.borrowCaps(key))
        borrows = answer(client, ask._setMarketBorrowCaps([key], [borrow_cap]), sender=adapter)
        yield Line("the adapter may set borrow caps", True, borrows is not None)
        supply_cap = answer(client, ask.supplyCaps(key))
        if supply_cap is not None:
            supplies = answer(client, ask._setMarketSupplyCaps([key], [supply_cap]), sender=adapter)
            yield Line("the adapter may set supply caps", True, supplies is not None)

    def _part(self, client: ChainClient) -> Any:
        return foreign(client, self.comptroller, COMPTROLLER_ABI).functions


def _watched(market: GovernedMarket) -> tuple[str, str]:
    if market.watched is None:
        raise ConfigError(f"market {market.key} names no debt market", allowed="asset and debt_asset")
    return market.watched
