"""The guardrails as an action mask: which whole vectors can be reached, and why another cannot.

    one epoch     the vector passes ``core.guardrails.check_update`` now
    k epochs      k updates, one an epoch; each field goes as far towards its target as
                  ``core.guardrails.reachable`` lets it, and each step passes ``check_update``

Nothing here knows a limit; whatever is refused is refused by ``core``, in its words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from core.errors import ConfigError, GuardrailError, TribunateError
from core.guardrails import DEFAULT_LIMITS, Change, FieldLimits, check_update, moved, reachable
from core.market import Parameters, Scalar, parameters_from

SEARCHED = (
    Scalar.LTV,
    Scalar.LIQUIDATION_THRESHOLD,
    Scalar.LIQUIDATION_BONUS,
    Scalar.SUPPLY_CAP,
    Scalar.BORROW_CAP,
)
"""The fields of a candidate; whether the market is open is not searched."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A vector that cannot be reached: by which rule, and in whose words."""

    parameters: Parameters
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class ActionMask:
    """What can be reached from ``current`` within ``epochs`` epochs, the first at ``now`` (UTC seconds)."""

    current: Parameters
    limits: Mapping[Scalar, FieldLimits] = field(default_factory=lambda: dict(DEFAULT_LIMITS))
    changes: tuple[Change, ...] = ()
    now: int = 0
    epochs: int = 1
    epoch_seconds: int = 24 * 3600

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.epoch_seconds < 1:
            raise ConfigError(
                f"epochs were {self.epochs}, each of {self.epoch_seconds} s", allowed="1 at least, of 1 s"
            )

    def span(self, scalar: Scalar) -> tuple[int, int]:
        """Return the lowest and highest value of one field that the epochs lead to, others left alone.

        >>> from core.units import Bps
        >>> now = Parameters(Bps(70_00), Bps(75_00), Bps(5_00), 0, 0)
        >>> ActionMask(now).span(Scalar.LIQUIDATION_THRESHOLD)
        (7450, 7550)
        """
        return self._furthest(scalar, upwards=False), self._furthest(scalar, upwards=True)

    def refusal(self, target: Parameters) -> Refused | None:
        """Return why ``target`` cannot be reached, or ``None``; staying is always possible."""
        if target == self.current:
            return None
        if self.epochs == 1:
            return self._refused_step(self.current, target, changes=self.changes, now=self.now)
        return self._refused_way(target)

    def admits(self, target: Parameters) -> bool:
        """Return whether ``target`` can be reached."""
        return self.refusal(target) is None

    def split(self, targets: Sequence[Parameters]) -> tuple[list[Parameters], list[Refused]]:
        """Return those that can be reached, and the others with their reasons, each in the given order."""
        found = [(target, self.refusal(target)) for target in targets]
        return [t for t, reason in found if reason is None], [r for _, r in found if r is not None]

    def _furthest(self, scalar: Scalar, *, upwards: bool) -> int:
        value, changes = self.current.field(scalar), list(self.changes)
        for epoch in range(self.epochs):
            now = self.now + epoch * self.epoch_seconds
            reach = self._reach(scalar, value, changes=changes, now=now)
            changes += self._change(scalar, value, reach[int(upwards)], now=now)
            value = reach[int(upwards)]
        return value

    def _refused_way(self, target: Parameters) -> Refused | None:
        """Walk straight towards ``target``; return what stops the walk."""
        standing, changes = self.current, list(self.changes)
        for epoch in range(self.epochs):
            now = self.now + epoch * self.epoch_seconds
            step = self._towards(standing, target, changes=changes, now=now)
            if step != standing:
                refused = self._refused_step(standing, step, changes=changes, now=now)
                if refused is not None:
                    return replace(refused, parameters=target)
            for scalar in SEARCHED:
                changes += self._change(scalar, standing.field(scalar), step.field(scalar), now=now)
            standing = step
        missed = [s.value for s in Scalar if standing.field(s) != target.field(s)]
        if not missed:
            return None
        reached = ", ".join(f"{name} {standing.field(Scalar(name))}" for name in missed)
        return Refused(target, "epochs", f"{self.epochs} epochs come no further than {reached}")

    def _towards(
        self, standing: Parameters, target: Parameters, *, changes: Sequence[Change], now: int
    ) -> Parameters:
        values = standing.as_dict()
        for scalar in SEARCHED:
            low, high = self._reach(scalar, values[scalar.value], changes=changes, now=now)
            values[scalar.value] = min(max(target.field(scalar), low), high)
        return parameters_from(values)

    def _refused_step(
        self, standing: Parameters, step: Parameters, *, changes: Sequence[Change], now: int
    ) -> Refused | None:
        try:
            check_update(standing, step, limits=dict(self.limits), changes=changes, now=now)
        except TribunateError as refusal:
            rule = refusal.rule if isinstance(refusal, GuardrailError) else "invariant"
            return Refused(step, rule, f"{refusal.found}; allowed: {refusal.allowed}")
        return None

    def _reach(self, scalar: Scalar, value: int, *, changes: Sequence[Change], now: int) -> tuple[int, int]:
        return reachable(value, scalar, limits=self.limits[scalar], changes=changes, now=now)

    def _change(self, scalar: Scalar, before: int, after: int, *, now: int) -> list[Change]:
        if before == after:
            return []
        return [Change(scalar, now, moved(before, after, self.limits[scalar]))]
