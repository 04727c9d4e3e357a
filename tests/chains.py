"""Which chain the tests run on: ``TRIBUNATE_CHAIN`` is ``embedded`` (the default) or ``anvil``."""

from __future__ import annotations

import os

from governance.devchain.back_ends import RunningChain, back_end
from governance.devchain.chain import Genesis


def open_chain(genesis: Genesis) -> RunningChain:
    """Start the chain that the environment names."""
    return back_end(os.environ.get("TRIBUNATE_CHAIN", "embedded"))(genesis)
