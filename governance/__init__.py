"""Everything that touches the DAO: contracts, signatures, transactions, and the embedded chain.

Never imported by ``agents/``; the two meet through ``core.ports``.

    devchain ─► an embedded chain behind JSON-RPC
    client ─► signing, keys ─► outbox          one RPC end point, one key, one transaction at a time
    deployment ─► deploy                        what is where, and how it came there
    reader, registry, proposals                 what agents and people do with it
"""
