"""The whole backtest on made-up prices: what its report says, and how it goes on after a stop."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from backtest_market import DAY, HOUR, Says, calls, row

from core.errors import SimulationError
from core.market import PriceHistory
from models.data.timeline import TimelineRow
from simulations.backtest.claims import NO_CLAIM, Claim
from simulations.backtest.conduct import run_backtest
from simulations.backtest.kept import DECIDING_FOLDERS, kept_in
from simulations.backtest.page import backtest_page, headline_of
from simulations.backtest.parameters import LAST_KNOWN_FROM, V3_BEGINS, parameter_history
from simulations.backtest.report import FIRST_LINE, BacktestReport
from simulations.backtest.rivals import BEST_SO_FAR, HINDSIGHT, SMART_LTV
from simulations.backtest.settings import BacktestConfig, BacktestInputs, BacktestProgress
from simulations.backtest.trials import Trial
from simulations.book import STURDY
from simulations.studies.identity import code_hash


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


LOST = Trial("x", 24, False, "lost")


@pytest.fixture(scope="module")
def report(inputs: BacktestInputs) -> BacktestReport:
    """Two configurations of one strategy, at both ends and under both reactions."""
    trials = (
        Trial("168 h", 168, True, "now"),
        Trial("24 h", 24, True, "before"),
        Trial("x", 24, False, "lost"),
    )
    return run_backtest(
        replace(config(), trials=trials, trial_books=3), {"says": lambda: Says(90_00)}, inputs=inputs
    )


def test_the_report_says_first_that_borrowers_are_synthetic(report: BacktestReport) -> None:
    text = report.render()
    assert text.splitlines()[0] == FIRST_LINE == "synthetic borrowers"
    assert "there is no value to start from" in text
    assert "were not compared with recorded ones" in text
    assert list(report.to_json().split('"')[1:4:2]) == ["note", "synthetic borrowers"]


def test_never_changing_is_the_zero_of_every_pair_and_hindsight_of_every_regret(
    report: BacktestReport,
) -> None:
    for found in report.rows:
        if found.policy == "never changing":
            assert (found.gain_bad_debt_bps.low, found.gain_net_income_bps.high, found.changes) == (0, 0, 0)
        if found.policy == HINDSIGHT:
            assert (found.regret_bps.low, found.regret_bps.high) == (0, 0)


def test_no_constant_of_the_grid_beats_hindsight_on_the_book_itself(report: BacktestReport) -> None:
    whole = [row for row in report.rows if row.window == "whole span"]
    constants = {HINDSIGHT, "never changing"}
    assert all(row.window_regret_bps > -1e-6 for row in whole if row.policy in constants)
    assert all(abs(row.window_regret_bps) < 1e-6 for row in whole if row.policy == HINDSIGHT)


def test_both_ends_both_reactions_and_all_policies_are_there(report: BacktestReport) -> None:
    assert {r.assumptions for r in report.rows} == {"fragile", "sturdy"}
    assert {r.reaction for r in report.rows} == {"re-levered", "fixed"}
    assert {r.policy for r in report.rows} == {
        "never changing",
        "the DAO's real parameters",
        BEST_SO_FAR,
        SMART_LTV,
        "says",
        HINDSIGHT,
    }
    assert any(r.window.startswith("March 2020") for r in report.rows)


def test_hindsight_claims_nothing_and_everybody_else_has_a_verdict(report: BacktestReport) -> None:
    claimed = {(claim.assumptions, claim.policy, claim.measure) for claim in report.findings.claims}
    assert {policy for _, policy, _ in claimed} == {
        "the DAO's real parameters", BEST_SO_FAR, SMART_LTV, "says"
    }  # fmt: skip
    assert len(claimed) == 2 * 4 * 2


def test_trials_stand_in_the_multiple_test_and_are_printed(report: BacktestReport) -> None:
    """Two ends, two reactions, two measures: four policies and one trial."""
    assert report.findings.deflation.columns == 2 * 2 * 2 * (4 + 1)
    assert report.findings.deflation.level == pytest.approx(0.05 * 2 / 3)
    assert "tried: x (lost)" in report.render()


def test_the_page_opens_offline_and_shows_every_picture_with_its_numbers(report: BacktestReport) -> None:
    page = backtest_page(report)
    assert page.count("<svg") == page.count("<details>") == 4 + 2 + 4
    assert not re.search(r"(src|href)=\"http", page)
    assert "no claim" in page and "What may be claimed" in page
    assert page.index("comparisons") < page.index("What may be claimed"), "the verdict comes first"


def test_the_headline_counts_what_stands() -> None:
    nothing = Claim("fragile", "smart-ltv", "bad debt", NO_CLAIM, "an interval over weeks holds zero")
    less = Claim("sturdy", "closed-form", "bad debt", "less bad debt", "")
    assert headline_of([nothing]) == (
        "No policy can be told from never changing: none of 1 comparisons stands."
    )
    assert headline_of([nothing, less]) == (
        "Of 2 comparisons with never changing these stand: closed-form, less bad debt (sturdy book)."
    )


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
    assert {step.end for step in heard} == {"fragile", "sturdy"}


class Stopped(Exception):
    """What a listener raises in the place of a killed process."""


def test_a_run_stopped_between_policies_replays_only_what_is_missing(
    inputs: BacktestInputs, tmp_path
) -> None:
    makers = {"says": lambda: Says(90_00)}
    whole = run_backtest(config(), makers, inputs=inputs)
    before: list[str] = []

    def stop(step: BacktestProgress) -> None:
        if " books: " in step.policy:
            before.append(f"{step.end}, {step.policy}")
        if step.policy == f"re-levered books: {BEST_SO_FAR}":
            raise Stopped

    with pytest.raises(Stopped):
        run_backtest(config(), makers, inputs=inputs, store=tmp_path, progress=stop)
    heard: list[str] = []
    again = run_backtest(
        config(), makers, inputs=inputs, store=tmp_path,
        progress=lambda step: heard.append(f"{step.end}, {step.policy}"),
    )  # fmt: skip
    assert len(before) == 3
    assert [step for step in heard if step.endswith(", kept")] == [f"{step}, kept" for step in before]
    assert again.to_json() == whole.to_json()


def test_totals_that_do_not_match_their_hash_are_refused(inputs: BacktestInputs, tmp_path) -> None:
    run_backtest(config(), {"says": lambda: Says(90_00)}, inputs=inputs, store=tmp_path)
    for path in tmp_path.glob("totals-*"):
        path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(SimulationError, match="does not match its hash"):
        run_backtest(config(), {"says": lambda: Says(90_00)}, inputs=inputs, store=tmp_path)


def test_other_facts_have_another_key(inputs: BacktestInputs, tmp_path) -> None:
    """Configuration, calls and parameters as well as prices."""
    other_calls = replace(inputs, liquidations=calls(3))
    other_record = replace(inputs, parameters=parameter_history(record()[:2], "ETH"))
    keys = {
        kept_in(tmp_path, config(), inputs).key,
        kept_in(tmp_path, config(seed=2), inputs).key,
        kept_in(tmp_path, config(), other_calls).key,
        kept_in(tmp_path, config(), other_record).key,
    }
    assert len(keys) == 4


def test_other_code_has_another_key(tmp_path) -> None:
    """The folder of strategies counts, and only what is asked for."""
    (tmp_path / "core").mkdir()
    (tmp_path / "agents").mkdir()
    (tmp_path / "core" / "a.py").write_text("A = 1")
    before = code_hash(tmp_path, folders=DECIDING_FOLDERS)
    (tmp_path / "agents" / "b.py").write_text("B = 1")
    assert code_hash(tmp_path, folders=DECIDING_FOLDERS) != before == code_hash(tmp_path)


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


def test_a_run_without_books_is_refused() -> None:
    with pytest.raises(SimulationError, match="0 books"):
        config(books=0)


def test_a_reaction_that_nobody_knows_is_refused() -> None:
    with pytest.raises(SimulationError, match="reactions were"):
        replace(config(), reactions=("panic",))
