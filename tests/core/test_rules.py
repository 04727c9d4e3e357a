"""Units, parameters, mandate, evidence, epochs: small rules, with what they refuse."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.epoch import candidate_value, deadlines, epoch_at, keeper_order, max_faulty, quorum, spread_bounds
from core.errors import ConfigError, GovernanceError, NegotiationError, SimulationError
from core.evidence import canonical_json, merkle_proof, merkle_root, verify_proof
from core.lending import Decimals, LiquidationRules, health_factor_wad, liquidate
from core.mandate import Limit, Mandate, PhaseSeconds, SimulatedOutcome, breaches, safe_bound
from core.market import Parameters, Scalar, parameters_from, validate_parameters, with_scalar
from core.position import Position
from core.units import PRICE_ONE, WAD, Bps, mul_div_down, mul_div_up

NOW = Parameters(Bps(70_00), Bps(75_00), Bps(5_00), 100, 200)


def fake_keccak(data: bytes) -> bytes:
    return hashlib.sha3_256(data).digest()


@pytest.mark.parametrize("value", [-1, True, 1.5, "75"])
def test_basis_points_are_whole_numbers_from_zero(value: object) -> None:
    with pytest.raises(ConfigError, match="basis points"):
        Bps(value)  # type: ignore[arg-type]


@given(st.integers(0, 10**40), st.integers(0, 10**40), st.integers(1, 10**40))
def test_rounding_directions_differ_by_at_most_one(a: int, b: int, c: int) -> None:
    down, up = mul_div_down(a, b, c), mul_div_up(a, b, c)
    assert down * c <= a * b <= up * c
    assert up - down in (0, 1)


@given(st.integers(6_00, 95_00), st.integers(0, 99_00), st.integers(0, 99_00))
def test_moving_the_threshold_keeps_the_margin(value: int, ltv: int, threshold: int) -> None:
    current = Parameters(Bps(ltv), Bps(threshold), Bps(5_00), 1, 1)
    after = with_scalar(current, Scalar.LIQUIDATION_THRESHOLD, value, margin_bps=Bps(5_00))
    assert after.ltv_bps <= value - 5_00
    if threshold - ltv == 5_00:
        assert value - after.ltv_bps == 5_00, "coupled fields move as one unit"
    else:
        assert after.ltv_bps <= ltv, "otherwise the LTV only falls"


def test_other_scalars_move_alone() -> None:
    after = with_scalar(NOW, Scalar.SUPPLY_CAP, 130, margin_bps=Bps(5_00))
    assert after == Parameters(Bps(70_00), Bps(75_00), Bps(5_00), 130, 200)


def test_parameters_survive_the_way_through_plain_types() -> None:
    assert parameters_from(NOW.as_dict()) == NOW


def test_a_bonus_that_eats_the_collateral_is_refused() -> None:
    validate_parameters(Parameters(Bps(70_00), Bps(95_23), Bps(5_00), 1, 1))
    with pytest.raises(ConfigError, match="leaves no debt covered"):
        validate_parameters(Parameters(Bps(70_00), Bps(95_24), Bps(5_00), 1, 1))


def outcome(value: int, **changes: int) -> SimulatedOutcome:
    fields = {
        "bad_debt_es_975_nano": 0,
        "reserve_breach_nano": 0,
        "newly_liquidatable_nano": 0,
        "borrowing_power_nano": 0,
        "liquidated_nano": 0,
    }
    return SimulatedOutcome(value, **{**fields, **changes})


@pytest.mark.parametrize(
    ("field", "allowed", "limit"),
    [
        ("bad_debt_es_975_nano", 500_000, Limit.BAD_DEBT_ES),
        ("reserve_breach_nano", 10_000_000, Limit.RESERVE_BREACH),
        ("newly_liquidatable_nano", 5_000_000, Limit.NEWLY_LIQUIDATABLE),
        ("borrowing_power_nano", -100_000_000, Limit.BORROWING_POWER_LOSS),
    ],
)
def test_each_limit_holds_at_its_value_and_breaks_one_beyond(field: str, allowed: int, limit: Limit) -> None:
    mandate = Mandate("WETH")
    assert breaches(outcome(75_00, **{field: allowed}), mandate) == ()
    beyond = allowed - 1 if allowed < 0 else allowed + 1
    assert breaches(outcome(75_00, **{field: beyond}), mandate) == (limit,)


def test_the_safe_bound_is_the_largest_safe_value() -> None:
    found = [outcome(74_00), outcome(75_00), outcome(76_00, bad_debt_es_975_nano=10**9)]
    chosen = safe_bound(found, Mandate("WETH"))
    assert chosen is not None and chosen.value == 75_00
    assert safe_bound(found[2:], Mandate("WETH")) is None
    with pytest.raises(SimulationError, match="ascend"):
        safe_bound(found[::-1], Mandate("WETH"))


def test_the_mandates_bytes_change_with_every_field() -> None:
    assert Mandate("WETH").canonical() != Mandate("WBTC").canonical()
    assert Mandate("WETH").canonical() != Mandate("WETH", margin_bps=Bps(4_00)).canonical()


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=20, unique=True), st.data())
def test_every_value_proves_its_place_and_no_other_does(values: list[bytes], data: st.DataObject) -> None:
    root = merkle_root(values, fake_keccak)
    chosen = data.draw(st.sampled_from(values))
    proof = merkle_proof(values, chosen, fake_keccak)
    assert verify_proof(root, chosen, proof, fake_keccak)
    assert merkle_root(values[::-1], fake_keccak) == root, "order does not matter"
    stranger = bytes(31) + b"\x07"
    if stranger not in values:
        assert not verify_proof(root, stranger, proof, fake_keccak)


def test_an_empty_tree_and_a_short_value_are_refused() -> None:
    with pytest.raises(GovernanceError, match="at least one"):
        merkle_root([], fake_keccak)
    with pytest.raises(GovernanceError, match="31 bytes"):
        merkle_root([bytes(31)], fake_keccak)


@pytest.mark.parametrize("value", [1.5, {"a": [0.1]}, [[2.0]]])
def test_floats_have_no_canonical_form(value: object) -> None:
    with pytest.raises(TypeError, match="float"):
        canonical_json(value)


def test_three_seats_are_too_few() -> None:
    with pytest.raises(NegotiationError, match="3 seats"):
        quorum(3)


@given(st.integers(4, 100))
def test_two_quorums_share_an_honest_seat(seats: int) -> None:
    assert 2 * quorum(seats) - seats > max_faulty(seats)
    assert seats - max_faulty(seats) >= quorum(seats), "the faulty cannot block"


@given(
    st.integers(4, 13).flatmap(lambda n: st.lists(st.integers(0, 100_00), min_size=n, max_size=n)),
    st.data(),
)
def test_the_candidate_lies_within_the_honest_bounds(bounds: list[int], data: st.DataObject) -> None:
    faulty = max_faulty(len(bounds))
    liars = data.draw(st.lists(st.integers(0, 200_00), max_size=faulty))
    honest = bounds[len(liars) :]
    value = candidate_value(liars + honest, quorum(len(bounds)))
    assert value is not None
    assert min(honest) <= value <= max(honest)


def test_fewer_than_k_bounds_give_no_candidate() -> None:
    assert candidate_value([75_00, 76_00], 3) is None


def test_keepers_are_shuffled_by_epoch() -> None:
    orders = {keeper_order(epoch, "0xA", bytes(32), range(1, 8)) for epoch in range(20)}
    assert len(orders) > 10
    assert all(sorted(order) == list(range(1, 8)) for order in orders)


def test_epochs_and_deadlines_follow_the_calendar() -> None:
    assert epoch_at(999, genesis=1_000, epoch_seconds=100) == -1
    assert epoch_at(1_000, genesis=1_000, epoch_seconds=100) == 0
    times = deadlines(1_000, PhaseSeconds(10, 20, 30, 40, 50, 60, 70))
    assert (times.announce, times.commit, times.reveal, times.certificate) == (1_010, 1_030, 1_060, 1_100)
    assert (times.counter, times.counter_certificate) == (1_150, 1_190)
    assert times.agree(1) == 1_190 + 130 + 60


def test_spread_needs_no_full_house() -> None:
    assert spread_bounds([75_00], 1) == (75_00, 75_00)


@given(st.integers(1, 10**24), st.integers(1, 10**14), st.integers(10**8, 10**13))
def test_a_liquidation_makes_nothing_out_of_nothing(collateral: int, debt: int, price: int) -> None:
    rules = LiquidationRules(Bps(75_00), Bps(5_00), decimals=Decimals())
    call = liquidate(Position("a", collateral, debt), price=price, rules=rules)
    if call is None:
        health = health_factor_wad(Position("a", collateral, debt), price=price, rules=rules)
        assert health is not None and health >= WAD
        return
    assert call.position.debt + call.repaid + call.bad_debt == debt
    assert call.position.collateral + call.seized == collateral
    assert min(call.repaid, call.bad_debt, call.position.debt, call.position.collateral) >= 0


def test_without_debt_there_is_no_health_factor() -> None:
    rules = LiquidationRules(Bps(75_00), Bps(5_00))
    assert health_factor_wad(Position("a", 10**18, 0), price=PRICE_ONE, rules=rules) is None
