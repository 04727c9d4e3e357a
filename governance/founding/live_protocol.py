"""What a deployment asks of a protocol that stands already; one file per protocol implements it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from web3.contract.contract import Contract, ContractFunction

from governance.client import ChainClient
from governance.founding.comparison import Line
from governance.founding.dao import GovernedMarket


class LiveProtocol(Protocol):
    """A protocol's deployment, by the addresses that a file gives."""

    @property
    def adapter_kind(self) -> str:
        """Our contract that governs it."""
        ...

    @property
    def left_to_do(self) -> str:
        """What the protocol's own governance gives the adapter, after the deployment."""
        ...

    def adapter_arguments(self) -> tuple[object, ...]:
        """Return the first arguments of the adapter's constructor."""
        ...

    def require_ready(self, client: ChainClient, markets: Sequence[GovernedMarket]) -> None:
        """Check that what the file names stands there and is what the file calls it.

        Raises:
            ConfigError: a key of the file names nothing, or something else.
        """
        ...

    def record(self, client: ChainClient, markets: Sequence[GovernedMarket]) -> dict[str, str]:
        """Return what a deployment record calls market, oracle and tokens; the tokens of the first market."""
        ...

    def naming(self, adapter: Contract, market: GovernedMarket) -> ContractFunction | None:
        """Return the call that tells the adapter what stands for a market; ``None`` if the key says it."""
        ...

    def lines(self, client: ChainClient, adapter: Contract, market: GovernedMarket) -> Iterator[Line]:
        """Yield what the adapter holds of a market, beside what all adapters hold."""
        ...

    def adapter_lines(self, client: ChainClient, adapter: Contract) -> Iterator[Line]:
        """Yield what the adapter holds of the protocol."""
        ...

    def powers(self, client: ChainClient, adapter: str, markets: Sequence[GovernedMarket]) -> Iterator[Line]:
        """Yield whether the protocol lets the adapter write now."""
        ...
