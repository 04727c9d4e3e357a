"""What may be claimed: signs, intervals, the stepwise test, and the record of trials."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import ConfigError
from simulations.backtest.books import BAD_DEBT_USD, INTEREST_USD, METRICS, SUPPLY_USD
from simulations.backtest.claims import (
    BAD_DEBT,
    NET_INCOME,
    NO_CLAIM,
    Claim,
    Column,
    findings,
    gains,
    over_weeks,
    spa,
    survivors,
)
from simulations.backtest.rivals import Constants
from simulations.backtest.settings import World
from simulations.backtest.trajectories import NEVER_CHANGING, WEEK_SECONDS
from simulations.backtest.trials import Trial, level_left, load_trials, replayed_besides
from simulations.backtest.windows import WHOLE_SPAN, month, windows_of

BOOKS, WEEKS = 12, 120
RNG = np.random.default_rng(4)
NOISE = RNG.standard_normal((BOOKS, 1)) * 0.1 + RNG.standard_normal((1, WEEKS))


def totals(bad_debt: np.ndarray, interest: float = 50.0) -> np.ndarray:
    """Return totals with a supply of 10,000 USD, so that one USD is one basis point."""
    found = np.zeros((BOOKS, WEEKS, METRICS))
    found[:, :, SUPPLY_USD] = 10_000.0
    found[:, :, BAD_DEBT_USD] = bad_debt
    found[:, :, INTEREST_USD] = interest
    return found


def world(reaction: str, *, less_debt: np.ndarray, trials: dict[str, np.ndarray] | None = None) -> World:
    """Return a world in which one policy has so much less bad debt than never changing."""
    base = np.full((BOOKS, WEEKS), 10.0)
    none = Constants((), (), np.zeros((0, WEEKS)))
    found = {NEVER_CHANGING: totals(base), "policy": totals(base - less_debt)}
    return World("fragile", reaction, (), found, trials or {}, none, 0, 0)


def claims(*worlds: World, trials: tuple[Trial, ...] = ()) -> dict[str, Claim]:
    found = findings(worlds, trials, horizon_hours=168, seed=1)
    return {claim.measure: claim for claim in found.claims}


BETTER = 2.0 + NOISE
WEEKLY_NOISE = (NOISE - NOISE.mean(axis=1, keepdims=True)).mean(axis=0) * np.ones((BOOKS, 1))


def test_a_gain_is_in_basis_points_of_supply_and_positive_when_it_is_good() -> None:
    """8 instead of 10 USD of bad debt and 49 instead of 50 of interest: 2 bps less debt, 1 bp net."""
    base, other = totals(np.full((BOOKS, WEEKS), 10.0)), totals(np.full((BOOKS, WEEKS), 8.0), 49.0)
    assert gains(other, base, measure=BAD_DEBT) == pytest.approx(2.0)
    assert gains(other, base, measure=NET_INCOME) == pytest.approx(1.0)


def test_a_large_gain_in_both_books_is_claimed() -> None:
    found = claims(world("re-levered", less_debt=BETTER), world("fixed", less_debt=BETTER))
    assert (found[BAD_DEBT].verdict, found[NET_INCOME].verdict) == ("less bad debt", "more net income")


def test_a_large_loss_in_both_books_is_claimed_as_well() -> None:
    found = claims(world("re-levered", less_debt=-BETTER), world("fixed", less_debt=-BETTER))
    assert (found[BAD_DEBT].verdict, found[NET_INCOME].verdict) == ("more bad debt", "less net income")


@pytest.mark.parametrize(
    ("fixed", "because"),
    [
        (-BETTER, "the re-levered and the fixed book disagree"),
        (0.05 + WEEKLY_NOISE, "an interval over weeks holds zero"),
        (0.1 + np.linspace(-1, 1, BOOKS)[:, None] + 0 * NOISE, "an interval over books holds zero"),
    ],
)
def test_what_one_book_does_not_show_is_not_claimed(fixed: np.ndarray, because: str) -> None:
    found = claims(world("re-levered", less_debt=BETTER), world("fixed", less_debt=fixed))
    assert found[BAD_DEBT].verdict == NO_CLAIM
    assert found[BAD_DEBT].because == because


def test_one_reaction_alone_claims_nothing() -> None:
    assert claims(world("re-levered", less_debt=BETTER))[BAD_DEBT].because.startswith("only one reaction")


def test_a_gain_that_stands_alone_falls_when_many_more_were_tried() -> None:
    """Its own interval is off zero; among 300 others at a sixth of the level it is not extreme."""
    small = 0.26 + NOISE * 1.0
    rng = np.random.default_rng(5)
    others = {
        f"other {n}": totals(10.0 + rng.standard_normal((1, WEEKS)) * np.ones((BOOKS, 1))) for n in range(300)
    }
    many = (Trial("a", 168, True, ""), *(Trial(str(n), 168, False, "") for n in range(5)))
    alone = claims(world("re-levered", less_debt=small), world("fixed", less_debt=small))
    among = claims(
        world("re-levered", less_debt=small, trials=others), world("fixed", less_debt=small), trials=many
    )
    assert alone[BAD_DEBT].verdict == "less bad debt"
    assert among[BAD_DEBT].because == "it does not survive the number of trials"


def column(name: str) -> Column:
    return Column("fragile", "fixed", name, BAD_DEBT)


def test_among_worthless_columns_hardly_any_survives_and_one_of_worth_does() -> None:
    rng = np.random.default_rng(6)
    weekly = {column(str(n)): rng.standard_normal(WEEKS) for n in range(40)}
    weekly[column("good")] = 1.0 + rng.standard_normal(WEEKS)
    assert survivors(weekly, level=0.05, seed=1) == {column("good")}
    assert spa(weekly, seed=1) < 0.01
    del weekly[column("good")]
    assert spa(weekly, seed=1) > 0.05


def test_a_column_that_never_differs_is_not_tested() -> None:
    weekly = {column("same"): np.zeros(WEEKS)}
    assert survivors(weekly, level=0.05, seed=1) == frozenset()
    assert spa(weekly, seed=1) is None


def test_fewer_than_eight_weeks_have_no_interval() -> None:
    assert over_weeks(np.arange(7.0), seed=1) is None
    assert over_weeks(np.ones(8), seed=1) is not None


# ── trials ───────────────────────────────────────────────────────────────────────────────────────


def test_the_record_has_both_horizons_of_decision_0006() -> None:
    trials = load_trials()
    assert replayed_besides(trials, 168) == (24,)
    assert replayed_besides(trials, 24) == (168,)


def test_what_cannot_be_replayed_takes_its_share_of_the_level() -> None:
    """Two of six are replayed: a third of 5 % is left."""
    assert level_left(load_trials(), 168, level=0.05) == pytest.approx(0.05 / 3)
    assert level_left((), 168, level=0.05) == 0.05


@pytest.mark.parametrize(
    "text",
    [
        "",
        "trial = 3 4",
        "[[trial]]\nname = 'a'",
        "[[trial]]\nname = 1\nhorizon_hours = 1\nreplayed = true\nwhy = ''",
    ],
)
def test_a_record_that_cannot_be_read_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "trials.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"trials\.toml"):
        load_trials(path)


def test_a_record_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no record of trials"):
        load_trials(tmp_path / "none.toml")


# ── windows ──────────────────────────────────────────────────────────────────────────────────────


def test_bad_months_are_apart_and_those_without_prices_are_left_out() -> None:
    begin = month(2020, 1)[0]
    windows = windows_of(range(begin, month(2022, 8)[0], WEEK_SECONDS))
    assert [w.name.split(" (")[0] for w in windows] == [
        WHOLE_SPAN, "without last-known spans", "March 2020", "May 2021", "June 2022"
    ]  # fmt: skip
    assert [w.marked for w in windows] == [True, False, False, True, True]
    assert all(4 <= w.weeks.sum() <= 5 for w in windows[2:])


def test_december_ends_with_the_year() -> None:
    assert month(2020, 12)[1] == month(2021, 1)[0]
