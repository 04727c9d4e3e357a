"""Three ways to do the same sums, over ``core/cascade.py``'s rules in float64.

    rules    interest, price after impact, one liquidation call; shared by all
    dense    every health factor in every step; or every trigger; or one book that others change
    event    a sorted book, shared by all paths; the cost is steps plus liquidations
    work     a book made ready, work cut into parts, parts given to threads

Every path is a computation of its own, and adds in its own order: results are equal to the last bit for
any number of threads and however paths are split into calls.
"""
