// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Fields of Aave V3's reserve configuration, by their bits; the places are the same in all versions.
library ReserveBits {
    uint256 private constant SIXTEEN = 0xFFFF;
    uint256 private constant CAP = (1 << 36) - 1;

    function ltv(uint256 bits) internal pure returns (uint256) {
        return bits & SIXTEEN;
    }

    function liquidationThreshold(uint256 bits) internal pure returns (uint256) {
        return (bits >> 16) & SIXTEEN;
    }

    /// @notice One plus the excess, basis points; zero for what is no collateral.
    function liquidationBonus(uint256 bits) internal pure returns (uint256) {
        return (bits >> 32) & SIXTEEN;
    }

    function decimals(uint256 bits) internal pure returns (uint256) {
        return (bits >> 48) & 0xFF;
    }

    function isActive(uint256 bits) internal pure returns (bool) {
        return (bits >> 56) & 1 == 1;
    }

    function isFrozen(uint256 bits) internal pure returns (bool) {
        return (bits >> 57) & 1 == 1;
    }

    /// @notice Whole tokens.
    function borrowCap(uint256 bits) internal pure returns (uint256) {
        return (bits >> 80) & CAP;
    }

    /// @notice Whole tokens.
    function supplyCap(uint256 bits) internal pure returns (uint256) {
        return (bits >> 116) & CAP;
    }
}
