"""Who acts on a protocol, and how one of them sends a call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from web3.contract.contract import Contract, ContractFunction

from governance.client import ChainClient
from governance.rehearsal import ETHER, known_key
from governance.signing import LocalSigner, keccak

MAX_UINT = 2**256 - 1
NOBODY = "0x" + "00" * 20


@dataclass(frozen=True, slots=True)
class Actors:
    """``admin`` owns the protocol, ``risk_admin`` may change its risk parameters, the others are users."""

    admin: LocalSigner
    risk_admin: LocalSigner
    supplier: LocalSigner
    borrower: LocalSigner
    liquidator: LocalSigner
    stranger: LocalSigner


def actors() -> Actors:
    """Return everybody, with keys that follow from their names."""
    return Actors(*(known_key(f"protocol {name}") for name in Actors.__slots__))


def pay_gas(client: ChainClient, funder: LocalSigner, people: Actors) -> None:
    """Give everybody what transactions cost."""
    for name in Actors.__slots__:
        client.pay(funder, getattr(people, name).address, 100 * ETHER)


@dataclass(frozen=True, slots=True)
class Builder:
    """Deploys contracts and sends calls as one account."""

    client: ChainClient
    account: LocalSigner

    def new(self, name: str, *arguments: object) -> Contract:
        """Deploy ``name``."""
        return self.client.contract(name, self.client.deploy(self.account, name, *arguments))

    def send(self, contract: Contract, name: str, *arguments: object) -> None:
        """Call a function that has one signature."""
        self.client.send(self.account, contract.functions[name](*arguments))


def overload(contract: Contract, signature: str, *arguments: Any) -> ContractFunction:
    """Return one of several functions of a name, by its whole signature."""
    function: ContractFunction = contract.get_function_by_signature(signature)(*arguments)
    return function


def error_pattern(signature: str) -> str:
    """Return how :mod:`governance.reverts` shows an error without arguments that is none of our own."""
    return rf"UnknownError\(0x{keccak(signature.encode())[:4].hex()}\)"


@contextmanager
def rewound(client: ChainClient) -> Iterator[None]:
    """Undo on leaving everything that happens on the chain inside."""
    snapshot = client.request("evm_snapshot")
    try:
        yield
    finally:
        client.request("evm_revert", snapshot)
