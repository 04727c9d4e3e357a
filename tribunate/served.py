"""Reach the chain of a run: by the RPC that the user names, by who serves it now, or by serving it here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.errors import ChainError, ConfigError
from tribunate.dao import Dao, connect_file
from tribunate.run_folder import RunFolder, find, read_json, write_json

DEFAULT_RUNS = Path("runs")
URL_FILE = "chain.json"


@dataclass(frozen=True, slots=True)
class Target:
    """What a command was pointed at."""

    run: Path | None
    rpc: str | None
    deployment: Path | None
    runs: Path = DEFAULT_RUNS

    def folder(self) -> RunFolder | None:
        """Return the run's folder; ``None`` when only an RPC end point and a deployment were named."""
        if self.run is None and self.deployment is not None:
            return None
        return find(self.run, base=self.runs)


@contextmanager
def reach(target: Target) -> Iterator[Dao]:
    """Yield the deployment's parts, connected.

    Raises:
        ConfigError: the options do not fit together, or there is no run.
        ChainError: the end point does not answer.
    """
    if target.deployment is not None and target.rpc is None:
        raise ConfigError("--deployment was given without --rpc", hint="add --rpc URL")
    folder = target.folder()
    deployment = target.deployment or (folder.deployment if folder else None)
    if deployment is None:
        raise ConfigError("no deployment was named", hint="pass --run DIR, or --rpc URL --deployment FILE")
    if target.rpc is not None:
        yield _checked(connect_file(target.rpc, deployment))
        return
    if folder is None:
        raise ConfigError("no run was named", hint="pass --run DIR")
    with serve(folder) as url:
        yield _checked(connect_file(url, deployment))


def _checked(dao: Dao) -> Dao:
    if dao.client.chain_id != dao.deployment.chain_id:
        raise ChainError(
            f"the end point serves chain {dao.client.chain_id}",
            allowed=f"chain {dao.deployment.chain_id}, where the deployment is",
            hint="check --rpc",
        )
    return dao


@contextmanager
def serve(folder: RunFolder, *, port: int = 0) -> Iterator[str]:
    """Yield the URL of the run's chain: of the process that serves it now, or of one in this process."""
    running = _running(folder)
    if running is not None:
        yield running
        return
    from governance.devchain.chain import Chain, Genesis, stored_genesis_time
    from governance.devchain.methods import Methods
    from governance.devchain.server import RpcServer

    genesis = stored_genesis_time(folder.chain) if folder.chain.is_file() else None
    if genesis is None:
        raise ChainError(f"{folder.path} holds no chain", hint="was the demo stopped before it deployed?")
    chain = Chain(Genesis(genesis), path=folder.chain)
    try:
        server = RpcServer(Methods(chain), port)
    except (OSError, OverflowError) as error:
        chain.close()
        raise ConfigError(f"port {port} cannot be taken: {error}", hint="use --port 0") from error
    note = folder.path / URL_FILE
    write_json(note, {"url": server.url, "pid": os.getpid()})
    try:
        yield server.url
    finally:
        note.unlink(missing_ok=True)
        server.close()
        chain.close()


def _running(folder: RunFolder) -> str | None:
    """Return where a living process serves the run's chain."""
    note = folder.path / URL_FILE
    if not note.is_file():
        return None
    said = read_json(note)
    try:
        os.kill(int(said["pid"]), 0)
    except (ProcessLookupError, KeyError, ValueError):
        return None
    except PermissionError:
        return str(said["url"])
    return str(said["url"])
