"""The backtest on recorded facts: Black Thursday with one small strategy."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agents.strategies.formula import ClosedForm
from simulations.backtest.run import BacktestConfig, load_inputs, run_backtest

pytestmark = pytest.mark.data


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_black_thursday_costs_every_policy(real_data: Path) -> None:
    config = BacktestConfig("ETH", at("2020-01-01"), at("2020-05-01"), borrowers=200, books=10, paths=100)
    inputs = load_inputs(real_data, "ETH")
    report = run_backtest(config, {"closed-form": ClosedForm}, inputs=inputs)
    rows = {(r.assumptions, r.window, r.policy): r for r in report.rows}
    assert report.begin == at("2020-01-08T16:59:15")
    for end in ("fragile", "sturdy"):
        crash = rows[end, "March 2020", "never changing"]
        assert crash.bad_debt_bps.mean > 0
        assert crash.liquidated_bps.mean > 100
        dao = rows[end, "March 2020", "the DAO's real parameters"]
        assert dao.paired_bad_debt_bps.mean == 0  # the DAO did not touch ETH in these months
    assert report.prior_weeks == report.weeks  # fewer than 200 calls were on record before May 2020
    assert report.render().startswith("synthetic borrowers\n")
