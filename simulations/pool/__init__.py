"""Many paths through a lending pool of several assets, with every mechanic of ``core/pool``.

arrays.py     terms, book and state as arrays that the kernels read
step.py       one step's interest, prices, calls and reactions: shared by both kernels
dense.py      every account looked at in every step
screened.py   only those looked at who might be struck: sorted groups and a list
face.py       run_pool, routes
"""
