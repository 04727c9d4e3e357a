"""A pool's report: parts of the worst paths by hand, the ladder, behaviour at both ends, and the page.

The market by hand: 1 ETH at 2,000 USD (threshold 80 %, bonus 5 %) owes 1,500; 0.1 BTC at 40,000 (70 %, 10 %)
owes 1,000.  On one path of forty, exactly the worst 2.5 %, ETH falls to 1,000: all of it repays 1,000 / 1.05.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from core.errors import SimulationError
from core.pool.account import Kind, PoolAccount
from core.pool.terms import Drought, LiquidationRule, PoolAsset, PoolTerms
from simulations.pool.arrays import PoolBook, book_of
from simulations.pool.attribution import Attribution, attribution, bonus_of, worst_paths
from simulations.pool.face import PoolOutcome, run_pool
from simulations.pool.figures import contributions, lost_of, pool_figures
from simulations.pool.ladder import ladder_of
from simulations.pool.rows import rows_table
from simulations.pool.sweep import raised, sweep_of, sweep_text
from simulations.statistics.tail import Estimate, expected_shortfall
from simulations.studies.document import cell_of, is_figure
from simulations.studies.pool_page import LEFT_OUT, PoolReport, pool_page, pool_sections, pool_verdict
from simulations.studies.svg import percent

DOCS = Path(__file__).resolve().parents[2] / "docs" / "pool.md"
ETH = PoolAsset("ETH", threshold_bps=80_00, ltv_bps=75_00, bonus_bps=5_00, depth_usd=Decimal(10_500_000))
BTC = PoolAsset("BTC", threshold_bps=70_00, ltv_bps=65_00, bonus_bps=10_00, depth_usd=Decimal(5_500_000))
USDC = PoolAsset("USDC", threshold_bps=80_00, ltv_bps=75_00, bonus_bps=5_00)
POOL = PoolTerms((ETH, BTC, USDC), step_seconds=3600)
ZERO = Decimal(0)
IN_ETH = PoolAccount((Decimal(1), ZERO, ZERO), (ZERO, ZERO, Decimal(1_500)))
IN_BTC = PoolAccount((ZERO, Decimal("0.1"), ZERO), (ZERO, ZERO, Decimal(1_000)))
BOOK = book_of([IN_ETH, IN_BTC])
LOST = 1_500 - 1_000 / 1.05


def quiet(paths: int = 40) -> np.ndarray:
    """Prices of shape (path, 2, asset) that stand still."""
    return np.tile(np.array([2_000.0, 40_000.0, 1.0]), (paths, 2, 1))


def with_crash(to: float = 1_000.0) -> np.ndarray:
    prices = quiet()
    prices[7, 1, 0] = to
    prices[3, 1, 1] = 39_000.0
    return prices


def parts_of(book: PoolBook, prices: np.ndarray, terms: PoolTerms = POOL) -> tuple[PoolOutcome, Attribution]:
    whole = run_pool(book, prices, terms=terms)
    return whole, attribution(book, prices, terms, whole=whole)


def test_parts_by_collateral_by_hand() -> None:
    whole, found = parts_of(BOOK, with_crash())
    assert worst_paths(whole).paths.tolist() == [7]
    eth, btc, usdc = found.assets
    assert eth.bad_debt.value == pytest.approx(LOST, rel=1e-4)
    assert eth.spared.value == pytest.approx(LOST, rel=1e-4), "with ETH still there is no crash"
    assert (btc.bad_debt.value, usdc.bad_debt.value, found.uncovered.value) == (0, 0, 0)
    assert (btc.spared.value, usdc.spared.value) == (0, 0)
    assert found.liquidated.value == pytest.approx(1_000, rel=1e-4)
    assert found.bonus.value == pytest.approx(1_000 - 1_000 / 1.05, rel=1e-3)


def test_accounts_are_left_out_one_by_one() -> None:
    found = parts_of(BOOK, with_crash())[1].accounts
    assert [part.account for part in found] == ["account 0", "account 1"]
    assert [part.debt_usd for part in found] == [1_500, 1_000]
    assert [part.health for part in found] == pytest.approx([1_600 / 1_500, 2_800 / 1_000])
    assert [part.spared.value for part in found] == pytest.approx([LOST, 0.0], rel=1e-4)


def test_without_its_only_account_a_pool_loses_nothing() -> None:
    (only,) = parts_of(book_of([IN_ETH]), with_crash())[1].accounts
    assert only.spared.value == pytest.approx(LOST, rel=1e-4)


def test_accounts_without_debt_are_no_suspects() -> None:
    idle = replace(IN_BTC, debt=(ZERO, ZERO, ZERO))
    assert len(parts_of(book_of([IN_ETH, idle]), with_crash())[1].accounts) == 1


def test_parts_add_up_to_the_shortfall_where_the_last_path_counts_in_part() -> None:
    """2.5 % of 100 paths are two and a half: the third counts half."""
    prices = quiet(100)
    prices[[5, 50, 99], 1, 0] = 1_000.0, 1_200.0, 1_100.0
    whole, found = parts_of(BOOK, prices)
    worst = worst_paths(whole)
    assert worst.paths.tolist() == [5, 99, 50]
    assert worst.weights == pytest.approx(np.array([1.0, 1.0, 0.5]) * 3 / 2.5)
    total = sum(part.bad_debt.value for part in found.assets) + found.uncovered.value
    assert total == pytest.approx(expected_shortfall(lost_of(whole), 0.975).value)


def test_without_bad_debt_the_worst_paths_are_those_with_most_liquidated() -> None:
    whole, found = parts_of(BOOK, with_crash(to=1_850.0))
    assert worst_paths(whole).paths.tolist() == [7]
    assert found.assets[0].bad_debt.value == 0
    assert found.liquidated.value == pytest.approx(787.5, rel=1e-3), "half of 1,500 and 5 %"


def test_what_borrowers_pay_when_compound_absorbs() -> None:
    """1 ETH at 1,800 with 1,500 of debt: credited 95 % of 1,800, so 210 come back and 90 are gone."""
    eth = replace(ETH, penalty_bps=5_00, discount_bps=2_00)
    terms = replace(POOL, assets=(eth, BTC, USDC), rule=LiquidationRule.COMET)
    whole = run_pool(BOOK, with_crash(to=1_800.0), terms=terms)
    assert bonus_of(whole, terms)[7] == pytest.approx(90)


def test_the_ladder_by_hand() -> None:
    """ETH's account fails beyond 6.25 %; of depth 10.5 million x 5 / 105 and 5.5 x 10 / 110 sell at once."""
    terms = replace(POOL, drought=Drought(fall_bps=20_00, window_steps=24, depth_bps=50_00))
    found = ladder_of(BOOK, with_crash(), terms)
    assert found.falling == ("ETH", "BTC")
    assert found.still == ("USDC",)
    assert found.debt_usd.tolist() == [0.0, 0.0, *[1_500.0] * 11]
    assert found.sold_usd == pytest.approx([1_000_000.0] * 5 + [500_000.0] * 8)
    assert found.passed_bps is None


def test_the_ladder_names_the_fall_that_liquidators_cannot_serve() -> None:
    thin = [replace(asset, depth_usd=Decimal(10_500)) for asset in (ETH, BTC)]
    found = ladder_of(BOOK, with_crash(), replace(POOL, assets=(*thin, USDC)))
    assert found.sold_usd[0] == pytest.approx(500 + 10_500 / 11)
    assert found.passed_bps == 10_00


def test_endless_depth_is_never_passed() -> None:
    endless = [replace(asset, depth_usd=Decimal("Infinity")) for asset in (ETH, BTC)]
    assert ladder_of(BOOK, with_crash(), replace(POOL, assets=(*endless, USDC))).passed_bps is None


def test_re_levering_is_swept_to_both_ends_by_hand() -> None:
    """At 1,850 half of 1,500 is called.  With 83 % it is healthy, unless debt has gone to 1,556.25 too."""
    prices = quiet()
    prices[:, 1, 0] = 1_850.0
    whole = run_pool(BOOK, prices, terms=POOL)
    found = sweep_of(BOOK, prices, POOL, whole=whole, threshold_up_bps=3_00)
    assert [end.setting for end in found.ends] == [
        "thresholds +3 points, debts stay",
        "thresholds +3 points, debts rise with it",
    ]
    stay, rise = found.ends
    assert stay.lar_95.value == 0
    assert rise.lar_95.value == pytest.approx(1_556.25 / 2 * 1.05, rel=1e-3)
    assert stay.es_975.value == stay.change.value == 0


def test_behaviour_that_a_market_has_is_swept_in_pairs() -> None:
    accounts = [replace(IN_ETH, kind=Kind.TOPS_UP, means_usd=Decimal(5_000), patience=Decimal(1))]
    accounts += [replace(IN_BTC, kind=Kind.LOOPS)]
    book, prices = book_of(accounts), with_crash()
    found = sweep_of(book, prices, POOL, whole=run_pool(book, prices, terms=POOL))
    assert [end.behaviour for end in found.ends] == ["attention"] * 2 + ["leaving"] * 2 + ["looping"] * 2
    nobody, given = found.ends[0], found.ends[-1]
    assert nobody.es_975.value == pytest.approx(LOST, rel=1e-4)
    assert (given.change.value, given.change.low, given.change.high) == (0, 0, 0)
    text = sweep_text(found)
    assert "all look at every step" in text
    assert "not swept: re-levering" in text


def test_behaviour_that_a_market_does_not_have_is_named_as_not_swept() -> None:
    whole = run_pool(BOOK, quiet(), terms=POOL)
    found = sweep_of(BOOK, quiet(), POOL, whole=whole)
    assert found.ends == ()
    assert [reason.split(":")[0] for reason in found.untold] == [
        "attention",
        "leaving",
        "looping",
        "re-levering",
    ]


@pytest.mark.parametrize("by_bps", [0, -1, 20_00])
def test_thresholds_cannot_be_raised_by(by_bps: int) -> None:
    with pytest.raises(SimulationError, match=f"rise by {by_bps} basis points") as refusal:
        raised(POOL, by_bps)
    assert refusal.value.allowed == "1 to 1999"


def test_what_is_no_collateral_stays_none_when_thresholds_rise() -> None:
    terms = replace(POOL, assets=(ETH, BTC, replace(USDC, threshold_bps=0, ltv_bps=0)))
    assert [asset.threshold_bps for asset in raised(terms, 1_00).assets] == [81_00, 71_00, 0]


def test_rows_have_a_line_for_each_path() -> None:
    whole = run_pool(BOOK, with_crash(), terms=POOL)
    table = rows_table(whole, POOL)
    assert table.num_rows == 40
    assert table.column("path").to_pylist() == list(range(40))
    assert table.column("bad_debt:ETH")[7].as_py() == pytest.approx(LOST, rel=1e-4)
    assert table.column("seized:BTC")[7].as_py() == 0


def report_of(prices: np.ndarray, *, name: str = "a market by hand") -> PoolReport:
    whole, tail = parts_of(BOOK, prices)
    return PoolReport(
        origin=name,
        hours=168,
        seed=1,
        book=BOOK,
        terms=POOL,
        prices=prices,
        outcome=whole,
        figures=pool_figures(whole, POOL, accounts=2, steps=2),
        mechanics=contributions(BOOK, prices, POOL, whole=whole),
        tail=tail,
        ladder=ladder_of(BOOK, prices, POOL),
        sweep=sweep_of(BOOK, prices, POOL, whole=whole, threshold_up_bps=1_00),
    )


def test_the_page_says_first_what_a_bad_week_costs_and_who_pays() -> None:
    report = report_of(with_crash())
    page, verdict = pool_page(report), pool_verdict(report)
    assert verdict.headline.startswith("In a bad week (the worst 1 in 40) this pool is left with 548 USD")
    assert verdict.headline.endswith("and lenders pay it.")
    assert any(reason.startswith("ETH as collateral carries the most") for reason in verdict.reasons)
    assert page.index(verdict.headline) < page.index("The pool in figures") < page.index("What this rests on")


def test_the_page_stands_alone_and_is_the_same_twice() -> None:
    page = pool_page(report_of(with_crash()))
    assert page == pool_page(report_of(with_crash()))
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", page)
    assert "<script" not in page
    assert page.count("<svg") == 7


def test_every_section_of_the_page_has_a_sentence_and_numbers() -> None:
    found = pool_sections(report_of(with_crash()))
    assert [section.title for section in found] == [
        "Whose collateral fails",
        "Largest accounts",
        "Debt within reach of a fall",
        "What each mechanic adds to liquidations",
        "What each mechanic adds to bad debt",
        "What borrowers may do",
        "The worst paths",
        "Are there enough paths?",
    ]
    for section in found:
        assert section.sentence.endswith(".")
        assert {len(row) for row in section.rows} == {len(section.head)}


def test_a_pool_that_loses_nothing_says_how_much_may_have_been_missed() -> None:
    verdict = pool_verdict(report_of(with_crash(to=1_850.0)))
    assert verdict.headline == "In a bad week lenders lose nothing: no path leaves bad debt."
    assert "up to 8.76 % of paths" in verdict.reasons[0], "Wilson: 3.84 / (40 + 3.84)"


def test_the_page_escapes_what_a_name_brings() -> None:
    assert "<script>" not in pool_page(report_of(with_crash(), name="<script>alert(1)</script>"))


def test_the_page_leaves_out_what_the_documentation_leaves_out() -> None:
    text = " ".join(DOCS.read_text().split("## What is left out")[1].split("## ")[0].split())
    assert text == " ".join(LEFT_OUT)


@pytest.mark.parametrize(
    "text", ["1,234", "-0.5", "+3", "12 to 15", "3.41 to 7.28 %", "70.00 / 75.00 / 5.00 %"]
)
def test_a_number_stands_to_the_right(text: str) -> None:
    assert is_figure(text)


@pytest.mark.parametrize("text", ["", "now", "0 (no change)", "12 better, 4 worse", "WETH, 12.00 %", "0x12"])
def test_words_stand_to_the_left(text: str) -> None:
    assert not is_figure(text)


def test_a_unit_is_written_once() -> None:
    assert cell_of(Estimate(0.05, 0.0341, 0.0728), percent).interval == "3.41 to 7.28\N{NO-BREAK SPACE}%"
