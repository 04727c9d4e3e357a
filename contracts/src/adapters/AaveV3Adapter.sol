// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Guardrails} from "../guardrails/Guardrails.sol";
import {LiveValues} from "../guardrails/Freshness.sol";
import {LimitBook} from "../guardrails/LimitBook.sol";
import {PositionSample} from "../guardrails/PositionSample.sol";
import {Field, Parameters} from "../types/ParameterTypes.sol";
import {
    EModeCategory,
    IAaveAddressesProvider,
    IAaveOracle,
    IAavePool,
    IAavePoolConfigurator,
    ReserveData
} from "./interfaces/IAaveV3.sol";
import {MarketAdapter} from "./MarketAdapter.sol";
import {ReserveBits} from "./ReserveBits.sol";
import {WholeTokenCaps} from "./WholeTokenCaps.sol";

/// @notice Aave V3, from 3.0 on: a market is a reserve (key: its asset) or an e-mode category (key: its number
/// as an address, 1 to 255). Needs RISK_ADMIN.
///
///     Aave                            here
///     bonus 105_00                    liquidationBonusBps 5_00: the excess only
///     cap in whole tokens             cap in base units of the reserve itself, the borrow cap too
///     cap 0: none                     2^128 - 1
///     e-mode category: no caps        both caps 0; they never move
///
/// @dev Warning: what the pool can do is asked once, here. After an upgrade of the pool, put a new adapter in
/// this one's place; until then a write that the new pool reads otherwise fails when it is read back.
contract AaveV3Adapter is MarketAdapter {
    using ReserveBits for uint256;
    using SafeCast for uint256;

    /// @dev Tokens of the two reserves that stand for a market; `stableDebt` is zero from V3.2 on.
    struct Watched {
        address collateral;
        IERC20 collateralToken;
        IERC20 lent;
        IERC20 variableDebt;
        IERC20 stableDebt;
    }

    uint256 private constant BPS_ONE = 10_000;
    uint256 private constant HEALTHY = 1e18;
    uint256 private constant PRICE_ONE = 1e8;
    uint160 private constant LAST_CATEGORY = type(uint8).max;

    IAaveAddressesProvider public immutable provider;
    IAavePool public immutable pool;
    IAavePoolConfigurator public immutable configurator;
    /// @notice Whether a frozen reserve's LTV waits until the thaw (V3.1).
    bool public immutable keepsPendingLtv;
    /// @notice Whether categories have lost their own oracle (V3.2).
    bool public immutable hasLiquidCategories;
    mapping(address market => Watched) private _watched;

    event MarketWatched(address indexed market, address collateral, address debtAsset);

    error NotInUsd(uint256 baseCurrencyUnit);
    error NotAReserve(address asset);
    error NotItsCollateral(address market, address collateral);
    error NotWatched(address market);

    constructor(IAaveAddressesProvider provider_, address owner_, LimitBook limits_, PositionSample sample_)
        MarketAdapter(owner_, limits_, sample_)
    {
        provider = provider_;
        pool = IAavePool(provider_.getPool());
        configurator = IAavePoolConfigurator(provider_.getPoolConfigurator());
        uint256 unit = IAaveOracle(provider_.getPriceOracle()).BASE_CURRENCY_UNIT();
        if (unit != PRICE_ONE) revert NotInUsd(unit);
        keepsPendingLtv =
            _answers(address(configurator), abi.encodeCall(IAavePoolConfigurator.getPendingLtv, (address(0))));
        hasLiquidCategories =
            _answers(address(pool), abi.encodeWithSignature("getEModeCategoryCollateralConfig(uint8)", 1));
    }

    // ---- set-up: the deployer until sealing, then a full holder vote

    /// @notice Names the reserves whose price, supply and borrowing stand for `market`; a reserve's collateral is
    /// itself. Without it nothing can be proposed there.
    /// @dev Warning: their tokens are kept. A reserve that Aave drops and starts anew must be named again.
    function watch(address market, address collateral, address debtAsset) external onlyOwner {
        if (!_isCategory(market) && collateral != market) revert NotItsCollateral(market, collateral);
        if (!_bits(collateral).isActive()) revert NotAReserve(collateral);
        if (!_bits(debtAsset).isActive()) revert NotAReserve(debtAsset);
        ReserveData memory debt = pool.getReserveData(debtAsset);
        _watched[market] = Watched(
            collateral,
            IERC20(pool.getReserveData(collateral).aTokenAddress),
            IERC20(debt.aTokenAddress),
            IERC20(debt.variableDebtTokenAddress),
            IERC20(debt.stableDebtTokenAddress)
        );
        emit MarketWatched(market, collateral, debtAsset);
    }

    function watchedOf(address market) external view returns (Watched memory) {
        return _watched[market];
    }

    // ---- reading

    function _requireKnown(address market) internal view override {
        if (_isCategory(market)) {
            if (pool.getEModeCategoryData(uint8(uint160(market))).liquidationThreshold == 0) {
                revert UnknownMarket(market);
            }
        } else if (!_bits(market).isActive()) {
            revert UnknownMarket(market);
        }
    }

    function _read(address market) internal view override returns (Parameters memory) {
        if (_isCategory(market)) {
            EModeCategory memory category = pool.getEModeCategoryData(uint8(uint160(market)));
            return Parameters(
                category.ltv, category.liquidationThreshold, _excess(category.liquidationBonus), 0, 0, OPEN
            );
        }
        uint256 bits = _bits(market);
        uint256 unit = 10 ** bits.decimals();
        return Parameters(
            bits.ltv(),
            bits.liquidationThreshold(),
            _excess(bits.liquidationBonus()),
            WholeTokenCaps.fromTokens(bits.supplyCap(), unit),
            WholeTokenCaps.fromTokens(bits.borrowCap(), unit),
            bits.isFrozen() ? 0 : OPEN
        );
    }

    function _price(address market) internal view override returns (uint256) {
        return IAaveOracle(provider.getPriceOracle()).getAssetPrice(_collateralOf(market));
    }

    /// @dev Utilisation is debt over what suppliers own, which nobody can lower by a donation.
    function _live(address market) internal view override returns (LiveValues memory) {
        Watched storage watched = _watched[market];
        if (address(watched.lent) == address(0)) revert NotWatched(market);
        (uint256 borrowed, uint256 lent) = (watched.variableDebt.totalSupply(), watched.lent.totalSupply());
        if (address(watched.stableDebt) != address(0)) borrowed += watched.stableDebt.totalSupply();
        uint256 utilisationBps = lent == 0 ? 0 : (borrowed * BPS_ONE + lent - 1) / lent;
        return LiveValues(_price(market), utilisationBps, watched.collateralToken.totalSupply(), borrowed);
    }

    /// @dev Up to a whole token, at least one: an emergency cut of the cap ends there, Aave must be able to hold
    /// it, and zero would lift the cap.
    function _supplied(address market) internal view override returns (uint256) {
        uint256 unit = 10 ** _bits(_collateralOf(market)).decimals();
        uint256 supplied = WholeTokenCaps.up(_watched[market].collateralToken.totalSupply(), unit);
        return supplied == 0 ? unit : supplied;
    }

    function _isLiquidatable(address, address account) internal view override returns (bool) {
        (,,,,, uint256 healthFactor) = pool.getUserAccountData(account);
        return healthFactor < HEALTHY;
    }

    function _debtOf(address market, address account) internal view override returns (uint256 owed) {
        Watched storage watched = _watched[market];
        owed = watched.variableDebt.balanceOf(account);
        if (address(watched.stableDebt) != address(0)) owed += watched.stableDebt.balanceOf(account);
    }

    // ---- rules

    /// @dev Strict where Aave rounds to the nearest basis point. A reserve that is no collateral has no triple,
    /// and caps all the same.
    function _requireSound(Parameters memory p) internal pure override {
        if (p.liquidationThresholdBps == 0 && p.ltvBps == 0 && p.liquidationBonusBps == 0) return;
        Guardrails.requireSound(p);
    }

    function _requireHoldable(address market, Parameters memory p) internal view override {
        if (_isCategory(market)) {
            if (p.isOpen != OPEN) revert FieldAbsent(Field.IS_OPEN);
            return;
        }
        uint256 unit = 10 ** _bits(market).decimals();
        WholeTokenCaps.toTokens(p.supplyCap, unit);
        WholeTokenCaps.toTokens(p.borrowCap, unit);
    }

    // ---- writing

    function _write(address market, Parameters memory current, Parameters memory next) internal override {
        bool triple = next.ltvBps != current.ltvBps || next.liquidationThresholdBps != current.liquidationThresholdBps
            || next.liquidationBonusBps != current.liquidationBonusBps;
        if (_isCategory(market)) {
            if (triple) _writeCategory(uint8(uint160(market)), next);
            return;
        }
        if (triple) {
            configurator.configureReserveAsCollateral(
                market, _ltvToWrite(market, current, next), next.liquidationThresholdBps, BPS_ONE + next.liquidationBonusBps
            );
        }
        uint256 unit = 10 ** _bits(market).decimals();
        if (next.supplyCap != current.supplyCap) {
            configurator.setSupplyCap(market, WholeTokenCaps.toTokens(next.supplyCap, unit));
        }
        if (next.borrowCap != current.borrowCap) {
            configurator.setBorrowCap(market, WholeTokenCaps.toTokens(next.borrowCap, unit));
        }
        if (next.isOpen != current.isOpen) _freeze(market, next);
    }

    /// @dev A thaw gives back the LTV that waits (V3.1): it was not proposed, so it goes first.
    function _freeze(address market, Parameters memory next) private {
        if (next.isOpen == OPEN && keepsPendingLtv && configurator.getPendingLtv(market) != next.ltvBps) {
            configurator.configureReserveAsCollateral(
                market, next.ltvBps, next.liquidationThresholdBps, BPS_ONE + next.liquidationBonusBps
            );
        }
        configurator.setReserveFreeze(market, next.isOpen != OPEN);
    }

    /// @dev A frozen reserve's LTV reads zero and the write goes to what it gets back at the thaw: leave that
    /// as it is, or lower it below a lower threshold. An LTV that was proposed is not live then, and
    /// `WriteDiffers` says so.
    function _ltvToWrite(address market, Parameters memory current, Parameters memory next)
        private
        view
        returns (uint256)
    {
        bool waits = keepsPendingLtv && next.ltvBps == 0 && current.ltvBps == 0 && _bits(market).isFrozen();
        if (!waits) return next.ltvBps;
        uint256 pending = configurator.getPendingLtv(market);
        return pending < next.liquidationThresholdBps ? pending : next.liquidationThresholdBps - 1;
    }

    /// @dev Label and, before V3.2, the oracle stay as they are.
    function _writeCategory(uint8 id, Parameters memory next) private {
        EModeCategory memory category = pool.getEModeCategoryData(id);
        (uint16 ltv, uint16 threshold, uint16 bonus) = (
            next.ltvBps.toUint16(), next.liquidationThresholdBps.toUint16(), (BPS_ONE + next.liquidationBonusBps).toUint16()
        );
        if (hasLiquidCategories) {
            configurator.setEModeCategory(id, ltv, threshold, bonus, category.label);
        } else {
            configurator.setEModeCategory(id, ltv, threshold, bonus, category.priceSource, category.label);
        }
    }

    // ---- small things

    function _isCategory(address market) private pure returns (bool) {
        return uint160(market) <= LAST_CATEGORY && market != address(0);
    }

    function _bits(address asset) private view returns (uint256) {
        return pool.getConfiguration(asset).data;
    }

    function _collateralOf(address market) private view returns (address) {
        return _isCategory(market) ? _watched[market].collateral : market;
    }

    /// @dev Aave writes one plus the excess, and nothing at all for what is no collateral.
    function _excess(uint256 bonus) private pure returns (uint256) {
        return bonus > BPS_ONE ? bonus - BPS_ONE : 0;
    }

    function _answers(address target, bytes memory call) private view returns (bool) {
        (bool success, bytes memory answer) = target.staticcall(call);
        return success && answer.length != 0;
    }
}
