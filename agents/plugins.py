"""Strategies come through one door: the entry-point group ``tribunate.strategies``.

Built-ins are registered there like anybody's.  Installed is not enabled: a strategy is code, so an agent
loads only the one that its configuration names.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points

from core.errors import ConfigError
from core.ports import STRATEGY_API_VERSION, Strategy

GROUP = "tribunate.strategies"


def installed() -> dict[str, EntryPoint]:
    """Return every registered strategy by name, without importing any.

    Raises:
        ConfigError: two packages register the same name.
    """
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=GROUP):
        known = found.get(entry.name)
        if known is not None and known.value != entry.value:
            raise ConfigError(
                f"two strategies are named {entry.name!r}: {known.value} and {entry.value}",
                allowed="one package per name",
                hint="uninstall one of them",
            )
        found[entry.name] = entry
    return found


def strategy_factory(name: str) -> Callable[[], Strategy]:
    """Return the factory that ``name`` stands for.

    Raises:
        ConfigError: no such strategy, or its module does not load.
    """
    entries = installed()
    if name not in entries:
        near = difflib.get_close_matches(name, entries, n=1)
        raise ConfigError(
            f"there is no strategy {name!r}",
            allowed=", ".join(sorted(entries)) or "none is installed",
            hint=f"did you mean {near[0]!r}?" if near else "install the package that provides it",
        )
    try:
        factory: Callable[[], Strategy] = entries[name].load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"strategy {name!r} ({entries[name].value}) does not load: {error}",
            hint="reinstall the package that provides it",
        ) from error
    return factory


def load_strategy(name: str) -> Strategy:
    """Return a fresh strategy.

    Raises:
        ConfigError: it was written for another version of the strategy interface.
    """
    strategy = strategy_factory(name)()
    if strategy.api_version != STRATEGY_API_VERSION:
        raise ConfigError(
            f"strategy {name!r} speaks interface version {strategy.api_version}",
            allowed=f"version {STRATEGY_API_VERSION}",
            hint="update the strategy's package",
        )
    return strategy
