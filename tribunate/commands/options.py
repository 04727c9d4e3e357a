"""What the commands that reach a DAO share: their options, the key that signs, and asking a person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from governance.signing import LocalSigner
    from tribunate.served import Target

LOCAL_CHAIN = 31337

Run = Annotated[Path | None, typer.Option("--run", help="A run folder; the last run by default.")]
Rpc = Annotated[str | None, typer.Option("--rpc", help="An Ethereum RPC end point.", metavar="URL")]
DeploymentFile = Annotated[Path | None, typer.Option("--deployment", help="deployment.json, with --rpc.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Key = Annotated[
    Path | None,
    typer.Option("--key", help="Keystore v3 file, passphrase beside it; the run's holder by default."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Send = Annotated[bool, typer.Option("--send", help="Needed on a public chain; without it nothing is sent.")]


def target_of(run: Path | None, rpc: str | None, deployment: Path | None) -> Target:
    """Return what the options point at."""
    from tribunate.served import Target

    return Target(run=run, rpc=rpc, deployment=deployment)


def signer_of(target: Target, key: Path | None) -> LocalSigner:
    """Return the key that was named, or the holder's of the run.

    Raises:
        ConfigError: neither is there.
    """
    from core.errors import ConfigError
    from governance.keys import load_keystore

    folder = target.folder()
    path = key or (folder.holder / "holder.json" if folder else None)
    if path is None:
        raise ConfigError("no key was named", hint="pass --key FILE")
    return load_keystore(path.parent, path.stem)


def may_send(chain_id: int, *, send: bool) -> bool:
    """Return whether the options allow a transaction: a public chain needs ``--send``."""
    return chain_id == LOCAL_CHAIN or send


def go_on(chain_id: int, what: str, *, yes: bool, send: bool) -> bool:
    """Ask a person; on a public chain nothing happens without ``--send``."""
    if not may_send(chain_id, send=send):
        print(f"dry run: would {what} on chain {chain_id}; pass --send to do it")
        return False
    if not yes:
        typer.confirm(f"{what}?", abort=True)
    return True
