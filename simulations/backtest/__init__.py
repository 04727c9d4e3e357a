"""History replayed: what each policy would have decided, and what that would have cost.

    calibration    first: are the liquidations that happened simulated, when, and how large?
    walk_forward   what a decision may know: purge, embargo, refits
    decisions      a strategy week by week ─► trajectories    guardrails and veto delay inside
    rivals         a published formula, constants, the best of them in hindsight ─► trajectories
    books          a trajectory over synthetic books ─► totals, shape (book, week, metric)
    run            all policies in all worlds, resumable
    claims         what may be said of them, after all that was tried (trials.toml)
    report, page   as text, JSON and one HTML file

``parameters`` is the DAO's record, ``quorum`` makes several strategies one policy, ``windows`` names the bad
months, ``settings`` is what a run is told and given.
"""
