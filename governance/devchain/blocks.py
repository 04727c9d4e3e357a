"""Index over mined blocks: by number, by hash, transactions and logs."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Any

from eth.abc import BlockAPI, ChainDatabaseAPI, SignedTransactionAPI

from governance.devchain.encoding import Json, receipt_json


@dataclass(frozen=True, slots=True)
class MinedTransaction:
    """Where a transaction is, and its receipt."""

    block: BlockAPI
    index: int
    transaction: SignedTransactionAPI
    receipt: Json


class BlockIndex:
    """Blocks from genesis to head, with everything that clients look up in constant or logarithmic time."""

    def __init__(self) -> None:
        self.blocks: list[BlockAPI] = []
        self.transactions: dict[bytes, MinedTransaction] = {}
        self._numbers: dict[bytes, int] = {}
        self._logs: list[Json] = []
        self._log_blocks: list[int] = []

    @property
    def head(self) -> BlockAPI:
        """The newest block."""
        return self.blocks[-1]

    def add(self, block: BlockAPI, chaindb: ChainDatabaseAPI) -> None:
        """Append the block that follows the head."""
        self.blocks.append(block)
        self._numbers[block.hash] = block.number
        receipts = block.get_receipts(chaindb) if block.transactions else ()
        gas_before = first_log = 0
        for number, (transaction, receipt) in enumerate(zip(block.transactions, receipts, strict=True)):
            shown = receipt_json(
                transaction, receipt, block, index=number, gas_before=gas_before, first_log=first_log
            )
            gas_before = receipt.gas_used
            first_log += len(shown["logs"])
            self._logs += shown["logs"]
            self._log_blocks += [block.number] * len(shown["logs"])
            self.transactions[transaction.hash] = MinedTransaction(block, number, transaction, shown)

    def cut_after(self, number: int) -> None:
        """Forget every block above ``number``."""
        for block in self.blocks[number + 1 :]:
            del self._numbers[block.hash]
        del self.blocks[number + 1 :]
        first = bisect_right(self._log_blocks, number)
        del self._logs[first:], self._log_blocks[first:]
        self.transactions = {h: t for h, t in self.transactions.items() if t.block.number <= number}

    def number_of(self, block_hash: bytes) -> int | None:
        """Return the number of a canonical block."""
        return self._numbers.get(block_hash)

    def logs(self, first: int, last: int, *, addresses: set[str], topics: list[Any]) -> list[Json]:
        """Return logs of blocks ``first`` to ``last``; no addresses means all of them."""
        low, high = bisect_left(self._log_blocks, first), bisect_right(self._log_blocks, last)
        return [log for log in self._logs[low:high] if _matches(log, addresses, topics)]


def _matches(log: Json, addresses: set[str], topics: list[Any]) -> bool:
    if addresses and log["address"].lower() not in addresses:
        return False
    if len(topics) > len(log["topics"]):
        return False
    for wanted, found in zip(topics, log["topics"], strict=False):
        allowed = wanted if isinstance(wanted, list) else [wanted]
        if wanted is not None and found not in [topic.lower() for topic in allowed]:
            return False
    return True
