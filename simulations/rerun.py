"""Re-run a bundle: from its data and configuration alone, to each of its other parts.

    data ─► features          integers                          EXACT
    data, configuration ─► fit ─► recommend ─► outcomes, forecast     within the declared tolerance
    outcomes ─► decision      the rule, applied to what was found     EXACT
    report, model             by stored hash only                     RENDERED

A part that differs is named together with the first place where it does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.errors import DataError, SimulationError
from core.evidence import Part, PartKind
from core.market import PriceHistory
from core.ports import Strategy
from core.recommendation import Observation, Recommendation
from models.data import snapshots
from simulations import record
from simulations.runs import StoredPart, read_bundle
from simulations.search import risk_bound

ABSOLUTE_SLACK = 200
"""Nano shares (or 1e-8 of log return): below this, rounding decides."""

ALL_PARTS = ("data", "features", "configuration", "outcomes", "forecast", "decision", "model", "report")


@dataclass(frozen=True, slots=True)
class PartCheck:
    """Whether one part holds; ``detail`` says where it does not."""

    name: str
    kind: PartKind
    agrees: bool
    detail: str = ""


def bundle_parts(folder: Path) -> tuple[Part, ...]:
    """Return the parts of a stored bundle, for its root."""
    return tuple(stored.part for stored in read_bundle(folder).values())


def rerun(folder: Path, make_strategy: Callable[[str], Strategy]) -> tuple[PartCheck, ...]:
    """Make every part of the bundle in ``folder`` again and compare.

    Args:
        folder: An agent's epoch folder.
        make_strategy: Returns a fresh strategy of that name.

    Raises:
        SimulationError: there is no bundle, or its configuration is not usable.
    """
    stored = read_bundle(folder)
    broken = _stored_as_hashed(stored)
    if any(not check.agrees for check in broken if check.name in ("data", "configuration")):
        return broken
    configuration = stored["configuration"].content()
    history = _history(stored)
    observation = record.observation_from(configuration["observation"], history)
    strategy = make_strategy(configuration["strategy"])
    strategy.fit(history.until(configuration["fitted_until"]), seed=configuration["fit_seed"])
    again = strategy.recommend(observation)
    made = _made_again(history, again)
    checks = {check.name: check for check in broken}
    for name, value in made.items():
        if checks[name].agrees:
            checks[name] = _compare(stored[name], value)
    if checks["decision"].agrees:
        checks["decision"] = _decision_follows(stored, observation, again)
    return tuple(checks.values())


def _stored_as_hashed(stored: dict[str, StoredPart]) -> tuple[PartCheck, ...]:
    """Return one check per expected part: is it there, and do its bytes match its digest?"""
    checks = []
    for name in ALL_PARTS:
        if name not in stored:
            checks.append(PartCheck(name, PartKind.EXACT, False, "missing from the bundle"))
            continue
        try:
            stored[name].read()
            checks.append(PartCheck(name, stored[name].part.kind, True))
        except SimulationError as problem:
            checks.append(PartCheck(name, stored[name].part.kind, False, problem.found))
    return tuple(checks)


def _history(stored: dict[str, StoredPart]) -> PriceHistory:
    try:
        return snapshots.parse(stored["data"].read(), name="data.json")
    except DataError as problem:
        raise SimulationError(problem.found, hint=problem.hint) from problem


def _made_again(history: PriceHistory, again: Recommendation) -> dict[str, Any]:
    return {
        "features": record.features_record(history),
        "outcomes": record.outcomes_record(again.outcomes),
        "forecast": record.forecast_record(again.forecast),
    }


def _compare(stored: StoredPart, made: Any) -> PartCheck:
    part = stored.part
    tolerance = Decimal(part.tolerance) if part.kind is PartKind.TOLERANT else Decimal(0)
    slack = ABSOLUTE_SLACK if part.kind is PartKind.TOLERANT else 0
    difference = first_difference(stored.content(), made, tolerance=tolerance, slack=slack)
    return PartCheck(part.name, part.kind, difference is None, difference or "")


def _decision_follows(
    stored: dict[str, StoredPart], observation: Observation, again: Recommendation
) -> PartCheck:
    """Check the decision against the re-run, and against the rule applied to the stored outcomes."""
    part = stored["decision"].part
    claimed = stored["decision"].content()
    difference = first_difference(claimed, record.decision_record(again), tolerance=Decimal(0), slack=0)
    if difference is None and claimed["bound"] is not None:
        allowed = risk_bound(record.outcomes_from(stored["outcomes"].content()), observation.mandate)
        if allowed is None or claimed["bound"] > allowed:
            difference = f"bound {claimed['bound']} is above {allowed}, the largest safe stored outcome"
    return PartCheck("decision", part.kind, difference is None, difference or "")


def first_difference(
    stored: Any, made: Any, *, tolerance: Decimal, slack: int, where: str = ""
) -> str | None:
    """Return where ``stored`` and ``made`` differ by more than allowed, or ``None``.

    >>> first_difference([1, {"a": 100_000}], [1, {"a": 100_100}], tolerance=Decimal("0.0001"), slack=0)
    'at [1].a: stored 100000, made again 100100'
    """
    if isinstance(stored, dict) and isinstance(made, dict) and stored.keys() == made.keys():
        pairs = [(f"{where}.{key}", stored[key], made[key]) for key in stored]
    elif isinstance(stored, list) and isinstance(made, list) and len(stored) == len(made):
        pairs = [(f"{where}[{n}]", a, b) for n, (a, b) in enumerate(zip(stored, made, strict=True))]
    else:
        return None if _close(stored, made, tolerance=tolerance, slack=slack) else _say(where, stored, made)
    found = (first_difference(a, b, tolerance=tolerance, slack=slack, where=w) for w, a, b in pairs)
    return next((difference for difference in found if difference is not None), None)


def _close(stored: Any, made: Any, *, tolerance: Decimal, slack: int) -> bool:
    numbers = all(isinstance(v, int) and not isinstance(v, bool) for v in (stored, made))
    if not numbers:
        return bool(stored == made)
    allowed = max(Decimal(slack), tolerance * max(abs(stored), abs(made)))
    return bool(abs(stored - made) <= allowed)


def _say(where: str, stored: Any, made: Any) -> str:
    if isinstance(stored, (dict, list)) or isinstance(made, (dict, list)):
        return f"at {where or 'the top'}: other keys or another length"
    return f"at {where}: stored {stored}, made again {made}"
