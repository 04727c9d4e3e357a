"""Risk agents: strategies, the uAgents network, the journal and the epoch loop.

scheduler ─► agent (shell) ─► core.negotiation (machine)
               │   ├─► judgement ─► strategies ─► models, simulations
               │   ├─► journal (SQLite)
               │   └─► transport (uAgents, hardened) ─► wire
               └─► explanation (template, or LangChain)
"""
