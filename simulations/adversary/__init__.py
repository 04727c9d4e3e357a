"""Attacks on a market: what they cost, what they yield, and which limit stops them."""
