"""An embedded Ethereum chain: py-evm (Prague rules) behind JSON-RPC, kept in one SQLite file.

    __main__ ─► server (HTTP on 127.0.0.1) ─► methods (eth_*, evm_*) ─► chain (mining, logical clock)
                                                                         ├─► simulation (call, estimate)
                                                                         ├─► blocks (receipts, logs)
                                                                         └─► storage (write-through)

The clock is logical: a block is one second younger than its parent unless ``evm_increaseTime`` or
``evm_setNextBlockTimestamp`` moved it.  Wall time is never read, so a run repeats exactly.
"""
