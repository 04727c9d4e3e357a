"""Jumps: each asset's own, and a common market jump that hits all, each by its own scale.

    arrivals: Poisson, by exponential gaps, jump after jump      (counter: path, jump number, asset)
    sizes:    normal (Merton) or double exponential (Kou), by inverse distribution function
    drift:    less rate x (E exp(scale J) - 1) each step, so that jumps alone leave the mean price as it was

A jump moves the price, not the variance that follows.  Sizes are log returns.

Sources: Merton 1976; Kou 2002.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.errors import SimulationError
from simulations.paths.normal import normal_from
from simulations.paths.philox import MARKET, Key, Stream, key_of, uniform_pair

Array = NDArray[np.float64]
SizeLaw = tuple[int, float, float, float]

SECONDS_PER_YEAR = 365 * 24 * 3600
NORMAL, DOUBLE_EXPONENTIAL = 0, 1
OWN, COMMON = 0, 1
"""The draws of a jump: own jumps, and those of the market."""


@dataclass(frozen=True, slots=True)
class NormalJump:
    """Merton's size: normal with ``mean`` and ``deviation``, log returns."""

    mean: float
    deviation: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.mean) or not 0 <= self.deviation < math.inf:
            raise SimulationError(
                f"a jump had mean {self.mean} and deviation {self.deviation}",
                allowed="a finite mean, a deviation not below 0",
            )

    def growth(self, scale: float) -> float:
        """Return ``E exp(scale J)``.

        >>> NormalJump(0.0, 0.0).growth(1.0)
        1.0
        """
        return math.exp(scale * self.mean + 0.5 * (scale * self.deviation) ** 2)

    def law(self) -> SizeLaw:
        """Return what the kernel reads."""
        return NORMAL, self.mean, self.deviation, 0.0


@dataclass(frozen=True, slots=True)
class DoubleExponentialJump:
    """Kou's size: up with ``up_share``, by an exponential of mean ``mean_up``; else down likewise."""

    up_share: float
    mean_up: float
    mean_down: float

    def __post_init__(self) -> None:
        sizes = (self.mean_up, self.mean_down)
        if not 0 <= self.up_share <= 1 or not all(0 < mean < math.inf for mean in sizes):
            raise SimulationError(
                f"a jump had up_share {self.up_share}, mean_up {self.mean_up}, mean_down {self.mean_down}",
                allowed="a share from 0 to 1, finite means above 0",
            )

    def growth(self, scale: float) -> float:
        """Return ``E exp(scale J)``.

        Raises:
            SimulationError: it is infinite: ``scale`` times a mean reaches 1.
        """
        rise, fall = scale * self.mean_up, -scale * self.mean_down
        if max(rise, fall) >= 1:
            raise SimulationError(
                f"a jump of mean {max(rise, fall):g} has no mean price", allowed="scale times mean below 1"
            )
        return self.up_share / (1 - rise) + (1 - self.up_share) / (1 - fall)

    def law(self) -> SizeLaw:
        """Return what the kernel reads."""
        return DOUBLE_EXPONENTIAL, self.up_share, self.mean_up, self.mean_down


JumpSize = NormalJump | DoubleExponentialJump


@dataclass(frozen=True, slots=True)
class OwnJump:
    """An asset's own jumps: how many a year, and how large."""

    per_year: float
    size: JumpSize

    def __post_init__(self) -> None:
        _check_rate(self.per_year)
        self.size.growth(1.0)


@dataclass(frozen=True, slots=True)
class MarketJump:
    """Jumps of the whole market; asset i moves by ``scales[i]`` times the common size, sign included."""

    per_year: float
    size: JumpSize
    scales: tuple[float, ...]

    def __post_init__(self) -> None:
        _check_rate(self.per_year)
        for scale in self.scales:
            if not math.isfinite(scale):
                raise SimulationError(f"a scale of the market jump was {scale}", allowed="finite numbers")
            self.size.growth(scale)


@dataclass(frozen=True, slots=True)
class Jumps:
    """Own jumps of every asset (none where there are none), and the market's."""

    own: tuple[OwnJump | None, ...]
    market: MarketJump | None = None

    def __post_init__(self) -> None:
        if self.market is not None and len(self.market.scales) != len(self.own):
            raise SimulationError(
                f"the market jump had {len(self.market.scales)} scales for {len(self.own)} assets",
                allowed="one for each asset",
            )

    def drift(self, *, step_seconds: int) -> Array:
        """Return what each asset's log return is less per step, shape (asset,)."""
        years = step_seconds / SECONDS_PER_YEAR
        own = [0.0 if jump is None else jump.per_year * (jump.size.growth(1.0) - 1) for jump in self.own]
        market = [0.0] * len(own)
        if self.market is not None:
            terms = self.market
            market = [terms.per_year * (terms.size.growth(scale) - 1) for scale in terms.scales]
        return np.asarray(years * (np.array(own) + np.array(market)))

    def add(
        self,
        returns: Array,
        *,
        step_seconds: int,
        seed: int,
        first_path: int,
        antithetic: bool,
        rate: float = 1.0,
    ) -> tuple[Array, NDArray[np.int64]]:
        """Add compensated jumps to ``returns``, shape (asset, step, path), in place.

        Antithetic neighbours jump at the same times, by opposite ranks of size.

        Args:
            returns: Log returns.
            step_seconds: Length of a step.
            seed: Of the draw.
            first_path: Number of the first path.
            antithetic: Whether paths 2i and 2i + 1 are a pair.
            rate: Multiplies the market's intensity, not its compensation (importance sampling).

        Returns:
            The market's common size in each step (0 without a jump), shape (step, path), and the number of
            market jumps of each path.
        """
        key = key_of(seed, Stream.JUMP)
        years = step_seconds / SECONDS_PER_YEAR
        counts, unused = np.zeros((2, returns.shape[2]), np.int64)
        for asset, jump in enumerate(self.own):
            if jump is not None and jump.per_year > 0:
                place = (first_path, asset, OWN, int(antithetic))
                _add(key, place, jump.per_year * years, jump.size.law(), returns[asset], unused)
        market = np.zeros(returns.shape[1:])
        if self.market is not None and self.market.per_year > 0:
            place = (first_path, MARKET, COMMON, int(antithetic))
            _add(key, place, self.market.per_year * years * rate, self.market.size.law(), market, counts)
            for scale, values in zip(self.market.scales, returns, strict=True):
                values += scale * market
        returns -= self.drift(step_seconds=step_seconds)[:, None, None]
        return market, counts


@njit(cache=True, nogil=True)
def size_of(law: SizeLaw, u: float) -> float:
    """Return the size of rank ``u``."""
    kind, first, second, third = law
    if kind == NORMAL:
        return float(first + second * normal_from(u))
    if u < 1.0 - first:
        return float(third * math.log(u / (1.0 - first)))
    return float(-second * math.log((1.0 - u) / first))


@njit(cache=True, nogil=True)
def _add(
    key: Key,
    place: tuple[int, int, int, int],
    per_step: float,
    law: SizeLaw,
    returns: Array,
    counts: NDArray[np.int64],
) -> None:
    """Add the jumps of every path to ``returns``, shape (step, path), and count them."""
    first_path, asset, draw, antithetic = place
    steps = returns.shape[0]
    for number in range(returns.shape[1]):
        path = first_path + number
        opposite = antithetic == 1 and path % 2 == 1
        clock = 0.0
        jump = 0
        while True:
            gap, rank = uniform_pair(path - int(opposite), jump, asset, draw, key)
            clock -= math.log(gap) / per_step
            if clock >= steps:
                break
            returns[int(clock), number] += size_of(law, 1.0 - rank if opposite else rank)
            jump += 1
        counts[number] += jump


def _check_rate(per_year: float) -> None:
    if not 0 <= per_year < math.inf:
        raise SimulationError(f"jumps per year were {per_year}", allowed="finite, not below 0")
