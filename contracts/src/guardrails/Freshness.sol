// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {FreshnessSnapshot} from "../types/ParameterTypes.sol";

/// @notice How far the chain may have moved, on the risky side only, since the agents looked.
struct FreshnessBands {
    uint16 priceFallBps;
    uint16 utilisationRiseBps;
    uint16 supplyRiseBps;
    uint16 borrowRiseBps;
}

/// @notice What the chain says now, in the units of `FreshnessSnapshot`.
struct LiveValues {
    uint256 oraclePrice;
    uint256 utilisationBps;
    uint256 totalCollateral;
    uint256 totalBorrow;
}

/// @notice Compares the snapshot in the digest with the chain.
library Freshness {
    uint256 internal constant BPS_ONE = 10_000;
    uint256 internal constant OLDEST_DATA_SECONDS = 6 hours;

    error MarketDrift(bytes32 quantity, uint256 found, uint256 allowed);
    error DataTooOld(uint256 dataTime, uint256 earliest);
    error DataFromTheFuture(uint256 dataTime);

    function requireWithin(FreshnessSnapshot memory then, LiveValues memory live, FreshnessBands memory bands)
        internal
        pure
    {
        uint256 lowest = then.oraclePrice * (BPS_ONE - bands.priceFallBps) / BPS_ONE;
        if (live.oraclePrice < lowest) revert MarketDrift("oracle_price", live.oraclePrice, lowest);
        requireUsageWithin(then, live, bands);
    }

    /// @notice All bands but the price's: a falling price is a ramp's reason, not its obstacle.
    function requireUsageWithin(FreshnessSnapshot memory then, LiveValues memory live, FreshnessBands memory bands)
        internal
        pure
    {
        _atMost("utilisation_bps", live.utilisationBps, then.utilisationBps + bands.utilisationRiseBps);
        _atMost("total_collateral", live.totalCollateral, _raised(then.totalCollateral, bands.supplyRiseBps));
        _atMost("total_borrow", live.totalBorrow, _raised(then.totalBorrow, bands.borrowRiseBps));
    }

    /// @dev Checked at submission only: afterwards the bands speak.
    function requireRecent(uint256 dataTime) internal view {
        if (dataTime > block.timestamp) revert DataFromTheFuture(dataTime);
        if (dataTime + OLDEST_DATA_SECONDS < block.timestamp) {
            revert DataTooOld(dataTime, block.timestamp - OLDEST_DATA_SECONDS);
        }
    }

    function _atMost(bytes32 quantity, uint256 found, uint256 allowed) private pure {
        if (found > allowed) revert MarketDrift(quantity, found, allowed);
    }

    function _raised(uint256 value, uint256 riseBps) private pure returns (uint256) {
        return value * (BPS_ONE + riseBps) / BPS_ONE;
    }
}
