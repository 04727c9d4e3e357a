"""Positions as columns of floats: a synthetic book that many decisions look at, few one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray

from core.errors import SimulationError
from core.position import Position
from core.units import WAD


class PositionColumns(Sequence[Position]):
    """Positions in wad that are made when somebody looks at one.

    Args:
        collateral: Whole tokens, shape (position,); what is below one wad is cut off.
        debt: USD, shape (position,), cut off likewise.
        prefix: Accounts are called by it and their number.

    Raises:
        SimulationError: the shapes differ.
    """

    def __init__(self, collateral: NDArray[np.float64], debt: NDArray[np.float64], *, prefix: str) -> None:
        if collateral.shape != debt.shape or debt.ndim != 1:
            raise SimulationError(
                f"columns had shapes {collateral.shape} and {debt.shape}",
                allowed="two equal shapes (position,)",
            )
        self.collateral = np.trunc(collateral * WAD) / WAD
        self.debt = np.trunc(debt * WAD) / WAD
        self._wad = (collateral * WAD, debt * WAD)
        self._prefix = prefix
        self._made: tuple[Position, ...] | None = None

    def __len__(self) -> int:
        return len(self.debt)

    def __iter__(self) -> Iterator[Position]:
        return iter(self._all())

    @overload
    def __getitem__(self, place: int) -> Position: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Position, ...]: ...
    def __getitem__(self, place: int | slice) -> Position | tuple[Position, ...]:
        return self._all()[place]

    def __eq__(self, other: object) -> bool:
        return self._all() == tuple(other) if isinstance(other, Sequence) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._all())

    def amounts(self) -> tuple[list[int], list[int]]:
        """Return collateral and debt in wad, without making a position."""
        coins, owed = self._wad
        return [int(amount) for amount in coins.tolist()], [int(amount) for amount in owed.tolist()]

    def _all(self) -> tuple[Position, ...]:
        if self._made is None:
            pairs = enumerate(zip(*self.amounts(), strict=True))
            self._made = tuple(Position(f"{self._prefix}{n}", coins, debt) for n, (coins, debt) in pairs)
        return self._made


def amounts_of(positions: Sequence[Position]) -> tuple[list[int], list[int]]:
    """Return collateral and debt in wad."""
    if isinstance(positions, PositionColumns):
        return positions.amounts()
    return [position.collateral for position in positions], [position.debt for position in positions]
