"""A small market for the tests of studies."""

from __future__ import annotations

from core.market import Parameters
from core.units import Bps
from simulations.paths.garch import Garch
from simulations.studies.lending import Candidate, LendingStudy
from simulations.studies.price_terms import PriceTerms

PRICES = PriceTerms("garch-t", Garch(omega=4e-6, alpha=0.10, beta=0.88, degrees=4.0))
JUMPS = PriceTerms("jumps", PRICES.garch, jumps=True)
NOW = Parameters(Bps(70_00), Bps(75_00), Bps(5_00), 100_000, 120_000_000)


def vector(threshold: int, *, bonus: int = 5_00) -> Parameters:
    """Return the market's parameters with another threshold, margin of 5 %."""
    return Parameters(Bps(threshold - 5_00), Bps(threshold), Bps(bonus), NOW.supply_cap, NOW.borrow_cap)


STUDY = LendingStudy(
    asset="ETH",
    start_price=2_000.0,
    prices=(PRICES,),
    candidates=(Candidate("now", NOW), Candidate("73 %", vector(73_00)), Candidate("77 %", vector(77_00))),
    borrowers=200,
    steps=48,
    paths=300,
    chunk_paths=100,
)
