"""Every installed strategy passes the checks that a third party's must pass."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agents.plugins import installed, strategy_factory
from tribunate.testing import CHECKS

BUILT_IN = {"closed-form", "deep-quantile", "garch-stress", "tail-empirical"}


def test_the_built_in_strategies_come_through_the_same_door() -> None:
    assert set(installed()) >= BUILT_IN


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_conformance(name: str, check: Callable[..., None]) -> None:
    check(strategy_factory(name))
