"""Foundry's anvil as a second back end, with the embedded chain's clock: a second a block.

It is a development dependency (``contracts/package.json``): a drift between py-evm and a second
implementation of the EVM shows when the same tests run on both.

Warning: ``evm_increaseTime`` has no effect here, because the clock is logical.  Move it with
``evm_mine`` or ``evm_setNextBlockTimestamp`` and a time, which both back ends understand.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from contracts.artifacts import FOLDER
from core.errors import ChainError, ConfigError
from governance.client import ChainClient
from governance.devchain.chain import GAS_LIMIT, Genesis

HARDFORK = "prague"
START_SECONDS = 20.0
INSTALL = "cd contracts && npm ci --ignore-scripts, or put anvil on PATH"

# The child ends when its standard input does, so also when this process is killed.
UNTIL_PARENT_ENDS = '"$@" & child=$!; cat > /dev/null; kill "$child"; wait "$child"'


class AnvilChain:
    """An anvil process of its own until closed, behind the surface of :class:`LocalChain`.

    Raises:
        ConfigError: there is no anvil.
        ChainError: it does not start.
    """

    def __init__(self, genesis: Genesis) -> None:
        command = [str(find_anvil()), *_options(genesis)]
        self._log = tempfile.NamedTemporaryFile(prefix="anvil-", suffix=".log")  # noqa: SIM115
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", UNTIL_PARENT_ENDS, "anvil", *command],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        try:
            self._url = self._wait_for_url()
            self._prepare(genesis)
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> str:
        """RPC URL."""
        return self._url

    def close(self) -> None:
        """Stop the process and wait for its end."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _wait_for_url(self) -> str:
        attempts = Retrying(
            retry=retry_if_exception_type(_NotYetListening),
            wait=wait_fixed(0.02),
            stop=stop_after_delay(START_SECONDS),
        )
        try:
            return attempts(self._announced_url)
        except RetryError as error:
            raise ChainError(
                f"anvil did not listen within {START_SECONDS:.0f} s: {self._printed()[-500:]}"
            ) from error

    def _announced_url(self) -> str:
        found = re.search(r"^Listening on (\S+)$", self._printed(), re.MULTILINE)
        if found is None:
            raise _NotYetListening
        return f"http://{found[1]}"

    def _printed(self) -> str:
        return Path(self._log.name).read_text(encoding="utf-8", errors="replace")

    def _prepare(self, genesis: Genesis) -> None:
        client = ChainClient(self._url)
        client.request("anvil_setBlockTimestampInterval", 1)
        client.request("anvil_setLoggingEnabled", False)
        for address, balance_wei in genesis.balances.items():
            client.request("anvil_setBalance", "0x" + address.hex(), hex(balance_wei))


class _NotYetListening(Exception):
    """The line with the address is not there yet."""


def find_anvil(*, node_modules: Path = FOLDER / "node_modules", path: str | None = None) -> Path:
    """Return the binary that npm installed, or the one on ``path`` (the environment's ``PATH`` by default).

    Raises:
        ConfigError: there is neither.
    """
    installed = node_modules / ".bin" / "anvil"
    if installed.exists():
        return installed
    on_path = shutil.which("anvil", path=path)
    if on_path is None:
        raise ConfigError("anvil is not installed", allowed="anvil 1.7.1", hint=INSTALL)
    return Path(on_path)


def _options(genesis: Genesis) -> list[str]:
    options = {
        "--port": 0,
        "--chain-id": genesis.chain_id,
        "--timestamp": genesis.timestamp,
        "--hardfork": HARDFORK,
        "--gas-limit": GAS_LIMIT,
        "--accounts": 1,
        "--threads": 1,
    }
    return [part for option, value in options.items() for part in (option, str(value))]
