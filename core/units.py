"""Units of measure: basis points, wads, prices, and division with its rounding in its name.

Source of the rounding convention: Morpho Blue, ``MathLib`` (direction in the function's name).
"""

from __future__ import annotations

from core.errors import ConfigError

BPS_ONE = 100_00
"""One (100.00 %) in basis points."""

WAD = 10**18
"""One in wad, the scale of health factors and simulated amounts."""

PRICE_ONE = 10**8
"""One USD in oracle units (eight decimals)."""

NANO = 10**9
"""One in parts per thousand million: the scale of shares in evidence."""


class Bps(int):
    """Basis points: hundredths of a percent, a whole number from 0 up.

    >>> Bps(75_00)
    Bps(75_00)
    >>> str(Bps(75_05))
    '75.05 %'
    >>> Bps(-1)
    Traceback (most recent call last):
    core.errors.ConfigError: basis points were -1
    """

    __slots__ = ()

    def __new__(cls, value: int) -> Bps:
        """Refuse anything but a whole number from 0."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise ConfigError(f"basis points were {value!r}", allowed="whole numbers from 0")
        if value < 0:
            raise ConfigError(f"basis points were {value}", allowed="whole numbers from 0")
        return super().__new__(cls, value)

    def __repr__(self) -> str:
        whole, part = divmod(int(self), 100)
        return f"Bps({whole}_{part:02d})"

    def __str__(self) -> str:
        return f"{int(self) // 100}.{int(self) % 100:02d} %"


def mul_div_down(value: int, numerator: int, denominator: int) -> int:
    """Return ``value * numerator / denominator`` rounded towards zero; all not negative.

    >>> mul_div_down(7, 3, 2)
    10
    """
    return value * numerator // denominator


def mul_div_up(value: int, numerator: int, denominator: int) -> int:
    """Return ``value * numerator / denominator`` rounded away from zero; all not negative.

    >>> mul_div_up(7, 3, 2)
    11
    """
    return -(-value * numerator // denominator)
