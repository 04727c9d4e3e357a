"""The client: errors by name, retries on lost connections only."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from core.errors import ChainError, GovernanceError, GuardrailError
from governance.client import ChainClient
from governance.rehearsal import Rehearsal, known_key
from governance.reverts import decode_revert, refusal_of
from governance.signing import keccak


class FlakyNode:
    """Answers by a script: ``None`` drops the connection, text is sent as the body."""

    def __init__(self, script: list[str | None]) -> None:
        self.asked = 0
        node = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = script[min(node.asked, len(script) - 1)]
                node.asked += 1
                self.rfile.read(int(self.headers["content-length"]))
                if body is None:
                    self.close_connection = True
                    return
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, format: str, *args: Any) -> None:
                return

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def flaky() -> Iterator[Callable[[list[str | None]], FlakyNode]]:
    nodes = []

    def start(script: list[str | None]) -> FlakyNode:
        nodes.append(FlakyNode(script))
        return nodes[-1]

    yield start
    for node in nodes:
        node.close()


GOOD = json.dumps({"jsonrpc": "2.0", "id": 1, "result": "0x5"})
REFUSED = json.dumps({"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "no"}})


def test_a_lost_connection_is_tried_again(flaky: Callable[[list[str | None]], FlakyNode]) -> None:
    node = flaky([None, None, GOOD])
    assert ChainClient(node.url).block_number() == 5
    assert node.asked == 3


def test_an_answer_is_final(flaky: Callable[[list[str | None]], FlakyNode]) -> None:
    node = flaky([REFUSED, GOOD])
    with pytest.raises(ChainError, match="eth_blockNumber failed: no"):
        ChainClient(node.url).block_number()
    assert node.asked == 1


def test_nobody_listening_is_a_chain_error() -> None:
    with pytest.raises(ChainError) as caught:
        ChainClient("http://127.0.0.1:1").block_number()
    assert "no answer" in caught.value.found
    assert caught.value.exit_code == 3


def test_something_that_is_no_node_is_a_chain_error(flaky: Callable[[list[str | None]], FlakyNode]) -> None:
    with pytest.raises(ChainError):
        ChainClient(flaky(["<html>"]).url).block_number()


@pytest.mark.parametrize("url", ["", "localhost:8545", "ws://x", "file:///etc/passwd"])
def test_other_schemes_are_refused(url: str) -> None:
    with pytest.raises(ChainError, match="RPC URL was"):
        ChainClient(url)


def test_an_unknown_block_is_a_chain_error(dao: Rehearsal) -> None:
    with pytest.raises(ChainError, match="there is no block 99999"):
        dao.client.timestamp(99_999)


# ---- reverts


def word(value: int) -> str:
    return f"{value:064x}"


def test_guardrail_errors_name_rule_and_arguments() -> None:
    data = "0x" + decode_selector("StepTooLarge(uint8,uint256,uint256,uint256,uint256)")
    data += "".join(word(n) for n in (1, 7500, 7600, 7450, 7550))
    refusal = refusal_of({"code": 3, "data": data})
    assert isinstance(refusal, GuardrailError)
    assert refusal.rule == "step"
    assert refusal.found == (
        "StepTooLarge(field=liquidation_threshold_bps, current=7500, proposed=7600, low=7450, high=7550)"
    )


def decode_selector(signature: str) -> str:
    return keccak(signature.encode())[:4].hex()


def test_other_errors_are_the_governances() -> None:
    refusal = refusal_of({"data": "0x" + decode_selector("UseProposeUpdate()")})
    assert type(refusal) is GovernanceError
    assert refusal.found == "UseProposeUpdate()"


def test_reasons_in_words_are_kept() -> None:
    text = b"owner only".ljust(32, b"\0").hex()
    data = "0x08c379a0" + word(32) + word(10) + text
    refusal = refusal_of({"data": data})
    assert refusal is not None
    assert refusal.found == "Error(message=owner only)"


def test_an_unknown_error_keeps_its_bytes() -> None:
    assert decode_revert(bytes.fromhex("deadbeef01")) == ("UnknownError", "0xdeadbeef01")


def test_a_known_error_with_broken_arguments_keeps_its_bytes() -> None:
    selector = decode_selector("BelowFloor(uint8,uint256,uint256)")
    assert decode_revert(bytes.fromhex(selector + "01")) == ("BelowFloor", "0x01")


@pytest.mark.parametrize("error", [None, "text", {}, {"data": None}, {"data": "0x"}, {"data": "0x1234"}])
def test_without_revert_data_there_is_no_refusal(error: Any) -> None:
    assert refusal_of(error) is None


def test_a_view_that_reverts_is_named_too(dao: Rehearsal) -> None:
    governor = dao.client.contract("ParameterGovernor", dao.deployment.addresses["governor"])
    with pytest.raises(GovernanceError, match=r"GovernorNonexistentProposal\(proposalId=7\)"):
        dao.client.call(governor.functions.state(7))


def test_an_address_without_code_is_a_chain_error(dao: Rehearsal) -> None:
    token = dao.client.contract("GovernanceToken", known_key("nobody").address)
    with pytest.raises(ChainError):
        dao.client.call(token.functions.totalSupply())
