"""Risk agents: strategies, the uAgents network, the journal and the epoch loop.

scheduler ─► agent (shell) ─► core.negotiation (machine)
               │   ├─► judgement ─► strategies ─► models, simulations
               │   ├─► caller ─► watch: has the price fallen, whose call is heard
               │   ├─► keeper: what is due on chain
               │   ├─► journal (SQLite)
               │   └─► transport (uAgents, hardened) ─► wire
               └─► explanation (template, or LangChain)
"""
