// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Addresses whose tokens do not vote; they leave the votable supply.
/// @dev Strictly ascending: one counted twice could push the votable supply below zero.
abstract contract TreasuryList {
    uint256 public constant MOST_TREASURIES = 8;
    address[] private _treasuries;

    error TooManyTreasuries(uint256 found, uint256 allowed);
    error TreasuriesNotAscending(address previous, address next);

    constructor(address[] memory treasuries_) {
        if (treasuries_.length > MOST_TREASURIES) revert TooManyTreasuries(treasuries_.length, MOST_TREASURIES);
        for (uint256 i = 1; i < treasuries_.length; ++i) {
            if (treasuries_[i] <= treasuries_[i - 1]) revert TreasuriesNotAscending(treasuries_[i - 1], treasuries_[i]);
        }
        _treasuries = treasuries_;
    }

    function treasuries() public view returns (address[] memory) {
        return _treasuries;
    }

    function isExcluded(address account) public view virtual returns (bool) {
        for (uint256 i; i < _treasuries.length; ++i) {
            if (_treasuries[i] == account) return true;
        }
        return false;
    }
}
