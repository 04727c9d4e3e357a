// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {DefaultLimits} from "./DefaultLimits.sol";
import {Execution, Executions} from "./Executions.sol";
import {FieldLimits, Guardrails} from "./Guardrails.sol";
import {Field, ParameterFields, Parameters} from "../types/ParameterTypes.sol";

/// @notice One executed move of one field; `amount` is signed, in the unit of the budget.
struct Change {
    uint256 time;
    int256 amount;
}

/// @notice Limits, executed changes and emergency cuts of every market.
/// @dev The owner (the timelock) sets limits; its delegate may only tighten; a market's adapter alone records.
contract LimitBook is Ownable {
    using ParameterFields for Parameters;

    /// @dev `from` is what a later SLOW proposal may restore without step or budget.
    struct Cut {
        uint64 time;
        bool restored;
        uint128 from;
    }

    uint256 public constant CUT_PAUSE_SECONDS = 24 hours;
    uint256 public constant RESTORE_SECONDS = 30 days;

    address public delegate;
    mapping(address market => address) public recorderOf;
    mapping(address market => mapping(Field => FieldLimits)) private _limits;
    mapping(address market => Execution[]) private _history;
    mapping(address market => mapping(Field => Cut)) private _cuts;
    mapping(address market => mapping(Field => bool)) private _closedByOwner;
    mapping(address market => uint64) public lastCutAt;

    event MarketOpened(address indexed market, address recorder);
    event LimitsSet(address indexed market, Field indexed field, FieldLimits limits, address by);
    event DelegateSet(address delegate);
    event FieldChanged(address indexed market, Field indexed field, uint256 from, uint256 to, int256 budgetUse);
    event FieldCut(address indexed market, Field indexed field, uint256 from, uint256 to);
    event FieldRestored(address indexed market, Field indexed field, uint256 from, uint256 to);

    error NotRecorder(address market, address caller);
    error NotDelegate(address caller);
    error NotTighter(Field field);
    error CapCutTooDeep(Field field, uint256 current, uint256 proposed);
    error CutTooSoon(address market, uint256 last, uint256 earliest);

    modifier onlyRecorder(address market) {
        if (msg.sender != recorderOf[market]) revert NotRecorder(market, msg.sender);
        _;
    }

    constructor(address owner_) Ownable(owner_) {}

    /// @notice Opens a market with the default limits, e-mode's for an e-mode category; later, another recorder.
    function open(address market, address recorder, bool isEmode) external onlyOwner {
        bool isNew = recorderOf[market] == address(0);
        recorderOf[market] = recorder;
        emit MarketOpened(market, recorder);
        for (uint256 n; isNew && n < ParameterFields.COUNT; ++n) {
            Field field = Field(n);
            _setLimits(market, field, isEmode ? DefaultLimits.emodeLimitsFor(field) : DefaultLimits.limitsFor(field));
        }
    }

    function setLimits(address market, Field field, FieldLimits calldata limits) external onlyOwner {
        _closedByOwner[market][field] = !limits.enabled;
        _setLimits(market, field, limits);
    }

    function setDelegate(address next) external onlyOwner {
        delegate = next;
        emit DelegateSet(next);
    }

    /// @dev Warning: a delegate can freeze a field by tightening, never loosen it; only the owner undoes it.
    /// An emergency cut does not ask it.
    function tighten(address market, Field field, FieldLimits calldata limits) external {
        if (msg.sender != delegate) revert NotDelegate(msg.sender);
        if (!_isTighter(limits, _limits[market][field])) revert NotTighter(field);
        _setLimits(market, field, limits);
    }

    function limitsOf(address market, Field field) external view returns (FieldLimits memory) {
        return _limits[market][field];
    }

    /// @notice Every executed move of a field, oldest first.
    function changesOf(address market, Field field) external view returns (Change[] memory) {
        Execution[] storage history = _history[market];
        Change[] memory all = new Change[](history.length);
        uint256 found;
        for (uint256 i; i < history.length; ++i) {
            int256 amount = history[i].amountOf(field);
            if (amount != 0) all[found++] = Change(history[i].timeOf(), amount);
        }
        Change[] memory changes = new Change[](found);
        for (uint256 i; i < found; ++i) changes[i] = all[i];
        return changes;
    }

    /// @notice The newest emergency cut of a field.
    function cutOf(address market, Field field) external view returns (Cut memory) {
        return _cuts[market][field];
    }

    /// @notice Gross movement in one direction over the trailing 30 days, in the unit of the budget.
    function budgetUsed(address market, Field field, bool upwards) external view returns (uint256) {
        return Guardrails.budgetUsed(field, _history[market], upwards);
    }

    function _setLimits(address market, Field field, FieldLimits memory limits) private {
        _limits[market][field] = limits;
        emit LimitsSet(market, field, limits, msg.sender);
    }

    /// @notice Reverts unless the whole move is allowed now (SLOW).
    function requireAllowed(address market, Parameters memory current, Parameters memory proposed) external view {
        for (uint256 n; n < ParameterFields.COUNT; ++n) {
            Field field = ParameterFields.inCheckingOrder(n);
            _requireFieldAllowed(market, field, current.get(field), proposed.get(field));
        }
    }

    /// @notice Reverts unless a ramp over the whole move may be armed now: no step, all the rest.
    function requireRampAllowed(address market, Parameters memory current, Parameters memory target)
        external
        view
    {
        for (uint256 n; n < ParameterFields.COUNT; ++n) {
            Field field = ParameterFields.inCheckingOrder(n);
            Guardrails.requireRampAllowed(
                field, current.get(field), target.get(field), _limits[market][field], _history[market]
            );
        }
    }

    /// @notice Reverts if a step of an armed ramp leaves the band: what was tightened since still binds.
    function requireStepAllowed(address market, Parameters memory current, Parameters memory next) external view {
        for (uint256 n; n < ParameterFields.COUNT; ++n) {
            Field field = Field(n);
            if (current.get(field) == next.get(field)) continue;
            Guardrails.requireInBand(field, next.get(field), _limits[market][field]);
        }
    }

    /// @notice Reverts unless an emergency cut is open to these fields now: the owner's `enabled`, one cut per
    /// market in 24 h, caps at most by half.
    function requireCutAllowed(address market, Parameters memory current, Parameters memory next) external view {
        uint256 earliest = lastCutAt[market] + CUT_PAUSE_SECONDS;
        if (lastCutAt[market] != 0 && block.timestamp < earliest) {
            revert CutTooSoon(market, lastCutAt[market], earliest);
        }
        for (uint256 n; n < ParameterFields.COUNT; ++n) {
            Field field = Field(n);
            (uint256 from, uint256 to) = (current.get(field), next.get(field));
            if (from == to) continue;
            if (_closedByOwner[market][field]) revert Guardrails.FieldDisabled(field);
            bool isCap = field == Field.SUPPLY_CAP || field == Field.BORROW_CAP;
            if (isCap && to < from / 2) revert CapCutTooDeep(field, from, to);
        }
    }

    /// @notice Keeps an executed change for delays and budgets. The market's adapter only.
    function record(address market, Parameters memory previous, Parameters memory next)
        external
        onlyRecorder(market)
    {
        Execution execution = Executions.madeAt(block.timestamp);
        bool isEmpty = true;
        for (uint256 n; n < ParameterFields.COUNT; ++n) {
            Field field = Field(n);
            (uint256 from, uint256 to) = (previous.get(field), next.get(field));
            if (from == to) continue;
            if (_restores(market, field, from, to)) {
                _cuts[market][field].restored = true;
                emit FieldRestored(market, field, from, to);
                continue;
            }
            int256 use = Guardrails.moved(from, to, _limits[market][field]);
            (execution, isEmpty) = (execution.with(field, use), false);
            emit FieldChanged(market, field, from, to, use);
        }
        if (!isEmpty) _history[market].push(execution);
    }

    /// @notice Keeps an executed cut. The market's adapter only.
    function recordCut(address market, Parameters memory previous, Parameters memory next)
        external
        onlyRecorder(market)
    {
        lastCutAt[market] = uint64(block.timestamp);
        for (uint256 n; n < ParameterFields.COUNT; ++n) {
            Field field = Field(n);
            (uint256 from, uint256 to) = (previous.get(field), next.get(field));
            if (from == to) continue;
            _cuts[market][field] = Cut(uint64(block.timestamp), false, uint128(from));
            emit FieldCut(market, field, from, to);
        }
    }

    function _requireFieldAllowed(address market, Field field, uint256 current, uint256 proposed) private view {
        if (current == proposed) return;
        FieldLimits memory limits = _limits[market][field];
        if (_restores(market, field, current, proposed)) {
            Guardrails.requireInBand(field, proposed, limits);
            return Guardrails.requireDelay(field, limits, _history[market]);
        }
        Guardrails.requireAllowed(field, current, proposed, limits, _history[market]);
    }

    /// @dev Undoing a cut, at most to the value before it and once within 30 days.
    function _restores(address market, Field field, uint256 from, uint256 to) private view returns (bool) {
        if (to < from || block.timestamp > lastCutAt[market] + RESTORE_SECONDS) return false;
        Cut storage cut = _cuts[market][field];
        return cut.time != 0 && !cut.restored && to <= cut.from && block.timestamp <= cut.time + RESTORE_SECONDS;
    }

    function _isTighter(FieldLimits calldata next, FieldLimits memory now_) private pure returns (bool) {
        return (now_.enabled || !next.enabled) && next.relativeUp == now_.relativeUp
            && next.relativeDown == now_.relativeDown && next.unitDecimals == now_.unitDecimals && next.floor >= now_.floor
            && next.ceiling <= now_.ceiling && next.stepUp <= now_.stepUp && next.stepDown <= now_.stepDown
            && next.minDelaySeconds >= now_.minDelaySeconds && next.budgetUp <= now_.budgetUp
            && next.budgetDown <= now_.budgetDown;
    }
}
