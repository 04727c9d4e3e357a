"""The message that two thirds of the agents sign and the governor executes.

Field order and types are those of the EIP-712 struct in ``contracts/src/types/ParameterTypes.sol``; the
domain (name ``Tribunate``, version ``1``, chain id, update gate) is the sixth and seventh field of
MECHANISM.md, step 7.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.market import Parameters


@dataclass(frozen=True, slots=True)
class FreshnessSnapshot:
    """The values that the chain compares again at execution; ``data_time`` is the close of the data."""

    oracle_price: int
    utilisation_bps: int
    total_collateral: int
    total_borrow: int
    data_time: int


@dataclass(frozen=True, slots=True)
class ParameterUpdate:
    """One market's change, with what it expects to find and what it rests on.

    ``market`` is the address of the collateral asset in the adapter; ``low_bound`` and ``high_bound``
    are the (f+1)-th lowest and the (f+1)-th highest bound of the certified set; ``models`` the 32-byte ids,
    ascending, of the registered models that the bounds rest on.
    """

    epoch: int
    market: str
    attempt: int
    seat_table_hash: bytes
    expected: Parameters
    proposed: Parameters
    snapshot: FreshnessSnapshot
    positions_root: bytes
    low_bound: int
    high_bound: int
    evidence_root: bytes
    transcript_root: bytes
    valid_until: int
    models: tuple[bytes, ...] = ()
