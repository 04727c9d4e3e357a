"""The report: one file that stands alone, verdict first, every figure with its numbers."""

from __future__ import annotations

import importlib
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from lending_market import JUMPS, NOW, PRICES, STUDY, vector

from core.errors import ConfigError, SimulationError
from simulations.candidates.mask import ActionMask
from simulations.candidates.objective import Outcome
from simulations.statistics.tail import Estimate
from simulations.studies.attribution import amplification, convergence, largest_accounts, worst_episodes
from simulations.studies.conduct import conduct
from simulations.studies.export import ExportFormat, encoded, export_run
from simulations.studies.figures import CandidateFigures, scene_rows, study_figures
from simulations.studies.identity import Identity
from simulations.studies.lending import Candidate, lending_chunk
from simulations.studies.model_error import SceneFigures, in_all_scenes, spreads
from simulations.studies.page import Report, report_page, sections
from simulations.studies.plotly_page import frontier_figure, plotly_page
from simulations.studies.scenes import Scene, SceneKind, all_scenes
from simulations.studies.verdict import moves, verdict_of
from simulations.studies.walk_forward import WalkForward, generated_history, walk_forward
from tribunate import cli

WIDE = replace(
    STUDY,
    prices=(PRICES, JUMPS),
    scenes=all_scenes(Scene("base"), ["garch-t", "jumps"], [one.parameters for one in STUDY.candidates]),
    scene_paths=60,
    tail="importance",
)
TITLES = (
    "Bad debt when things go badly",
    "The candidates in words",
    "Model error and Monte Carlo error",
    "Every model by itself",
    "What is given up for what",
    "Debt within reach of a fall",
    "Where the price may go",
    "The worst paths",
    "How much the cascade adds",
    "Largest accounts",
    "What the result hangs on",
    "Are there enough paths?",
    "Was the price model right before?",
    "Out of reach",
)


@pytest.fixture(scope="module")
def table() -> pa.Table:
    record = WIDE.record()
    return pa.concat_tables([lending_chunk(record, chunk) for chunk in range(WIDE.chunks)])


@pytest.fixture(scope="module")
def covered() -> WalkForward:
    history = generated_history(1)
    return walk_forward(history.until(int(history.times[75 * 24])), hours=24, seed=1)


@pytest.fixture(scope="module")
def report(table: pa.Table, covered: WalkForward) -> Report:
    figures = study_figures(WIDE, table)
    verdict = verdict_of(figures, in_all_scenes(WIDE, table, SceneKind.MODEL), base=WIDE.base)
    refused = ActionMask(NOW).split([vector(80_00)])[1]
    return Report(WIDE, table, figures, verdict, "a" * 64, "b" * 64, tuple(refused), coverage=covered)


def test_the_page_stands_alone_and_is_the_same_twice(report: Report) -> None:
    page = report_page(report)
    assert page == report_page(report)
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", page)
    assert "<script" not in page
    assert page.index(report.verdict.headline) < page.index("Candidates") < page.index("What this rests on")
    assert page.count("<svg") == 7
    assert ("a" * 64 in page, "b" * 64 in page) == (True, True)


def test_every_section_has_a_sentence_and_numbers(report: Report) -> None:
    found = sections(report)
    assert tuple(section.title for section in found) == TITLES
    for section in found:
        assert section.sentence.endswith(".")
        assert section.rows
        assert {len(row) for row in section.rows} == {len(section.head)}


def test_the_page_escapes_what_a_name_brings(report: Report) -> None:
    named = replace(report.study, asset="<script>alert(1)</script>")
    assert "<script>" not in report_page(replace(report, study=named))


def test_model_error_is_the_range_over_the_scenes(report: Report) -> None:
    scenes = in_all_scenes(report.study, report.table, SceneKind.MODEL)
    first = spreads(report.figures, scenes)[0]
    values = {one.scene.name: one.figures[0].es_975.value for one in scenes}
    assert len(scenes) == 8
    assert (first.low, first.high) == (min(values.values()), max(values.values()))
    assert values[first.worst] == first.high
    assert spreads(report.figures, ()) == ()


def test_impact_is_measured_on_the_same_paths(table: pa.Table) -> None:
    found = amplification(WIDE, table)
    assert found is not None
    assert found.sold_difference.value == pytest.approx(found.sold_with.value - found.sold_without.value)
    assert amplification(STUDY, pa.table({})) is None


def test_the_paths_that_count_most_come_first(table: pa.Table) -> None:
    found = worst_episodes(WIDE, table)
    counted = [one.weight * one.bad_debt_usd for one in found]
    assert counted == sorted(counted, reverse=True)
    assert found[0].fall > 0.1


def test_leaving_out_the_only_account_in_danger_leaves_no_shortfall() -> None:
    """One borrower of two hundred is made to owe nearly everything: without it little is left."""
    accounts = largest_accounts(replace(WIDE, borrowers=3))
    assert [one.debt_usd for one in accounts] == sorted((one.debt_usd for one in accounts), reverse=True)
    assert sum(one.debt_usd for one in accounts) == pytest.approx(WIDE.debt_usd)
    assert max(accounts, key=lambda one: one.contribution.value).contribution.value > 0


def test_convergence_ends_with_the_figure_itself(report: Report) -> None:
    points = convergence(scene_rows(WIDE, report.table, WIDE.base))
    assert points[-1] == (300, report.figures[0].es_975)
    assert [count for count, _ in points] == sorted({count for count, _ in points})


# --- the verdict


def figure(name: str, parameters: Any, low: float, high: float) -> CandidateFigures:
    zero = Estimate(0.0, 0.0, 0.0)
    return CandidateFigures(
        name, parameters, *[zero] * 8, 0.0, *[zero] * 5, score=Estimate((low + high) / 2, low, high)
    )


FIGURES = (figure("now", NOW, 0.0, 0.0), figure("up", vector(75_50), 0.1, 0.3))


def scene(low: float, high: float, **change: Any) -> SceneFigures:
    chosen = replace(Scene("base", kind=SceneKind.MODEL), **change)
    return SceneFigures(chosen, (FIGURES[0], figure("up", vector(75_50), low, high)))


def test_a_candidate_is_recommended_when_all_agree() -> None:
    scenes = [scene(0.1, 0.2, name="fixed"), scene(0.1, 0.2, name="re-levered", elasticity=1.0)]
    verdict = verdict_of(
        FIGURES, [*scenes, scene(-0.1, 0.2, name="jumps", prices="jumps")], base=Scene("base")
    )
    assert verdict.chosen == "up"
    assert verdict.headline == (
        "Change: raise the liquidation threshold from 75.00 % to 75.50 %, "
        "raise the LTV from 70.00 % to 70.50 %."
    )


@pytest.mark.parametrize(
    "other",
    [
        scene(-0.3, -0.1, name="jumps", prices="jumps"),
        scene(-0.1, 0.3, name="re-levered", elasticity=1.0),
        scene(-0.3, -0.1, name="sturdy", book="sturdy"),
    ],
    ids=["a model calls it worse", "not better when re-levered", "worse on the other book"],
)
def test_no_change_when_a_claim_hangs_on_an_assumption(other: SceneFigures) -> None:
    verdict = verdict_of(FIGURES, [scene(0.1, 0.2, name="fixed"), other], base=Scene("base"))
    assert (verdict.headline, verdict.chosen) == ("No change.", None)
    assert other.scene.name in verdict.reasons[0]


def test_no_change_when_the_interval_of_the_improvement_holds_zero() -> None:
    unsure = (FIGURES[0], figure("up", vector(75_50), -0.1, 0.3))
    assert verdict_of(unsure, base=Scene("base")).headline == "No change."


def test_what_moves_is_said_in_words() -> None:
    assert moves(NOW, NOW) == "nothing"
    assert moves(NOW, vector(75_00, bonus=4_50)) == "lower the liquidation bonus from 5.00 % to 4.50 %"


# --- coverage


def test_walk_forward_windows_do_not_overlap_and_power_stands_beside(covered: WalkForward) -> None:
    """75 days of bars, 60 before the first forecast: 15 windows of a day; at 95 % there is little power."""
    assert (covered.windows, covered.refits) == (15, 1)
    assert [row.level for row in covered.rows] == [0.95, 0.99]
    assert covered.rows[0].coverage.power < 0.5


def test_a_history_without_windows_is_refused() -> None:
    history = generated_history(1)
    with pytest.raises(SimulationError, match="windows of 24 h"):
        walk_forward(history.until(int(history.times[62 * 24])), hours=24, seed=1)


def test_forecasts_do_not_look_ahead() -> None:
    """Bars after the last window may be anything."""
    history = generated_history(2)
    cut = history.until(int(history.times[70 * 24]))
    changed = replace(history, closes_e8=np.where(np.arange(len(history)) > 70 * 24, 1, history.closes_e8))
    again = walk_forward(changed.until(int(history.times[70 * 24])), hours=24, seed=1)
    assert walk_forward(cut, hours=24, seed=1) == again


# --- interactive pictures


class Writer:
    """Stands in for ``plotly.io``."""

    def to_html(self, figure: dict[str, Any], *, include_plotlyjs: bool, full_html: bool) -> str:
        assert include_plotlyjs
        assert full_html
        return f"<html>{[trace['name'] for trace in figure['data']]}</html>"


def test_plotly_gets_candidates_with_both_intervals() -> None:
    cloud = (Outcome(1.0, 2.0, 3.0, 4.0),)
    page = plotly_page(FIGURES, cloud, load=lambda name: Writer())
    assert page == "<html>['tried in the search', 'candidates']</html>"
    shown = frontier_figure(FIGURES)["data"]
    assert [trace["name"] for trace in shown] == ["candidates"]
    assert shown[0]["text"] == ["now", "up"]


def test_plotly_itself_takes_the_figure_or_the_extra_is_named() -> None:
    """With the extra installed the file holds the library; without it the error says how to get it."""
    if importlib.util.find_spec("plotly") is not None:
        assert "plotly" in plotly_page(FIGURES)
        return
    with pytest.raises(ConfigError, match="Plotly is not installed") as refused:
        plotly_page(FIGURES)
    assert "tribunate[plotly]" in refused.value.hint


def test_without_plotly_the_command_says_so_before_it_computes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def absent(name: str) -> Any:
        raise ModuleNotFoundError(name)

    with pytest.raises(ConfigError, match="Plotly is not installed"):
        plotly_page(FIGURES, load=absent)
    if importlib.util.find_spec("plotly") is None:
        asked = ["simulate", "--plotly", str(tmp_path / "x.html"), "--runs", str(tmp_path / "runs")]
        assert cli.run(asked) == 2
        assert "tribunate[plotly]" in capsys.readouterr().err
        assert not (tmp_path / "runs").exists()


# --- export

SMALL = replace(STUDY, paths=20, chunk_paths=20, candidates=(Candidate("now", NOW),))


@pytest.mark.parametrize(
    ("form", "read"),
    [
        ("csv", lambda path: csv.read_csv(path)),
        ("parquet", lambda path: pq.read_table(path)),
        ("arrow", lambda path: feather.read_table(path)),
    ],
)
def test_rows_and_figures_come_back_from_every_format(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str, read: Any
) -> None:
    run = conduct(tmp_path, SMALL.identity())
    out = tmp_path / f"rows.{form}"
    asked = ["runs", "export", run.name, "--format", form, "--out", str(out), "--runs", str(tmp_path)]
    assert cli.run(asked) == 0
    beside = tmp_path / f"rows-figures.{form}"
    assert capsys.readouterr().out.splitlines() == [str(out), str(beside)]
    assert read(out).to_pydict() == run.table().to_pydict()
    assert read(beside).column("name").to_pylist() == ["now"]


def test_a_run_of_another_task_has_rows_only(tmp_path: Path) -> None:
    identity = Identity("tests.simulations.study_tasks:draws", {"seed": 7}, chunks=2, seed=7)
    run = conduct(tmp_path, identity)
    written = export_run(run, tmp_path / "rows.parquet", ExportFormat.PARQUET)
    assert [path.name for path in written] == ["rows.parquet"]
    assert encoded(run.table(), ExportFormat.CSV).startswith(b'"chunk","value"')


def test_an_export_nowhere_is_refused(tmp_path: Path) -> None:
    run = conduct(tmp_path, SMALL.identity())
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(SimulationError, match="could not be written"):
        export_run(run, blocked / "rows.csv", ExportFormat.CSV)


def test_a_market_without_bad_debt_is_reported_without_pretending_to_know_its_size() -> None:
    quiet = replace(STUDY, scenes=(Scene("base", book="sturdy"),), steps=2, paths=60, chunk_paths=60)
    table = lending_chunk(quiet.record(), 0)
    figures = study_figures(quiet, table)
    report = Report(quiet, table, figures, verdict_of(figures, base=quiet.base), "a", "b")
    said = {section.title: section.sentence for section in sections(report)}
    assert said["Bad debt when things go badly"].startswith("As the market stands no path leaves bad debt")
    assert said["Are there enough paths?"].startswith("None of the 60 paths leaves bad debt")
    assert "none of them brings bad debt" in said["Largest accounts"]
    assert report.verdict.headline == "No change."
