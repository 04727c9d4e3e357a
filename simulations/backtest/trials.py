"""The record of every configuration that was tried: a claim must survive all of them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigError

RECORD = Path(__file__).with_name("trials.toml")
FIELDS = {"name": str, "horizon_hours": int, "replayed": bool, "why": str}


@dataclass(frozen=True, slots=True)
class Trial:
    """One configuration; ``replayed`` says whether a run replays it beside its own."""

    name: str
    horizon_hours: int
    replayed: bool
    why: str


def load_trials(path: Path = RECORD) -> tuple[Trial, ...]:
    """Return the record.

    Raises:
        ConfigError: it cannot be read, or an entry lacks a field or has one of another type.
    """
    try:
        entries = tomllib.loads(path.read_text())["trial"]
    except (OSError, tomllib.TOMLDecodeError, KeyError) as problem:
        raise ConfigError(f"{path.name} is no record of trials: {problem!r}") from problem
    for entry in entries:
        if {key: type(value) for key, value in entry.items()} != FIELDS:
            raise ConfigError(f"{path.name} has an entry {entry}", allowed=", ".join(FIELDS))
    return tuple(Trial(**entry) for entry in entries)


def replayed_besides(trials: tuple[Trial, ...], horizon_hours: int) -> tuple[int, ...]:
    """Return the horizons that a run at ``horizon_hours`` replays in addition, ascending."""
    return tuple(sorted({t.horizon_hours for t in trials if t.replayed} - {horizon_hours}))


def level_left(trials: tuple[Trial, ...], horizon_hours: int, *, level: float) -> float:
    """Return the share of ``level`` that is left to what a run replays; the rest goes to the others.

    >>> seen = (Trial("a", 168, True, ""), Trial("b", 24, True, ""), Trial("c", 168, False, ""))
    >>> round(level_left(seen, 168, level=0.06), 9)
    0.04
    """
    replayed = 1 + len(replayed_besides(trials, horizon_hours))
    others = sum(not trial.replayed for trial in trials)
    return level * replayed / (replayed + others)
