// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice The lending rules in integers; the twin of core/lending.py and core/cascade.py (RateCurve).
/// @dev Price has eight decimals; the debt asset is one USD. Rounds against the borrower's claim on the pool.
library LendingMath {
    uint256 internal constant BPS_ONE = 10_000;
    uint256 internal constant PRICE_ONE = 1e8;
    uint256 internal constant WAD = 1e18;
    uint256 internal constant SECONDS_PER_YEAR = 365 days;
    uint256 internal constant FULL_CLOSE_BELOW_WAD = 0.95e18;

    struct Rules {
        uint256 liquidationThresholdBps;
        uint256 liquidationBonusBps;
        uint256 closeFactorBps;
        uint256 collateralOne;
        uint256 debtOne;
    }

    struct Liquidation {
        uint256 repaid;
        uint256 seized;
        uint256 badDebt;
    }

    function collateralValue(uint256 collateral, uint256 price, Rules memory rules) internal pure returns (uint256) {
        return collateral * price * rules.debtOne / (PRICE_ONE * rules.collateralOne);
    }

    /// @notice Value x threshold / debt in wad, rounded down; the largest number without debt.
    function healthFactor(uint256 collateral, uint256 debt, uint256 price, Rules memory rules)
        internal
        pure
        returns (uint256)
    {
        if (debt == 0) return type(uint256).max;
        return collateralValue(collateral, price, rules) * rules.liquidationThresholdBps * WAD / (BPS_ONE * debt);
    }

    function maxBorrow(uint256 collateral, uint256 price, uint256 ltvBps, Rules memory rules)
        internal
        pure
        returns (uint256)
    {
        return collateralValue(collateral, price, rules) * ltvBps / BPS_ONE;
    }

    function closeAmount(uint256 debt, uint256 closeFactorBps) internal pure returns (uint256) {
        return debt * closeFactorBps / BPS_ONE;
    }

    /// @notice Effect of one liquidation call. The caller has checked that the position is unhealthy.
    function liquidation(uint256 collateral, uint256 debt, uint256 price, Rules memory rules)
        internal
        pure
        returns (Liquidation memory)
    {
        uint256 health = healthFactor(collateral, debt, price, rules);
        uint256 repaid = closeAmount(debt, health >= FULL_CLOSE_BELOW_WAD ? rules.closeFactorBps : BPS_ONE);
        uint256 scale = PRICE_ONE * rules.collateralOne * (BPS_ONE + rules.liquidationBonusBps);
        uint256 seized = repaid * scale / (price * rules.debtOne * BPS_ONE);
        if (seized < collateral) return Liquidation(repaid, seized, 0);
        uint256 value = collateralValue(collateral, price, rules);
        uint256 worth = value * BPS_ONE / (BPS_ONE + rules.liquidationBonusBps);
        repaid = worth < debt ? worth : debt;
        return Liquidation(repaid, collateral, debt - repaid);
    }

    /// @notice Kinked borrow rate per year in wad: 4 % at the kink (90 %), then 75 % more to full use.
    function ratePerYear(uint256 utilisation) internal pure returns (uint256) {
        if (utilisation <= 0.9e18) return 0.04e18 * utilisation / 0.9e18;
        return 0.04e18 + 0.75e18 * (utilisation - 0.9e18) / 0.1e18;
    }
}
