// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PriceCap, PriceCapUpdate} from "../types/PriceCapTypes.sol";

/// @notice The only door to capped feeds. Obeys its owner, the timelock; a price cap is SLOW whatever it does.
interface IPriceCapAdapter {
    /// @notice Reverts unless the update may be submitted now: compare-and-swap, limits, and the cap that would
    /// follow lies between the live ratio and the headroom above it.
    function requireCapSubmittable(PriceCapUpdate calldata update) external view;

    /// @notice Checks everything again, writes, reads back, and holds the cap against the ratio as it is then.
    /// @dev Owner only. Warning: a revert with `PriceCapBelowRatio` or `PriceCapTooHigh` leaves the proposal
    /// executable until its grace ends.
    function applyPriceCap(PriceCapUpdate calldata update) external;

    /// @notice The cap as the feed has it now.
    function capOf(address feed) external view returns (PriceCap memory);
}
