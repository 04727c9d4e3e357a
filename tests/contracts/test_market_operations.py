"""Supply, withdraw, borrow, repay, liquidate, interest: against hand-made numbers and core."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from web3.contract.contract import Contract

from contracts.artifacts import load_any_artifact
from core.errors import GovernanceError
from core.lending import LiquidationRules, liquidate
from core.market import Parameters
from core.position import Position
from core.units import PRICE_ONE, WAD, Bps
from governance.client import ChainClient
from governance.devchain.chain import Genesis
from governance.rehearsal import DAY, ETHER, GENESIS_TIME, USD, known_key
from tests.chains import open_chain

OWNER, LENDER, BORROWER, LIQUIDATOR = (
    known_key(name) for name in ("deployer", "lender", "borrower", "liquidator")
)
PARAMETERS = Parameters(Bps(70_00), Bps(75_00), Bps(5_00), 100 * ETHER, 500_000 * USD)
YEAR = 365 * DAY


class Market:
    """A fresh market with 1 000 000 USDC supplied and a borrower with 10 WETH at 2 000 USD."""

    def __init__(self, client: ChainClient) -> None:
        self.client = client
        weth = client.deploy(OWNER, "DemoToken", OWNER.address, "Wrapped Ether", "WETH", 18)
        usdc = client.deploy(OWNER, "DemoToken", OWNER.address, "USD Coin", "USDC", 6)
        oracle = client.deploy(
            OWNER, "DemoOracle", OWNER.address, OWNER.address, 2_000 * PRICE_ONE, GENESIS_TIME
        )
        values = tuple(PARAMETERS.as_dict().values())
        made = client.deploy(OWNER, "DemoLendingMarket", OWNER.address, weth, usdc, oracle, 50_00, values)
        self.weth, self.usdc = client.contract("DemoToken", weth), client.contract("DemoToken", usdc)
        self.oracle, self.made = (
            client.contract("DemoOracle", oracle),
            client.contract("DemoLendingMarket", made),
        )
        self.give(self.weth, BORROWER, 200 * ETHER)
        for person in (LENDER, LIQUIDATOR, BORROWER):
            self.give(self.usdc, person, 1_000_000 * USD)
        self.do(LENDER, "supply", 1_000_000 * USD)
        self.do(BORROWER, "supplyCollateralFor", BORROWER.address, 10 * ETHER)

    def give(self, token: Contract, person: object, amount: int) -> None:
        self.client.send(OWNER, token.functions.mint(person.address, amount))
        self.client.send(person, token.functions.approve(self.made.address, 2**256 - 1))

    def do(self, person: object, name: str, *arguments: object) -> None:
        self.client.send(person, self.made.functions[name](*arguments))

    def ask(self, name: str, *arguments: object) -> object:
        return self.client.call(self.made.functions[name](*arguments))

    def price(self, dollars: int) -> None:
        self.client.send(OWNER, self.oracle.functions.report(dollars * PRICE_ONE, GENESIS_TIME))

    def balance(self, token: Contract, person: object) -> int:
        return int(self.client.call(token.functions.balanceOf(person.address)))


@pytest.fixture(scope="module")
def market_chain() -> Iterator[Market]:
    keys = [OWNER, LENDER, BORROWER, LIQUIDATOR]
    balances = {bytes.fromhex(key.address[2:]): 10**3 * ETHER for key in keys}
    with open_chain(Genesis(GENESIS_TIME, balances)) as chain:
        yield Market(ChainClient(chain.url, artifacts=load_any_artifact))


@pytest.fixture
def market(market_chain: Market) -> Iterator[Market]:
    snapshot = market_chain.client.request("evm_snapshot")
    yield market_chain
    market_chain.client.request("evm_revert", snapshot)


# ---- supply and withdraw


def test_the_first_supplier_gets_one_share_per_unit(market: Market) -> None:
    assert market.ask("sharesOf", LENDER.address) == 1_000_000 * USD


def test_a_supplier_withdraws_what_it_supplied(market: Market) -> None:
    market.do(LENDER, "withdraw", 400_000 * USD)
    assert market.balance(market.usdc, LENDER) == 400_000 * USD


def test_withdrawing_more_than_supplied_reverts(market: Market) -> None:
    with pytest.raises(GovernanceError, match="NotEnoughCash"):
        market.do(LENDER, "withdraw", 1_000_001 * USD)


def test_withdrawing_anothers_supply_reverts(market: Market) -> None:
    with pytest.raises(GovernanceError, match="NotEnoughSupplied"):
        market.do(BORROWER, "withdraw", 1)


def test_withdrawing_lent_cash_reverts(market: Market) -> None:
    market.do(BORROWER, "borrow", 14_000 * USD)
    with pytest.raises(GovernanceError, match="NotEnoughCash"):
        market.do(LENDER, "withdraw", 990_000 * USD)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("supply", (0,)), ("withdraw", (0,)), ("borrow", (0,)), ("withdrawCollateral", (0,))],
)
def test_nothing_reverts(market: Market, name: str, arguments: tuple[int, ...]) -> None:
    with pytest.raises(GovernanceError, match="ZeroAmount"):
        market.do(BORROWER, name, *arguments)


# ---- collateral


def test_anyone_may_supply_collateral_for_another(market: Market) -> None:
    market.do(BORROWER, "supplyCollateralFor", LENDER.address, 3 * ETHER)
    assert market.ask("collateralOf", LENDER.address) == 3 * ETHER
    assert market.ask("totalCollateral") == 13 * ETHER


def test_collateral_above_the_supply_cap_reverts(market: Market) -> None:
    market.do(BORROWER, "supplyCollateralFor", BORROWER.address, 90 * ETHER)
    with pytest.raises(GovernanceError, match="CapExceeded"):
        market.do(BORROWER, "supplyCollateralFor", BORROWER.address, 1)


def test_collateral_that_a_debt_needs_stays(market: Market) -> None:
    market.do(BORROWER, "borrow", 7_000 * USD)  # needs 5 WETH at 70.00 %
    with pytest.raises(GovernanceError, match="NotEnoughCollateral"):
        market.do(BORROWER, "withdrawCollateral", 5 * ETHER)  # interest since then
    market.do(BORROWER, "withdrawCollateral", 49 * ETHER // 10)
    assert market.ask("collateralOf", BORROWER.address) == 51 * ETHER // 10


# ---- borrow and repay


def test_borrowing_to_the_ltv_is_allowed(market: Market) -> None:
    market.do(BORROWER, "borrow", 14_000 * USD)  # 10 WETH x 2 000 x 70.00 %
    assert market.balance(market.usdc, BORROWER) == 1_014_000 * USD
    assert market.ask("debtOf", BORROWER.address) == 14_000 * USD


def test_borrowing_one_unit_more_reverts(market: Market) -> None:
    with pytest.raises(GovernanceError, match="NotEnoughCollateral"):
        market.do(BORROWER, "borrow", 14_000 * USD + 1)


def test_borrowing_above_the_cap_reverts(market: Market) -> None:
    market.do(BORROWER, "supplyCollateralFor", BORROWER.address, 90 * ETHER)
    market.price(10_000)
    with pytest.raises(GovernanceError, match="CapExceeded"):
        market.do(BORROWER, "borrow", 500_000 * USD + 1)
    market.do(BORROWER, "borrow", 500_000 * USD)


def test_repaying_all_forgets_the_borrower(market: Market) -> None:
    market.do(BORROWER, "borrow", 14_000 * USD)
    assert [row[0] for row in market.ask("borrowers", 0, 10)] == [BORROWER.address]
    market.do(BORROWER, "repay", BORROWER.address, 2**255)
    assert market.ask("debtOf", BORROWER.address) == 0
    assert market.ask("borrowers", 0, 10) == []


def test_repaying_part_leaves_the_rest(market: Market) -> None:
    market.do(BORROWER, "borrow", 14_000 * USD)
    market.do(BORROWER, "repay", BORROWER.address, 4_000 * USD)
    assert 10_000 * USD <= market.ask("debtOf", BORROWER.address) < 10_001 * USD


def test_repaying_nothing_owed_reverts(market: Market) -> None:
    with pytest.raises(GovernanceError, match="ZeroAmount"):
        market.do(LENDER, "repay", LENDER.address, 1)


def test_pages_of_borrowers(market: Market) -> None:
    market.do(BORROWER, "borrow", USD)
    assert len(market.ask("borrowers", 0, 1)) == 1
    assert market.ask("borrowers", 1, 1) == []


# ---- liquidation


def liquidation(market: Market) -> tuple[int, int, int]:
    """What a call would do now, without doing it."""
    function = market.made.functions.liquidate(BORROWER.address)
    return tuple(market.client.call(function, sender=LIQUIDATOR.address))


def by_core(market: Market, dollars: int) -> tuple[int, int, int]:
    rules = LiquidationRules(PARAMETERS.liquidation_threshold_bps, PARAMETERS.liquidation_bonus_bps)
    position = Position("b", 10 * ETHER, market.ask("debtOf", BORROWER.address))
    call = liquidate(position, price=dollars * PRICE_ONE, rules=rules)
    assert call is not None
    return call.repaid, call.seized, call.bad_debt


@pytest.mark.parametrize("dollars", [1_850, 1_700, 1_480, 1_400, 700, 1])
def test_liquidation_is_cores(market: Market, dollars: int) -> None:
    market.do(BORROWER, "borrow", 14_000 * USD)
    market.price(dollars)
    assert liquidation(market) == by_core(market, dollars)


def test_half_the_debt_is_closed_while_health_is_near_one(market: Market) -> None:
    market.do(BORROWER, "borrow", 14_000 * USD)
    market.price(1_850)  # 18 500 x 0.75 / 14 000 = 0.991
    repaid, seized, bad = liquidation(market)
    assert 7_000 * USD <= repaid < 7_001 * USD
    assert (seized, bad) == (repaid * 10**12 * 105 // 100 // 1_850, 0)


def test_all_the_debt_is_closed_below_095(market: Market) -> None:
    market.do(BORROWER, "borrow", 14_000 * USD)
    market.price(1_700)  # 17 000 x 0.75 / 14 000 = 0.911
    market.do(LIQUIDATOR, "liquidate", BORROWER.address)
    assert market.ask("debtOf", BORROWER.address) == 0
    assert market.balance(market.weth, LIQUIDATOR) == 10 * ETHER - market.ask(
        "collateralOf", BORROWER.address
    )


def test_bad_debt_is_written_off_against_suppliers(market: Market) -> None:
    market.do(BORROWER, "borrow", 14_000 * USD)
    market.price(1_000)
    supply = market.ask("marketState")[3]
    market.do(LIQUIDATOR, "liquidate", BORROWER.address)
    state = market.ask("marketState")
    bad = state[6]
    assert 14_000 * USD - 10_000 * USD * 100 // 105 <= bad < 4_477 * USD  # 14 000 - 9 523.81, and interest
    assert supply - bad <= state[3] < supply - bad + USD  # reserves are next to nothing
    assert market.ask("collateralOf", BORROWER.address) == 0
    assert market.ask("borrowers", 0, 10) == []


def test_a_healthy_position_cannot_be_liquidated(market: Market) -> None:
    market.do(BORROWER, "borrow", 14_000 * USD)
    with pytest.raises(GovernanceError, match="Healthy"):
        market.do(LIQUIDATOR, "liquidate", BORROWER.address)


def test_an_account_without_debt_cannot_be_liquidated(market: Market) -> None:
    with pytest.raises(GovernanceError, match="Healthy"):
        market.do(LIQUIDATOR, "liquidate", LENDER.address)


# ---- interest


def test_interest_grows_with_the_kinked_rate(market: Market) -> None:
    market.price(10_000)
    market.do(BORROWER, "supplyCollateralFor", BORROWER.address, 90 * ETHER)
    market.do(BORROWER, "borrow", 450_000 * USD)
    start = market.client.timestamp()
    market.client.request("evm_mine", start + YEAR)
    # use 45 %: 4 % x 45 / 90 = 2 % a year, simple within one accrual
    assert abs(market.ask("debtOf", BORROWER.address) - 459_000 * USD) <= 1
    _, _, _, supply, borrow, reserves, *_ = market.ask("marketState")
    assert abs(reserves - 900 * USD) <= USD  # a tenth of 9 000
    assert abs(supply - 1_008_100 * USD) <= USD
    assert abs(borrow - 459_000 * USD) <= 1


def test_cash_and_borrow_cover_supply_and_reserves(market: Market) -> None:
    market.do(BORROWER, "borrow", 13_333 * USD + 7)
    for step in range(5):
        market.client.advance(40 * DAY + step)
        market.do(BORROWER, "repay", BORROWER.address, 1_001 * USD + step)
        _, _, _, supply, borrow, reserves, *_ = market.ask("marketState")
        cash = market.client.call(market.usdc.functions.balanceOf(market.made.address))
        assert 0 <= cash + borrow - supply - reserves <= 10 * (step + 1)


def test_utilisation_rounds_up(market: Market) -> None:
    market.do(BORROWER, "borrow", 1)
    utilisation, borrow = market.ask("borrowState")
    assert (utilisation, borrow) == (1, 1)


# ---- set-up


def test_positions_opened_by_the_owner_need_health(market: Market) -> None:
    market.give(market.weth, OWNER, 20 * ETHER)
    with pytest.raises(GovernanceError, match="NotEnoughCollateral"):
        market.do(OWNER, "openPositions", [(LENDER.address, 10 * ETHER, 15_001 * USD)])
    market.do(OWNER, "openPositions", [(LENDER.address, 10 * ETHER, 15_000 * USD)])
    assert market.ask("healthFactor", LENDER.address) == WAD


def test_only_the_owner_opens_positions(market: Market) -> None:
    with pytest.raises(GovernanceError, match="OwnableUnauthorizedAccount"):
        market.do(BORROWER, "openPositions", [(LENDER.address, ETHER, USD)])
