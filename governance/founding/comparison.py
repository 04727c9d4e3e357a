"""One value of a deployment: what a file wants of it, and what the chain has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One value: what the file wants of it, and what the chain has.

    >>> Line("governor.vetoThresholdBps", 50, 51).holds
    False
    """

    what: str
    wanted: object
    found: object

    @property
    def holds(self) -> bool:
        """Whether they are the same."""
        return self.wanted == self.found


def differences(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Return the lines that do not hold."""
    return tuple(line for line in lines if not line.holds)
