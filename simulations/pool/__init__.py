"""Many paths through a lending pool of several assets, with every mechanic of ``core/pool``.

arrays.py       terms, book and state as arrays that the kernels read
step.py         one step's interest and prices
holdings.py     what one account holds and owes
calls.py        liquidation calls
manners.py      what borrowers do
dense.py        every account looked at in every step
screened.py     only those looked at who might be struck: sorted groups, and the lists of watch.py
face.py         run_pool, routes
figures.py      tail figures, what each mechanic adds
attribution.py  whose bad debt the worst paths leave: by collateral, by account
sweep.py        behaviour without a source, at both ends
ladder.py       debt within reach of a fall, and what sells at once
releverage.py   borrowers who borrow more when a threshold rises
rows.py         totals by path as a table
sample.py       a market to begin with
"""
