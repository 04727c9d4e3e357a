"""The backtest on recorded facts: Black Thursday with one small strategy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agents.strategies.formula import ClosedForm
from simulations.backtest.conduct import run_backtest
from simulations.backtest.settings import BacktestConfig, load_inputs

pytestmark = pytest.mark.data
MARCH_2020 = "March 2020 (12 March: ETH -45 %)"


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_black_thursday_costs_every_policy(real_data: Path) -> None:
    config = BacktestConfig("ETH", at("2020-01-01"), at("2020-05-01"), borrowers=200, books=10, paths=100)
    inputs = replace(load_inputs(real_data, "ETH"), calls_v2=None)
    report = run_backtest(config, {"closed-form": ClosedForm}, inputs=inputs)
    rows = {(r.assumptions, r.window, r.policy): r for r in report.rows if r.reaction == "re-levered"}
    assert report.begin == at("2020-01-08T16:59:15")
    for end in ("fragile", "sturdy"):
        crash = rows[end, MARCH_2020, "never changing"]
        assert crash.bad_debt_bps.value > 0
        assert crash.liquidated_bps.value > 100
        dao = rows[end, MARCH_2020, "the DAO's real parameters"]
        assert dao.gain_bad_debt_bps.value == 0  # the DAO did not touch ETH in these months
    assert report.prior_weeks == report.weeks  # fewer than 200 calls were on record before May 2020
    assert report.render().startswith("synthetic borrowers\n")
