"""One RPC end point: calls, transactions, contracts, and reverts named as the contracts name them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import requests
from eth_typing import ChecksumAddress, HexStr
from eth_utils.address import to_checksum_address
from tenacity import (
    RetryError,
    Retrying,
    retry_if_exception_type,
    retry_if_result,
    stop_after_attempt,
    stop_after_delay,
    wait_exponential,
)
from web3 import HTTPProvider, Web3
from web3.contract.contract import Contract, ContractFunction
from web3.exceptions import ContractLogicError, TransactionNotFound, Web3Exception
from web3.middleware import AttributeDictMiddleware
from web3.types import RPCEndpoint, RPCResponse, TxParams, TxReceipt, Wei

from contracts.artifacts import Artifact, load_artifact
from core.errors import ChainError
from core.ports import Signer
from governance.reverts import refusal_of

PRIORITY_FEE_WEI = 10**9
CONNECTION_ERRORS = (requests.exceptions.ConnectionError, requests.exceptions.Timeout)


def transaction_hash(record: Any) -> str:
    """Return the hash, with 0x, of the transaction that a receipt or a log belongs to."""
    return "0x" + bytes(record["transactionHash"]).hex()


class TransactionSigner(Signer, Protocol):
    """A signer that also signs transactions."""

    def sign_transaction(self, transaction: dict[str, Any]) -> bytes:
        """Return the raw signed transaction."""
        ...


class _RetryingProvider(HTTPProvider):
    """Repeats a request only when the connection failed; answers of the node are final."""

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        attempts = Retrying(
            retry=retry_if_exception_type(CONNECTION_ERRORS),
            wait=wait_exponential(multiplier=0.05, max=1.0),
            stop=stop_after_attempt(6),
            reraise=True,
        )
        answer: RPCResponse = attempts(super().make_request, method, params)
        return answer


class ChainClient:
    """Typed access to one chain.

    Raises :class:`ChainError` when the node does not answer or answers with an error, and
    :class:`GovernanceError` or :class:`GuardrailError` naming the Solidity error when a contract refuses.

    Args:
        rpc_url: ``http://`` or ``https://``.
        artifacts: Where compiled contracts come from.
    """

    def __init__(
        self,
        rpc_url: str,
        *,
        artifacts: Callable[[str], Artifact] = load_artifact,
        request_timeout_seconds: float = 60.0,
    ) -> None:
        if not rpc_url.startswith(("http://", "https://")):
            raise ChainError(f"RPC URL was {rpc_url!r}", allowed="http:// or https://")
        provider = _RetryingProvider(
            rpc_url,
            request_kwargs={"timeout": request_timeout_seconds},
            exception_retry_configuration=None,
        )
        self.rpc_url = rpc_url
        # Without web3's middleware, which asks for the chain id before every call.
        self.web3 = Web3(provider, middleware=[AttributeDictMiddleware])
        self._artifacts = artifacts
        self._chain_id: int | None = None

    # ---- reading

    @property
    def chain_id(self) -> int:
        """Chain id, asked once."""
        if self._chain_id is None:
            self._chain_id = int(self.request("eth_chainId"), 16)
        return self._chain_id

    def request(self, method: str, *params: Any) -> Any:
        """Return the result of a raw JSON-RPC request."""
        answer = self._guard(lambda: self.web3.provider.make_request(RPCEndpoint(method), list(params)))
        if "error" in answer:
            error = answer["error"]
            text = error if isinstance(error, str) else error.get("message", "")
            raise refusal_of(error) or ChainError(f"{method} failed: {text}")
        return answer["result"]

    def block_number(self) -> int:
        """Return the newest block's number."""
        return int(self.request("eth_blockNumber"), 16)

    def timestamp(self, block: int | None = None) -> int:
        """Return a block's time, the newest's by default."""
        found = self.request("eth_getBlockByNumber", "latest" if block is None else hex(block), False)
        if found is None:
            raise ChainError(f"there is no block {block}", allowed=f"0 to {self.block_number()}")
        return int(found["timestamp"], 16)

    def balance_wei(self, address: str) -> int:
        """Return an account's balance."""
        return int(self.request("eth_getBalance", address, "latest"), 16)

    def contract(self, name: str, address: str) -> Contract:
        """Return the contract ``name`` at ``address``."""
        abi = list(self._artifacts(name).abi)
        return self.web3.eth.contract(address=to_checksum_address(address), abi=abi)

    def call(self, function: ContractFunction, *, block: int | None = None, sender: str | None = None) -> Any:
        """Return what a view function returns, at ``block`` if given."""
        parameters: TxParams = {} if sender is None else {"from": to_checksum_address(sender)}
        tag: Any = "latest" if block is None else block
        return self._guard(lambda: function.call(parameters, block_identifier=tag))

    # ---- writing

    def deploy(self, signer: TransactionSigner, name: str, *arguments: Any) -> ChecksumAddress:
        """Deploy a compiled contract; return its address."""
        artifact = self._artifacts(name)
        factory = self.web3.eth.contract(abi=list(artifact.abi), bytecode=artifact.bytecode)
        data = factory.constructor(*arguments).data_in_transaction
        receipt = self.broadcast(self.signed(signer, to=None, data=data))
        address = receipt["contractAddress"]
        if address is None:
            raise ChainError(f"the chain gave {name} no address")
        return address

    def send(self, signer: TransactionSigner, function: ContractFunction, *, value_wei: int = 0) -> TxReceipt:
        """Sign and send one call; return its receipt.

        Not protected against a crash between signing and sending: see :mod:`governance.outbox`.
        """
        data = function._encode_transaction_data()
        return self.broadcast(self.signed(signer, to=function.address, data=data, value_wei=value_wei))

    def pay(self, signer: TransactionSigner, to: str, value_wei: int) -> TxReceipt:
        """Send the chain's coin."""
        return self.broadcast(self.signed(signer, to=to, data=HexStr("0x"), value_wei=value_wei))

    def next_nonce(self, address: str) -> int:
        """Return the nonce of the account's next transaction."""
        return int(self.request("eth_getTransactionCount", address, "latest"), 16)

    def signed(
        self,
        signer: TransactionSigner,
        *,
        to: str | None,
        data: HexStr,
        value_wei: int = 0,
        nonce: int | None = None,
    ) -> bytes:
        """Return a raw transaction; a call that would revert is refused here, before anything is sent."""
        request: dict[str, Any] = {"from": signer.address, "data": data, "value": hex(value_wei)}
        if to is not None:
            request["to"] = to
        gas = int(self.request("eth_estimateGas", request), 16)
        head = self.request("eth_getBlockByNumber", "latest", False)
        transaction: dict[str, Any] = {
            "type": 2,
            "chainId": self.chain_id,
            "nonce": self.next_nonce(signer.address) if nonce is None else nonce,
            "gas": gas,
            "maxFeePerGas": 2 * int(head["baseFeePerGas"], 16) + PRIORITY_FEE_WEI,
            "maxPriorityFeePerGas": PRIORITY_FEE_WEI,
            "value": Wei(value_wei),
            "data": data,
        }
        if to is not None:
            transaction["to"] = to_checksum_address(to)
        return signer.sign_transaction(transaction)

    def broadcast(self, raw: bytes, *, timeout_seconds: float = 120.0) -> TxReceipt:
        """Send a raw transaction and wait for its receipt."""
        transaction_hash = self.request("eth_sendRawTransaction", "0x" + raw.hex())
        return self.wait(transaction_hash, timeout_seconds=timeout_seconds)

    def receipt(self, transaction_hash: str) -> TxReceipt | None:
        """Return the receipt of a mined transaction."""
        try:
            found: TxReceipt = self._guard(
                lambda: self.web3.eth.get_transaction_receipt(HexStr(transaction_hash))
            )
        except TransactionNotFound:
            return None
        return found

    def wait(self, transaction_hash: str, *, timeout_seconds: float = 120.0) -> TxReceipt:
        """Return the receipt when there is one.

        Raises:
            ChainError: none came in time, or the transaction failed.
        """
        attempts = Retrying(
            retry=retry_if_result(lambda found: found is None),
            wait=wait_exponential(multiplier=0.005, max=0.25),
            stop=stop_after_delay(timeout_seconds),
        )
        try:
            receipt = attempts(self.receipt, transaction_hash)
        except RetryError as error:
            raise ChainError(f"{transaction_hash} was not mined in {timeout_seconds:.0f} s") from error
        if receipt is None or receipt["status"] != 1:
            raise ChainError(f"transaction {transaction_hash} failed on chain")
        return receipt

    # ---- the embedded chain's clock

    def advance(self, seconds: int) -> int:
        """Move the embedded chain's clock and mine one block; return its time."""
        self.request("evm_mine", self.timestamp() + max(1, seconds))
        return self.timestamp()

    def _guard(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except TransactionNotFound:
            raise
        except ContractLogicError as error:
            refusal = refusal_of({"code": 3, "message": str(error.message), "data": error.data})
            raise refusal or ChainError(f"the call failed: {error}") from error
        except CONNECTION_ERRORS as error:
            raise ChainError(
                f"no answer from {self.rpc_url}", hint="is the chain running? start it with: tribunate chain"
            ) from error
        except requests.exceptions.RequestException as error:
            raise ChainError(f"{self.rpc_url} answered badly: {error}") from error
        except (Web3Exception, ValueError) as error:
            raise ChainError(f"{self.rpc_url}: {error}", hint="is it an Ethereum RPC end point?") from error
