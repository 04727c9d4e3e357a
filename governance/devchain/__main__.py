"""Serve the embedded chain.

    python -m governance.devchain --db chain.sqlite --port 0 --genesis-time T --fund 0x...

Prints one JSON line, ``{"url": ..., "chain_id": ...}``, when it listens; ends on SIGTERM or SIGINT.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from core.errors import ConfigError, TribunateError
from governance.devchain.chain import CHAIN_ID, Chain, Genesis, stored_genesis_time
from governance.devchain.methods import Methods
from governance.devchain.server import RpcServer

FUND_WEI = 10**24


def main(arguments: list[str] | None = None) -> int:
    """Run until a signal; return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        chain = _open(options)
        server = _listen(chain, options.port)
    except TribunateError as error:
        print(error.render(), file=sys.stderr)
        return error.exit_code
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    print(json.dumps({"url": server.url, "chain_id": chain.chain_id}), flush=True)
    stop.wait()
    server.close()
    chain.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m governance.devchain", description="Serve the embedded chain."
    )
    parser.add_argument("--db", type=Path, help="SQLite file to keep the chain in (memory only by default)")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1, 0 takes a free one")
    parser.add_argument("--genesis-time", type=int, help="UTC seconds of block 0 (needed for a new chain)")
    parser.add_argument("--fund", action="append", default=[], metavar="ADDRESS", help="gets a million ether")
    return parser


def _open(options: argparse.Namespace) -> Chain:
    stored = stored_genesis_time(options.db) if options.db else None
    if stored is not None:
        return Chain(Genesis(stored), path=options.db)
    if options.genesis_time is None:
        raise ConfigError("--genesis-time is missing", allowed="UTC seconds", hint="a new chain needs one")
    balances = {_address(text): FUND_WEI for text in options.fund}
    return Chain(Genesis(options.genesis_time, balances, CHAIN_ID), path=options.db)


def _address(text: str) -> bytes:
    try:
        address = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        address = b""
    if len(address) != 20:
        raise ConfigError(f"--fund was {text}", allowed="0x and 40 hexadecimal digits")
    return address


def _listen(chain: Chain, port: int) -> RpcServer:
    try:
        return RpcServer(Methods(chain), port)
    except (OSError, OverflowError) as error:
        chain.close()
        raise ConfigError(f"port {port} cannot be taken: {error}", hint="use --port 0") from error


if __name__ == "__main__":
    sys.exit(main())
