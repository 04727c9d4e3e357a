"""One error tree.

    TribunateError
    ├── ConfigError        2   a file, flag or value that a person wrote
    ├── DataError          4   prices, positions or recorded history
    ├── ModelError         4   training, checkpoints, forecasts
    ├── SimulationError    4   books, paths, runs
    ├── NegotiationError   1   a message or transition that the protocol refuses
    ├── GuardrailError     1   a change outside the limits of the DAO
    ├── GovernanceError    1   a proposal, vote or signature that is refused
    └── ChainError         3   RPC, network, transactions

The number is the exit code of the command line.
"""

from __future__ import annotations


class TribunateError(Exception):
    """What was found, what is allowed, what to do.

    >>> print(ConfigError("seed was -1", allowed="whole numbers from 0", hint="drop --seed").render())
    error: seed was -1
           allowed: whole numbers from 0
           hint: drop --seed
    """

    exit_code = 1

    def __init__(self, found: str, *, allowed: str = "", hint: str = "") -> None:
        super().__init__(found)
        self.found = found
        self.allowed = allowed
        self.hint = hint

    def render(self) -> str:
        """Return the message as the command line prints it."""
        lines = [f"error: {self.found}"]
        if self.allowed:
            lines.append(f"       allowed: {self.allowed}")
        if self.hint:
            lines.append(f"       hint: {self.hint}")
        return "\n".join(lines)


class ConfigError(TribunateError):
    """A file, flag or value that a person wrote is not usable."""

    exit_code = 2


class DataError(TribunateError):
    """Prices, positions or recorded history break their declared profile."""

    exit_code = 4


class ModelError(TribunateError):
    """A model could not be trained, loaded or asked."""

    exit_code = 4


class SimulationError(TribunateError):
    """A book, a set of paths or a run is not usable."""

    exit_code = 4


class NegotiationError(TribunateError):
    """A message or transition that the protocol refuses."""


class GuardrailError(TribunateError):
    """A change outside the limits of the DAO; ``rule`` names the guardrail."""

    def __init__(self, found: str, *, rule: str, allowed: str = "", hint: str = "") -> None:
        super().__init__(found, allowed=allowed, hint=hint)
        self.rule = rule


class GovernanceError(TribunateError):
    """A proposal, vote or signature that the DAO's contracts refuse."""


class ChainError(TribunateError):
    """The RPC end point, the network or a transaction failed."""

    exit_code = 3
