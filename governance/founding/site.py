"""Where contracts come to stand: at once, through a journal, or only on paper.

    lay_...(site) ─► put(role, kind, arguments)   a contract, then known by its role
                  └► send(call)                   a call, usually to one that stands already

One order of steps serves all three; a step's ``purpose`` (its number and what it does) names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import rlp  # type: ignore[import-untyped]
from eth_utils.address import to_canonical_address, to_checksum_address
from web3.contract.contract import Contract, ContractFunction

from contracts.artifacts import load_artifact
from core.errors import ChainError
from governance.client import ChainClient, TransactionSigner
from governance.outbox import Outbox
from governance.signing import keccak


class Site(Protocol):
    """Takes the steps of a deployment, in order."""

    @property
    def client(self) -> ChainClient:
        """The chain."""
        ...

    @property
    def owner(self) -> str:
        """Address of the deployer, who owns everything until it is handed over."""
        ...

    @property
    def addresses(self) -> dict[str, str]:
        """Addresses by role; what stands there already is written in by hand."""
        ...

    def put(self, role: str, kind: str, *arguments: object) -> Contract:
        """Deploy ``kind`` as ``role``."""
        ...

    def send(self, call: ContractFunction) -> None:
        """Call a contract as the deployer."""
        ...


def standing(site: Site, kind: str, role: str) -> Contract:
    """Return the contract that stands as ``role``."""
    return site.client.contract(kind, site.addresses[role])


class ChainSite:
    """Sends every step at once; a crash leaves what was sent."""

    def __init__(self, client: ChainClient, deployer: TransactionSigner) -> None:
        self.client = client
        self.deployer = deployer
        self.owner = deployer.address
        self.addresses: dict[str, str] = {}

    def put(self, role: str, kind: str, *arguments: object) -> Contract:
        """Deploy ``kind`` as ``role``."""
        self.addresses[role] = self.client.deploy(self.deployer, kind, *arguments)
        return standing(self, kind, role)

    def send(self, call: ContractFunction) -> None:
        """Call a contract as the deployer."""
        self.client.send(self.deployer, call)


class JournalSite:
    """Sends every step once: one that an earlier run has sent is not sent again."""

    def __init__(self, client: ChainClient, deployer: TransactionSigner, journal: Outbox) -> None:
        self.client = client
        self.owner = deployer.address
        self.addresses: dict[str, str] = {}
        self._journal = journal
        self._steps = 0
        self.first_block = 0

    def put(self, role: str, kind: str, *arguments: object) -> Contract:
        """Deploy ``kind`` as ``role``."""
        data = creation_data(self.client, kind, *arguments)
        receipt = self._journal.send_data(self._purpose(put_purpose(role, kind)), to=None, data=data)
        address = receipt["contractAddress"]
        if address is None:
            raise ChainError(f"the chain gave {kind} no address")
        self.first_block = self.first_block or int(receipt["blockNumber"])
        self.addresses[role] = address
        return standing(self, kind, role)

    def send(self, call: ContractFunction) -> None:
        """Call a contract as the deployer."""
        self._journal.send(self._purpose(send_purpose(self.addresses, call)), call)

    def _purpose(self, text: str) -> str:
        self._steps += 1
        return f"{self._steps:03d} {text}"


@dataclass(frozen=True, slots=True)
class DraftedStep:
    """A transaction on paper; ``gas`` bounds what it needs, ``sent`` is its hash if a run has sent it."""

    purpose: str
    to: str | None
    data: bytes
    gas: int
    sent: str | None


class DraftSite:
    """Sends nothing: keeps every step with the address that the deployer's nonce would give it."""

    def __init__(self, client: ChainClient, owner: str, journal: Outbox | None) -> None:
        self.client = client
        self.owner = owner
        self.addresses: dict[str, str] = {}
        self.steps: list[DraftedStep] = []
        self._journal = journal
        self._nonce = client.next_nonce(owner)

    def put(self, role: str, kind: str, *arguments: object) -> Contract:
        """Note the deployment of ``kind`` as ``role``."""
        data = bytes.fromhex(creation_data(self.client, kind, *arguments)[2:])
        next_address = created_address(self.owner, self._nonce)
        sent = self._note(put_purpose(role, kind), to=None, data=data, gas=deployment_gas(data))
        self.addresses[role] = next_address if sent is None else self._made_by(sent)
        return standing(self, kind, role)

    def send(self, call: ContractFunction) -> None:
        """Note a call."""
        data = bytes.fromhex(call._encode_transaction_data()[2:])
        purpose = send_purpose(self.addresses, call)
        self._note(purpose, to=call.address, data=data, gas=call_gas(call.fn_name, data))

    def _note(self, text: str, *, to: str | None, data: bytes, gas: int) -> str | None:
        purpose = f"{len(self.steps) + 1:03d} {text}"
        sent = None if self._journal is None else self._journal.transaction_of(purpose)
        if sent is not None and self.client.receipt(sent) is None:
            sent = None  # written down, not mined: the next run sends the same bytes
        self.steps.append(DraftedStep(purpose, to, data, gas, sent))
        self._nonce += sent is None
        return sent

    def _made_by(self, transaction: str) -> str:
        receipt = self.client.receipt(transaction)
        if receipt is None or receipt["contractAddress"] is None:
            raise ChainError(f"{transaction} made no contract")
        return receipt["contractAddress"]


def put_purpose(role: str, kind: str) -> str:
    """Return what the deployment of a contract is called."""
    return f"deploy {kind} as {role}"


def send_purpose(addresses: dict[str, str], call: ContractFunction) -> str:
    """Return what a call is called, its contract by role."""
    roles = {address: role for role, address in addresses.items()}
    return f"{roles.get(call.address, call.address)}.{call.fn_name}"


def creation_data(client: ChainClient, kind: str, *arguments: Any) -> Any:
    """Return creation code and constructor's arguments, as hex."""
    artifact = load_artifact(kind)
    factory = client.web3.eth.contract(abi=list(artifact.abi), bytecode=artifact.bytecode)
    return factory.constructor(*arguments).data_in_transaction


def created_address(sender: str, nonce: int) -> str:
    """Return where the sender's transaction ``nonce`` puts a contract.

    >>> created_address("0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0", 0)
    '0xcd234A471b72ba2F1Ccf0A70FCABA648a5eeCD8d'
    """
    return to_checksum_address(keccak(rlp.encode([to_canonical_address(sender), nonce]))[-20:])


# ---- gas on paper: a contract that does not stand yet cannot be asked

TRANSACTION_GAS = 21_000
CREATION_GAS = 32_000
CODE_BYTE_GAS = 200
CONSTRUCTOR_GAS = 100_000
CALL_GAS = 60_000
CALLS_GAS = {"open": 400_000, "listMarket": 180_000, "watch": 300_000, "supply": 150_000}
ROW_BYTE_GAS = {"openPositions": 3_000, "seat": 3_000}
"""What a call does beyond its bytes, with room, some by the bytes of their rows; tests hold it above what the
chain charges."""


def intrinsic_gas(data: bytes) -> int:
    """Return what a transaction's bytes cost before anything runs.

    >>> intrinsic_gas(bytes(1)), intrinsic_gas(bytes([1]))
    (21004, 21016)
    """
    zeros = data.count(0)
    return TRANSACTION_GAS + 4 * zeros + 16 * (len(data) - zeros)


def floor_gas(data: bytes) -> int:
    """Return the least that a transaction with these bytes costs, whatever it does (EIP-7623).

    >>> floor_gas(bytes(1)), floor_gas(bytes([1]))
    (21010, 21040)
    """
    zeros = data.count(0)
    return TRANSACTION_GAS + 10 * zeros + 40 * (len(data) - zeros)


def deployment_gas(data: bytes) -> int:
    """Return a bound of what a deployment needs: its code kept, two gas per word of it, its constructor.

    All of the creation code is counted as kept, which leaves room for what the constructor writes.
    """
    work = CREATION_GAS + CODE_BYTE_GAS * len(data) + len(data) // 16 + CONSTRUCTOR_GAS
    return max(intrinsic_gas(data) + work, floor_gas(data))


def call_gas(name: str, data: bytes) -> int:
    """Return a bound of what a call of the set-up needs."""
    work = CALLS_GAS.get(name, CALL_GAS) + ROW_BYTE_GAS.get(name, 0) * len(data)
    return max(intrinsic_gas(data) + work, floor_gas(data))
