"""Both chains answer alike where our tests and our client look."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from contracts.artifacts import load_any_artifact
from core.errors import ChainError, ConfigError, GovernanceError
from governance.client import ChainClient
from governance.devchain.anvil import find_anvil
from governance.devchain.back_ends import back_end
from governance.devchain.chain import Genesis
from governance.rehearsal import ETHER, GENESIS_TIME, HOUR, known_key
from governance.signing import LocalSigner
from tests.protocols.npm_artifacts import missing

RICH, POOR = known_key("back end rich"), known_key("back end poor")
BALANCES = {bytes.fromhex(RICH.address[2:]): 1_000 * ETHER}


@pytest.fixture(scope="module", params=["embedded", "anvil"])
def client(request: pytest.FixtureRequest) -> Iterator[ChainClient]:
    if request.param == "anvil":
        require_anvil()
    with back_end(request.param)(Genesis(GENESIS_TIME, BALANCES)) as chain:
        yield ChainClient(chain.url, artifacts=load_any_artifact)


def require_anvil() -> None:
    try:
        find_anvil()
    except ConfigError:
        missing("anvil")


def pay(client: ChainClient, to: LocalSigner = POOR) -> None:
    client.pay(RICH, to.address, 1)


def test_the_chain_has_the_id_that_wallets_expect_of_a_local_one(client: ChainClient) -> None:
    assert client.chain_id == 31337


def test_genesis_has_its_time_and_balances(client: ChainClient) -> None:
    assert client.timestamp(0) == GENESIS_TIME
    assert client.balance_wei(known_key("nobody").address) == 0
    assert 999 * ETHER < client.balance_wei(RICH.address) <= 1_000 * ETHER


def test_every_transaction_has_a_block_a_second_after_the_last(client: ChainClient) -> None:
    number, time = client.block_number(), client.timestamp()

    pay(client)
    pay(client)

    assert (client.block_number(), client.timestamp()) == (number + 2, time + 2)


def test_a_block_is_mined_at_a_given_time(client: ChainClient) -> None:
    later = client.timestamp() + HOUR

    client.request("evm_mine", later)
    assert client.timestamp() == later

    pay(client)
    assert client.timestamp() == later + 1


def test_the_next_blocks_time_is_set(client: ChainClient) -> None:
    later = client.timestamp() + HOUR
    client.request("evm_setNextBlockTimestamp", later)

    pay(client)

    assert client.timestamp() == later


def test_time_does_not_go_back(client: ChainClient) -> None:
    with pytest.raises(ChainError):
        client.request("evm_setNextBlockTimestamp", client.timestamp() - 1)


def test_a_snapshot_brings_back_balance_and_time_once(client: ChainClient) -> None:
    balance, time = client.balance_wei(POOR.address), client.timestamp()
    snapshot = client.request("evm_snapshot")
    pay(client)
    client.request("evm_mine", client.timestamp() + HOUR)

    assert client.request("evm_revert", snapshot) is True

    assert (client.balance_wei(POOR.address), client.timestamp()) == (balance, time)
    assert client.request("evm_revert", snapshot) is False


def test_a_contracts_error_comes_with_its_name(client: ChainClient) -> None:
    token = client.contract("DemoToken", client.deploy(RICH, "DemoToken", RICH.address, "Some", "SOME", 18))

    with pytest.raises(GovernanceError, match="OwnableUnauthorizedAccount"):
        client.call(token.functions.mint(POOR.address, 1), sender=POOR.address)
    with pytest.raises(GovernanceError, match="OwnableUnauthorizedAccount"):
        client.send(POOR, token.functions.mint(POOR.address, 1))


def test_a_view_of_the_past_sees_the_past(client: ChainClient) -> None:
    token = client.contract("DemoToken", client.deploy(RICH, "DemoToken", RICH.address, "Some", "SOME", 18))
    before = client.block_number()

    client.send(RICH, token.functions.mint(POOR.address, 5))

    assert client.call(token.functions.balanceOf(POOR.address), block=before) == 0
    assert client.call(token.functions.balanceOf(POOR.address)) == 5


def test_an_account_without_coin_cannot_pay(client: ChainClient) -> None:
    with pytest.raises(ChainError):
        client.pay(known_key("nobody"), POOR.address, 1)


def test_an_unknown_back_end_is_refused() -> None:
    with pytest.raises(ConfigError, match="ganache"):
        back_end("ganache")


def test_without_anvil_the_hint_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        find_anvil(node_modules=tmp_path, path=str(tmp_path))

    assert "npm ci" in refused.value.render()


def test_anvil_ends_when_its_parent_is_killed() -> None:
    require_anvil()
    program = (
        "import time\n"
        "from governance.devchain.anvil import AnvilChain\n"
        "from governance.devchain.chain import Genesis\n"
        "print(AnvilChain(Genesis(1)).url, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    client = ChainClient(parent.stdout.readline().strip())
    assert client.chain_id == 31337

    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()

    patience = Retrying(retry=retry_if_result(bool), wait=wait_fixed(0.05), stop=stop_after_delay(10))
    patience(answers, client)


def answers(client: ChainClient) -> bool:
    try:
        client.block_number()
    except ChainError:
        return False
    return True
