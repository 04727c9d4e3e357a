"""The embedded chain as a process of its own, for the demo: ``python -m tribunate.chain_process``."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path

from governance.devchain.chain import Chain, Genesis
from governance.devchain.methods import Methods
from governance.devchain.server import RpcServer
from tribunate.pipe import Pipe, when_parent_ends

FUND_WEI = 10**24


def main(arguments: list[str] | None = None) -> None:
    """Serve a new chain until a signal, or until the parent ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--db", type=Path, required=True)
    parser.add_argument("--genesis-time", type=int, required=True)
    parser.add_argument("--fund", required=True, metavar="ADDRESS")
    parser.add_argument("--pipe", type=int)
    options = parser.parse_args(arguments)
    pipe = Pipe(options.pipe)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    when_parent_ends(stop.set)
    balances = {bytes.fromhex(options.fund.removeprefix("0x")): FUND_WEI}
    chain = Chain(Genesis(options.genesis_time, balances), path=options.db)
    server = RpcServer(Methods(chain))
    pipe.send({"type": "listening", "url": server.url, "chain_id": chain.chain_id})
    stop.wait()
    server.close()
    chain.close()


if __name__ == "__main__":
    main()
