// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Execution, Executions} from "../src/guardrails/Executions.sol";
import {FieldLimits, Guardrails} from "../src/guardrails/Guardrails.sol";
import {Lanes} from "../src/guardrails/Lanes.sol";
import {Field, Lane, Parameters} from "../src/types/ParameterTypes.sol";
import {ForgeTest} from "./ForgeTest.sol";

/// @notice Proven for every input by tools/halmos.sh; forge does not call what starts with `check_`.
contract Proofs is ForgeTest {
    uint256 private constant BPS = 10_000;

    /// @notice No two steps inside the limits go further than twice the step, in either direction.
    function check_two_absolute_steps_stay_within_two_steps(
        uint128 current,
        uint128 first,
        uint128 second,
        uint32 up,
        uint32 down
    ) external pure {
        FieldLimits memory limits;
        (limits.stepUp, limits.stepDown) = (up, down);
        vm.assume(_allowed(current, first, limits) && _allowed(first, second, limits));
        assert(uint256(second) <= uint256(current) + 2 * uint256(up));
        assert(uint256(second) + 2 * uint256(down) >= uint256(current));
    }

    /// @notice What an absolute move uses of its budget is its size, signed as it goes.
    function check_an_absolute_move_uses_its_size(uint128 current, uint128 proposed) external pure {
        FieldLimits memory limits;
        int256 use = Guardrails.moved(current, proposed, limits);
        assert(use == int256(uint256(proposed)) - int256(uint256(current)));
    }

    /// @notice A word of history gives back each amount that was put in, and its time.
    function check_an_execution_keeps_every_amount(uint40 time, int32 ltv, int32 threshold, int32 isOpen) external pure {
        Execution execution = Executions.madeAt(time).with(Field.LTV, ltv).with(Field.LIQUIDATION_THRESHOLD, threshold);
        execution = execution.with(Field.IS_OPEN, isOpen);
        assert(execution.timeOf() == time);
        assert(execution.amountOf(Field.LTV) == ltv && execution.amountOf(Field.LIQUIDATION_THRESHOLD) == threshold);
        assert(execution.amountOf(Field.SUPPLY_CAP) == 0 && execution.amountOf(Field.IS_OPEN) == isOpen);
    }

    /// @notice The lane for which nobody can vote never raises anything, and leaves threshold and bonus alone.
    function check_fast_only_lowers(Parameters memory a, Parameters memory b, uint256 supplied) external pure {
        if (Lanes.laneOf(a, b, supplied) != Lane.FAST) return;
        assert(b.ltvBps <= a.ltvBps && b.supplyCap <= a.supplyCap && b.borrowCap <= a.borrowCap);
        assert(b.isOpen <= a.isOpen);
        assert(b.liquidationThresholdBps == a.liquidationThresholdBps);
        assert(b.liquidationBonusBps == a.liquidationBonusBps);
        assert(b.supplyCap == a.supplyCap || b.supplyCap >= supplied);
    }

    /// @notice Whatever raises a threshold, an LTV, a cap, or moves a bonus, is SLOW.
    function check_every_increase_is_slow(Parameters memory a, Parameters memory b, uint256 supplied) external pure {
        bool up = b.ltvBps > a.ltvBps || b.liquidationThresholdBps > a.liquidationThresholdBps
            || b.supplyCap > a.supplyCap || b.borrowCap > a.borrowCap || b.isOpen > a.isOpen;
        if (up || b.liquidationBonusBps != a.liquidationBonusBps) {
            assert(Lanes.laneOf(a, b, supplied) == Lane.SLOW);
        }
    }

    /// @notice A threshold that goes down is never FAST: borrowers get their steps.
    function check_a_lower_threshold_is_never_fast(Parameters memory a, Parameters memory b, uint256 supplied)
        external
        pure
    {
        if (b.liquidationThresholdBps < a.liquidationThresholdBps) assert(Lanes.laneOf(a, b, supplied) != Lane.FAST);
    }

    /// @notice An LTV that follows a threshold never rises above its margin.
    function check_the_ltv_follows_below_its_margin(Parameters memory a, uint16 threshold, uint16 margin)
        external
        pure
    {
        vm.assume(a.ltvBps <= BPS && a.liquidationThresholdBps <= BPS && margin <= BPS);
        Parameters memory next = Lanes.withThreshold(a, threshold, margin);
        assert(next.ltvBps + margin <= threshold || next.ltvBps == 0);
        assert(next.liquidationThresholdBps == threshold);
    }

    /// @notice A threshold that is the share of the supply, rounded up, kills exactly at the share: no vote early,
    /// no vote late (16-bit votes: bit vectors multiply slowly; the argument does not depend on their width). That
    /// the contract divides and rounds up so is fuzzed below, over its whole range.
    function check_votes_kill_exactly_at_the_share(uint24 shareTimesBps, uint16 threshold, uint16 against)
        external
        pure
    {
        vm.assume(uint256(threshold) * BPS >= shareTimesBps);
        vm.assume(threshold > 0 && uint256(threshold - 1) * BPS < shareTimesBps);
        assert((against >= threshold) == (uint256(against) * BPS >= shareTimesBps));
    }

    /// @notice Votes only add up: what has killed stays above the threshold whoever votes next.
    function check_a_tally_never_falls(uint112 before, uint112 weight, uint112 threshold) external pure {
        vm.assume(before >= threshold);
        assert(uint256(before) + weight >= threshold);
    }

    function testFuzz_the_threshold_rounds_up(uint112 votable, uint16 thresholdBps) external pure {
        uint256 bps = within(thresholdBps, 1, 500);
        uint256 share = uint256(votable) * bps;
        uint256 threshold = (share + BPS - 1) / BPS;
        vm.assertGe(threshold * BPS, share, "below the share");
        if (threshold > 0) vm.assertLt((threshold - 1) * BPS, share, "a vote too many");
        vm.assertLe(threshold, votable, "above the supply");
    }

    function _allowed(uint256 current, uint256 proposed, FieldLimits memory limits) private pure returns (bool) {
        return proposed >= Guardrails.smallestStepDown(current, limits)
            && proposed <= Guardrails.largestStepUp(current, limits);
    }
}
