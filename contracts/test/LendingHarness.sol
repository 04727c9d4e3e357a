// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LendingMath} from "../src/demo/LendingMath.sol";

/// @notice Opens the lending rules to many vectors in one call. For tests.
contract LendingHarness {
    struct Vector {
        uint256 collateral;
        uint256 debt;
        uint256 price;
        uint256 ltvBps;
        LendingMath.Rules rules;
    }

    struct Result {
        uint256 value;
        uint256 health;
        uint256 maxBorrow;
        uint256 close;
        LendingMath.Liquidation liquidation;
    }

    /// @dev The liquidation is empty for healthy positions.
    function run(Vector[] calldata vectors) external pure returns (Result[] memory results) {
        results = new Result[](vectors.length);
        for (uint256 i; i < vectors.length; ++i) {
            Vector calldata v = vectors[i];
            Result memory r = results[i];
            r.value = LendingMath.collateralValue(v.collateral, v.price, v.rules);
            r.health = LendingMath.healthFactor(v.collateral, v.debt, v.price, v.rules);
            r.maxBorrow = LendingMath.maxBorrow(v.collateral, v.price, v.ltvBps, v.rules);
            r.close = LendingMath.closeAmount(v.debt, v.rules.closeFactorBps);
            if (r.health < 1e18) r.liquidation = LendingMath.liquidation(v.collateral, v.debt, v.price, v.rules);
        }
    }

    function rates(uint256[] calldata utilisations) external pure returns (uint256[] memory found) {
        found = new uint256[](utilisations.length);
        for (uint256 i; i < utilisations.length; ++i) found[i] = LendingMath.ratePerYear(utilisations[i]);
    }
}
