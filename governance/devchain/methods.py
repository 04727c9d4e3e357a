"""The JSON-RPC methods.  Names are Ethereum's; ``evm_*`` move the clock and keep snapshots."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from governance.devchain.chain import Chain
from governance.devchain.encoding import (
    Json,
    base_fee,
    block_json,
    hex_bytes,
    parse_address,
    parse_bytes,
    parse_int,
    transaction_json,
)
from governance.devchain.errors import RpcError
from governance.devchain.simulation import Simulation

PRIORITY_FEE_WEI = 10**9
log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Filter:
    request: Json | None
    next_block: int


class Methods:
    """Answers one request at a time, under the chain's lock."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._simulation = Simulation(chain)
        self._filters: dict[int, _Filter] = {}
        self._table = self._methods()

    def handle(self, request: Any) -> Json:
        """Return the JSON-RPC answer to one request object; never raises."""
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            return refusal(None, RpcError(-32600, "not a JSON-RPC request"))
        number = request.get("id")
        method = self._table.get(request["method"])
        params = request.get("params") or []
        if method is None:
            return refusal(number, RpcError(-32601, f"method {request['method']} not found"))
        if not isinstance(params, list):
            return refusal(number, RpcError(-32602, "params must be a list"))
        try:
            with self._chain.lock:
                return {"jsonrpc": "2.0", "id": number, "result": method(*params)}
        except RpcError as error:
            return refusal(number, error)
        except Exception as error:  # the edge of the process: a bug must not end the chain
            log.exception("%s failed", request["method"])
            return refusal(number, RpcError(-32603, f"{type(error).__name__}: {error}"))

    def _methods(self) -> dict[str, Callable[..., Any]]:
        chain, simulation = self._chain, self._simulation
        return {
            "web3_clientVersion": lambda: "tribunate-devchain/py-evm/prague",
            "net_version": lambda: str(chain.chain_id),
            "net_listening": lambda: True,
            "eth_syncing": lambda: False,
            "eth_accounts": list,
            "eth_chainId": lambda: hex(chain.chain_id),
            "eth_blockNumber": lambda: hex(chain.index.head.number),
            "eth_gasPrice": lambda: hex(base_fee(chain.index.head.header) + PRIORITY_FEE_WEI),
            "eth_maxPriorityFeePerGas": lambda: hex(PRIORITY_FEE_WEI),
            "eth_feeHistory": self._fee_history,
            "eth_getBalance": lambda a, tag="latest": hex(
                simulation.state(tag).get_balance(parse_address(a))
            ),
            "eth_getCode": lambda a, tag="latest": hex_bytes(
                simulation.state(tag).get_code(parse_address(a))
            ),
            "eth_getStorageAt": self._storage_at,
            "eth_getTransactionCount": self._transaction_count,
            "eth_call": lambda request, tag="latest": hex_bytes(simulation.call(request, tag)),
            "eth_estimateGas": lambda request, *_: hex(simulation.estimate_gas(request)),
            "eth_sendRawTransaction": lambda raw: hex_bytes(chain.submit(parse_bytes(raw))),
            "eth_getBlockByNumber": self._block_by_number,
            "eth_getBlockByHash": self._block_by_hash,
            "eth_getTransactionByHash": self._transaction,
            "eth_getTransactionReceipt": self._receipt,
            "eth_getLogs": self._logs,
            "eth_newFilter": lambda request: self._new_filter(request),
            "eth_newBlockFilter": lambda: self._new_filter(None),
            "eth_getFilterChanges": self._filter_changes,
            "eth_uninstallFilter": lambda number: self._filters.pop(parse_int(number), None) is not None,
            "evm_mine": self._mine,
            "evm_increaseTime": lambda seconds: hex(chain.increase_time(parse_int(seconds))),
            "evm_setNextBlockTimestamp": lambda time: chain.set_next_timestamp(parse_int(time)),
            "evm_snapshot": lambda: hex(chain.snapshot()),
            "evm_revert": lambda number: chain.revert(parse_int(number)),
        }

    def _mine(self, timestamp: Any = None) -> str:
        if timestamp is not None:
            self._chain.set_next_timestamp(parse_int(timestamp))
        self._chain.mine()
        return "0x0"

    def _balance(self, address: Any, tag: Any = "latest") -> str:
        return hex(self._simulation.state(tag).get_balance(parse_address(address)))

    def _code(self, address: Any, tag: Any = "latest") -> str:
        return hex_bytes(self._simulation.state(tag).get_code(parse_address(address)))

    def _transaction_count(self, address: Any, tag: Any = "latest") -> str:
        return hex(self._simulation.state(tag).get_nonce(parse_address(address)))

    def _storage_at(self, address: Any, slot: Any, tag: Any = "latest") -> str:
        return f"0x{self._simulation.state(tag).get_storage(parse_address(address), parse_int(slot)):064x}"

    def _block_by_number(self, tag: Any, full: bool = False) -> Json | None:
        try:
            return self._show(self._simulation.header(tag).block_number, full)
        except RpcError as error:
            if error.code == -32000:
                return None
            raise

    def _block_by_hash(self, block_hash: Any, full: bool = False) -> Json | None:
        number = self._chain.index.number_of(parse_bytes(block_hash))
        return None if number is None else self._show(number, full)

    def _show(self, number: int, full: bool) -> Json:
        block = self._chain.index.blocks[number]
        shown: list[Any] = [hex_bytes(t.hash) for t in block.transactions]
        if full:
            shown = [
                transaction_json(t, block, place, self._chain.chain_id)
                for place, t in enumerate(block.transactions)
            ]
        return block_json(block, shown)

    def _transaction(self, transaction_hash: Any) -> Json | None:
        found = self._chain.index.transactions.get(parse_bytes(transaction_hash))
        if found is None:
            return None
        return transaction_json(found.transaction, found.block, found.index, self._chain.chain_id)

    def _receipt(self, transaction_hash: Any) -> Json | None:
        found = self._chain.index.transactions.get(parse_bytes(transaction_hash))
        return None if found is None else found.receipt

    def _logs(self, request: Json) -> list[Json]:
        first, last = self._range(request)
        address = request.get("address") or []
        addresses = {a.lower() for a in ([address] if isinstance(address, str) else address)}
        return self._chain.index.logs(first, last, addresses=addresses, topics=request.get("topics") or [])

    def _range(self, request: Json) -> tuple[int, int]:
        if request.get("blockHash"):
            number = self._simulation.header({"blockHash": request["blockHash"]}).block_number
            return number, number
        head = self._chain.index.head.number
        first, last = request.get("fromBlock", "latest"), request.get("toBlock", "latest")
        return self._bound(first, head), min(head, self._bound(last, head))

    def _bound(self, tag: Any, head: int) -> int:
        if tag == "earliest":
            return 0
        return head if tag in (None, "latest", "pending", "safe", "finalized") else parse_int(tag)

    def _new_filter(self, request: Json | None) -> str:
        number = max(self._filters, default=0) + 1
        self._filters[number] = _Filter(request, self._chain.index.head.number + 1)
        return hex(number)

    def _filter_changes(self, number: Any) -> list[Any]:
        found = self._filters.get(parse_int(number))
        if found is None:
            raise RpcError(-32000, "filter not found")
        first, found.next_block = found.next_block, self._chain.index.head.number + 1
        if found.request is None:
            return [hex_bytes(block.hash) for block in self._chain.index.blocks[first:]]
        return self._logs({**found.request, "fromBlock": hex(first), "toBlock": "latest"})

    def _fee_history(self, count: Any, newest: Any = "latest", percentiles: Any = None) -> Json:
        last = self._simulation.header(newest).block_number
        size = max(1, min(parse_int(count), last + 1))
        headers = [block.header for block in self._chain.index.blocks[last - size + 1 : last + 1]]
        fees = [hex(base_fee(header)) for header in headers]
        return {
            "oldestBlock": hex(last - size + 1),
            "baseFeePerGas": [*fees, fees[-1]],
            "gasUsedRatio": [header.gas_used / header.gas_limit for header in headers],
            "reward": [[hex(PRIORITY_FEE_WEI) for _ in percentiles or []] for _ in headers],
        }


def refusal(number: Any, error: RpcError) -> Json:
    """Return the JSON-RPC answer that says no to request ``number``."""
    shown: Json = {"code": error.code, "message": error.message}
    if error.data is not None:
        shown["data"] = error.data
    return {"jsonrpc": "2.0", "id": number, "error": shown}
