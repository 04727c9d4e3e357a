// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Field} from "../types/ParameterTypes.sol";

/// @notice One executed change of a market in one word: its time, and what it moved of each field, signed, in
/// the unit of the field's budget. Zero: that field did not move.
type Execution is uint256;

using Executions for Execution global;

///     255                                   39          0
///     | BORROW_CAP, … 36 bits each …  | LTV |   time    |
library Executions {
    uint256 private constant TIME_BITS = 40;
    uint256 private constant AMOUNT_BITS = 36;
    int256 internal constant LARGEST_AMOUNT = int256(1 << (AMOUNT_BITS - 1)) - 1;

    error AmountTooLarge(Field field, int256 amount);

    function madeAt(uint256 time) internal pure returns (Execution) {
        return Execution.wrap(uint256(uint40(time)));
    }

    /// @notice The same execution with the amount of one more field.
    function with(Execution execution, Field field, int256 amount) internal pure returns (Execution) {
        if (amount > LARGEST_AMOUNT || amount < -LARGEST_AMOUNT) revert AmountTooLarge(field, amount);
        uint256 bits = uint256(amount) & ((1 << AMOUNT_BITS) - 1);
        return Execution.wrap(Execution.unwrap(execution) | bits << _shift(field));
    }

    function timeOf(Execution execution) internal pure returns (uint256) {
        return uint40(Execution.unwrap(execution));
    }

    function amountOf(Execution execution, Field field) internal pure returns (int256) {
        uint256 leftmost = Execution.unwrap(execution) << (256 - AMOUNT_BITS - _shift(field));
        return int256(leftmost) >> (256 - AMOUNT_BITS);
    }

    function _shift(Field field) private pure returns (uint256) {
        return TIME_BITS + AMOUNT_BITS * uint256(field);
    }
}
