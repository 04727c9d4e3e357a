// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Caps that a protocol keeps in whole tokens, zero for none; here they are base units.
/// @dev Warning: a cap of zero base units cannot be written; there it would mean that everything is allowed.
library WholeTokenCaps {
    uint256 internal constant NONE = type(uint128).max;

    error CapNotWhole(uint256 cap, uint256 unit);

    function fromTokens(uint256 tokens, uint256 unit) internal pure returns (uint256) {
        return tokens == 0 ? NONE : tokens * unit;
    }

    function toTokens(uint256 cap, uint256 unit) internal pure returns (uint256) {
        if (cap == NONE) return 0;
        if (cap == 0 || cap % unit != 0) revert CapNotWhole(cap, unit);
        return cap / unit;
    }

    /// @notice The least whole number of tokens that is not below `amount`, in base units, and at least one.
    function up(uint256 amount, uint256 unit) internal pure returns (uint256) {
        return amount == 0 ? unit : (amount + unit - 1) / unit * unit;
    }
}
