"""The whole backtest on made-up prices: what its report says, and how it goes on after a stop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.errors import SimulationError
from core.mandate import Limit, SimulatedOutcome
from core.market import Parameters, PriceHistory
from core.ports import STRATEGY_API_VERSION
from core.recommendation import Observation, Recommendation
from core.units import Bps
from models.data.liquidations import Liquidations
from models.data.timeline import TimelineRow
from simulations.backtest.parameters import LAST_KNOWN_FROM, V3_BEGINS, parameter_history
from simulations.backtest.report import FIRST_LINE
from simulations.backtest.run import BacktestConfig, BacktestInputs, BacktestProgress, run_backtest
from simulations.book import STURDY

HOUR, DAY = 3600, 24 * 3600
START = 1_600_000_000 // HOUR * HOUR
FIRST = Parameters(Bps(75_00), Bps(80_00), Bps(5_00), 2**128 - 1, 2**128 - 1)


def calls(count: int, *, usd: float = 500.0, share: float = 0.5) -> Liquidations:
    times = START + HOUR * np.arange(count, dtype=np.int64)
    return Liquidations(times, np.full(count, usd), times, np.full(count, share), dust=0)


def row(
    time: int, market: str, symbol: str, *, ltv: int, threshold: int, bonus: int | None = 5_00
) -> TimelineRow:
    return TimelineRow(time, market, symbol, ltv, threshold, bonus)


def record() -> tuple[TimelineRow, ...]:
    return (
        row(1_578_501_675, "AaveV1Main", "ETH", ltv=0, threshold=0, bonus=None),
        row(1_578_502_755, "AaveV1Main", "ETH", ltv=75_00, threshold=80_00),
        row(1_606_000_000, "AaveV2Ethereum", "WETH", ltv=80_00, threshold=82_50),
        row(1_610_000_000, "AaveV1Main", "ETH", ltv=10_00, threshold=20_00),
        row(LAST_KNOWN_FROM, "AaveV2Ethereum", "WETH", ltv=80_00, threshold=82_50),
        row(V3_BEGINS, "AaveV3Ethereum", "WETH", ltv=80_50, threshold=83_00, bonus=None),
        row(V3_BEGINS, "AaveV3Ethereum", "wstETH", ltv=1_00, threshold=2_00),
    )


class Says:
    """A strategy that always gives one bound, and notes what it was shown."""

    family = "test"
    api_version = STRATEGY_API_VERSION

    def __init__(self, bound: int | None, name: str = "says", *, answers: int = 1) -> None:
        self.bound, self.name, self.answers = bound, name, answers
        self.seen: list[Observation] = []
        self.fits: list[int] = []

    def fit(self, history: PriceHistory, *, seed: int, report: object = None) -> None:
        self.fits.append(history.last_time)

    def recommend(self, observation: Observation) -> Recommendation:
        self.seen.append(observation)
        outcomes = (SimulatedOutcome(80_00, 0, 0, 0, 0, 0),) * self.answers
        return Recommendation(observation.scalar, self.bound, (), outcomes, (Limit.STRESS,), "says")


@pytest.fixture(scope="module")
def inputs() -> BacktestInputs:
    rng = np.random.default_rng(3)
    begin = 1_578_502_755 // HOUR * HOUR - 100 * DAY
    closes = 200 * np.exp(np.cumsum(0.01 * rng.standard_t(4, 24 * 220)))
    times = begin + HOUR * np.arange(len(closes), dtype=np.int64)
    prices = PriceHistory("ETH", "exchange", HOUR, times, np.rint(closes * 1e8).astype(np.int64))
    return BacktestInputs(prices, calls(0), parameter_history(record(), "ETH"))


def config(**changes: int) -> BacktestConfig:
    end = 1_578_502_755 + 90 * DAY
    small = {"borrowers": 60, "books": 8, "paths": 40, "fit_bars": 600}
    return BacktestConfig("ETH", 1_577_836_800, end, **{**small, **changes})


def test_the_report_says_first_that_borrowers_are_synthetic(inputs: BacktestInputs) -> None:
    report = run_backtest(config(), {"says": lambda: Says(90_00)}, inputs=inputs)
    text = report.render()
    assert text.splitlines()[0] == FIRST_LINE == "synthetic borrowers"
    assert "one price history gives no interval for prices" in text
    assert "there is no value to start from" in text
    assert list(report.to_json().split('"')[1:4:2]) == ["note", "synthetic borrowers"]


def test_never_changing_is_the_zero_of_every_pair(inputs: BacktestInputs) -> None:
    report = run_backtest(config(), {"says": lambda: Says(90_00)}, inputs=inputs)
    for found in report.rows:
        if found.policy == "never changing":
            assert (found.paired_bad_debt_bps.low, found.paired_bad_debt_bps.high) == (0, 0)
            assert found.changes == 0


def test_both_ends_and_all_policies_are_there(inputs: BacktestInputs) -> None:
    report = run_backtest(config(), {"says": lambda: Says(90_00)}, inputs=inputs)
    assert {r.assumptions for r in report.rows} == {"fragile", "sturdy"}
    assert {r.policy for r in report.rows} == {"never changing", "the DAO's real parameters", "says"}
    assert "March 2020" in {r.window for r in report.rows}


def test_an_interrupted_run_goes_on_from_finished_trajectories(inputs: BacktestInputs, tmp_path) -> None:
    first = Says(90_00)
    heard: list[BacktestProgress] = []
    whole = run_backtest(
        config(), {"says": lambda: first}, inputs=inputs, store=tmp_path, progress=heard.append
    )
    second = Says(90_00)
    again = run_backtest(config(), {"says": lambda: second}, inputs=inputs, store=tmp_path)
    assert first.seen and not second.seen
    assert again.to_json() == whole.to_json()
    assert heard[-1].done == heard[-1].total


def test_another_configuration_does_not_reuse_trajectories(inputs: BacktestInputs, tmp_path) -> None:
    run_backtest(config(), {"says": lambda: Says(90_00)}, inputs=inputs, store=tmp_path)
    other = Says(90_00)
    run_backtest(config(seed=2), {"says": lambda: other}, inputs=inputs, store=tmp_path)
    assert other.seen


def test_assumptions_are_in_the_hash() -> None:
    assert config().digest() != replace(config(), ends=(STURDY,)).digest()
    assert config().digest() != config(paths=41).digest()


def test_a_span_without_history_is_refused(inputs: BacktestInputs) -> None:
    with pytest.raises(SimulationError, match="bars before the first decision"):
        run_backtest(config(fit_bars=100_000), {}, inputs=inputs)


def test_a_broken_trajectory_file_is_refused(inputs: BacktestInputs, tmp_path) -> None:
    run_backtest(config(), {"says": lambda: Says(90_00)}, inputs=inputs, store=tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(b"{")
    with pytest.raises(SimulationError, match="is not a trajectory"):
        run_backtest(config(), {"says": lambda: Says(90_00)}, inputs=inputs, store=tmp_path)
