"""Stables and staked tokens: a price that follows an anchor, with a gap that lives in two regimes.

             enters: now and then, or with a fall of the market
    pegged ───────────────────────────────────────────────────► depegged
    gap noisy around 0     ◄───────────────────────────────     gap falls at once by an exponential depth,
                             leaves: after an exponential time   then halves every ``half_life_seconds``

The price is the anchor's (a constant for a stable, another asset's for a staked token) times ``exp(gap)``.
Regimes change at the start of a step; a gap that opens in a step is whole at its end.

Sources: Hamilton 1989 (regimes); the gap is an Ornstein-Uhlenbeck process in each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.errors import SimulationError
from simulations.paths.jumps import SECONDS_PER_YEAR
from simulations.paths.normal import fill_normals
from simulations.paths.philox import Key, Pairing, Stream, fill_pairs, key_of, uniform_pair

Array = NDArray[np.float64]

REGIME, NOISE, DEPTH = range(3)
"""The draws of a step."""


@dataclass(frozen=True, slots=True)
class Pegged:
    """One pegged asset.

    ``anchor`` names another asset of the model, none a constant.  Depth and gap are logarithms; deviations
    are those that the gap's noise would have in the long run of each regime.  ``market_entry_share`` is the
    probability that a fall of the market (its common jump) breaks the peg.
    """

    name: str
    start_price: float
    breaks_per_year: float
    mean_depth: float
    half_life_seconds: float
    mean_stay_seconds: float
    anchor: str | None = None
    market_entry_share: float = 0.0
    calm_deviation: float = 0.0
    calm_half_life_seconds: float = 3600.0
    stress_deviation: float = 0.0
    start_gap: float = 0.0
    starts_depegged: bool = False

    def __post_init__(self) -> None:
        _check("start_price", self.start_price, above=0.0)
        _check("mean_depth", self.mean_depth, above=0.0)
        _check("half_life_seconds", self.half_life_seconds, above=0.0)
        _check("calm_half_life_seconds", self.calm_half_life_seconds, above=0.0)
        for name in ("breaks_per_year", "calm_deviation", "stress_deviation", "market_entry_share"):
            if not 0 <= getattr(self, name) < math.inf:
                raise SimulationError(f"{name} was {getattr(self, name)}", allowed="finite, not below 0")
        if self.market_entry_share > 1:
            raise SimulationError(f"market_entry_share was {self.market_entry_share}", allowed="0 to 1")
        if not self.mean_stay_seconds > 0:
            raise SimulationError(f"mean_stay_seconds was {self.mean_stay_seconds}", allowed="above 0")
        if not math.isfinite(self.start_gap):
            raise SimulationError(f"start_gap was {self.start_gap}", allowed="a finite number")

    def kernel_terms(self, *, step_seconds: int) -> Array:
        """Return what the kernel reads: odds of breaking and leaving, decays and noises of both regimes."""
        breaks = -math.expm1(-self.breaks_per_year * step_seconds / SECONDS_PER_YEAR)
        leaves = -math.expm1(-step_seconds / self.mean_stay_seconds)
        calm = 0.5 ** (step_seconds / self.calm_half_life_seconds)
        stress = 0.5 ** (step_seconds / self.half_life_seconds)
        noise = [
            deviation * math.sqrt(1 - decay * decay)
            for deviation, decay in ((self.calm_deviation, calm), (self.stress_deviation, stress))
        ]
        return np.array([breaks, leaves, calm, stress, *noise, self.market_entry_share, self.mean_depth])

    def fill_gaps(
        self,
        out: Array,
        market: Array,
        *,
        number: int,
        step_seconds: int,
        seed: int,
        first_path: int,
        antithetic: bool,
    ) -> None:
        """Fill ``out``, shape (step, path), with log gaps.

        Antithetic neighbours share regimes and depths, and have opposite noise.

        Args:
            out: Where to.
            market: The common jump of each step, shape (step, path).
            number: Which of the model's pegged assets this is.
            step_seconds: Length of a step.
            seed: Of the draw.
            first_path: Number of the first path.
            antithetic: Whether paths 2i and 2i + 1 are a pair.
        """
        key = key_of(seed, Stream.REGIME)
        same = Pairing.SAME if antithetic else Pairing.NONE
        opposite = Pairing.OPPOSITE if antithetic else Pairing.NONE
        regimes = np.empty(out.shape)
        fill_pairs(key, regimes, first_path=first_path, asset=number, draw=REGIME, pairing=same)
        fill_normals(key, out, first_path=first_path, asset=number, draw=NOISE, pairing=opposite)
        start = (self.start_gap, int(self.starts_depegged))
        place = (first_path, number, int(antithetic))
        _gaps(key, place, self.kernel_terms(step_seconds=step_seconds), start, regimes, market, out)


@njit(cache=True, nogil=True)
def _gaps(
    key: Key,
    place: tuple[int, int, int],
    terms: Array,
    start: tuple[float, int],
    regimes: Array,
    market: Array,
    out: Array,
) -> None:
    """Turn the noise in ``out`` into gaps, in place."""
    breaks, leaves, share, depth = terms[0], terms[1], terms[6], terms[7]
    first_path, number, antithetic = place
    gap = np.full(out.shape[1], start[0])
    broken = np.full(out.shape[1], start[1])
    for step in range(out.shape[0]):
        for path in range(out.shape[1]):
            falls = market[step, path] < 0.0
            odds = 1.0 - (1.0 - breaks) * (1.0 - share) if falls else breaks
            u = regimes[step, path]
            opens = broken[path] == 0 and u < odds
            if broken[path] == 1 and u < leaves:
                broken[path] = 0
            state = broken[path]
            gap[path] = gap[path] * terms[2 + state] + terms[4 + state] * out[step, path]
            if opens:
                counted = first_path + path
                pair = counted - counted % 2 if antithetic == 1 else counted
                gap[path] += depth * math.log(uniform_pair(pair, step, number, DEPTH, key)[0])
                broken[path] = 1
            out[step, path] = gap[path]


def _check(name: str, value: float, *, above: float) -> None:
    if not above < value < math.inf:
        raise SimulationError(f"{name} was {value}", allowed=f"finite, above {above:g}")
