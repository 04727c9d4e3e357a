"""The embedded chain speaks Ethereum's JSON-RPC and keeps a logical clock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from contracts.artifacts import load_any_artifact
from core.errors import ChainError, GovernanceError
from governance.client import ChainClient
from governance.devchain.chain import Genesis
from governance.devchain.local import LocalChain
from governance.rehearsal import ETHER, GENESIS_TIME, known_key

PAYER = known_key("deployer")
OTHER = known_key("other").address


@pytest.fixture
def chain() -> Iterator[LocalChain]:
    balances = {bytes.fromhex(PAYER.address[2:]): 10**3 * ETHER}
    with LocalChain(Genesis(GENESIS_TIME, balances)) as made:
        yield made


@pytest.fixture
def client(chain: LocalChain) -> ChainClient:
    return ChainClient(chain.url, artifacts=load_any_artifact)


def post(chain: LocalChain, body: bytes, content_type: str = "application/json") -> Any:
    return requests.post(chain.url, data=body, headers={"content-type": content_type}, timeout=10)


# ---- clock


def test_a_block_is_one_second_younger_than_its_parent(client: ChainClient) -> None:
    assert client.timestamp() == GENESIS_TIME
    client.pay(PAYER, OTHER, 1)
    client.pay(PAYER, OTHER, 1)
    assert (client.block_number(), client.timestamp()) == (2, GENESIS_TIME + 2)


def test_increase_time_moves_the_next_block_only(client: ChainClient) -> None:
    client.request("evm_increaseTime", 3600)
    client.pay(PAYER, OTHER, 1)
    client.pay(PAYER, OTHER, 1)
    assert [client.timestamp(n) - GENESIS_TIME for n in (1, 2)] == [3600, 3601]


def test_the_next_time_can_be_chosen(client: ChainClient) -> None:
    client.request("evm_setNextBlockTimestamp", GENESIS_TIME + 77)
    client.request("evm_mine")
    assert client.timestamp() == GENESIS_TIME + 77


def test_time_does_not_run_backwards(client: ChainClient) -> None:
    with pytest.raises(ChainError, match="must be above"):
        client.request("evm_setNextBlockTimestamp", GENESIS_TIME)


def test_calls_see_the_time_of_the_block_they_name(client: ChainClient) -> None:
    token = client.contract("GovernanceToken", client.deploy(PAYER, "GovernanceToken", OTHER, 1))
    client.advance(100)
    assert client.call(token.functions.clock()) == client.timestamp()
    assert client.call(token.functions.clock(), block=1) == GENESIS_TIME + 1
    pending = token.functions.clock().call(block_identifier="pending")
    assert pending == client.timestamp() + 1


# ---- blocks, receipts, state


def test_two_chains_with_the_same_past_are_equal() -> None:
    heads = []
    for _ in range(2):
        with LocalChain(Genesis(GENESIS_TIME, {bytes.fromhex(PAYER.address[2:]): ETHER})) as chain:
            client = ChainClient(chain.url)
            client.pay(PAYER, OTHER, 1)
            client.advance(50)
            heads.append(client.request("eth_getBlockByNumber", "latest", False)["hash"])
    assert heads[0] == heads[1]


def test_old_state_stays_readable(client: ChainClient) -> None:
    client.pay(PAYER, OTHER, 5)
    client.pay(PAYER, OTHER, 7)
    balances = [int(client.request("eth_getBalance", OTHER, hex(n)), 16) for n in range(3)]
    assert balances == [0, 5, 12]


def test_blocks_and_transactions_are_found_by_hash(client: ChainClient) -> None:
    receipt = client.pay(PAYER, OTHER, 5)
    block = client.request("eth_getBlockByHash", "0x" + bytes(receipt["blockHash"]).hex(), True)
    (transaction,) = block["transactions"]
    assert transaction == client.request("eth_getTransactionByHash", transaction["hash"])
    assert (transaction["from"], transaction["to"], transaction["value"]) == (PAYER.address, OTHER, "0x5")


def test_what_is_unknown_is_null(client: ChainClient) -> None:
    nothing = "0x" + "00" * 32
    assert client.request("eth_getBlockByHash", nothing, False) is None
    assert client.request("eth_getTransactionReceipt", nothing) is None
    assert client.request("eth_getBlockByNumber", "0x99", False) is None


def test_logs_are_found_by_address_topic_and_block(client: ChainClient) -> None:
    token = client.contract("DemoToken", client.deploy(PAYER, "DemoToken", PAYER.address, "T", "T", 18))
    for amount in (1, 2, 3):
        client.send(PAYER, token.functions.mint(OTHER, amount))
    transfer = token.events.Transfer()
    assert [log["args"]["value"] for log in transfer.get_logs(from_block=0)] == [1, 2, 3]
    assert [log["args"]["value"] for log in transfer.get_logs(from_block=3, to_block=3)] == [2]
    assert transfer.get_logs(from_block=0, argument_filters={"to": PAYER.address}) == []


def test_filters_report_what_is_new(client: ChainClient) -> None:
    number = client.request("eth_newBlockFilter")
    client.request("evm_mine")
    assert len(client.request("eth_getFilterChanges", number)) == 1
    assert client.request("eth_getFilterChanges", number) == []
    assert client.request("eth_uninstallFilter", number) is True
    with pytest.raises(ChainError, match="filter not found"):
        client.request("eth_getFilterChanges", number)


# ---- snapshots


def test_revert_restores_state_time_and_number(client: ChainClient) -> None:
    snapshot = client.request("evm_snapshot")
    client.pay(PAYER, OTHER, 5)
    client.advance(1_000)
    assert client.request("evm_revert", snapshot) is True
    assert (client.block_number(), client.timestamp(), client.balance_wei(OTHER)) == (0, GENESIS_TIME, 0)
    client.pay(PAYER, OTHER, 6)
    assert client.balance_wei(OTHER) == 6


def test_a_snapshot_is_used_up(client: ChainClient) -> None:
    snapshot = client.request("evm_snapshot")
    assert client.request("evm_revert", snapshot) is True
    assert client.request("evm_revert", snapshot) is False


# ---- refusals


def test_reverts_carry_the_custom_errors_bytes(client: ChainClient) -> None:
    token = client.contract("DemoToken", client.deploy(PAYER, "DemoToken", PAYER.address, "T", "T", 18))
    request = {"from": OTHER, "to": token.address, "data": token.encode_abi("mint", [OTHER, 1])}
    answer = client.web3.provider.make_request("eth_call", [request, "latest"])  # type: ignore[arg-type]
    assert answer["error"]["code"] == 3
    assert answer["error"]["data"].startswith("0x118cdaa7")  # OwnableUnauthorizedAccount(address)


def test_a_call_that_would_revert_is_not_sent(client: ChainClient) -> None:
    token = client.contract("DemoToken", client.deploy(PAYER, "DemoToken", OTHER, "T", "T", 18))
    before = client.block_number()
    with pytest.raises(GovernanceError, match="OwnableUnauthorizedAccount"):
        client.send(PAYER, token.functions.mint(OTHER, 1))
    assert client.block_number() == before


def test_a_used_nonce_is_refused(client: ChainClient) -> None:
    raw = client.signed(PAYER, to=OTHER, data="0x", value_wei=1)  # type: ignore[arg-type]
    client.broadcast(raw)
    with pytest.raises(ChainError, match="transaction refused"):
        client.broadcast(raw)


def test_an_empty_purse_is_refused(client: ChainClient) -> None:
    with pytest.raises(ChainError):
        client.pay(known_key("poor"), OTHER, 1)


def test_the_chain_has_no_keys_of_its_own(client: ChainClient) -> None:
    assert client.request("eth_accounts") == []
    with pytest.raises(ChainError, match="eth_sendTransaction not found"):
        client.request("eth_sendTransaction", {"from": PAYER.address, "to": OTHER, "value": "0x1"})


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("eth_getBalance", ["0x12", "latest"], -32602),
        ("eth_getBalance", ["nobody", "latest"], -32602),
        ("eth_getBalance", [OTHER, "0x99"], -32000),
        ("evm_increaseTime", [-1], -32602),
        ("eth_sendRawTransaction", ["0x00"], -32000),
        ("eth_nothing", [], -32601),
    ],
)
def test_bad_requests_get_a_code(client: ChainClient, *, method: str, params: list[Any], code: int) -> None:
    answer = client.web3.provider.make_request(method, params)  # type: ignore[arg-type]
    assert answer["error"]["code"] == code


def test_a_body_that_is_not_json_is_refused(chain: LocalChain) -> None:
    assert post(chain, b"{").json()["error"]["code"] == -32700
    assert post(chain, b"7").json()["error"]["code"] == -32600


def test_a_web_page_cannot_post_without_asking(chain: LocalChain) -> None:
    answer = post(chain, b'{"id": 1, "method": "evm_mine"}', content_type="text/plain")
    assert answer.status_code == 415


def test_batches_are_answered_in_order(chain: LocalChain) -> None:
    body = b'[{"id": 1, "method": "eth_chainId"}, {"id": 2, "method": "eth_blockNumber"}]'
    assert [one["result"] for one in post(chain, body).json()] == ["0x7a69", "0x0"]
