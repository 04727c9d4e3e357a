// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DefaultLimits} from "./DefaultLimits.sol";
import {Change, FieldLimits, Guardrails} from "./Guardrails.sol";
import {Field, ParameterFields, Parameters} from "./ParameterTypes.sol";

/// @notice Limits and executed changes of one market. The timelock sets limits; its delegate may only tighten.
abstract contract LimitBook {
    using ParameterFields for Parameters;

    address public immutable timelock;
    address public delegate;
    mapping(Field => FieldLimits) private _limits;
    mapping(Field => Change[]) private _changes;

    event LimitsSet(Field indexed field, FieldLimits limits, address by);
    event DelegateSet(address delegate);
    event FieldChanged(Field indexed field, uint256 from, uint256 to, int256 budgetUse);

    error NotTimelock(address caller);
    error NotDelegate(address caller);
    error NotTighter(Field field);

    modifier onlyTimelock() {
        if (msg.sender != timelock) revert NotTimelock(msg.sender);
        _;
    }

    constructor(address timelock_) {
        timelock = timelock_;
        for (uint256 n; n < ParameterFields.COUNT; ++n) {
            Field field = Field(n);
            _limits[field] = DefaultLimits.limitsFor(field);
            emit LimitsSet(field, _limits[field], address(0));
        }
    }

    function setLimits(Field field, FieldLimits calldata limits) external onlyTimelock {
        _limits[field] = limits;
        emit LimitsSet(field, limits, msg.sender);
    }

    function setDelegate(address next) external onlyTimelock {
        delegate = next;
        emit DelegateSet(next);
    }

    /// @dev Warning: a delegate can freeze a field by tightening, never loosen it; only the timelock undoes it.
    function tighten(Field field, FieldLimits calldata limits) external {
        if (msg.sender != delegate) revert NotDelegate(msg.sender);
        if (!_isTighter(limits, _limits[field])) revert NotTighter(field);
        _limits[field] = limits;
        emit LimitsSet(field, limits, msg.sender);
    }

    function limitsOf(Field field) external view returns (FieldLimits memory) {
        return _limits[field];
    }

    function changesOf(Field field) external view returns (Change[] memory) {
        return _changes[field];
    }

    function _requireFieldAllowed(Field field, uint256 current, uint256 proposed) internal view {
        Guardrails.requireAllowed(field, current, proposed, _limits[field], _changes[field]);
    }

    function _remember(Parameters memory previous, Parameters memory next) internal {
        for (uint256 n; n < ParameterFields.COUNT; ++n) {
            Field field = Field(n);
            (uint256 from, uint256 to) = (previous.get(field), next.get(field));
            if (from == to) continue;
            int256 use = Guardrails.moved(from, to, _limits[field]);
            _changes[field].push(Change(uint64(block.timestamp), use));
            emit FieldChanged(field, from, to, use);
        }
    }

    function _isTighter(FieldLimits calldata next, FieldLimits memory now_) private pure returns (bool) {
        return (now_.enabled || !next.enabled) && next.relative == now_.relative && next.floor >= now_.floor
            && next.ceiling <= now_.ceiling && next.stepUp <= now_.stepUp && next.stepDown <= now_.stepDown
            && next.minDelaySeconds >= now_.minDelaySeconds && next.budgetUp <= now_.budgetUp
            && next.budgetDown <= now_.budgetDown;
    }
}
