"""Fitted judgements of the demo market, made once per session and shared by the tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agents.strategies.empirical import TailEmpirical
from agents.strategies.formula import ClosedForm
from agents.strategies.learned.quantile import DeepQuantile
from agents.strategies.parametric import GarchStress
from core.ports import Strategy
from core.recommendation import Recommendation
from simulations.demo_market import demo_market

SOURCES: dict[type, str] = {
    GarchStress: "exchange",
    DeepQuantile: "oracle",
    ClosedForm: "oracle",
    TailEmpirical: "exchange",
}
"""The four built-in strategies and the feed that each one reads in the demo."""

PATHS = 1_000

Judge = Callable[[int, float], dict[str, Recommendation]]


@pytest.fixture(scope="session")
def judge() -> Judge:
    """Return every strategy's recommendation at genesis, by seed and volatility scale."""
    known: dict[tuple[int, float], dict[str, Recommendation]] = {}

    def judged(seed: int, volatility_scale: float) -> dict[str, Recommendation]:
        if (seed, volatility_scale) not in known:
            known[seed, volatility_scale] = _judge(seed, volatility_scale)
        return known[seed, volatility_scale]

    return judged


def _judge(seed: int, volatility_scale: float) -> dict[str, Recommendation]:
    market = demo_market(seed, volatility_scale)
    found = {}
    for make, source in SOURCES.items():
        strategy: Strategy = make()
        strategy.fit(market.history(source), seed=seed)
        found[strategy.name] = strategy.recommend(market.observation(source, seed=seed, paths=PATHS))
    return found


@pytest.fixture(params=list(SOURCES), ids=lambda make: str(make.name))
def make_strategy(request: pytest.FixtureRequest) -> type:
    """One of the four strategies after the other."""
    chosen: type = request.param
    return chosen
