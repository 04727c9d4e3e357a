"""The chain itself: genesis, one block per transaction, the logical clock, snapshots."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth.abc import BlockAPI, BlockHeaderAPI, StateAPI
from eth.chains.base import MiningChain
from eth.constants import BLANK_ROOT_HASH, ZERO_ADDRESS, ZERO_HASH32
from eth.db.atomic import AtomicDB
from eth.db.chain import ChainDB
from eth.db.schema import SchemaV1
from eth.exceptions import CanonicalHeadNotFound, PyEVMError
from eth.vm.forks.prague import PragueVM
from eth_keys.exceptions import BadSignature
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError
from rlp.exceptions import RLPException  # type: ignore[import-untyped]

from governance.devchain.blocks import BlockIndex
from governance.devchain.errors import RpcError
from governance.devchain.storage import Store

GAS_LIMIT = 60_000_000
CHAIN_ID = 31337
REFUSALS = (ValidationError, PyEVMError, BadSignature, RLPException, ValueError, TypeError)


@dataclass(frozen=True, slots=True)
class Genesis:
    """What block 0 holds; ``balances`` in wei by 20-byte address."""

    timestamp: int
    balances: Mapping[bytes, int] = field(default_factory=dict)
    chain_id: int = CHAIN_ID


@dataclass(frozen=True, slots=True)
class _Snapshot:
    block_number: int
    moved_seconds: int


class Chain:
    """One thread at a time (``lock``); every transaction is mined at once in a block of its own."""

    def __init__(self, genesis: Genesis, *, path: Path | None = None) -> None:
        self.lock = threading.RLock()
        self.chain_id = genesis.chain_id
        self.index = BlockIndex()
        self._store = Store(path)
        self._database = AtomicDB(self._store)
        self._snapshots: list[_Snapshot] = []
        self._moved_seconds = 0
        self._rules = _rules(genesis.chain_id)
        if len(self._store) == 0:
            self._rules.from_genesis(self._database, _genesis_header(genesis), _accounts(genesis))
            self._store.flush()
        self._chain = self._rules(self._database)
        self._load()

    # ---- clock

    def next_timestamp(self) -> int:
        """Return the time of the block that comes next."""
        return int(self.index.head.header.timestamp) + max(1, self._moved_seconds)

    def increase_time(self, seconds: int) -> int:
        """Make the next block ``seconds`` younger than the head (in sum over calls)."""
        self._moved_seconds += seconds
        return self._moved_seconds

    def set_next_timestamp(self, timestamp: int) -> None:
        """Give the next block this time.

        Raises:
            RpcError: it is not after the head's.
        """
        head = self.index.head.header.timestamp
        if timestamp <= head:
            raise RpcError(-32602, f"the next block's time was {timestamp}, it must be above {head}")
        self._moved_seconds = timestamp - head

    # ---- mining

    def submit(self, raw: bytes) -> bytes:
        """Check, apply and mine one signed transaction; return its hash."""
        self._prepare_header()
        builder = self._chain.get_vm(self._chain.header).get_transaction_builder()
        try:
            transaction = builder.decode(raw)
            self._chain.apply_transaction(transaction)
        except REFUSALS as error:
            self._chain = self._rules(self._database)
            raise RpcError(-32000, f"transaction refused: {error}") from error
        self.mine()
        return bytes(transaction.hash)

    def mine(self) -> BlockAPI:
        """Close the block and keep it."""
        if not self._chain.header.gas_used:
            self._prepare_header()
        seed = keccak(b"tribunate devchain" + self.index.head.hash)
        block: BlockAPI = self._chain.mine_block(mix_hash=seed)
        self._moved_seconds = 0
        self.index.add(block, self._chain.chaindb)
        self._store.flush()
        return block

    def _prepare_header(self) -> None:
        self._chain.header = self._chain.header.copy(timestamp=self.next_timestamp())

    # ---- snapshots

    def snapshot(self) -> int:
        """Remember this moment; return its number (from 1)."""
        self._snapshots.append(_Snapshot(self.index.head.number, self._moved_seconds))
        return len(self._snapshots)

    def revert(self, number: int) -> bool:
        """Go back to a snapshot, which is used up with all later ones; false if there is none."""
        if not 1 <= number <= len(self._snapshots):
            return False
        target = self._snapshots[number - 1]
        del self._snapshots[number - 1 :]
        header = self.index.blocks[target.block_number].header
        self._database[SchemaV1.make_canonical_head_hash_lookup_key()] = header.hash
        self._chain = self._rules(self._database)
        self.index.cut_after(target.block_number)
        self._moved_seconds = target.moved_seconds
        self._store.flush()
        return True

    # ---- state

    def state_at(self, header: BlockHeaderAPI) -> StateAPI:
        """Return the state after the block of ``header``, which sees that block's number and time."""
        state: StateAPI = self._chain.get_vm(header).state
        return state

    def next_state(self) -> StateAPI:
        """Return the newest state as the next block's transactions will see it."""
        header = self._chain.header.copy(timestamp=self.next_timestamp())
        state: StateAPI = self._chain.get_vm(header).state
        return state

    def unsigned_transaction(self, **fields: Any) -> Any:
        """Return a dynamic-fee transaction for simulation."""
        builder = self._chain.get_vm(self._chain.header).get_transaction_builder()
        return builder.new_unsigned_dynamic_fee_transaction(chain_id=self.chain_id, access_list=(), **fields)

    def close(self) -> None:
        """Close the store."""
        with self.lock:
            self._store.close()

    def _load(self) -> None:
        head = self._chain.chaindb.get_canonical_head()
        for number in range(head.block_number + 1):
            self.index.add(self._chain.get_canonical_block_by_number(number), self._chain.chaindb)


def stored_genesis_time(path: Path) -> int | None:
    """Return the time of block 0 in an existing file, or ``None`` if it holds no chain."""
    if not path.exists():
        return None
    store = Store(path)
    try:
        return int(ChainDB(AtomicDB(store)).get_canonical_block_header_by_number(0).timestamp)  # type: ignore[arg-type]
    except (CanonicalHeadNotFound, KeyError):
        return None
    finally:
        store.close()


def _rules(chain_id: int) -> Any:
    class DevChain(MiningChain):
        vm_configuration = ((0, PragueVM),)  # type: ignore[assignment]

        def create_header_from_parent(self, parent_header: BlockHeaderAPI, **params: Any) -> BlockHeaderAPI:
            return super().create_header_from_parent(
                parent_header, **{**params, "gas_limit": parent_header.gas_limit}
            )

    DevChain.chain_id = chain_id
    return DevChain


def _genesis_header(genesis: Genesis) -> dict[str, Any]:
    return {
        "coinbase": ZERO_ADDRESS,
        "difficulty": 0,
        "extra_data": b"",
        "gas_limit": GAS_LIMIT,
        "mix_hash": ZERO_HASH32,
        "nonce": b"\0" * 8,
        "receipt_root": BLANK_ROOT_HASH,
        "transaction_root": BLANK_ROOT_HASH,
        "timestamp": genesis.timestamp,
    }


def _accounts(genesis: Genesis) -> dict[bytes, dict[str, Any]]:
    return {
        address: {"balance": balance, "storage": {}, "code": b"", "nonce": 0}
        for address, balance in genesis.balances.items()
    }
