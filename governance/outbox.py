"""Transactions that happen exactly once: written down before they are sent.

    send(purpose) ─► known? ──no──► sign with the next nonce ─► write down ─► broadcast ─► receipt
                        └──yes──► the same raw bytes again ───────────────────┘

A crash at any arrow is repaired by calling :meth:`Outbox.send` again with the same purpose: the same
bytes have the same nonce, so that the chain takes them once.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from eth_typing import HexStr
from eth_utils.crypto import keccak
from web3.contract.contract import ContractFunction
from web3.types import TxReceipt

from core.errors import ChainError, GovernanceError
from governance.client import ChainClient, TransactionSigner

SCHEMA = """CREATE TABLE IF NOT EXISTS outbox (
    purpose TEXT NOT NULL,
    chain_id INTEGER NOT NULL,
    sender TEXT NOT NULL,
    nonce INTEGER NOT NULL,
    raw BLOB NOT NULL,
    transaction_hash TEXT NOT NULL,
    PRIMARY KEY (chain_id, sender, purpose),
    UNIQUE (chain_id, sender, nonce)
)"""


class Outbox:
    """One signer's transactions on one chain; the file may be shared between signers.

    Warning: the signer must send through this outbox only, or nonces clash.
    """

    def __init__(self, client: ChainClient, signer: TransactionSigner, path: Path) -> None:
        self._client = client
        self._signer = signer
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute(SCHEMA)

    def send(self, purpose: str, function: ContractFunction, *, timeout_seconds: float = 120.0) -> TxReceipt:
        """Send ``function`` once for ``purpose``, however often this is called; return its receipt.

        Raises:
            GovernanceError: the contract refuses; nothing was written down.
            ChainError: the node is away (call again later), or the nonce was used by something else.
        """
        recorded = self._recorded(purpose) or self._record(purpose, function)
        return self._carry(purpose, recorded, timeout_seconds)

    def send_data(
        self, purpose: str, *, to: str | None, data: HexStr, timeout_seconds: float = 120.0
    ) -> TxReceipt:
        """As :meth:`send`, for bytes; without ``to`` they make a contract."""
        recorded = self._recorded(purpose) or self._write_down(purpose, to, data)
        return self._carry(purpose, recorded, timeout_seconds)

    def _carry(self, purpose: str, recorded: tuple[str, bytes], timeout_seconds: float) -> TxReceipt:
        transaction_hash, raw = recorded
        if self._client.receipt(transaction_hash) is None:
            self._broadcast(purpose, transaction_hash, raw)
        return self._client.wait(transaction_hash, timeout_seconds=timeout_seconds)

    def transaction_of(self, purpose: str) -> str | None:
        """Return the hash written down for ``purpose``."""
        found = self._recorded(purpose)
        return found[0] if found else None

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _recorded(self, purpose: str) -> tuple[str, bytes] | None:
        row = self._connection.execute(
            "SELECT transaction_hash, raw FROM outbox WHERE chain_id = ? AND sender = ? AND purpose = ?",
            (self._client.chain_id, self._signer.address, purpose),
        ).fetchone()
        return None if row is None else (row[0], row[1])

    def _record(self, purpose: str, function: ContractFunction) -> tuple[str, bytes]:
        return self._write_down(purpose, function.address, function._encode_transaction_data())

    def _write_down(self, purpose: str, to: str | None, data: HexStr) -> tuple[str, bytes]:
        nonce = max(self._client.next_nonce(self._signer.address), self._last_nonce() + 1)
        raw = self._client.signed(self._signer, to=to, data=data, nonce=nonce)
        transaction_hash = "0x" + keccak(raw).hex()
        self._connection.execute(
            "INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?)",
            (purpose, self._client.chain_id, self._signer.address, nonce, raw, transaction_hash),
        )
        return transaction_hash, raw

    def _last_nonce(self) -> int:
        row = self._connection.execute(
            "SELECT MAX(nonce) FROM outbox WHERE chain_id = ? AND sender = ?",
            (self._client.chain_id, self._signer.address),
        ).fetchone()
        return -1 if row[0] is None else int(row[0])

    def _broadcast(self, purpose: str, transaction_hash: str, raw: bytes) -> None:
        try:
            self._client.request("eth_sendRawTransaction", "0x" + raw.hex())
        except (ChainError, GovernanceError) as error:
            if self._client.receipt(transaction_hash) is not None:
                return
            self._forget_if_passed(purpose, error)
            raise

    def _forget_if_passed(self, purpose: str, error: Exception) -> None:
        """Drop a record whose nonce the chain gave to another transaction: it can never happen."""
        where = (self._client.chain_id, self._signer.address, purpose)
        row = self._connection.execute(
            "SELECT nonce FROM outbox WHERE chain_id = ? AND sender = ? AND purpose = ?", where
        ).fetchone()
        if self._client.next_nonce(self._signer.address) > row[0]:
            self._connection.execute(
                "DELETE FROM outbox WHERE chain_id = ? AND sender = ? AND purpose = ?", where
            )
            raise ChainError(
                f"nonce {row[0]} of {self._signer.address} was used elsewhere", hint="call again"
            ) from error
