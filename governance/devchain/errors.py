"""The error that JSON-RPC answers with."""

from __future__ import annotations


class RpcError(Exception):
    """An answer that says no: ``code`` as in JSON-RPC (3 for reverts), ``data`` the revert's bytes."""

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data
