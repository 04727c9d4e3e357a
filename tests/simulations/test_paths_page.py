"""The example of docs/paths.md runs, its numbers are what the page says, and the engine takes its paths."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.cascade import WAD_DECIMALS, CascadeTerms, Liquidity
from core.lending import LiquidationRules
from core.units import WAD, Bps
from simulations import engine

PAGE = Path(__file__).resolve().parents[2] / "docs" / "paths.md"


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """The names that the example leaves behind."""
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {}
    exec(code[1], names)
    return names


def test_shapes_are_those_of_the_comments(page: dict[str, Any]) -> None:
    assert page["prices"].shape == (288, 1_000, 3)
    assert page["ether_paths"].shape == (1_000, 288)


def test_chunks_hold_the_same_numbers(page: dict[str, Any]) -> None:
    pieces = [piece.prices for piece in page["pieces"]]
    assert len(pieces) > 1 and np.array_equal(np.concatenate(pieces, axis=1), page["prices"])


def test_the_rare_fall_is_estimated_within_its_error(page: dict[str, Any]) -> None:
    estimate = page["probability"]
    fell = (page["draw"](page["model"], paths=40_000, steps=288, seed=2)[-1, :, 0] < 1_600).mean()
    assert fell == pytest.approx(estimate.mean, abs=3.5 * (estimate.standard_error + (fell / 40_000) ** 0.5))


def test_the_engine_takes_the_paths(page: dict[str, Any]) -> None:
    """One borrower at 2,000 USD with 1,480 of debt against one coin: struck when it falls below 1,973."""
    rules = LiquidationRules(Bps(75_00), Bps(5_00), decimals=WAD_DECIMALS)
    result = engine.run(
        engine.Book(np.ones((1, 1)), np.full((1, 1), 1_480.0)),
        page["ether_paths"],
        thresholds_bps=np.array([75_00]),
        bonuses_bps=np.array([5_00]),
        terms=CascadeTerms(rules, Liquidity(10**9 * WAD), 10**9 * WAD, step_seconds=300),
    )
    below = page["ether_paths"].min(axis=1) < 1_480 / 0.75
    assert ((result.liquidations[0] > 0) == below).mean() > 0.99
    assert 0.1 < below.mean() < 0.9
