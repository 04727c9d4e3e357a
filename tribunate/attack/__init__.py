"""Attacks that ship with the project: run them before somebody else does.

lying-agent     a seated agent lies in the real network (this package)
oracle-spike    somebody moves the price and borrows against it (simulations/adversary)
"""
