"""``tribunate chain``: serve the chain of a run again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("chain", epilog="Example: tribunate chain --port 8545")(chain)


def chain(
    run: Annotated[Path | None, typer.Option("--run", help="A run folder; the last run by default.")] = None,
    port: Annotated[int, typer.Option(help="On 127.0.0.1; 0 takes a free one.", min=0, max=65_535)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object when it listens.")] = False,
) -> None:
    """Serve the chain of a run over JSON-RPC until Ctrl-C."""
    import signal
    import threading

    from governance.deployment import load_deployment
    from tribunate.run_folder import find
    from tribunate.served import DEFAULT_RUNS, serve

    folder = find(run, base=DEFAULT_RUNS)
    deployment = load_deployment(folder.deployment)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with serve(folder, port=port) as url:
        if as_json:
            about = {"url": url, "chain_id": deployment.chain_id, "addresses": dict(deployment.addresses)}
            print(json.dumps(about), flush=True)
        else:
            print(f"chain {deployment.chain_id} of {folder.path} at {url}", flush=True)
            for name, address in deployment.addresses.items():
                print(f"  {name:<18} {address}", flush=True)
            print("Ctrl-C ends it", flush=True)
        stop.wait()
