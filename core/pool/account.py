"""One borrower of a pool: amounts per asset, e-mode, and how it behaves."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum

from core.pool.terms import ENDLESS


class Kind(IntEnum):
    """What a borrower does when it looks; the order is that of the kernels."""

    PASSIVE = 0
    TOPS_UP = 1
    REPAYS = 2
    LOOPS = 3


@dataclass(frozen=True, slots=True)
class PoolAccount:
    """Tokens by asset; ``means_usd`` is what a defender has left to put in.

    ``phase`` is the step at which it looks, modulo the attention of ``Borrowers``.  It leaves when the
    cumulated hazard reaches ``patience`` (drawn from the exponential distribution with mean one).
    """

    collateral: tuple[Decimal, ...]
    debt: tuple[Decimal, ...]
    mode: int = 0
    kind: Kind = Kind.PASSIVE
    phase: int = 0
    means_usd: Decimal = Decimal(0)
    patience: Decimal = ENDLESS
