"""History replayed: what each policy would have decided, and what that would have cost.

parameters   the DAO's real parameters over time
decisions    a strategy week by week, guardrails and veto delay inside  ─► a trajectory
quorum       several strategies as one policy
books        a trajectory over synthetic books  ─► totals, shape (book, week, metric)
run          all policies, both ends of the assumptions, resumable
report       what a run says
"""
