// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {Guardrails} from "../guardrails/Guardrails.sol";
import {LiveValues} from "../guardrails/Freshness.sol";
import {LimitBook} from "../guardrails/LimitBook.sol";
import {PositionSample} from "../guardrails/PositionSample.sol";
import {Field, Parameters} from "../types/ParameterTypes.sol";
import {IComptroller, IV2Market, IV2Oracle} from "./interfaces/IComptroller.sol";
import {MarketAdapter} from "./MarketAdapter.sol";
import {WholeTokenCaps} from "./WholeTokenCaps.sol";

/// @notice Comptrollers of Compound V2's kind: a market is a cToken or vToken (key: its address). Needs whatever
/// the protocol asks of who sets collateral factors and caps.
///
///     there                           here
///     collateral factor (wad)         liquidationThresholdBps, rounded down; a fall of it is RAMP
///     no factor for borrowing alone   ltvBps 0
///     one incentive for all markets   liquidationBonusBps 0; soundness counts the incentive as it is
///     borrow cap 0                    2^128 - 1 in Compound V2 (no cap), 0 in Venus (no borrowing)
///     supply cap                      the same; 0 where the protocol has none
///
/// @dev Warning: list markets with a margin of 100_00, which keeps the LTV that is not there at zero.
contract ComptrollerAdapter is MarketAdapter {
    /// @notice What a borrow cap of zero means in this protocol.
    enum ZeroBorrowCap {
        NO_CAP,
        NO_BORROWING
    }

    uint256 private constant BPS_ONE = 10_000;
    uint256 private constant WAD = 1e18;
    uint256 private constant WAD_PER_BPS = 1e14;
    /// @dev From 36 decimals to eight.
    uint256 private constant PRICE_SCALE = 1e28;
    uint256 private constant NATIVE_DECIMALS = 18;

    IComptroller public immutable comptroller;
    ZeroBorrowCap public immutable zeroBorrowCap;
    bool public immutable hasSupplyCaps;
    /// @notice The market that is borrowed from against `market`, for freshness and the liquidatable-debt check.
    mapping(address market => address) public debtMarketOf;

    event DebtMarketSet(address indexed market, address debtMarket);

    error NoDebtMarket(address market);
    error ComptrollerRefused(uint256 code);

    constructor(
        IComptroller comptroller_,
        ZeroBorrowCap zeroBorrowCap_,
        address owner_,
        LimitBook limits_,
        PositionSample sample_
    ) MarketAdapter(owner_, limits_, sample_) {
        (comptroller, zeroBorrowCap) = (comptroller_, zeroBorrowCap_);
        (bool success, bytes memory answer) =
            address(comptroller_).staticcall(abi.encodeCall(IComptroller.supplyCaps, (address(0))));
        hasSupplyCaps = success && answer.length != 0;
    }

    // ---- set-up: the deployer until sealing, then a full holder vote

    /// @notice Names the market whose borrowing is watched. Without it nothing can be proposed there.
    function setDebtMarket(address market, address debtMarket) external onlyOwner {
        _requireKnown(debtMarket);
        debtMarketOf[market] = debtMarket;
        emit DebtMarketSet(market, debtMarket);
    }

    // ---- reading

    function _requireKnown(address market) internal view override {
        (bool isListed,) = comptroller.markets(market);
        if (!isListed) revert UnknownMarket(market);
    }

    function _read(address market) internal view override returns (Parameters memory) {
        (, uint256 factor) = comptroller.markets(market);
        uint256 borrowCap = comptroller.borrowCaps(market);
        if (borrowCap == 0 && zeroBorrowCap == ZeroBorrowCap.NO_CAP) borrowCap = WholeTokenCaps.NONE;
        uint256 supplyCap = hasSupplyCaps ? comptroller.supplyCaps(market) : 0;
        return Parameters(0, factor / WAD_PER_BPS, 0, _atMostNone(supplyCap), _atMostNone(borrowCap), OPEN);
    }

    function _price(address market) internal view override returns (uint256) {
        uint256 price = IV2Oracle(comptroller.oracle()).getUnderlyingPrice(market);
        return price * 10 ** _decimalsOf(market) / PRICE_SCALE;
    }

    /// @dev As the markets have it stored: interest since somebody last touched them is not in it.
    function _live(address market) internal view override returns (LiveValues memory) {
        if (debtMarketOf[market] == address(0)) revert NoDebtMarket(market);
        IV2Market debt = IV2Market(debtMarketOf[market]);
        uint256 borrowed = debt.totalBorrows();
        uint256 lent = debt.getCash() + borrowed - debt.totalReserves();
        uint256 utilisationBps = lent == 0 ? 0 : (borrowed * BPS_ONE + lent - 1) / lent;
        return LiveValues(_price(market), utilisationBps, _supplied(market), borrowed);
    }

    function _supplied(address market) internal view override returns (uint256) {
        return IV2Market(market).exchangeRateStored() * IV2Market(market).totalSupply() / WAD;
    }

    function _isLiquidatable(address, address account) internal view override returns (bool) {
        (uint256 code,, uint256 shortfall) = comptroller.getAccountLiquidity(account);
        if (code != 0) revert ComptrollerRefused(code);
        return shortfall != 0;
    }

    function _debtOf(address market, address account) internal view override returns (uint256) {
        return IV2Market(debtMarketOf[market]).borrowBalanceStored(account);
    }

    // ---- rules: the lanes are the base's, for which a threshold down is RAMP

    /// @dev No LTV to compare. A factor of zero is sound: the market is no collateral.
    function _requireSound(Parameters memory p) internal view override {
        uint256 incentive = comptroller.liquidationIncentiveMantissa();
        if (p.liquidationThresholdBps * incentive >= BPS_ONE * WAD) {
            revert Guardrails.NothingLeftForDebt(p.liquidationThresholdBps, incentive / WAD_PER_BPS - BPS_ONE);
        }
    }

    function _requireHoldable(address, Parameters memory p) internal view override {
        if (p.ltvBps != 0) revert FieldAbsent(Field.LTV);
        if (p.liquidationBonusBps != 0) revert FieldAbsent(Field.LIQUIDATION_BONUS);
        if (p.isOpen != OPEN) revert FieldAbsent(Field.IS_OPEN);
        if (p.supplyCap != 0 && !hasSupplyCaps) revert FieldAbsent(Field.SUPPLY_CAP);
        _borrowCapToWrite(p.borrowCap);
    }

    // ---- writing

    function _write(address market, Parameters memory current, Parameters memory next) internal override {
        if (next.liquidationThresholdBps != current.liquidationThresholdBps) {
            uint256 code = comptroller._setCollateralFactor(market, next.liquidationThresholdBps * WAD_PER_BPS);
            if (code != 0) revert ComptrollerRefused(code);
        }
        address[] memory markets_ = new address[](1);
        uint256[] memory caps = new uint256[](1);
        markets_[0] = market;
        if (next.supplyCap != current.supplyCap) {
            caps[0] = next.supplyCap;
            comptroller._setMarketSupplyCaps(markets_, caps);
        }
        if (next.borrowCap != current.borrowCap) {
            caps[0] = _borrowCapToWrite(next.borrowCap);
            comptroller._setMarketBorrowCaps(markets_, caps);
        }
    }

    /// @dev Where zero is no cap, a cap of zero must not be written.
    function _borrowCapToWrite(uint256 cap) private view returns (uint256) {
        return zeroBorrowCap == ZeroBorrowCap.NO_CAP ? WholeTokenCaps.toTokens(cap, 1) : cap;
    }

    // ---- small things

    function _atMostNone(uint256 cap) private pure returns (uint256) {
        return cap < WholeTokenCaps.NONE ? cap : WholeTokenCaps.NONE;
    }

    /// @dev The market of the chain's own coin has no underlying token, and that coin has 18.
    function _decimalsOf(address market) private view returns (uint256) {
        try IV2Market(market).underlying() returns (address token) {
            return IERC20Metadata(token).decimals();
        } catch {
            return NATIVE_DECIMALS;
        }
    }
}
