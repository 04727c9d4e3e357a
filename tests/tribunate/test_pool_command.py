"""``tribunate pool``: the sample, a market of one's own, and what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from tribunate.cli import app
from tribunate.pool_file import read_market

PAGE = Path(__file__).resolve().parents[2] / "docs" / "pool.md"
QUICK = ["--paths", "20", "--hours", "24"]


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["pool", *arguments])


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """The files of docs/pool.md."""
    text = PAGE.read_text()
    market, accounts = tmp_path / "market.toml", tmp_path / "accounts.csv"
    market.write_text(re.findall(r"```toml\n(.*?)```", text, re.DOTALL)[0])
    accounts.write_text(re.findall(r"```csv\n(.*?)```", text, re.DOTALL)[0])
    return market, accounts


def test_the_sample_says_routes_and_mechanics() -> None:
    answer = invoke(*QUICK, "--accounts-drawn", "300")
    assert answer.exit_code == 0, answer.output
    assert re.search(r"routes: \d+ of 300 accounts that owe are sorted", answer.output)
    for mechanic in ("price impact", "oracle lag", "looping", "liquidity freeze", "gas"):
        assert mechanic in answer.output


def test_json_is_one_object_and_the_same_twice() -> None:
    first = invoke(*QUICK, "--accounts-drawn", "200", "--json")
    second = invoke(*QUICK, "--accounts-drawn", "200", "--json")
    assert first.output == second.output
    record = json.loads(first.output)
    figures = record["figures"]
    assert figures["sorted_accounts"] + figures["listed_accounts"] + figures["idle_accounts"] == 200
    assert set(figures["by_asset"]) >= {"WETH", "USDC"}
    assert {part["mechanic"] for part in record["mechanics"]} >= {"price impact", "interest", "top-ups"}


def test_without_mechanics_there_is_one_run() -> None:
    record = json.loads(invoke(*QUICK, "--accounts-drawn", "100", "--no-mechanics", "--json").output)
    assert record["mechanics"] == []


def test_the_page_and_the_rows_are_written(files: tuple[Path, Path], tmp_path: Path) -> None:
    market, accounts = files
    page, rows = tmp_path / "pool.html", tmp_path / "rows.parquet"
    own = ("--market", str(market), "--accounts", str(accounts))
    answer = invoke(*QUICK, *own, "--html", str(page), "--export", str(rows))
    assert answer.exit_code == 0, answer.output
    text = page.read_text()
    assert text.index("In a bad day") < text.index("The pool in figures")
    for account in ("0x1", "0x2", "0x3"):
        assert f">{account}</" in text, "accounts go by their names in the file"
    table = pq.read_table(rows)
    assert table.num_rows == 20
    assert "bad_debt:WETH" in table.column_names


def test_both_ends_of_behaviour_are_printed_and_in_the_object() -> None:
    arguments = (*QUICK, "--accounts-drawn", "100", "--no-mechanics", "--sweep", "--threshold-up", "100")
    text = invoke(*arguments).output
    for setting in ("nobody looks", "all look at every step", "nobody leaves", "hazard of 5 a year"):
        assert setting in text
    ends = json.loads(invoke(*arguments, "--json").output)["sweep"]["ends"]
    assert [end["behaviour"] for end in ends[::2]] == ["attention", "leaving", "looping", "re-levering"]
    assert [end["behaviour"] for end in ends[1::2]] == ["attention", "leaving", "looping", "re-levering"]


def test_an_object_without_a_sweep_has_none() -> None:
    record = json.loads(invoke(*QUICK, "--accounts-drawn", "50", "--no-mechanics", "--json").output)
    assert "sweep" not in record


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--threshold-up", "100"), "--threshold-up needs --sweep"),
        (("--export", "rows.xlsx"), "rows.xlsx"),
        (("--export", "rows"), "--export was rows"),
        (("--sweep", "--threshold-up", "2000"), "thresholds were to rise by 2000"),
    ],
)
def test_what_cannot_be_asked_for(arguments: tuple[str, ...], message: str) -> None:
    answer = invoke(*QUICK, "--accounts-drawn", "20", *arguments)
    assert answer.exit_code != 0
    assert message in str(answer.exception)


def test_the_files_of_the_documentation_work(files: tuple[Path, Path]) -> None:
    market, accounts = files
    answer = invoke(*QUICK, "--market", str(market), "--accounts", str(accounts), "--json")
    assert answer.exit_code == 0, answer.output
    record = json.loads(answer.output)
    assert record["figures"]["sorted_accounts"] == 3
    given = read_market(market, accounts)
    assert given.book.debt.sum() == 428_000
    assert given.terms.assets[0].deviation_bps == 50
    assert given.book.kind.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("threshold_bps = 8300", "threshold_bps = 83.0", "assets.0.threshold_bps"),
        ("ltv_bps = 8050", "ltv_bps = 8400", "LTV 8400"),
        ("price_usd = 2000.0", "price_usd = -1.0", "assets.0.price_usd"),
        ('rule = "aave-3.3"', 'rule = "aave-9"', "rule"),
        ('name = "USDC"', 'name = "WETH"', "two assets have one name"),
        ("gas_usd = 20.0", "gass_usd = 20.0", "liquidators.gass_usd"),
        ("step_seconds = 3600", "step_seconds = ", "is not TOML"),
    ],
)
def test_a_market_that_cannot_be(files: tuple[Path, Path], old: str, new: str, message: str) -> None:
    market, accounts = files
    market.write_text(market.read_text().replace(old, new))
    with pytest.raises(Exception, match=re.escape(message)):
        read_market(market, accounts)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("debt:USDC", "debt:DAI", "debt:DAI"),
        ("12000.0", "many", "line 2: debt:USDC is no number"),
        ("12000.0", "-5", "debt was negative"),
        ("passive", "asleep", "kind 'asleep'"),
    ],
)
def test_accounts_that_cannot_be(files: tuple[Path, Path], old: str, new: str, message: str) -> None:
    market, accounts = files
    accounts.write_text(accounts.read_text().replace(old, new))
    with pytest.raises(Exception, match=re.escape(message)):
        read_market(market, accounts)


def test_no_accounts(files: tuple[Path, Path]) -> None:
    market, accounts = files
    accounts.write_text("account,debt:USDC\n")
    with pytest.raises(Exception, match="no accounts"):
        read_market(market, accounts)


@pytest.mark.parametrize("arguments", [["--market", "x.toml"], ["--accounts", "x.csv"]])
def test_a_market_without_its_accounts(arguments: list[str]) -> None:
    answer = invoke(*arguments)
    assert answer.exit_code != 0
    assert "go together" in str(answer.exception)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=re.escape("market.toml cannot be read")):
        read_market(tmp_path / "market.toml", tmp_path / "accounts.csv")
