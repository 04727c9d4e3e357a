"""Candidate parameters: what the guardrails let a DAO reach, and which of it is worth having.

mask        vectors that the contracts would accept, and why the others are refused
reaction    how borrowers answer new parameters
objective   revenue and borrowing power against shortfall and borrowers' loss
frontier    the vectors that no other is better than in everything
ascent      CMA-ES over the reachable lattice
"""
