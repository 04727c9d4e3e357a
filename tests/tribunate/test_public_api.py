"""What authors of strategies build on: the public names, and the checks that their work must pass."""

from __future__ import annotations

import random
import secrets
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import tribunate
from core.units import Bps
from tribunate import STRATEGY_API_VERSION, Observation, PriceHistory, Recommendation, Wanted
from tribunate.testing import CHECKS, check_strategy

ROOT = Path(__file__).resolve().parents[2]


class Careful:
    """Calls today's threshold safe once it has seen prices: it passes every check."""

    name = "careful"
    family = "test"
    api_version = STRATEGY_API_VERSION

    def __init__(self) -> None:
        self.fitted = False

    def fit(self, history: PriceHistory, *, seed: int, report: object = None) -> None:
        self.fitted = True

    def recommend(self, observation: Observation) -> Recommendation:
        return Recommendation(observation.scalar, self.bound(observation), (), (), (), "")

    def bound(self, observation: Observation) -> int | None:
        value = observation.snapshot.parameters.field(observation.scalar)
        if not self.fitted or value > observation.ceiling:
            return None
        return max(value, observation.floor) if observation.floor <= value else None


class Nameless(Careful):
    name = ""


class OfAnotherVersion(Careful):
    api_version = STRATEGY_API_VERSION + 1


class Confident(Careful):
    """Needs no data to be sure."""

    def __init__(self) -> None:
        self.fitted = True


class GlobalRandom(Careful):
    def bound(self, observation: Observation) -> int | None:
        if not self.fitted or observation.floor == observation.ceiling:
            return None
        return random.randint(observation.floor, observation.ceiling)


class SystemRandom(Careful):
    def bound(self, observation: Observation) -> int | None:
        if not self.fitted or observation.floor == observation.ceiling:
            return None
        return observation.floor + secrets.randbelow(5_000)


class Smoother(Careful):
    """Cleans the prices where they stand."""

    def bound(self, observation: Observation) -> int | None:
        observation.history.closes_e8[-1] = observation.history.closes_e8[-2]
        return super().bound(observation)


class TooHigh(Careful):
    def bound(self, observation: Observation) -> int | None:
        return observation.ceiling + 1 if self.fitted else None


class TooLow(Careful):
    def bound(self, observation: Observation) -> int | None:
        return observation.floor - 1 if self.fitted else None


class Fractional(Careful):
    def bound(self, observation: Observation) -> int | None:
        return observation.floor + 0.5 if self.fitted else None  # type: ignore[return-value]


class NotPlain(Careful):
    """Answers in a type that does not survive the wire."""

    def bound(self, observation: Observation) -> int | None:
        return Bps(observation.floor) if self.fitted else None


class OffTheSubject(Careful):
    def recommend(self, observation: Observation) -> Recommendation:
        return replace(super().recommend(observation), scalar=tribunate.Scalar.LTV)


class Stubborn(Careful):
    """Asked about 60.00 %, it answers 75.00 %."""

    def bound(self, observation: Observation) -> int | None:
        return 75_00 if self.fitted else None


class Hasty(Careful):
    """Asked for the bound alone, it takes a short cut that leads elsewhere."""

    def bound(self, observation: Observation) -> int | None:
        careful = super().bound(observation)
        if careful is None or observation.wanted is Wanted.EVIDENCE:
            return careful
        return observation.floor


class Peeking(Careful):
    """Looks behind the end of the history, at the array that it was cut from."""

    def bound(self, observation: Observation) -> int | None:
        if not self.fitted or observation.floor == observation.ceiling:
            return None
        whole = observation.history.closes_e8.base
        seen = observation.history.closes_e8 if whole is None else whole
        return observation.floor + int(seen[-1]) % 1_000


def failed_checks(make: Callable[[], Careful]) -> set[str]:
    """Return the names of the checks that a strategy fails."""
    failed = set()
    for name, run in check_strategy(make):
        try:
            run()
        except AssertionError:
            failed.add(name)
    return failed


def test_a_careful_strategy_passes_every_check() -> None:
    assert failed_checks(Careful) == set()


BAD: list[tuple[type[Careful], str]] = [
    (Nameless, "check_declares_itself"),
    (OfAnotherVersion, "check_declares_itself"),
    (Confident, "check_answers_before_it_is_fitted"),
    (GlobalRandom, "check_is_deterministic"),
    (SystemRandom, "check_is_deterministic"),
    (Smoother, "check_changes_nothing"),
    (TooHigh, "check_stays_in_range"),
    (TooLow, "check_stays_in_range"),
    (Fractional, "check_stays_in_range"),
    (NotPlain, "check_stays_in_range"),
    (OffTheSubject, "check_stays_in_range"),
    (Stubborn, "check_answers_a_single_candidate"),
    (Hasty, "check_bound_is_the_same_without_evidence"),
    (Peeking, "check_does_not_see_the_future"),
]


@pytest.mark.parametrize(("make", "check"), BAD)
def test_a_bad_strategy_fails_the_check_made_for_it(make: type[Careful], check: str) -> None:
    assert check in failed_checks(make)


def test_there_is_a_bad_strategy_for_every_check() -> None:
    assert {check for _, check in BAD} == {check.__name__ for check in CHECKS}


@pytest.mark.parametrize("name", tribunate.__all__)
def test_every_public_name_resolves(name: str) -> None:
    assert getattr(tribunate, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Strategist'"):
        _ = tribunate.Strategist


def test_the_package_loads_nothing_until_a_name_is_used() -> None:
    code = "import sys, tribunate; print([n for n in ('core', 'numpy') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
