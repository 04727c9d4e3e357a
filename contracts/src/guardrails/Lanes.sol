// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Lane, Parameters} from "../types/ParameterTypes.sol";

/// @notice Which lane a change takes, by its effect on accounts that exist, and which fields move together.
library Lanes {
    error NothingChanges();
    error NotOneScalar();
    error LtvNotCoupled(uint256 proposed, uint256 demanded);
    error LtvAboveMargin(uint256 proposed, uint256 highest);

    /// @notice FAST: nobody's health factor and nobody's ability to repay changes. RAMP: lowers safety for
    /// borrowers that exist. SLOW: everything else.
    function laneOf(Parameters memory current, Parameters memory proposed, uint256 totalCollateral)
        internal
        pure
        returns (Lane)
    {
        if (_anyUp(current, proposed) || proposed.liquidationBonusBps != current.liquidationBonusBps) return Lane.SLOW;
        bool thresholdDown = proposed.liquidationThresholdBps < current.liquidationThresholdBps;
        bool ltvDown = proposed.ltvBps < current.ltvBps;
        bool supplyDown = proposed.supplyCap < current.supplyCap;
        bool borrowDown = proposed.borrowCap < current.borrowCap;
        bool freezes = proposed.isOpen < current.isOpen;
        if (thresholdDown) return supplyDown || borrowDown || freezes ? Lane.SLOW : Lane.RAMP;
        if (supplyDown && proposed.supplyCap < totalCollateral) return Lane.SLOW;
        return ltvDown || supplyDown || borrowDown || freezes ? Lane.FAST : Lane.NONE;
    }

    /// @notice Exactly one scalar moves, and the LTV follows: the threshold as the margin demands, a freeze to zero.
    function requireCoupled(Parameters memory current, Parameters memory proposed, uint256 marginBps) internal pure {
        bool threshold = proposed.liquidationThresholdBps != current.liquidationThresholdBps;
        bool freezes = proposed.isOpen < current.isOpen;
        uint256 scalars = threshold || (proposed.ltvBps != current.ltvBps && !freezes) ? 1 : 0;
        if (proposed.liquidationBonusBps != current.liquidationBonusBps) ++scalars;
        if (proposed.supplyCap != current.supplyCap) ++scalars;
        if (proposed.borrowCap != current.borrowCap) ++scalars;
        if (proposed.isOpen != current.isOpen) ++scalars;
        if (scalars == 0) revert NothingChanges();
        if (scalars > 1) revert NotOneScalar();
        if (freezes && proposed.ltvBps != 0) revert LtvNotCoupled(proposed.ltvBps, 0);
        uint256 highest = _below(proposed.liquidationThresholdBps, marginBps);
        if (threshold) {
            uint256 demanded = withThreshold(current, proposed.liquidationThresholdBps, marginBps).ltvBps;
            if (proposed.ltvBps != demanded) revert LtvNotCoupled(proposed.ltvBps, demanded);
        } else if (proposed.ltvBps > current.ltvBps && proposed.ltvBps > highest) {
            revert LtvAboveMargin(proposed.ltvBps, highest);
        }
    }

    /// @notice The whole vector that follows from another threshold: the LTV moves with it when it stands at
    /// the margin, and is lowered where the new margin demands.
    function withThreshold(Parameters memory current, uint256 thresholdBps, uint256 marginBps)
        internal
        pure
        returns (Parameters memory next)
    {
        uint256 highest = _below(thresholdBps, marginBps);
        bool atMargin = current.ltvBps + marginBps == current.liquidationThresholdBps;
        uint256 ltv = atMargin || current.ltvBps > highest ? highest : current.ltvBps;
        return Parameters(
            ltv,
            thresholdBps,
            current.liquidationBonusBps,
            current.supplyCap,
            current.borrowCap,
            current.isOpen
        );
    }

    function _anyUp(Parameters memory current, Parameters memory proposed) private pure returns (bool) {
        return proposed.ltvBps > current.ltvBps || proposed.liquidationThresholdBps > current.liquidationThresholdBps
            || proposed.supplyCap > current.supplyCap || proposed.borrowCap > current.borrowCap
            || proposed.isOpen > current.isOpen;
    }

    function _below(uint256 value, uint256 amount) private pure returns (uint256) {
        return value > amount ? value - amount : 0;
    }
}
