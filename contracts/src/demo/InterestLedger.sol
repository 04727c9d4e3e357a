// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LendingMath} from "./LendingMath.sol";

/// @notice Borrow index, suppliers' claims and reserves of the debt asset.
/// @dev cash + borrow = supply + reserves, up to rounding in favour of the pool.
abstract contract InterestLedger {
    uint256 internal constant WAD = 1e18;
    uint256 public constant RESERVE_FACTOR_BPS = 10_00;

    struct Ledger {
        uint256 index;
        uint256 scaledBorrow;
        uint256 supply;
        uint256 shares;
        uint256 reserves;
        uint256 badDebt;
        uint64 accruedAt;
    }

    Ledger internal _ledger;

    constructor() {
        _ledger.index = WAD;
        _ledger.accruedAt = uint64(block.timestamp);
    }

    /// @notice The ledger with interest until now.
    function _accrued() internal view returns (Ledger memory now_) {
        now_ = _ledger;
        uint256 elapsed = block.timestamp - now_.accruedAt;
        if (elapsed == 0) return now_;
        now_.accruedAt = uint64(block.timestamp);
        uint256 borrowed = _borrowOf(now_);
        if (borrowed == 0 || now_.supply == 0) return now_;
        uint256 utilisation = borrowed * WAD / now_.supply;
        uint256 rate = LendingMath.ratePerYear(utilisation < WAD ? utilisation : WAD);
        now_.index += now_.index * rate * elapsed / (WAD * LendingMath.SECONDS_PER_YEAR);
        uint256 interest = _borrowOf(now_) - borrowed;
        uint256 kept = interest * RESERVE_FACTOR_BPS / LendingMath.BPS_ONE;
        now_.reserves += kept;
        now_.supply += interest - kept;
    }

    function _accrue() internal {
        _ledger = _accrued();
    }

    function _borrowOf(Ledger memory ledger) internal pure returns (uint256) {
        return _mulUp(ledger.scaledBorrow, ledger.index, WAD);
    }

    /// @dev Reserves pay first, then suppliers in proportion.
    function _writeOff(uint256 amount) internal {
        uint256 covered = amount < _ledger.reserves ? amount : _ledger.reserves;
        _ledger.reserves -= covered;
        uint256 rest = amount - covered;
        _ledger.supply -= rest < _ledger.supply ? rest : _ledger.supply;
        _ledger.badDebt += amount;
    }

    function _mulUp(uint256 value, uint256 numerator, uint256 denominator) internal pure returns (uint256) {
        return (value * numerator + denominator - 1) / denominator;
    }
}
