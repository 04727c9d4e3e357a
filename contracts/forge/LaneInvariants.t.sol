// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DemoMarketAdapter} from "../src/adapters/DemoMarketAdapter.sol";
import {MarketRules} from "../src/adapters/MarketAdapter.sol";
import {FreshnessBands} from "../src/guardrails/Freshness.sol";
import {FieldLimits} from "../src/guardrails/Guardrails.sol";
import {Lanes} from "../src/guardrails/Lanes.sol";
import {LimitBook} from "../src/guardrails/LimitBook.sol";
import {PositionSample} from "../src/guardrails/PositionSample.sol";
import {Field, FreshnessSnapshot, ParameterFields, ParameterUpdate, Parameters} from "../src/types/ParameterTypes.sol";
import {CrookedMarket} from "../test/CrookedMarket.sol";
import {Campaign} from "./Campaign.sol";
import {ForgeTest} from "./ForgeTest.sol";

/// @notice Every way by which parameters change, with moves that are mostly legal, and time that passes.
contract LaneHandler is ForgeTest, Campaign {
    using ParameterFields for Parameters;

    uint256 private constant MARGIN = 500;
    address public immutable asset;
    CrookedMarket public immutable market;
    LimitBook public immutable limits;
    DemoMarketAdapter public immutable adapter;
    uint64 private _epoch;

    struct Move {
        uint256 time;
        Field field;
        uint256 size;
        bool up;
    }

    Move[] public moves;
    uint256 public violations;

    constructor() {
        asset = address(0xA55E7);
        market = new CrookedMarket(asset, Parameters(7000, 7500, 500, 1_000e18, 1_000_000e6, 1));
        limits = new LimitBook(address(this));
        adapter = new DemoMarketAdapter(market, address(this), limits, new PositionSample());
        adapter.setEntrances(address(this), address(this));
        adapter.listMarket(asset, MarketRules(uint16(MARGIN), 50, FreshnessBands(1000, 1000, 3000, 3000)));
        limits.open(asset, address(adapter), false);
        market.pretend(2_000e8, 5_000, 100e18, 100_000e6);
    }

    function slowUp(uint256 seed) external counted {
        _later(within(seed >> 200, 0, 16 days));
        Parameters memory now_ = market.parameters();
        Parameters memory next = _raised(now_, seed);
        if (_apply(now_, next)) succeeded();
    }

    function slowBonus(uint256 seed) external counted {
        _later(within(seed >> 200, 0, 8 days));
        Parameters memory now_ = market.parameters();
        Parameters memory next = market.parameters();
        uint256 step = within(seed >> 1, 1, 50);
        next.liquidationBonusBps = seed % 2 == 0 ? now_.liquidationBonusBps + step : now_.liquidationBonusBps - step;
        if (_apply(now_, next)) succeeded();
    }

    function ramp(uint256 seed) external counted {
        if (adapter.isRamping(asset)) _later(8 days);
        _later(within(seed, 10 days, 31 days));
        if (_arm(seed)) succeeded();
    }

    function rampStep(uint256 seed) external counted {
        _later(seed % 8 == 0 ? 23 hours : 24 hours + within(seed >> 200, 0, 6 hours));
        // a ramp whose threshold somebody else has moved can only lapse
        if (adapter.rampOf(asset).current != market.parameters().liquidationThresholdBps) _later(8 days);
        if (!adapter.isRamping(asset)) {
            _later(30 days);
            if (!_arm(149)) return;
            _later(25 hours);
        }
        Parameters memory before = market.parameters();
        try adapter.rampStep(asset) {
            Parameters memory later = market.parameters();
            if (before.liquidationThresholdBps - later.liquidationThresholdBps > 50) ++violations;
            _remember(before, later, true);
            succeeded();
        } catch {}
    }

    /// @dev The de-risk lane: nothing may rise, whatever the update says.
    function cut(uint256 seed) external counted {
        _later(within(seed >> 200, 0, 2 days));
        Parameters memory before = market.parameters();
        Parameters memory asked = market.parameters();
        bool freezes = seed % 16 == 5 && before.isOpen == 1;
        if (freezes) (asked.isOpen, asked.ltvBps) = (0, 0);
        else if (seed % 3 == 0) asked.borrowCap = before.borrowCap * within(seed >> 8, 50, 99) / 100;
        else if (seed % 3 == 1) asked.supplyCap = before.supplyCap * within(seed >> 8, 50, 99) / 100;
        else asked.ltvBps = within(seed >> 8, 0, before.ltvBps);
        if (seed % 7 == 0) asked.liquidationBonusBps += 10;
        try adapter.applyCut(_update(before, asked)) {
            Parameters memory later = market.parameters();
            for (uint256 n; n < ParameterFields.COUNT; ++n) {
                if (later.get(Field(n)) > before.get(Field(n))) ++violations;
            }
            if (later.liquidationThresholdBps != before.liquidationThresholdBps) ++violations;
            if (later.liquidationBonusBps != before.liquidationBonusBps) ++violations;
            succeeded();
        } catch {}
    }

    function pass(uint256 seconds_) external counted {
        _later(within(seconds_, 1 hours, 6 days));
        succeeded();
    }

    /// @dev The market itself moves: drift must stop changes, never let them through.
    function drift(uint256 seed) external counted {
        market.pretend(within(seed, 1_000e8, 3_000e8), within(seed >> 64, 4_000, 8_000), 100e18, 100_000e6);
        succeeded();
    }

    /// @notice Gross movement of a field in one direction over any 30 days that end now.
    function trailing(Field field, bool up) external view returns (uint256 gross) {
        for (uint256 i = moves.length; i > 0; --i) {
            Move memory move = moves[i - 1];
            if (move.time + 30 days <= block.timestamp) break;
            if (move.field == field && move.up == up) gross += move.size;
        }
    }

    /// @dev A year of ramps ends at the floor: then the market itself starts anew.
    function _arm(uint256 seed) private returns (bool) {
        if (market.parameters().liquidationThresholdBps < 4_000) {
            market.force(Parameters(7000, 7500, 500, 1_000e18, 1_000_000e6, 1));
        }
        Parameters memory now_ = market.parameters();
        uint256 target = now_.liquidationThresholdBps - within(seed, 1, 150);
        return _apply(now_, Lanes.withThreshold(now_, target, MARGIN));
    }

    function _raised(Parameters memory now_, uint256 seed) private pure returns (Parameters memory next) {
        uint256 kind = seed % 4;
        bool thaws = now_.isOpen == 0 && seed % 2 == 0;
        next = Parameters(
            now_.ltvBps, now_.liquidationThresholdBps, now_.liquidationBonusBps, now_.supplyCap, now_.borrowCap, now_.isOpen
        );
        if (thaws) {
            next.isOpen = 1;
            return next;
        }
        uint256 step = within(seed >> 8, 1, 55);
        bool roomForLtv = now_.ltvBps + step + MARGIN <= now_.liquidationThresholdBps;
        if (kind == 0 || (kind == 1 && !roomForLtv)) {
            return Lanes.withThreshold(now_, now_.liquidationThresholdBps + step, MARGIN);
        }
        if (kind == 1) next.ltvBps = now_.ltvBps + step;
        if (kind == 2) next.supplyCap = now_.supplyCap * (100 + within(seed >> 8, 1, 32)) / 100;
        if (kind == 3) next.borrowCap = now_.borrowCap * (100 + within(seed >> 8, 1, 32)) / 100;
    }

    function _apply(Parameters memory now_, Parameters memory next) private returns (bool) {
        ParameterUpdate[] memory one = new ParameterUpdate[](1);
        one[0] = _update(now_, next);
        bool isRamp = next.liquidationThresholdBps < now_.liquidationThresholdBps;
        try adapter.applyUpdates(one) {
            Parameters memory later = market.parameters();
            for (uint256 n; n < ParameterFields.COUNT && !isRamp; ++n) {
                if (later.get(Field(n)) != next.get(Field(n))) ++violations;
            }
            _remember(now_, later, isRamp);
            return true;
        } catch {
            return false;
        }
    }

    function _remember(Parameters memory before, Parameters memory later, bool isRamp) private {
        for (uint256 n; n < ParameterFields.COUNT; ++n) {
            (uint256 from, uint256 to) = (before.get(Field(n)), later.get(Field(n)));
            if (from == to) continue;
            bool isCap = n == uint256(Field.SUPPLY_CAP) || n == uint256(Field.BORROW_CAP);
            uint256 size = to > from ? to - from : from - to;
            uint256 step = isCap ? size * 10_000 / from : size;
            if (!_restoring(Field(n), to > from) && step > (isCap ? 3_000 : 50)) ++violations;
            if (isRamp && to > from) ++violations;
            if (!_restoring(Field(n), to > from)) moves.push(Move(block.timestamp, Field(n), step, to > from));
        }
    }

    /// @dev What undoes a cut counts neither as a step nor against the budget.
    function _restoring(Field field, bool up) private view returns (bool) {
        LimitBook.Cut memory last = limits.cutOf(asset, field);
        return up && last.restored && last.time != 0 && market.parameters().get(field) <= last.from;
    }

    function _update(Parameters memory now_, Parameters memory next) private returns (ParameterUpdate memory u) {
        (uint256 utilisation, uint256 borrowed) = market.borrowState();
        u.epoch = ++_epoch;
        u.market = asset;
        (u.expected, u.proposed) = (now_, next);
        u.snapshot = FreshnessSnapshot(
            market.oraclePrice(), utilisation, market.totalCollateral(), borrowed, uint64(block.timestamp)
        );
        u.validUntil = uint64(block.timestamp + 1 hours);
    }

    function _later(uint256 seconds_) private {
        vm.warp(vm.getBlockTimestamp() + seconds_);
    }
}

/// @notice Never out of band, never over budget, never riskier by FAST, whatever the order of calls.
contract LaneInvariants is ForgeTest {
    using ParameterFields for Parameters;

    LaneHandler private handler;

    function setUp() external {
        vm.warp(1_800_000_000);
        handler = new LaneHandler();
        bytes4[] memory selectors = new bytes4[](7);
        selectors[0] = LaneHandler.slowUp.selector;
        selectors[1] = LaneHandler.slowBonus.selector;
        selectors[2] = LaneHandler.ramp.selector;
        selectors[3] = LaneHandler.rampStep.selector;
        selectors[4] = LaneHandler.cut.selector;
        selectors[5] = LaneHandler.pass.selector;
        selectors[6] = LaneHandler.drift.selector;
        callOnly(address(handler), selectors);
    }

    function invariant_lanes() external view {
        Parameters memory p = handler.market().parameters();
        vm.assertLt(p.ltvBps, p.liquidationThresholdBps, "INV-1");
        vm.assertLt(p.liquidationThresholdBps * (10_000 + p.liquidationBonusBps), 1e8, "INV-2");
        for (uint256 n; n < ParameterFields.COUNT; ++n) {
            Field field = Field(n);
            FieldLimits memory limits = handler.limits().limitsOf(handler.asset(), field);
            vm.assertLe(p.get(field), limits.ceiling, "INV-3: above the ceiling");
            // FAST may go below a floor; only LTV and caps are ever cut
            if (field == Field.LIQUIDATION_THRESHOLD || field == Field.LIQUIDATION_BONUS) {
                vm.assertGe(p.get(field), limits.floor, "INV-3: below the floor");
            }
            vm.assertLe(handler.trailing(field, true), limits.budgetUp, "INV-7: up");
            vm.assertLe(handler.trailing(field, false), limits.budgetDown, "INV-7: down");
        }
        vm.assertEq(handler.violations(), 0, "INV-4, INV-5, INV-14, INV-20");
    }

    function afterInvariant() external view {
        handler.requireSuccess(30);
    }
}
