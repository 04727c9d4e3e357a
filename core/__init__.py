"""The vocabulary and the rules of Tribunate, as plain arithmetic.

Standard library only: no I/O, no clock, no randomness.  What stands here is the executable
specification that ``contracts/`` and ``simulations/`` are checked against.

    units ─► market ─► position ─► lending ─► cascade        amounts, parameters, liquidation
                 └──► mandate ─► recommendation               what the DAO asks, what an agent answers
                 └──► guardrails ─► update ─► proposal        what may change, and its life on chain
                 └──► lanes, ramp, calls                      how fast, by what steps, and in an emergency
    evidence ─► epoch ─► negotiation                          who says what, and what it proves
    ports                                                     the doors to the outside world
"""
