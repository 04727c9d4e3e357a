"""Contracts of others: read by a few functions, and asked what they are before anything is built on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eth_utils.address import to_checksum_address
from web3.contract.contract import Contract, ContractFunction

from core.errors import ChainError, ConfigError, GovernanceError, GuardrailError
from governance.client import ChainClient

NOBODY = "0x" + "00" * 20


def function(name: str, *inputs: str, answers: Sequence[str] = (), writes: bool = False) -> dict[str, Any]:
    """Return a function's part of an ABI; a view unless it ``writes``.

    >>> function("owner", answers=["address"])["stateMutability"]
    'view'
    """
    kind = "nonpayable" if writes else "view"
    asked, given = (
        [{"name": "", "type": t, "internalType": t} for t in types] for types in (inputs, answers)
    )
    return {"type": "function", "name": name, "inputs": asked, "outputs": given, "stateMutability": kind}


def foreign(client: ChainClient, address: str, abi: Sequence[dict[str, Any]]) -> Contract:
    """Return somebody else's contract."""
    return client.web3.eth.contract(address=to_checksum_address(address), abi=list(abi))


def has_code(client: ChainClient, address: str) -> bool:
    """Return whether a contract stands there."""
    return client.request("eth_getCode", address, "latest") not in ("0x", "0x0")


def require_code(client: ChainClient, address: str, key: str) -> None:
    """Check that a contract stands where a file's ``key`` says.

    Raises:
        ConfigError: none does.
    """
    if not has_code(client, address):
        raise ConfigError(f"{key}: no contract stands at {address}", allowed="a contract on this chain")


def answer(client: ChainClient, call: ContractFunction, *, sender: str | None = None) -> Any:
    """Return what a call returns now, nothing sent; ``None`` if it is refused or not understood."""
    try:
        return client.call(call, sender=sender)
    except (ChainError, GovernanceError, GuardrailError):
        return None


def answers(client: ChainClient, call: ContractFunction) -> bool:
    """Return whether a call succeeds and returns anything, as contracts probe one another."""
    request = {"to": call.address, "data": call._encode_transaction_data()}
    try:
        return client.request("eth_call", request, "latest") not in ("0x", None)
    except (ChainError, GovernanceError, GuardrailError):
        return False
