"""A Monte Carlo study of one market: the same rows however it is cut, and figures that follow from them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from lending_market import JUMPS, NOW, PRICES, STUDY, vector

from core.errors import ConfigError, SimulationError
from core.market import PriceHistory
from simulations.statistics.tail import effective_paths
from simulations.studies.conduct import conduct
from simulations.studies.engines import PoolEngine
from simulations.studies.figures import figures_record, figures_table, figures_text, scene_rows, study_figures
from simulations.studies.lending import (
    Candidate,
    lending_chunk,
    market_book,
    scene_paths,
    study_from,
)
from simulations.studies.price_terms import (
    Unavailable,
    declared_terms,
    fitted_set,
    fitted_terms,
    residuals,
)
from simulations.studies.scenes import Scene, SceneKind, all_scenes, bonus_room_bps, model_scenes, swings
from tribunate import cli

WIDE = replace(
    STUDY,
    prices=(PRICES, JUMPS),
    scenes=all_scenes(Scene("base"), ["garch-t", "jumps"], [one.parameters for one in STUDY.candidates]),
    scene_paths=60,
    tail="importance",
    unavailable=(Unavailable("gjr", "too short"),),
)


def test_a_study_comes_back_from_its_record() -> None:
    assert study_from(json.loads(json.dumps(STUDY.record()))) == STUDY
    assert study_from(json.loads(json.dumps(WIDE.record()))) == WIDE


def test_rows_do_not_depend_on_chunks_or_engine(tmp_path: Path) -> None:
    whole = replace(WIDE, chunk_paths=300)
    rows = conduct(tmp_path / "whole", whole.identity()).table()
    cut = conduct(tmp_path / "cut", WIDE.identity(), engine=PoolEngine(2)).table()
    by = [("scene", "ascending"), ("candidate", "ascending"), ("path", "ascending")]
    assert rows.sort_by(by).equals(cut.sort_by(by))
    assert study_figures(whole, rows) == study_figures(WIDE, cut)


def test_the_book_has_the_debt_and_the_health_that_was_asked_and_stays_when_paths_change() -> None:
    book = market_book(STUDY, STUDY.base)
    assert book.debt.sum() == pytest.approx(STUDY.debt_usd)
    assert (book.collateral * STUDY.start_price * 0.75 / book.debt).min() > 1.02
    fresh = replace(STUDY, seed=2, book_seed=1)
    assert np.array_equal(market_book(fresh, fresh.base).debt, book.debt)
    one, two = (scene_paths(study, study.base, first_path=0, paths=10)[0] for study in (STUDY, fresh))
    assert not np.array_equal(one, two)


def test_a_lower_threshold_liquidates_more_on_the_same_paths() -> None:
    table = lending_chunk(STUDY.record(), 0)
    now, lower, higher = np.array(table.column("liquidations")).reshape(3, 100).sum(axis=1)
    assert lower > now > higher > 0


def test_half_of_importance_paths_are_plain_and_the_tail_has_more_to_show() -> None:
    tilted = replace(STUDY, tail="importance", paths=2_000, chunk_paths=2_000)
    plain = replace(tilted, tail="plain")
    (prices, weights), (usual, _) = (
        scene_paths(study, study.base, first_path=0, paths=2_000) for study in (tilted, plain)
    )
    assert np.array_equal(prices[::2], usual[::2])
    assert weights.mean() == pytest.approx(1.0, abs=0.05)
    assert effective_paths(weights) < 2_000
    fell = [(paths.min(axis=1) < 1_400).sum() for paths in (prices, usual)]
    assert fell[0] > 5 * fell[1]


def test_the_past_cannot_be_tilted_and_is_drawn_plainly() -> None:
    fhs = next(terms for terms in declared_terms() if terms.name == "fhs")
    study = replace(STUDY, prices=(fhs,), scenes=(Scene("base", prices="fhs"),), tail="importance")
    assert not study.is_tilted(study.base)
    assert scene_paths(study, study.base, first_path=0, paths=4)[1].tolist() == [1.0] * 4


def hand_made() -> pa.Table:
    """Four paths of two candidates, worked out by hand; the second's paths came in another order."""
    zeros = [0.0] * 8
    return pa.table(
        {
            "scene": [0] * 8,
            "candidate": [0] * 4 + [1] * 4,
            "path": [0, 1, 2, 3, 3, 2, 1, 0],
            "weight": [1.0] * 8,
            "last_price": [2_000.0] * 8,
            "lowest_price": [1_900.0] * 8,
            "liquidations": [1, 2, 3, 4, 4, 3, 2, 1],
            "repaid": [10.0] * 8,
            "seized": zeros,
            "bad_debt": [0.0, 0.0, 0.0, 8.0, 10.0, 2.0, 2.0, 2.0],
            "interest": [5.0] * 8,
            "uncovered": [0.0, 0.0, 0.0, 2.0, 2.0, 0.0, 0.0, 0.0],
            "liquidated_value": [10.5] * 8,
        }
    )


def test_figures_follow_from_rows_by_hand() -> None:
    candidates = (Candidate("now", NOW), Candidate("76 %", vector(76_00)))
    study = replace(STUDY, candidates=candidates, paths=4, chunk_paths=4)
    now, higher = study_figures(study, hand_made())
    assert now.es_975.value == pytest.approx(10.0)
    assert now.any_bad_debt.value == 0.25
    assert now.bonus_paid.value == pytest.approx(0.5)
    assert now.revenue.value == pytest.approx(0.1 * 5.0 + 0.1 * 0.5)
    assert (now.score.value, now.verdict) == (0.0, "no change")
    assert higher.bad_debt_less_current.value == pytest.approx(2.0)
    assert higher.borrowing_power > now.borrowing_power
    text = figures_text(study, (now, higher))
    assert "70.00 / 75.00 / 5.00 %" in text
    assert "intervals are too narrow" in text  # one path of four loses
    assert json.loads(json.dumps(figures_record((now, higher))))[1]["parameters"]["ltv_bps"] == 71_00
    table = figures_table((now, higher))
    assert (table.num_rows, table.column("es_975_high")[0].as_py()) == (2, now.es_975.high)


def test_rows_of_another_version_are_refused() -> None:
    with pytest.raises(SimulationError, match="scene base has 8 rows") as refused:
        study_figures(replace(STUDY, candidates=STUDY.candidates[:2], paths=5), hand_made())
    assert "run it again" in refused.value.hint


def test_the_interval_of_a_difference_widens_with_the_number_of_candidates() -> None:
    """Bonferroni: 1.96 deviations for one comparison, 2.24 for two; with two degrees 4.30 and 6.21."""
    two = replace(STUDY, candidates=STUDY.candidates[:2])
    table = pa.concat_tables([lending_chunk(STUDY.record(), chunk) for chunk in range(3)])
    few = table.filter(pa.compute.less(table.column("candidate"), 2))
    widths = [
        figures.high - figures.low
        for figures in (study_figures(two, few)[1].score, study_figures(STUDY, table)[1].score)
    ]
    assert 2.24 / 1.96 - 0.001 < widths[1] / widths[0] < 6.21 / 4.30


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"paths": 0}, "paths was 0"),
        ({"chunk_paths": 0}, "chunk_paths was 0"),
        ({"borrowers": 0}, "borrowers was 0"),
        ({"steps": 0}, "steps was 0"),
        ({"tail": "fat"}, "tail was 'fat'"),
        ({"candidates": ()}, "candidates were"),
        ({"candidates": STUDY.candidates[:1] * 2}, "candidates were"),
        ({"prices": (JUMPS,)}, "prices of garch-t"),
    ],
)
def test_bad_studies_are_named(change: dict[str, object], found: str) -> None:
    with pytest.raises(SimulationError, match=found):
        replace(STUDY, **change)  # type: ignore[arg-type]


def test_a_candidate_that_no_market_may_have_is_refused() -> None:
    with pytest.raises(ConfigError, match="leaves no debt covered"):
        replace(STUDY, candidates=(Candidate("now", vector(96_00)),))


@pytest.mark.parametrize(
    "change",
    [
        {"book": "rosy"},
        {"depth_factor": 0.0},
        {"volatility_factor": -1.0},
        {"resilience": 1.0},
        {"utilisation": 0.0},
    ],
)
def test_scenes_that_are_none_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(SimulationError):
        Scene("x", **change)  # type: ignore[arg-type]


def test_scenes_are_every_model_with_both_books_and_both_reactions() -> None:
    scenes = model_scenes(Scene("base"), ["garch-t", "jumps"])
    assert len({(one.prices, one.book, one.elasticity) for one in scenes}) == 2 * 2 * 2
    assert {one.kind for one in scenes} == {SceneKind.MODEL}


def test_each_bar_of_the_tornado_moves_one_assumption() -> None:
    base = Scene("base")
    for bar in swings(base, bonus_bps=1_00):
        for end in (bar.low, bar.high):
            same = replace(end, name=base.name, kind=base.kind)
            changed = [name for name in base.__slots__ if getattr(same, name) != getattr(base, name)]
            assert len(changed) <= 1


def test_the_bonus_moves_no_further_than_every_candidate_allows() -> None:
    """0.94 x 1.0638 is 0.99997, one basis point more is above one: 38 above 6.00 %."""
    assert bonus_room_bps([NOW]) == 1_00
    assert bonus_room_bps([NOW, vector(94_00, bonus=6_00)]) == 38


def test_more_volatility_and_less_depth_are_worse_and_no_impact_is_milder() -> None:
    table = conduct_in_memory()
    lar = {
        scene.name: study_figures(WIDE, table, scene=scene)[0].lar_95.value
        for scene in WIDE.scenes
        if scene.kind is SceneKind.SENSITIVITY
    }
    assert lar["volatility x 0.75 / x 1.25: 0.75"] < lar["volatility x 0.75 / x 1.25: 1.25"]
    assert lar["book sturdy / fragile: sturdy"] < lar["book sturdy / fragile: fragile"]
    assert len(scene_rows(WIDE, table, WIDE.base).bad_debt[0]) == 300


def conduct_in_memory() -> pa.Table:
    record = WIDE.record()
    return pa.concat_tables([lending_chunk(record, chunk) for chunk in range(WIDE.chunks)])


def test_the_command_prints_figures_and_goes_on_where_it_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["simulate", "--paths", "200", "--width", "50", "--step", "50", "--engine", "serial"]
    assert cli.run([*arguments, "--runs", str(tmp_path), "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in first["candidates"]] == ["now", "74.50 %", "75.50 %"]
    assert first["candidates"][0]["verdict"] == "no change"
    assert first["refused"] == []
    assert cli.run([*arguments, "--runs", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert f"run {first['run'][:12]}" in captured.out


def test_what_is_out_of_reach_is_named_and_not_simulated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["simulate", "--paths", "50", "--width", "0", "--engine", "serial", "--runs", str(tmp_path)]
    rivals = ["--candidate", "bold=7700", "--candidate", "careful=6980/7480/520"]
    assert cli.run([*arguments, *rivals, "--json"]) == 0
    captured = capsys.readouterr()
    said = json.loads(captured.out)
    assert [row["name"] for row in said["candidates"]] == ["now", "careful"]
    assert [(row["rule"], row["parameters"]["liquidation_threshold_bps"]) for row in said["refused"]] == [
        ("step", 77_00)
    ]


@pytest.mark.parametrize("text", ["7550", "=7550", "a=b", "a=1/2", "a=-5"])
def test_candidates_that_name_nothing_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    assert cli.run(["simulate", "--candidate", text, "--runs", str(tmp_path)]) == 2
    assert "NAME=THRESHOLD" in capsys.readouterr().err


def test_a_wrong_book_is_refused_by_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["simulate", "--assumptions", "rosy", "--runs", str(tmp_path)]) == 4
    assert "allowed: fragile, sturdy" in capsys.readouterr().err


def history_of(count: int, degrees: float = 5.0) -> PriceHistory:
    rng = np.random.default_rng(4)
    returns = 0.01 * rng.standard_t(degrees, count) * ((degrees - 2) / degrees) ** 0.5
    closes = (2_000e8 * np.exp(np.cumsum(returns))).astype(np.int64)
    return PriceHistory("ETH", "exchange", 3600, np.arange(1, closes.size + 1) * 3600, closes)


def test_terms_fitted_on_a_history_have_its_variance_and_tails() -> None:
    terms = fitted_terms(history_of(4_000))
    assert terms.next_variance == pytest.approx(1e-4, rel=0.25)
    assert terms.degrees == pytest.approx(5.0, rel=0.3)
    assert terms.alpha + terms.beta <= 0.9999


def test_a_history_gives_the_set_and_what_it_cannot_give_has_a_reason() -> None:
    found, missing = fitted_set(history_of(4_000))
    names = [terms.name for terms in found] + [one.name for one in missing]
    assert sorted(names) == ["fhs", "garch-t", "gjr", "jumps"]
    assert all(one.reason for one in missing)


def test_residuals_are_the_shocks_that_the_model_sees() -> None:
    shocks = residuals(PRICES.garch, 0.01 * np.random.default_rng(2).standard_normal(2_000))
    assert (shocks.mean(), shocks.std()) == (pytest.approx(0.0, abs=1e-12), pytest.approx(1.0))
