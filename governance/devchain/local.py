"""The embedded chain inside this process, behind the same HTTP door: for tests, examples and rehearsals."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from governance.devchain.chain import Chain, Genesis
from governance.devchain.methods import Methods
from governance.devchain.server import RpcServer


class LocalChain:
    """Serves a chain from a thread until closed."""

    def __init__(self, genesis: Genesis, *, path: Path | None = None) -> None:
        self._chain = Chain(genesis, path=path)
        self._server = RpcServer(Methods(self._chain))

    @property
    def url(self) -> str:
        """RPC URL."""
        return self._server.url

    def close(self) -> None:
        """Stop serving and close the store."""
        self._server.close()
        self._chain.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
