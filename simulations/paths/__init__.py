"""Price paths of many assets from counter-based random numbers.

    philox ─► normal ─► dependence ─► garch ─┐
       │                              ▲      ├─► scenario: draw(model, paths=, steps=, seed=)
       ├─► jumps (own, market) ───────┼──────┤        importance: the same under a tilted measure
       └─► depeg (regimes) ───────────┼──────┘
                                    table (t, chi-square and back, by interpolation)

Every number is a function of (seed, stream, path, step, asset, draw) alone: how paths are split into
chunks, threads or machines changes no bit.  Axes inside are ``asset, step, path`` (time-major), results are
``step, path, asset``.  Log returns and prices are float64; volatilities are per step unless a name says
otherwise; times are seconds.
"""
