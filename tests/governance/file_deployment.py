"""A file, a chain, and the keys of its people, for the tests of deployments."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account import Account

from contracts.artifacts import load_any_artifact
from core.errors import GovernanceError
from governance.client import ChainClient
from governance.deployment import Deployment, load_deployment
from governance.registry import AgentDirectory
from governance.rehearsal import ETHER, known_key, register_known
from governance.signing import LocalSigner
from tribunate.dao_deploy import Order, carry_out
from tribunate.dao_plan import read_plan

LOCAL = Path(__file__).resolve().parents[2] / "deploy" / "local.toml"
MNEMONIC = " ".join(["test"] * 11) + " junk"


def public_account(number: int) -> LocalSigner:
    """Return an account of anvil's public mnemonic."""
    Account.enable_unaudited_hdwallet_features()
    path = f"m/44'/60'/0'/0/{number}"
    return LocalSigner(bytes(Account.from_mnemonic(MNEMONIC, account_path=path).key))


def keep_key(path: Path, signer: LocalSigner) -> None:
    """Write the key of ``signer`` as a keystore with its passphrase beside it."""
    content = Account.encrypt(signer._account.key, "test", kdf="pbkdf2", iterations=1_000)
    for file, text in ((path, json.dumps(content)), (path.with_suffix(".passphrase"), "test")):
        file.write_text(text)
        file.chmod(0o600)


@dataclass(frozen=True, slots=True)
class FileDeployment:
    """A file on its way to the chain."""

    client: ChainClient
    folder: Path
    file: Path

    @property
    def deployer(self) -> LocalSigner:
        """Who sends."""
        return known_key("deployer")

    @property
    def out(self) -> Path:
        """The record."""
        return self.folder / "deployment.json"

    @property
    def deployment(self) -> Deployment:
        """The record's content."""
        return load_deployment(self.out)

    def order(self, client: ChainClient | None = None) -> Order:
        """Return what the command line would make of it."""
        return Order(client or self.client, self.deployer, read_plan(self.file), self.out)

    def change(self, old: str, new: str) -> None:
        """Change the file in one place."""
        text = self.file.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
        self.file.write_text(text.replace(old, new))

    def register(self) -> None:
        """Let the four agents that the file seats register themselves."""
        directory = AgentDirectory(self.client, self.deployment)
        for number in range(4):
            agent = public_account(number)
            self.client.pay(self.deployer, agent.address, ETHER)
            register_known(directory, agent, number=number)

    def finish(self) -> str:
        """Take the deployment all the way, the agents' part included."""
        try:
            return carry_out(self.order())
        except GovernanceError:
            self.register()
            return carry_out(self.order())


class Cut(Exception):
    """The power went."""


class FailingClient(ChainClient):
    """Loses power just after its n-th transaction has been written down and sent, or just before it is."""

    def __init__(self, url: str, *, after: int, sent: bool) -> None:
        super().__init__(url, artifacts=load_any_artifact)
        self._left = after
        self._sent = sent

    def request(self, method: str, *params: Any) -> Any:
        """Ask, or fail."""
        if method != "eth_sendRawTransaction":
            return super().request(method, *params)
        self._left -= 1
        if self._left > 0:
            return super().request(method, *params)
        if self._sent:
            super().request(method, *params)
        raise Cut
