"""A lending pool of several assets along one price path: the specification of ``simulations/pool``.

    terms.py        what the pool, its liquidators and its borrowers obey
    account.py      one borrower: amounts per asset, e-mode, and how it behaves
    liquidation.py  one liquidation call: Aave 3.0, Aave 3.3, Compound III
    borrowers.py    topping up, repaying, looping, leaving
    path.py         one step, in its order; the totals

Amounts are ``Decimal`` with 50 digits, so that no rounding shows; ``simulations/pool`` does the same in
float64, and counts are equal, amounts within 1e-12 (tests/simulations/test_pool_kernels_agree.py).
``core/cascade.py`` is the same market with one collateral, one debt asset and none of the mechanics.
"""
