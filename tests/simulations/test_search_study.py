"""The search: chunks that are pure, fresh paths for what was found, and no change unless it is sure."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from lending_market import STUDY

from core.errors import SimulationError
from core.market import Scalar
from core.units import Bps
from simulations.candidates.objective import Outcome, ScoreWeights
from simulations.studies.conduct import conduct
from simulations.studies.engines import PoolEngine
from simulations.studies.lending import scene_paths
from simulations.studies.scenes import Scene
from simulations.studies.search import (
    Explored,
    SearchStudy,
    confirmation,
    explored,
    search_chunk,
    search_from,
    shortlist,
)
from simulations.studies.store import open_run
from tribunate import cli

MARKET = replace(
    STUDY,
    candidates=STUDY.candidates[:1],
    scenes=(Scene("base", elasticity=1.0),),
    tail="importance",
    paths=120,
    steps=24,
    borrowers=100,
)
SEARCH = SearchStudy(MARKET, generations=3, population=6)


@pytest.fixture(scope="module")
def table() -> pa.Table:
    record = SEARCH.record()
    return pa.concat_tables([search_chunk(record, chunk) for chunk in range(len(SEARCH.directions))])


def test_a_search_comes_back_from_its_record() -> None:
    search = replace(SEARCH, weights=ScoreWeights(0.5, 1.0, 2.0, 0.1), epochs=4)
    assert search_from(json.loads(json.dumps(search.record()))) == search


def test_directions_are_the_weights_and_each_objective_stressed() -> None:
    directions = replace(SEARCH, weights=ScoreWeights(0.0, 1.0, 2.0, 1.0)).directions
    assert directions[0] == ScoreWeights(0.0, 1.0, 2.0, 1.0)
    assert [directions[1].revenue, directions[2].power, directions[3].shortfall] == [4.0, 4.0, 8.0]


def test_a_stopped_search_goes_on_to_the_same_result(tmp_path: Path, table: pa.Table) -> None:
    stopped = open_run(tmp_path, SEARCH.identity())
    stopped.keep(1, search_chunk(SEARCH.record(), 1))
    done = conduct(tmp_path, SEARCH.identity(), engine=PoolEngine(2))
    assert done.table().equals(table)


def test_everything_simulated_is_within_reach_and_was_simulated_once_a_direction(table: pa.Table) -> None:
    found = explored(table)
    assert found.vectors[0] == MARKET.current
    assert all(SEARCH.mask.admits(vector) for vector in found.vectors)
    assert not any(SEARCH.mask.admits(one.parameters) for one in found.refused)
    assert len(found.vectors) > 10


def test_the_shortlist_has_the_best_and_none_that_stands_among_the_candidates(table: pa.Table) -> None:
    found = explored(table)
    chosen = shortlist(SEARCH, found)
    best = found.vectors[int(np.argmax(found.scores(SEARCH)))]
    named = (Scalar.LIQUIDATION_THRESHOLD, Scalar.LIQUIDATION_BONUS)
    shown = {tuple(one.parameters.field(scalar) for scalar in named) for one in chosen}
    assert tuple(best.field(scalar) for scalar in named) in shown
    assert MARKET.current not in {one.parameters for one in chosen}
    assert len({one.parameters for one in chosen}) == len(chosen) <= 6
    assert [one.name for one in chosen] == [f"found {n}" for n in range(1, len(chosen) + 1)]


def test_moves_that_change_no_outcome_are_taken_back() -> None:
    """A lower supply cap turns nobody away, and a higher borrow cap that is not reached lets nobody in."""
    now = MARKET.current
    better = replace(now, liquidation_bonus_bps=Bps(4_80))
    idle = replace(better, supply_cap=now.supply_cap - 10, borrow_cap=now.borrow_cap + 10)
    found = Explored((now, idle), (Outcome(8.0, 8.0, 2.0, 2.0), Outcome(9.0, 9.0, 1.0, 1.0)), ())
    assert [one.parameters for one in shortlist(SEARCH, found)] == [better]


def test_of_vectors_with_the_same_outcome_the_one_that_changes_least_is_kept() -> None:
    """A borrow cap that binds nobody changes nothing: the vector without it stands for both."""
    now = MARKET.current
    better = replace(now, liquidation_bonus_bps=Bps(4_80))
    idle = replace(better, borrow_cap=now.borrow_cap + 1)
    same = Outcome(9.0, 9.0, 1.0, 1.0)
    found = Explored((now, idle, better), (Outcome(8.0, 8.0, 2.0, 2.0), same, same), ())
    assert [one.parameters for one in shortlist(SEARCH, found)] == [better]


def test_what_was_found_meets_paths_that_the_search_has_not_seen_and_the_same_book(table: pa.Table) -> None:
    check = confirmation(SEARCH, shortlist(SEARCH, explored(table)), paths=200)
    assert check.candidates[0].parameters == MARKET.current
    assert check.book_number == MARKET.book_number
    seen, fresh = (scene_paths(study, study.base, first_path=0, paths=50)[0] for study in (MARKET, check))
    assert not np.isin(seen[:, 0], fresh[:, 0]).any()
    with pytest.raises(SimulationError, match="paths were 0"):
        confirmation(SEARCH, (), paths=0)


ARGUMENTS = ("search", "--search-paths", "100", "--paths", "200", "--generations", "2", "--population", "4")


def test_the_command_searches_checks_and_finds_its_runs_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs, html = ["--runs", str(tmp_path / "runs")], tmp_path / "report.html"
    asked = [*ARGUMENTS, "--engine", "serial", "--candidate", "proposal=7550", *runs]
    assert cli.run([*asked, "--json", "--html", str(html)]) == 0
    captured = capsys.readouterr()
    said = json.loads(captured.out)
    assert "5 of 5 chunks" in captured.err
    assert [row["name"] for row in said["candidates"]][:2] == ["now", "proposal"]
    assert said["verdict"]["headline"].startswith(("No change.", "Change: "))
    assert said["verdict"]["headline"] in html.read_text(encoding="utf-8")
    assert cli.run(["runs", "list", *runs, "--json"]) == 0
    listed = {row["run"]: row["task"] for row in json.loads(capsys.readouterr().out)}
    assert listed[said["search"]["run"]].endswith(":search_chunk")
    assert listed[said["run"]].endswith(":lending_chunk")
    assert cli.run(asked) == 0
    again = capsys.readouterr()
    assert again.err == ""
    assert again.out.startswith(said["verdict"]["headline"])


@pytest.mark.parametrize(
    ("option", "found", "code"),
    [
        (["--weights", "1,1"], "four numbers", 2),
        (["--weights", "1,1,1,x"], "four numbers", 2),
        (["--weights", "0,0,0,0"], "not all 0", 2),
        (["--elasticity", "2"], "elasticity was 2", 4),
        (["--population", "3"], "population", 2),
    ],
)
def test_bad_searches_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: list[str], found: str, code: int
) -> None:
    assert cli.run([*ARGUMENTS, "--engine", "serial", *option, "--runs", str(tmp_path)]) == code
    assert found in capsys.readouterr().err
