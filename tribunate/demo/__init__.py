"""The whole loop with one command: a chain, a market, four agents, a proposal, and people with a veto.

market ─► processes (chain, agents) ─► stage (deploy, seat) ─► show (epochs) ─► result
                 └─ events through pipes ─► display, events.ndjson
"""
