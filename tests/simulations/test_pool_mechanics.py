"""Each mechanic of the pool by name: what it does, by hand, and that without it the result differs.

Every market here is run by the specification and by both kernels, which must agree before anything is said.
One coin of ETH stands as collateral at 2,000 USD unless a test says otherwise; threshold 80 %, bonus 5 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from core.cascade import RateCurve
from core.errors import SimulationError
from core.pool.account import Kind, PoolAccount
from core.pool.path import PoolResult, replay_pool
from core.pool.terms import (
    Borrowers,
    Drought,
    EMode,
    LiquidationRule,
    Liquidators,
    PoolAsset,
    PoolTerms,
)
from core.units import WAD
from simulations.pool.arrays import book_of
from simulations.pool.face import AMOUNTS, COUNTED, run_pool
from simulations.pool.releverage import re_levered

ETH = PoolAsset("ETH", threshold_bps=80_00, ltv_bps=75_00, bonus_bps=5_00)
BTC = PoolAsset("BTC", threshold_bps=70_00, ltv_bps=65_00, bonus_bps=10_00)
USDC = PoolAsset("USDC", threshold_bps=80_00, ltv_bps=75_00, bonus_bps=5_00)
POOL = PoolTerms((ETH, BTC, USDC), step_seconds=3600)


def account(eth: float = 0, btc: float = 0, *, usdc_debt: float, **rest: object) -> PoolAccount:
    collateral = (Decimal(str(eth)), Decimal(str(btc)), Decimal(0))
    return PoolAccount(collateral, (Decimal(0), Decimal(0), Decimal(str(usdc_debt))), **rest)  # type: ignore[arg-type]


def run(
    accounts: Sequence[PoolAccount], eth: Sequence[float], terms: PoolTerms = POOL, *, btc: float = 40_000
) -> PoolResult:
    prices = [[Decimal(str(price)), Decimal(str(btc)), Decimal(1)] for price in eth]
    wanted = replay_pool(accounts, prices, terms)
    table = np.array([[[float(x) for x in row] for row in prices]])
    for kernel in ("screened", "dense"):
        found = run_pool(book_of(accounts), table, terms=terms, kernel=kernel)  # type: ignore[arg-type]
        for name in (*COUNTED, *AMOUNTS):
            if name != "checked":
                expected = float(getattr(wanted, name))
                assert getattr(found, name)[0] == pytest.approx(expected, rel=1e-9, abs=1e-9), (kernel, name)
    for name in AMOUNTS:
        if name != "checked":
            setattr(wanted, name, round(getattr(wanted, name), 20))
    wanted.seized_by_asset = [round(amount, 20) for amount in wanted.seized_by_asset]
    return wanted


def with_eth(terms: PoolTerms = POOL, **changes: object) -> PoolTerms:
    return replace(terms, assets=(replace(ETH, **changes), BTC, USDC))  # type: ignore[arg-type]


def with_usdc(terms: PoolTerms = POOL, **changes: object) -> PoolTerms:
    return replace(terms, assets=(ETH, BTC, replace(USDC, **changes)))  # type: ignore[arg-type]


# health 1_560 / 1_600 = 0.975 at 1,950: unhealthy, but not below 0.95
SLIGHT = [account(1, usdc_debt=1_600)]


def test_close_factor_half_of_the_debt_while_health_is_above_095() -> None:
    assert run(SLIGHT, [1_950]).repaid == 800
    assert run(SLIGHT, [1_950], replace(POOL, close_factor_bps=30_00)).repaid == 480


def test_close_factor_all_of_the_debt_below_095() -> None:
    found = run(SLIGHT, [1_890])  # health 0.945
    assert found.repaid == 1_600
    assert run(SLIGHT, [1_910]).repaid == 800  # health 0.955


def test_aave_3_3_closes_small_positions_at_once() -> None:
    assert run(SLIGHT, [1_950], replace(POOL, rule=LiquidationRule.AAVE_3_3)).repaid == 1_600
    large = [account(10, usdc_debt=16_000)]
    assert run(large, [1_950], replace(POOL, rule=LiquidationRule.AAVE_3_3)).repaid == 8_000


def test_aave_3_3_takes_half_of_all_debts_not_of_one() -> None:
    # 10 ETH at 1,950 against 12,000 USDC and 0.1 BTC: half of 16,000 is 8,000, half of the USDC 6,000
    both = PoolAccount((Decimal(10), Decimal(0), Decimal(0)), (Decimal(0), Decimal("0.1"), Decimal(12_000)))
    assert run([both], [1_950]).repaid == 6_000
    assert run([both], [1_950], replace(POOL, rule=LiquidationRule.AAVE_3_3)).repaid == 8_000


def test_aave_3_3_leaves_no_dust() -> None:
    # 2,160 of ETH against 2,020
    tight = with_eth(replace(POOL, close_factor_bps=100_00), bonus_bps=5_00)
    position = [account("1.2", usdc_debt=2_020)]  # type: ignore[arg-type]
    terms = replace(tight, rule=LiquidationRule.AAVE_3_3, full_close_below_bps=0)
    slow = replace(terms, liquidators=Liquidators(capital_usd=Decimal(1_500)))
    # capital 1,500 would leave 520 of debt; the call shrinks to what leaves 1,000 on both sides:
    # min(2,020 - 1,000, (2,160 - 1,000) / 1.05) = 1,020
    assert run(position, [1_800], slow).repaid == 1_020
    assert run(position, [1_800], replace(slow, rule=LiquidationRule.AAVE_3_0)).repaid == 1_500


def test_absorb_takes_the_whole_account_and_refunds_what_is_over() -> None:
    comet = with_eth(replace(POOL, rule=LiquidationRule.COMET), penalty_bps=10_00, discount_bps=6_00)
    found = run(SLIGHT, [1_950], comet)
    assert found.liquidated_value == 1_950
    assert found.refunds == Decimal("155")  # 1,950 less 10 % is 1,755, less the debt of 1,600
    assert found.repaid == Decimal("1833")  # buyers pay 1,950 less 6 %
    assert found.fees == Decimal("78")  # 1,833 - 1,600 - 155
    assert run(SLIGHT, [1_950]).refunds == 0


def test_absorb_of_an_account_under_water_is_bad_debt() -> None:
    comet = with_eth(replace(POOL, rule=LiquidationRule.COMET), penalty_bps=10_00, discount_bps=6_00)
    assert run(SLIGHT, [1_500], comet).bad_debt == 190  # 1,600 less 1,410


def test_bonus_decides_what_is_seized_and_what_is_lost() -> None:
    assert run(SLIGHT, [1_950]).liquidated_value == 840
    assert run(SLIGHT, [1_950], with_eth(bonus_bps=10_00)).liquidated_value == 880
    # at 1,575 all 1,575 are seized, 1,500 repaid, 100 are lost
    assert run(SLIGHT, [1_575]).bad_debt == 100


def test_protocol_fee_is_a_share_of_the_bonus() -> None:
    assert run(SLIGHT, [1_950], with_eth(fee_bps=10_00)).fees == 4  # of 40
    assert run(SLIGHT, [1_950]).fees == 0


def test_dust_is_not_worth_the_gas() -> None:
    dust = [account("0.01", usdc_debt=16)]  # type: ignore[arg-type]
    gas = replace(POOL, liquidators=Liquidators(gas_usd=Decimal(5)))
    assert run(dust, [1_950]).liquidations == 1
    found = run(dust, [1_950], gas)
    assert (found.liquidations, found.passed_over) == (0, 1)
    assert run(SLIGHT, [1_950], gas).gas == 5  # 40 of bonus pays for 5 of gas


def test_fee_can_make_a_call_unprofitable() -> None:
    gas = replace(POOL, liquidators=Liquidators(gas_usd=Decimal(38)))
    assert run(SLIGHT, [1_950], gas).liquidations == 1
    assert run(SLIGHT, [1_950], with_eth(gas, fee_bps=10_00)).liquidations == 0


def test_price_impact_makes_the_second_liquidator_walk_away() -> None:
    pair = [account(1, usdc_debt=1_600), account(1, usdc_debt=1_590)]
    assert run(pair, [1_950]).liquidations == 2
    # 840 sold into 10,000 is 8.4 %, more than the bonus
    assert run(pair, [1_950], with_eth(depth_usd=Decimal(10_000))).liquidations == 1


def test_price_impact_moves_the_next_price() -> None:
    # the sale of 840 into 21,000 leaves 4 % x 0.8 of impact: at 2,020 the price is 1,955.36, and the
    # second account (healthy above 1,987.5) falls
    pair = [account(1, usdc_debt=1_610), account(1, usdc_debt=1_590)]
    deep, thin = POOL, with_eth(depth_usd=Decimal(21_000))
    assert run(pair, [1_990, 2_020], deep).liquidations == 1
    assert run(pair, [1_990, 2_020], thin).liquidations > 1


def test_impact_decays() -> None:
    pair = [account(1, usdc_debt=1_610), account(1, usdc_debt=1_590)]
    thin = with_eth(depth_usd=Decimal(21_000))
    assert run(pair, [1_990, 2_020], replace(thin, resilience=0)).liquidations == 1
    assert run(pair, [1_990, 2_020], replace(thin, resilience=WAD)).liquidations > 1


def test_e_mode_has_its_own_threshold_and_bonus() -> None:
    terms = replace(POOL, modes=(EMode(frozenset({0}), 93_00, 90_00, 1_00),))
    assert run(SLIGHT, [1_950], terms).liquidations == 1
    inside = [account(1, usdc_debt=1_600, mode=1)]
    assert run(inside, [1_950], terms).liquidations == 0
    assert run(inside, [1_700], terms).liquidated_value == 808  # 93 % of 1,700 is 1,581; 800 x 1.01


def test_e_mode_holds_only_for_its_assets() -> None:
    terms = replace(POOL, modes=(EMode(frozenset({1}), 93_00, 90_00, 1_00),))
    assert run([account(1, usdc_debt=1_600, mode=1)], [1_950], terms).liquidations == 1


LOOPER = [account(2, usdc_debt=1_000, kind=Kind.LOOPS)]  # health 3.2 at 2,000
LOOPS = replace(POOL, borrowers=Borrowers(attention_steps=1, loop_above=Decimal(2), looped=Decimal(2)))


def test_loopers_borrow_until_health_has_come_down() -> None:
    # 3,200 + 0.8 b = 2 (1,000 + b): b = 1,000
    assert run(LOOPER, [2_000], LOOPS).borrowed == 1_000
    assert run(LOOPER, [2_000]).borrowed == 0


def test_loopers_stop_at_their_ltv() -> None:
    # aim 1.01 would be b = (3,200 - 1,010) / (1.01 - 0.8) = 10,428; LTV: (3,000 - 1,000) / 0.25 = 8,000
    bold = replace(
        POOL, borrowers=Borrowers(attention_steps=1, loop_above=Decimal(2), looped=Decimal("1.01"))
    )
    assert run(LOOPER, [2_000], bold).borrowed == 8_000
    tighter = with_eth(bold, ltv_bps=60_00)
    assert run(LOOPER, [2_000], tighter).borrowed == 3_500  # (2,400 - 1,000) / 0.4


def test_borrow_cap_stops_loopers() -> None:
    assert run(LOOPER, [2_000], with_usdc(LOOPS, borrow_cap=Decimal(1_400))).borrowed == 400


def test_supply_cap_stops_loopers_and_defenders() -> None:
    assert run(LOOPER, [2_000], with_eth(LOOPS, supply_cap=Decimal("2.25"))).borrowed == 500
    full = with_eth(DEFENDED, supply_cap=Decimal(1))
    assert run([defender(Kind.TOPS_UP)], [2_100], full).added == 0


def test_isolation_ceiling_stops_loopers() -> None:
    # the account's own 1,000 are isolated debt already
    assert run(LOOPER, [2_000], with_eth(LOOPS, isolation_ceiling_usd=Decimal(1_300))).borrowed == 300


def test_an_account_with_two_collaterals_is_not_isolated() -> None:
    mixed = [replace(LOOPER[0], collateral=(Decimal(2), Decimal("0.0001"), Decimal(0)))]
    found = run(mixed, [2_000], with_eth(LOOPS, isolation_ceiling_usd=Decimal(1_300)))
    # its 1,000 are not counted: the ceiling leaves 1,300, its own aim (3,202.8 - 2,000) / 1.2
    assert found.borrowed == pytest.approx(Decimal(1_002 + 1 / 3), rel=Decimal("1e-9"))


def test_interest_follows_the_kinked_curve() -> None:
    # utilisation 1,000 / 1,250 = 80 %, below the kink of 90 %: 4 % x 8 / 9 a year
    rates = with_usdc(supply=Decimal(1_250), rates=RateCurve())
    year = replace(rates, step_seconds=365 * 24 * 3600)
    quiet = [account(1, usdc_debt=1_000)]
    assert float(run(quiet, [2_000], year).interest) == pytest.approx(1_000 * 0.04 * 8 / 9)
    # utilisation 100 %: 4 % + 75 %
    full = with_usdc(year, supply=Decimal(1_000), rates=RateCurve())
    assert float(run(quiet, [2_000], full).interest) == pytest.approx(790)


def test_interest_alone_can_make_an_account_unhealthy() -> None:
    rates = with_usdc(replace(POOL, step_seconds=365 * 24 * 3600), supply=Decimal(2_000), rates=RateCurve())
    close = [account(1, usdc_debt=1_590)]
    assert run(close, [2_000], rates).liquidations == 1
    assert run(close, [2_000]).liquidations == 0


def test_capital_limits_what_is_repaid_in_a_step() -> None:
    poor = replace(POOL, liquidators=Liquidators(capital_usd=Decimal(500)))
    assert run(SLIGHT, [1_950], poor).repaid == 500
    two = [*SLIGHT, account(1, usdc_debt=1_590)]
    found = run(two, [1_950], poor)
    assert (found.liquidations, found.passed_over, found.repaid) == (1, 1, 500)


def test_capital_comes_back_as_it_is_recycled() -> None:
    # 500, then half of what is tied up: 250, then 125 + 62.5 + ...
    half = replace(POOL, liquidators=Liquidators(capital_usd=Decimal(500), recycled_bps=50_00))
    whole = replace(POOL, liquidators=Liquidators(capital_usd=Decimal(500)))
    deep = [account(1, usdc_debt=1_700)]  # 0.918: all may be closed
    assert run(deep, [1_950, 1_950], half).repaid == 750
    assert run(deep, [1_950, 1_950], whole).repaid == 1_000


def test_late_liquidators_miss_a_short_fall() -> None:
    late = replace(POOL, liquidators=Liquidators(delay_steps=1))
    assert run(SLIGHT, [2_100, 1_950, 2_100]).liquidations == 1
    assert run(SLIGHT, [2_100, 1_950, 2_100], late).liquidations == 0
    assert run(SLIGHT, [2_100, 1_950, 1_950], late).liquidations == 1


def test_late_liquidators_pay_for_a_long_fall() -> None:
    late = replace(POOL, liquidators=Liquidators(delay_steps=2))
    fall = [2_100, 1_900, 1_700, 1_500]
    assert run(SLIGHT, fall).bad_debt == 0
    assert run(SLIGHT, fall, late).bad_debt > 0


def test_oracle_deviation_hides_a_small_move() -> None:
    # 2,000 to 1,950 is 2.5 %: an oracle that waits for 3 % still says 2,000
    slow = with_eth(deviation_bps=3_00, heartbeat_steps=100)
    assert run(SLIGHT, [2_010, 1_951], slow).liquidations == 0
    assert run(SLIGHT, [2_010, 1_951]).liquidations == 1
    assert run(SLIGHT, [2_010, 1_900], slow).liquidations == 1


def test_oracle_heartbeat_ends_the_silence() -> None:
    slow = with_eth(deviation_bps=3_00, heartbeat_steps=3)
    assert run(SLIGHT, [2_010, 1_951, 1_951], slow).liquidations == 0
    assert run(SLIGHT, [2_010, 1_951, 1_951, 1_951], slow).liquidations == 1


def test_a_lagging_oracle_takes_the_liquidators_profit() -> None:
    # the oracle says 1,950, the market 1,850: 840 by the oracle's price are worth 796.9, less than 800
    slow = with_eth(deviation_bps=6_00, heartbeat_steps=100)
    assert run(SLIGHT, [1_950, 1_850], slow).liquidations == 1  # the first step alone
    later = replace(slow, liquidators=Liquidators(delay_steps=1))
    found = run(SLIGHT, [1_950, 1_850], later)
    assert (found.liquidations, found.passed_over) == (0, 1)


DEFENDED = replace(
    POOL, borrowers=Borrowers(attention_steps=1, alert=Decimal("1.1"), restored=Decimal("1.2"))
)


def defender(kind: Kind, means: int = 10_000, phase: int = 0) -> PoolAccount:
    return account(1, usdc_debt=1_600, kind=kind, means_usd=Decimal(means), phase=phase)


def test_borrowers_top_up_before_they_are_liquidated() -> None:
    # at 2,100 health is 1.05: (1.2 x 1,600 - 1,680) / 0.8 = 300 of ETH are missing
    found = run([defender(Kind.TOPS_UP)], [2_100, 1_950], DEFENDED)
    assert found.liquidations == 0
    assert run([defender(Kind.TOPS_UP)], [2_100], DEFENDED).added == 300
    assert run([defender(Kind.PASSIVE)], [2_100, 1_950], DEFENDED).liquidations == 1


def test_top_ups_end_with_the_means() -> None:
    assert run([defender(Kind.TOPS_UP, means=50)], [2_100], DEFENDED).added == 50


def test_borrowers_repay_before_they_are_liquidated() -> None:
    assert run([defender(Kind.REPAYS)], [2_100], DEFENDED).repaid_by_borrowers == 200  # to 1,680 / 1.2
    assert run([defender(Kind.REPAYS)], [2_100, 1_950], DEFENDED).liquidations == 0
    assert run([defender(Kind.PASSIVE)], [2_100], DEFENDED).repaid_by_borrowers == 0


def test_borrowers_look_only_when_it_is_their_turn() -> None:
    rarely = replace(DEFENDED, borrowers=replace(DEFENDED.borrowers, attention_steps=4))
    assert run([defender(Kind.TOPS_UP, phase=0)], [2_100, 1_950], rarely).liquidations == 0
    assert run([defender(Kind.TOPS_UP, phase=1)], [2_100, 1_950], rarely).liquidations == 1


YEAR = 365 * 24 * 3600


def test_borrowers_leave_when_the_hazard_reaches_their_patience() -> None:
    leaving = replace(POOL, step_seconds=YEAR, borrowers=Borrowers(leave_per_year=Decimal("0.6")))
    crowd = [account(1, usdc_debt=1_000, patience=Decimal(p)) for p in ("0.5", "1.0", "3.0")]
    found = run(crowd, [2_000, 2_000], leaving)
    assert (found.leavers, found.left) == (2, 2_000)
    assert run(crowd, [2_000, 2_000]).leavers == 0


def test_dear_debt_drives_borrowers_out() -> None:
    dear = with_usdc(replace(POOL, step_seconds=YEAR), supply=Decimal(1_000), rates=RateCurve())
    crowd = [account(1, usdc_debt=1_000, patience=Decimal("0.5"))]
    terms = replace(dear, borrowers=Borrowers(rate_leave=Decimal(1), tolerated_rate=Decimal("0.1")))
    assert run(crowd, [2_000], terms).leavers == 1  # 79 % less 10 % is 0.69 a year
    calm = replace(terms, borrowers=replace(terms.borrowers, tolerated_rate=Decimal("0.4")))
    assert run(crowd, [2_000], calm).leavers == 0


def test_who_owes_more_than_it_has_stays() -> None:
    leaving = replace(POOL, step_seconds=YEAR, borrowers=Borrowers(leave_per_year=Decimal(1)))
    drowned = [account(1, usdc_debt=2_500, patience=Decimal("0.5"))]
    late = replace(leaving, liquidators=Liquidators(delay_steps=1))
    assert run(drowned, [2_000], late).leavers == 0
    assert run(drowned, [2_000, 3_200], late).leavers == 1


def test_borrowers_re_lever_when_a_threshold_rises() -> None:
    higher = with_eth(threshold_bps=84_00, ltv_bps=80_00)
    book = book_of([account(1, usdc_debt=1_000), account(1, usdc_debt=1_590)])
    prices = np.array([2_000.0, 40_000.0, 1.0])
    fixed = re_levered(book, prices, before=POOL, after=higher, elasticity=0.0)
    whole = re_levered(book, prices, before=POOL, after=higher, elasticity=1.0)
    assert np.array_equal(fixed.debt, book.debt)
    assert whole.debt[:, 2] == pytest.approx([1_050, 1_600])  # by 84 / 80; the second stops at its LTV
    fall = np.full((1, 1, 3), prices)
    fall[0, 0, 0] = 1_880.0
    assert run_pool(fixed, fall, terms=higher).liquidations[0] == 1  # 84 % of 1,880 is 1,579
    assert run_pool(whole, fall, terms=higher).repaid[0] > run_pool(fixed, fall, terms=higher).repaid[0]


def test_nobody_repays_because_a_threshold_falls() -> None:
    lower = with_eth(threshold_bps=70_00, ltv_bps=65_00)
    book = book_of([account(1, usdc_debt=1_000)])
    found = re_levered(book, np.array([2_000.0, 40_000.0, 1.0]), before=POOL, after=lower, elasticity=1.0)
    assert np.array_equal(found.debt, book.debt)


@pytest.mark.parametrize("elasticity", [-0.1, 1.1])
def test_elasticity_has_two_ends(elasticity: float) -> None:
    book = book_of(SLIGHT)
    with pytest.raises(SimulationError, match="elasticity"):
        re_levered(book, np.ones(3), before=POOL, after=POOL, elasticity=elasticity)


def test_liquidity_freeze_nobody_seizes_what_cannot_be_withdrawn() -> None:
    # somebody borrows all the ETH there is
    borrower = PoolAccount((Decimal(0), Decimal(1), Decimal(0)), (Decimal(5), Decimal(0), Decimal(0)))
    lent_out = with_eth(supply=Decimal(5))
    found = run([*SLIGHT, borrower], [1_950], lent_out)
    assert (found.liquidations, found.passed_over, found.frozen_steps) == (0, 1, 1)
    assert run([*SLIGHT, borrower], [1_950], with_eth(supply=Decimal(6))).liquidations == 1


def test_drought_makes_a_market_thin_after_a_fall() -> None:
    pair = [account(1, usdc_debt=1_600), account(1, usdc_debt=1_590)]
    market = with_eth(depth_usd=Decimal(100_000))
    dry = replace(market, drought=Drought(fall_bps=5_00, window_steps=1, depth_bps=10_00))
    fall = [2_100, 1_950]
    assert run(pair, fall, market).liquidations == 2
    assert run(pair, fall, dry).liquidations == 1
    slow = [2_100, 2_030, 1_960, 1_950]
    assert run(pair, slow, dry).liquidations == run(pair, slow, market).liquidations


def test_toxic_calls_are_counted() -> None:
    # below 1.05 x 0.80 = 0.84 every call lowers health: at 1,650 it is 0.825, at 1,890 0.945
    assert run(SLIGHT, [1_650]).toxic == 1
    assert run(SLIGHT, [1_890]).toxic == 0
    wide = with_eth(bonus_bps=20_00)  # 0.96
    assert run(SLIGHT, [1_890], wide).toxic == 1


def test_the_largest_collateral_pays_the_largest_debt() -> None:
    both = PoolAccount(
        (Decimal(1), Decimal("0.01"), Decimal(0)), (Decimal(0), Decimal("0.01"), Decimal(1_500))
    )
    found = run([both], [1_950])  # 1,560 + 280 against 1,900
    assert found.repaid == 750
    assert found.seized_by_asset[0] == Decimal("787.5")
    assert found.seized_by_asset[1] == 0


def test_bad_debt_is_written_off_only_with_the_last_collateral() -> None:
    both = PoolAccount((Decimal(1), Decimal("0.01"), Decimal(0)), (Decimal(0), Decimal(0), Decimal(2_500)))
    first = run([both], [1_500])
    assert (first.bad_debt, first.liquidations) == (0, 1)
    second = run([both], [1_500, 1_500])
    assert second.liquidations == 2
    # 2,500 - 1,500 / 1.05 - 400 / 1.1
    assert float(second.bad_debt) == pytest.approx(2_500 - 1_500 / 1.05 - 400 / 1.1)
    assert float(second.bad_debt_by_asset[1]) == pytest.approx(float(second.bad_debt))
