"""The chains that tests and rehearsals may run on, by name."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from core.errors import ConfigError
from governance.devchain.anvil import AnvilChain
from governance.devchain.chain import Genesis
from governance.devchain.local import LocalChain


class RunningChain(Protocol):
    """A chain that serves JSON-RPC until it is closed."""

    @property
    def url(self) -> str:
        """RPC URL."""
        ...

    def close(self) -> None:
        """Stop serving."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


BackEnd = Callable[[Genesis], RunningChain]


def back_end(name: str) -> BackEnd:
    """Return what opens a chain: ``embedded`` (py-evm, in this process) or ``anvil``.

    Raises:
        ConfigError: there is no back end of that name.

    >>> back_end("embedded").__name__
    'LocalChain'
    """
    known: dict[str, BackEnd] = {"embedded": LocalChain, "anvil": AnvilChain}
    if name not in known:
        raise ConfigError(f"the chain's back end was {name!r}", allowed=", ".join(known))
    return known[name]
