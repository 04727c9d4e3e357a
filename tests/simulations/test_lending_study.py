"""A Monte Carlo study of one market: the same rows however it is cut, and figures that follow from them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from core.errors import SimulationError
from core.market import PriceHistory
from simulations.paths.garch import Garch
from simulations.studies.conduct import conduct
from simulations.studies.engines import PoolEngine
from simulations.studies.figures import figures_record, figures_text, study_figures
from simulations.studies.lending import LendingStudy, fitted_terms, lending_chunk, market_book, study_from
from simulations.studies.page import study_page
from tribunate import cli

STUDY = LendingStudy(
    asset="ETH",
    start_price=2_000.0,
    garch=Garch(omega=4e-6, alpha=0.10, beta=0.88, degrees=4.0),
    current_bps=75_00,
    candidates_bps=(73_00, 75_00, 77_00),
    borrowers=200,
    steps=48,
    step_seconds=3600,
    paths=300,
    chunk_paths=100,
)


def test_a_study_comes_back_from_its_record() -> None:
    through_json = json.loads(json.dumps(STUDY.record()))
    assert study_from(through_json) == STUDY


def test_rows_do_not_depend_on_chunks_or_engine(tmp_path: Path) -> None:
    whole = replace(STUDY, chunk_paths=300)
    rows = conduct(tmp_path / "whole", whole.identity()).table()
    cut = conduct(tmp_path / "cut", STUDY.identity(), engine=PoolEngine(2)).table()
    by = [("candidate_bps", "ascending"), ("path", "ascending")]
    assert rows.sort_by(by).equals(cut.sort_by(by))
    assert study_figures(whole, rows) == study_figures(STUDY, cut)


def test_the_book_has_the_debt_and_the_health_that_was_asked() -> None:
    book = market_book(STUDY)
    assert book.debt.sum() == pytest.approx(STUDY.debt_usd)
    health = book.collateral * STUDY.start_price * 0.75 / book.debt
    assert health.min() > 1.02


def test_a_lower_threshold_liquidates_more_on_the_same_paths() -> None:
    table = lending_chunk(STUDY.record(), 0)
    counts = np.array(table.column("liquidations")).reshape(3, 100).sum(axis=1)
    assert counts[0] > counts[1] > counts[2] > 0


def test_figures_follow_from_rows_by_hand() -> None:
    study = replace(STUDY, candidates_bps=(75_00, 76_00), paths=4, chunk_paths=4)
    zeros = [0.0] * 8
    table = pa.table(
        {
            "candidate_bps": [75_00] * 4 + [76_00] * 4,
            "path": [0, 1, 2, 3, 3, 2, 1, 0],  # the second candidate's paths came in another order
            "last_price": zeros,
            "liquidations": [1, 2, 3, 4, 4, 3, 2, 1],
            "repaid": [10.0] * 8,
            "seized": zeros,
            "bad_debt": [0.0, 0.0, 0.0, 8.0, 10.0, 2.0, 2.0, 2.0],
            "interest": [5.0] * 8,
            "uncovered": [0.0, 0.0, 0.0, 2.0, 2.0, 0.0, 0.0, 0.0],
            "liquidated_value": [10.5] * 8,
        }
    )
    now, higher = study_figures(study, table)
    assert now.es_975.value == pytest.approx(10.0)
    assert now.any_bad_debt.value == 0.25
    assert now.borrowers_loss.value == pytest.approx(0.5)
    assert (now.bad_debt_less_current.value, now.verdict) == (0.0, "no change")
    assert higher.bad_debt_less_current.value == pytest.approx(2.0)
    assert (higher.bad_debt_less_current.low, higher.verdict) == (pytest.approx(2.0), "more bad debt")
    page = figures_text(study, (now, higher))
    assert "75.00 %" in page
    assert "more bad debt" in page
    assert json.loads(json.dumps(figures_record((now, higher))))[1]["threshold_bps"] == 76_00


@pytest.mark.parametrize(
    "change",
    [
        {"assumptions": "rosy"},
        {"current_bps": 74_00},
        {"candidates_bps": (0, 75_00)},
        {"candidates_bps": (75_00, 96_00)},
        {"paths": 0},
        {"chunk_paths": 0},
        {"borrowers": 0},
        {"steps": 0},
    ],
    ids=lambda change: next(iter(change)),
)
def test_bad_studies_are_named(change: dict[str, object]) -> None:
    with pytest.raises(SimulationError, match=next(iter(change)).split("_")[0].removesuffix("s")):
        replace(STUDY, **change)  # type: ignore[arg-type]


def test_the_command_prints_figures_and_goes_on_where_it_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["simulate", "--paths", "200", "--width", "100", "--step", "100", "--engine", "serial"]
    assert cli.run([*arguments, "--runs", str(tmp_path), "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert [row["threshold_bps"] for row in first["candidates"]] == [74_00, 75_00, 76_00]
    assert first["candidates"][1]["verdict"] == "no change"
    assert cli.run([*arguments, "--runs", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert f"run {first['run'][:12]}" in captured.out


def test_a_wrong_book_is_refused_by_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["simulate", "--assumptions", "rosy", "--runs", str(tmp_path)]) == 4
    assert "allowed: fragile, sturdy" in capsys.readouterr().err


def test_terms_fitted_on_a_history_have_its_variance_and_tails() -> None:
    rng = np.random.default_rng(4)
    returns = 0.01 * rng.standard_t(5, 4_000) * (3 / 5) ** 0.5
    closes = (2_000e8 * np.exp(np.cumsum(returns))).astype(np.int64)
    times = np.arange(1, closes.size + 1) * 3600
    terms = fitted_terms(PriceHistory("ETH", "exchange", 3600, times, closes))
    assert terms.next_variance == pytest.approx(1e-4, rel=0.25)
    assert terms.degrees == pytest.approx(5.0, rel=0.3)
    assert terms.alpha + terms.beta <= 0.9999


def test_the_page_stands_alone_and_is_the_same_twice(tmp_path: Path) -> None:
    run = conduct(tmp_path, STUDY.identity())
    pages = [
        study_page(STUDY, study_figures(STUDY, run.table()), run_id="a" * 64, result=run.result_hash())
        for _ in range(2)
    ]
    assert pages[0] == pages[1]
    assert pages[0].count("<svg") == 3
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", pages[0])
    assert "<script" not in pages[0]
    assert run.result_hash() in pages[0]
    for title in ("Tail of bad debt", "Debt within reach of a fall", "What this rests on"):
        assert title in pages[0]


def test_the_page_escapes_what_a_name_brings(tmp_path: Path) -> None:
    study = replace(STUDY, asset="<script>alert(1)</script>", paths=100)
    run = conduct(tmp_path, study.identity())
    assert "<script>" not in study_page(
        study, study_figures(study, run.table()), run_id="", result=run.result_hash()
    )
