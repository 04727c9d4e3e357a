"""A borrower's position."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Position:
    """One account: collateral and debt in base units, neither negative."""

    account: str
    collateral: int
    debt: int
