"""Ethereum JSON-RPC's hexadecimal, and blocks, transactions and receipts in it."""

from __future__ import annotations

from typing import Any

import rlp  # type: ignore[import-untyped]
from eth.abc import BlockAPI, BlockHeaderAPI, ReceiptAPI, SignedTransactionAPI
from eth_typing import Address
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from governance.devchain.errors import RpcError

Json = dict[str, Any]


def hex_bytes(value: bytes) -> str:
    """Return ``0x`` and the bytes."""
    return "0x" + value.hex()


def parse_bytes(value: object) -> bytes:
    """Return the bytes of ``0x...``; nothing for ``None``."""
    if value is None:
        return b""
    if not isinstance(value, str) or not value.startswith("0x"):
        raise RpcError(-32602, f"expected 0x-prefixed hexadecimal, found {value!r}")
    try:
        return bytes.fromhex(value[2:])
    except ValueError as error:
        raise RpcError(-32602, f"not hexadecimal: {value!r}") from error


def parse_address(value: object) -> Address:
    """Return an address, 20 bytes."""
    found = parse_bytes(value)
    if len(found) != 20:
        raise RpcError(-32602, f"not an address: {value!r}")
    return Address(found)


def parse_int(value: object) -> int:
    """Return a quantity: hexadecimal string or whole number, not negative."""
    try:
        number = int(value, 16) if isinstance(value, str) else value
    except ValueError as error:
        raise RpcError(-32602, f"not a quantity: {value!r}") from error
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise RpcError(-32602, f"not a quantity: {value!r}")
    return number


def base_fee(header: BlockHeaderAPI) -> int:
    """Return the base fee, which every block of this chain has."""
    return int(header.base_fee_per_gas or 0)


def type_of(transaction: SignedTransactionAPI) -> int:
    """Return the EIP-2718 type, 0 for legacy."""
    return int(getattr(transaction, "type_id", None) or 0)


def effective_gas_price(transaction: SignedTransactionAPI, header: BlockHeaderAPI) -> int:
    """Return what one unit of gas cost in the block of ``header``."""
    if type_of(transaction) >= 2:
        return min(transaction.max_fee_per_gas, base_fee(header) + transaction.max_priority_fee_per_gas)
    return int(transaction.gas_price)


def block_json(block: BlockAPI, transactions: list[Any]) -> Json:
    """Return a block as clients expect it; ``transactions`` are hashes or objects."""
    header = block.header
    return {
        "number": hex(header.block_number),
        "hash": hex_bytes(header.hash),
        "parentHash": hex_bytes(header.parent_hash),
        "nonce": hex_bytes(header.nonce),
        "mixHash": hex_bytes(header.mix_hash),
        "sha3Uncles": hex_bytes(header.uncles_hash),
        "logsBloom": f"0x{header.bloom:0512x}",
        "transactionsRoot": hex_bytes(header.transaction_root),
        "stateRoot": hex_bytes(header.state_root),
        "receiptsRoot": hex_bytes(header.receipt_root),
        "miner": to_checksum_address(header.coinbase),
        "difficulty": "0x0",
        "totalDifficulty": "0x0",
        "extraData": hex_bytes(header.extra_data),
        "size": hex(len(rlp.encode(block))),
        "gasLimit": hex(header.gas_limit),
        "gasUsed": hex(header.gas_used),
        "timestamp": hex(header.timestamp),
        "baseFeePerGas": hex(base_fee(header)),
        "uncles": [],
        "withdrawals": [],
        "transactions": transactions,
    }


def transaction_json(transaction: SignedTransactionAPI, block: BlockAPI, index: int, chain_id: int) -> Json:
    """Return a mined transaction as clients expect it."""
    kind = type_of(transaction)
    parity = int(transaction.y_parity)
    found: Json = {
        "hash": hex_bytes(transaction.hash),
        "nonce": hex(transaction.nonce),
        "blockHash": hex_bytes(block.hash),
        "blockNumber": hex(block.number),
        "transactionIndex": hex(index),
        "from": to_checksum_address(transaction.sender),
        "to": to_checksum_address(transaction.to) if transaction.to else None,
        "value": hex(transaction.value),
        "gas": hex(transaction.gas),
        "gasPrice": hex(effective_gas_price(transaction, block.header)),
        "input": hex_bytes(transaction.data),
        "type": hex(kind),
        "chainId": hex(chain_id),
        "v": hex(parity if kind else 35 + 2 * chain_id + parity),
        "r": hex(transaction.r),
        "s": hex(transaction.s),
    }
    if kind:
        found |= {"accessList": [], "yParity": hex(parity)}
    if kind >= 2:
        found["maxFeePerGas"] = hex(transaction.max_fee_per_gas)
        found["maxPriorityFeePerGas"] = hex(transaction.max_priority_fee_per_gas)
    return found


def receipt_json(
    transaction: SignedTransactionAPI,
    receipt: ReceiptAPI,
    block: BlockAPI,
    *,
    index: int,
    gas_before: int,
    first_log: int,
) -> Json:
    """Return a receipt with its logs, numbered from ``first_log`` within the block."""
    sender = transaction.sender
    created = None
    if not transaction.to:
        created = to_checksum_address(keccak(rlp.encode([sender, transaction.nonce]))[12:])
    place = {
        "transactionHash": hex_bytes(transaction.hash),
        "transactionIndex": hex(index),
        "blockHash": hex_bytes(block.hash),
        "blockNumber": hex(block.number),
    }
    logs = [
        {
            **place,
            "address": to_checksum_address(log.address),
            "topics": [f"0x{topic:064x}" for topic in log.topics],
            "data": hex_bytes(log.data),
            "logIndex": hex(first_log + number),
            "removed": False,
        }
        for number, log in enumerate(receipt.logs)
    ]
    return {
        **place,
        "from": to_checksum_address(sender),
        "to": to_checksum_address(transaction.to) if transaction.to else None,
        "contractAddress": created,
        "cumulativeGasUsed": hex(receipt.gas_used),
        "gasUsed": hex(receipt.gas_used - gas_before),
        "effectiveGasPrice": hex(effective_gas_price(transaction, block.header)),
        "status": "0x1" if receipt.state_root == b"\x01" else "0x0",
        "type": hex(type_of(transaction)),
        "logsBloom": f"0x{receipt.bloom:0512x}",
        "logs": logs,
    }
