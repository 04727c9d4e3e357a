// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGovernedMarket} from "../src/adapters/IGovernedMarket.sol";
import {Parameters} from "../src/types/ParameterTypes.sol";

/// @notice A market that says what a test wants, and may write something else than it was told. For tests.
contract CrookedMarket is IGovernedMarket {
    address public immutable collateralToken;
    uint256 public totalCollateral;
    uint256 public oraclePrice;
    uint256 public extraBorrowCap;
    mapping(address account => uint256) public debtOf;
    mapping(address account => uint256) public unhealthyBelowBps;
    uint256 private _utilisationBps;
    uint256 private _totalBorrow;
    Parameters private _parameters;

    constructor(address collateral, Parameters memory initial) {
        (collateralToken, _parameters) = (collateral, initial);
    }

    function pretend(uint256 price, uint256 utilisationBps, uint256 collateral, uint256 borrow) external {
        (oraclePrice, _utilisationBps, totalCollateral, _totalBorrow) = (price, utilisationBps, collateral, borrow);
    }

    /// @notice From now on a write adds `extra` to the borrow cap.
    function cheat(uint256 extra) external {
        extraBorrowCap = extra;
    }

    function force(Parameters calldata next) external {
        _parameters = next;
    }

    /// @notice `account` owes `debt` and is healthy while the threshold is at least `thresholdBps`.
    function owe(address account, uint256 debt, uint256 thresholdBps) external {
        (debtOf[account], unhealthyBelowBps[account]) = (debt, thresholdBps);
    }

    function healthFactor(address account) external view returns (uint256) {
        return _parameters.liquidationThresholdBps < unhealthyBelowBps[account] ? 0 : 1e18;
    }

    function setParameters(Parameters calldata next) public virtual {
        _parameters = next;
        _parameters.borrowCap += extraBorrowCap;
    }

    function parameters() external view returns (Parameters memory) {
        return _parameters;
    }

    function borrowState() external view returns (uint256, uint256) {
        return (_utilisationBps, _totalBorrow);
    }
}
