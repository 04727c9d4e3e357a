"""The numbered invariants of contracts/SPEC.md, each against the real bytecode and against a planted bug.

``test_invariant_holds[INV-n]`` is the test that ``contracts/mutants.toml`` names; the same function must
fail on the bytecode with the bug, or it would prove nothing.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from contracts.artifacts import FOLDER
from tests.contracts import dao_invariants as dao
from tests.contracts import market_invariants as market
from tests.contracts import protocol_invariants as protocol

if TYPE_CHECKING:
    from tests.contracts.conftest import Stage

INVARIANTS: dict[str, Callable[[Stage], None]] = {
    "INV-1": market.ltv_is_below_the_threshold,
    "INV-2": market.a_liquidation_leaves_something_for_the_debt,
    "INV-3": market.values_stay_between_floor_and_ceiling,
    "INV-4": market.nothing_but_the_proposal_is_written,
    "INV-5": market.one_move_is_at_most_one_step,
    "INV-6": market.moves_are_a_minimum_delay_apart,
    "INV-7": market.gross_moves_stay_within_thirty_days_budget,
    "INV-8": market.the_live_value_is_the_expected_one,
    "INV-9": market.a_riskier_market_stops_execution,
    "INV-10": dao.a_quorum_of_distinct_seats_signs,
    "INV-11": dao.an_epoch_is_consumed_once,
    "INV-12": dao.a_veto_at_the_threshold_kills_at_once,
    "INV-13": dao.nothing_executes_early_or_late,
    "INV-14": dao.each_change_has_its_lane_by_effect,
    "INV-15": market.only_the_timelock_writes,
    "INV-16": market.data_at_submission_are_at_most_six_hours_old,
    "INV-17": dao.one_agent_cannot_cancel_and_two_can,
    "INV-18": dao.a_transferred_identity_loses_its_seat,
    "INV-19": market.a_delegate_only_tightens,
    "INV-20": market.a_ramp_steps_fifty_bps_a_day_for_a_week,
    "INV-21": market.a_change_endangers_little_debt,
    "INV-22": dao.a_cut_waits_an_hour,
    "INV-23": market.a_market_is_cut_once_a_day,
    "INV-24": dao.two_lost_seats_stop_execution_unreported,
    "INV-25": dao.a_revoked_model_blocks_what_rests_on_it,
    "INV-26": dao.the_guardian_disables_at_most_f_seats,
    "INV-27": market.a_batch_names_each_market_once,
    "INV-28": market.a_cut_is_undone_once_and_no_further,
    "INV-29": market.a_collateral_factor_stays_below_the_inferred_ceiling,
    "INV-30": dao.a_transport_address_is_bound_by_its_own_key,
    "INV-31": market.a_price_cap_is_not_below_the_live_ratio,
    "INV-32": market.a_freeze_takes_the_ltv_with_it,
    "INV-33": protocol.nobody_elses_writes_become_live,
    "INV-34": protocol.a_cap_is_a_whole_number_of_tokens,
}


def planted() -> dict[str, str]:
    """Planted bugs by invariant, with the test that kills each."""
    mutants = tomllib.loads((FOLDER / "mutants.toml").read_text(encoding="utf-8"))["mutant"]
    return {mutant["invariant"]: mutant["killed_by"] for mutant in mutants}


@pytest.mark.parametrize("invariant", INVARIANTS)
def test_invariant_holds(stage: Stage, invariant: str) -> None:
    INVARIANTS[invariant](stage)


@pytest.mark.parametrize(
    ("mutated_stage", "invariant"),
    [(n, n) for n in INVARIANTS],
    ids=list(INVARIANTS),
    indirect=["mutated_stage"],
)
def test_planted_bug_is_killed(mutated_stage: Stage, invariant: str) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        INVARIANTS[invariant](mutated_stage)


def test_every_invariant_has_a_planted_bug_that_its_test_kills() -> None:
    expected = {n: f"tests/contracts/test_invariants.py::test_invariant_holds[{n}]" for n in INVARIANTS}
    assert planted() == expected


def test_every_invariant_is_in_the_specification() -> None:
    text = (FOLDER / "SPEC.md").read_text(encoding="utf-8")
    assert [n for n in INVARIANTS if f"| {n} |" not in text] == []
