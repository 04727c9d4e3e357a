"""What would happen to a lending market: paths, books, liquidations, and what they cost.

    generator ─► demo_market                        a seeded market for people without data
    engine ─► kernels ◄── core.cascade (the rules)  many paths x positions x candidates, float64
    paths/                                          price paths of many assets, counter-based random numbers
    montecarlo ─► search                            candidates under the mandate, the largest safe one
    runs ◄── record, report ─► rerun                run folders with evidence, and their re-run
    book ─► backtest/                               synthetic borrowers along recorded prices
    statistics/                                     what may be said of losses and forecasts, with intervals
    adversary/                                      attacks that need the market

Axes of every array: ``candidate, path, step, position``; in the backtest ``book, week, metric``.
"""
