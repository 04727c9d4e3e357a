"""What would happen to a lending market: paths, books, liquidations, and what they cost.

    generator ─► demo_market                       a seeded market for people without data
    engine ◄── core.cascade (specification)        many paths x positions x candidates, float64
    montecarlo ─► search                           candidates under the mandate, the largest safe one
    runs, rerun, report                            run folders with evidence, and their re-run
    book, parameter_history ─► backtest            history replayed, with the veto delay inside
    adversary/                                     attacks that need the market

Axes of every array: ``candidate, path, step, position``.
"""
