"""Price caps: ratio, time and growth move as one, and the cap that follows is never below the live ratio."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.errors import GovernanceError, GuardrailError
from core.proposal import ProposalState
from core.units import Bps
from governance.price_cap import PriceCapUpdate
from governance.rehearsal import DAY
from governance.signing import keccak, update_tuple
from tests.protocols.governed_cap import LIVE_RATIO, RATIO_ONE, GovernedCap
from tests.protocols.stage import error_pattern

# 3 % above 1.1572, the largest step
STEPPED_RATIO = 11_919 * RATIO_ONE // 10_000

# 1.1919 grows by 9.68 % x 140 / 365 of itself to 1.2361, which is above the live 1.2285
SOUND_AGE_DAYS = 140


def sound(governed: GovernedCap) -> PriceCapUpdate:
    """Return the largest step with a snapshot whose cap fits."""
    return governed.update(ratio=STEPPED_RATIO, age_days=SOUND_AGE_DAYS)


def capped_ratio(governed: GovernedCap) -> int:
    return int(governed.client.call(governed.feed.functions.cappedRatio()))


def test_a_cap_that_fits_is_written_as_one_unit(governed_cap: GovernedCap) -> None:
    update = sound(governed_cap)

    governed_cap.carry_out(update)

    assert governed_cap.cap() == update.proposed
    assert capped_ratio(governed_cap) == LIVE_RATIO


def test_march_2026_at_submission(governed_cap: GovernedCap) -> None:
    # the ratio inside its step, the snapshot a week old as the rules allow: 1.1919 + 0.0022 is below 1.2285
    update = governed_cap.update(ratio=STEPPED_RATIO, age_days=8)
    assert update.proposed.at(governed_cap.client.timestamp()) == pytest.approx(1.1944e18, rel=1e-4)

    with pytest.raises(GuardrailError, match="PriceCapBelowRatio") as refusal:
        governed_cap.propose(update)
    assert refusal.value.rule == "price_cap"


def test_march_2026_without_the_check_would_have_capped_the_price(governed_cap: GovernedCap) -> None:
    values = update_tuple(governed_cap.update(ratio=STEPPED_RATIO, age_days=8))[5]

    governed_cap.client.send(
        governed_cap.dao.people.reporter, governed_cap.feed.functions.setCapParameters(values)
    )

    # 2.8 % below the live ratio
    assert capped_ratio(governed_cap) == pytest.approx(LIVE_RATIO * 0.9722, rel=1e-3)


def test_each_of_the_two_values_is_inside_its_own_limit(governed_cap: GovernedCap) -> None:
    """The ratio with an older time passes; the time with the old ratio fails on the cap alone."""
    governed_cap.propose(sound(governed_cap))

    with pytest.raises(GuardrailError, match="PriceCapBelowRatio"):
        governed_cap.propose(governed_cap.update(age_days=8, epoch=2))


def test_march_2026_at_execution(governed_cap: GovernedCap) -> None:
    number = governed_cap.propose(sound(governed_cap))
    governed_cap.dao.make_executable(number)
    # a reward of 1.5 %: the cap that was sound, 1.2374 by now, would be below
    governed_cap.set_ratio(12_470 * RATIO_ONE // 10_000)

    with pytest.raises(GuardrailError, match="PriceCapBelowRatio"):
        governed_cap.dao.execute(number)
    assert governed_cap.dao.proposals.state(number) is ProposalState.QUEUED

    governed_cap.set_ratio(LIVE_RATIO)
    governed_cap.dao.execute(number)
    assert governed_cap.cap().snapshot_ratio == STEPPED_RATIO


def test_a_slashed_asset_is_not_given_its_old_height(governed_cap: GovernedCap) -> None:
    number = governed_cap.propose(sound(governed_cap))
    governed_cap.dao.make_executable(number)

    # 1.2374 is more than 3 % above 1.1950
    governed_cap.set_ratio(11_950 * RATIO_ONE // 10_000)
    with pytest.raises(GuardrailError, match="PriceCapTooHigh"):
        governed_cap.dao.execute(number)
    governed_cap.set_ratio(11_900 * RATIO_ONE // 10_000)
    with pytest.raises(GuardrailError, match="RatioAboveLive"):
        governed_cap.dao.execute(number)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"growth_bps": 10_69, "age_days": 239}, "GrowthStepTooLarge"),
        ({"growth_bps": 4_99, "age_days": 239}, "GrowthOutOfBand"),
        ({"growth_bps": 15_01, "age_days": 239}, "GrowthOutOfBand"),
        ({"ratio": STEPPED_RATIO + RATIO_ONE // 10_000, "age_days": 140}, "RatioStepTooLarge"),
        ({"ratio": 11_224 * RATIO_ONE // 10_000, "age_days": 140}, "RatioStepTooLarge"),
        ({"ratio": STEPPED_RATIO}, "SnapshotNotCoupled"),
        ({"age_days": 241}, "SnapshotBackwards"),
        ({"ratio": STEPPED_RATIO, "age_days": 6}, "SnapshotTooYoung"),
        ({"ratio": STEPPED_RATIO, "age_days": -1}, "SnapshotTooYoung"),
        ({}, "CapUnchanged"),
    ],
)
def test_one_value_outside_its_own_limit_is_refused(
    governed_cap: GovernedCap, change: dict[str, int], reason: str
) -> None:
    with pytest.raises(GuardrailError, match=reason):
        governed_cap.propose(governed_cap.update(**change))


def test_a_cap_far_above_the_ratio_is_refused(governed_cap: GovernedCap) -> None:
    # 1.1919 x (1 + 10.68 % x 239 / 365) = 1.2752, more than 3 % above 1.2285
    update = governed_cap.update(ratio=STEPPED_RATIO, age_days=239, growth_bps=10_68)

    with pytest.raises(GuardrailError, match="PriceCapTooHigh"):
        governed_cap.propose(update)


def test_caps_change_at_most_every_three_days(governed_cap: GovernedCap) -> None:
    governed_cap.carry_out(sound(governed_cap))
    # from 140 days back, seen four days later: a day newer, the ratio as it is
    again = governed_cap.update(age_days=143, epoch=2)
    with pytest.raises(GuardrailError, match="CapTooSoon"):
        governed_cap.propose(again)

    governed_cap.client.advance(3 * DAY)
    governed_cap.propose(governed_cap.update(age_days=146, epoch=2))


def test_a_cap_that_somebody_else_moved_is_left_alone(governed_cap: GovernedCap) -> None:
    number = governed_cap.propose(sound(governed_cap))
    governed_cap.dao.make_executable(number)
    other = update_tuple(governed_cap.update(age_days=200))[5]
    governed_cap.client.send(
        governed_cap.dao.people.reporter, governed_cap.feed.functions.setCapParameters(other)
    )

    with pytest.raises(GuardrailError, match=r"CapMoved\(what=snapshot_timestamp"):
        governed_cap.dao.execute(number)


def test_a_feed_that_stores_less_than_it_was_told_is_caught(governed_cap: GovernedCap) -> None:
    number = governed_cap.propose(sound(governed_cap))
    governed_cap.dao.make_executable(number)
    reporter = governed_cap.dao.people.reporter
    governed_cap.client.send(reporter, governed_cap.feed.functions.storeAtMost(STEPPED_RATIO - 1))

    with pytest.raises(GuardrailError, match=r"CapWriteDiffers\(what=snapshot_ratio"):
        governed_cap.dao.execute(number)


def test_without_its_role_the_adapter_is_refused_by_the_feed(governed_cap: GovernedCap) -> None:
    number = governed_cap.propose(sound(governed_cap))
    governed_cap.dao.make_executable(number)
    people = governed_cap.dao.people
    governed_cap.client.send(
        people.reporter, governed_cap.feed.functions.setRiskAdmin(people.stranger.address)
    )

    with pytest.raises(GovernanceError, match=error_pattern("CallerIsNotRiskOrPoolAdmin()")):
        governed_cap.dao.execute(number)


def test_the_digest_in_python_is_the_gates(governed_cap: GovernedCap) -> None:
    update = replace(sound(governed_cap), models=(keccak(b"a"), keccak(b"b")))
    gate = governed_cap.dao.founded.contract("UpdateGate", "gate")

    found = governed_cap.client.call(gate.functions.hashPriceCap(update_tuple(update)))

    assert bytes(found) == governed_cap.dao.hasher.price_cap_digest(update)


def test_an_epoch_and_feed_are_consumed_once(governed_cap: GovernedCap) -> None:
    governed_cap.propose(sound(governed_cap))

    with pytest.raises(GovernanceError, match="EpochConsumed"):
        governed_cap.propose(governed_cap.update(ratio=STEPPED_RATIO, age_days=141))


def test_signatures_for_another_cap_do_not_count(governed_cap: GovernedCap) -> None:
    update = sound(governed_cap)
    other = replace(update, proposed=replace(update.proposed, max_yearly_growth_bps=Bps(9_67)))
    pairs = governed_cap.dao.signatures(governed_cap.dao.hasher.price_cap_digest(other))
    signers, signatures = zip(*sorted(pairs, key=lambda pair: int(pair[0], 16)), strict=True)
    governor = governed_cap.dao.founded.contract("ParameterGovernor", "governor")

    with pytest.raises(GovernanceError, match="BadSignature"):
        call = governor.functions.proposePriceCap(update_tuple(update), list(signers), list(signatures))
        governed_cap.client.send(governed_cap.dao.people.stranger, call)


def test_a_price_cap_is_never_an_emergency_cut(governed_cap: GovernedCap) -> None:
    gate = governed_cap.dao.founded.contract("UpdateGate", "gate")
    call = gate.functions.admitPriceCap(update_tuple(sound(governed_cap)), [], [])

    with pytest.raises(GovernanceError, match="NotEntrance"):
        governed_cap.client.call(call, sender=governed_cap.dao.founded.addresses["fast_lane"])


def test_a_stranger_cannot_write_through_the_adapter(governed_cap: GovernedCap) -> None:
    call = governed_cap.dao.adapter.functions.applyPriceCap(update_tuple(sound(governed_cap)))

    with pytest.raises(GovernanceError, match="OwnableUnauthorizedAccount"):
        governed_cap.client.send(governed_cap.dao.people.stranger, call)


def test_a_feed_that_is_not_listed_is_unknown(governed_cap: GovernedCap) -> None:
    update = replace(sound(governed_cap), market=governed_cap.dao.people.stranger.address)
    call = governed_cap.dao.adapter.functions.requireCapSubmittable(update_tuple(update))

    with pytest.raises(GovernanceError, match="UnknownFeed"):
        governed_cap.client.call(call)
