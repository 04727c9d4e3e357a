"""What a call would answer and a transaction would cost, without mining.

A tag decides what the call sees: a number, a hash, ``latest`` and ``earliest`` see the state after that
block together with that block's own number and time (as geth does), so that ``latest`` and the head's
number always agree; ``pending`` sees the newest state with the next block's number and time.
Gas is estimated for ``pending``.
"""

from __future__ import annotations

from typing import Any

from eth.abc import BlockHeaderAPI, ComputationAPI, StateAPI
from eth.exceptions import Revert, VMError
from eth.vm.spoof import SpoofTransaction
from eth_abi.abi import decode
from eth_typing import Address
from eth_utils.exceptions import ValidationError

from governance.devchain.chain import GAS_LIMIT, Chain
from governance.devchain.encoding import hex_bytes, parse_address, parse_bytes, parse_int
from governance.devchain.errors import RpcError

ERROR_STRING = bytes.fromhex("08c379a0")
BORROWED_WEI = 10**30
TRANSFER_GAS = 21_000
FLOOR_GAS_PER_TOKEN = 10
STIPEND_GAS = 2_500


class Simulation:
    """Reads of state by block tag, calls, and gas estimates."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    def header(self, tag: Any) -> BlockHeaderAPI:
        """Return the header that a tag names (``pending`` gives the head's)."""
        index = self._chain.index
        if isinstance(tag, dict):
            if "blockHash" in tag:
                number = index.number_of(parse_bytes(tag["blockHash"]))
                if number is None:
                    raise RpcError(-32000, "header not found")
                return index.blocks[number].header
            tag = tag.get("blockNumber", "latest")
        if tag in (None, "latest", "safe", "finalized", "pending"):
            return index.head.header
        number = 0 if tag == "earliest" else parse_int(tag)
        if number >= len(index.blocks):
            raise RpcError(-32000, f"block {number} not found, the newest is {len(index.blocks) - 1}")
        return index.blocks[number].header

    def state(self, tag: Any) -> StateAPI:
        """Return a throw-away state."""
        return self._chain.next_state() if tag == "pending" else self._chain.state_at(self.header(tag))

    def call(self, request: dict[str, Any], tag: Any) -> bytes:
        """Return what the call returns.

        Raises:
            RpcError: code 3 with the revert's bytes, or -32000.
        """
        done = self._run(request, tag)
        if done.is_error:
            raise revert_error(done)
        return bytes(done.output)

    def estimate_gas(self, request: dict[str, Any]) -> int:
        """Return a limit that suffices: one run, and an eighth more.

        A call may hand on at most 63/64 of its gas, so that an eighth suffices to a depth of seven even if
        the innermost call needs all of it; what is not used costs nothing.  Calldata has a floor (EIP-7623).
        """
        done = self._run(request, "pending")
        if done.is_error:
            raise revert_error(done)
        used = int(done.get_gas_used()) + self._intrinsic_gas(request)
        data = parse_bytes(request.get("data") or request.get("input"))
        floor = TRANSFER_GAS + FLOOR_GAS_PER_TOKEN * (4 * len(data) - 3 * data.count(0))
        return min(GAS_LIMIT, max(used + used // 8 + STIPEND_GAS, floor))

    def _intrinsic_gas(self, request: dict[str, Any]) -> int:
        """Return what a transaction costs before its first instruction."""
        unsigned = self._chain.unsigned_transaction(
            nonce=0,
            max_priority_fee_per_gas=0,
            max_fee_per_gas=0,
            gas=GAS_LIMIT,
            to=parse_bytes(request.get("to")),
            value=0,
            data=parse_bytes(request.get("data") or request.get("input")),
        )
        return int(unsigned.intrinsic_gas)

    def _run(self, request: dict[str, Any], tag: Any) -> ComputationAPI:
        state = self.state(tag)
        sender = parse_address(request["from"]) if request.get("from") else Address(bytes(20))
        asked = parse_int(request.get("gas", 0)) or GAS_LIMIT
        fee = state.execution_context.base_fee_per_gas
        state.set_balance(sender, state.get_balance(sender) + BORROWED_WEI)
        unsigned = self._chain.unsigned_transaction(
            nonce=state.get_nonce(sender),
            max_priority_fee_per_gas=0,
            max_fee_per_gas=fee,
            gas=min(asked, GAS_LIMIT),
            to=parse_bytes(request.get("to")),
            value=parse_int(request.get("value", 0)),
            data=parse_bytes(request.get("data") or request.get("input")),
        )
        try:
            return state.apply_transaction(SpoofTransaction(unsigned, from_=sender))  # type: ignore[arg-type]
        except (ValidationError, VMError) as error:
            raise RpcError(-32000, str(error)) from error


def revert_error(done: ComputationAPI) -> RpcError:
    """Return the JSON-RPC error of a failed computation."""
    error = done.error
    if not isinstance(error, Revert):
        return RpcError(-32000, f"{type(error).__name__}: {error}")
    data = bytes(done.output)
    message = "execution reverted"
    if data[:4] == ERROR_STRING:
        message += ": " + decode(["string"], data[4:])[0]
    return RpcError(3, message, hex_bytes(data))
