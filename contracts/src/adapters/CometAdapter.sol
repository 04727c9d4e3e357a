// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Guardrails} from "../guardrails/Guardrails.sol";
import {LiveValues} from "../guardrails/Freshness.sol";
import {LimitBook} from "../guardrails/LimitBook.sol";
import {PositionSample} from "../guardrails/PositionSample.sol";
import {Field, Parameters} from "../types/ParameterTypes.sol";
import {CometInertWrites} from "./CometInertWrites.sol";
import {CometAssetInfo, IComet, ICometConfigurator, ICometProxyAdmin} from "./interfaces/IComet.sol";
import {MarketAdapter} from "./MarketAdapter.sol";
import {WholeTokenCaps} from "./WholeTokenCaps.sol";

/// @notice One Compound III market: every collateral (key: its address) against the base token. Needs to be
/// market admin of Configurator and proxy admin.
///
///     borrowCollateralFactor          ltvBps
///     liquidateCollateralFactor       liquidationThresholdBps
///     1 - liquidationFactor           liquidationBonusBps: what an absorbed account loses of its collateral
///     supplyCap (whole tokens)        supplyCap in base units
///     (no cap on borrowing)           borrowCap 0; it never moves
///
///     write ─► nothing foreign is written ─► Configurator ─► deployAndUpgradeTo ─► Comet itself is read back
///
/// @dev Warning: every change deploys Comet anew, some 4,000,000 gas; so does every step of a ramp, and every
/// asset of a batch. Prices are in the unit of the market's feeds, which is USD in USDC's and ETH in WETH's.
contract CometAdapter is MarketAdapter {
    using SafeCast for uint256;

    uint256 private constant BPS_ONE = 10_000;
    uint256 private constant WAD_PER_BPS = 1e14;

    IComet public immutable comet;
    ICometConfigurator public immutable configurator;
    ICometProxyAdmin public immutable proxyAdmin;
    /// @notice Who makes implementations; another one would be foreign code.
    address public factory;

    event FactoryAccepted(address factory);

    error ForeignFactory(address found, address accepted);

    constructor(
        IComet comet_,
        ICometConfigurator configurator_,
        ICometProxyAdmin proxyAdmin_,
        address owner_,
        LimitBook limits_,
        PositionSample sample_
    ) MarketAdapter(owner_, limits_, sample_) {
        (comet, configurator, proxyAdmin) = (comet_, configurator_, proxyAdmin_);
        factory = configurator_.factory(address(comet_));
    }

    /// @notice Accepts the Configurator's factory as it is now: a full holder vote, which names it.
    function acceptFactory(address factory_) external onlyOwner {
        factory = factory_;
        emit FactoryAccepted(factory_);
    }

    // ---- reading

    function _requireKnown(address market) internal view override {
        try comet.getAssetInfoByAddress(market) {}
        catch {
            revert UnknownMarket(market);
        }
    }

    function _read(address market) internal view override returns (Parameters memory) {
        CometAssetInfo memory info = comet.getAssetInfoByAddress(market);
        return Parameters(
            info.borrowCollateralFactor / WAD_PER_BPS,
            info.liquidateCollateralFactor / WAD_PER_BPS,
            BPS_ONE - info.liquidationFactor / WAD_PER_BPS,
            info.supplyCap,
            0,
            OPEN
        );
    }

    function _price(address market) internal view override returns (uint256) {
        return comet.getPrice(comet.getAssetInfoByAddress(market).priceFeed);
    }

    function _live(address market) internal view override returns (LiveValues memory) {
        uint256 utilisationBps = (comet.getUtilization() + WAD_PER_BPS - 1) / WAD_PER_BPS;
        (uint128 collateral,) = comet.totalsCollateral(market);
        return LiveValues(_price(market), utilisationBps, collateral, comet.totalBorrow());
    }

    /// @dev Up to a whole token: an emergency cut of the cap ends there, and Comet must be able to hold it.
    function _supplied(address market) internal view override returns (uint256) {
        (uint128 collateral,) = comet.totalsCollateral(market);
        return WholeTokenCaps.up(collateral, comet.getAssetInfoByAddress(market).scale);
    }

    function _isLiquidatable(address, address account) internal view override returns (bool) {
        return comet.isLiquidatable(account);
    }

    function _debtOf(address, address account) internal view override returns (uint256) {
        return comet.borrowBalanceOf(account);
    }

    // ---- rules

    /// @dev Absorbed at the threshold, collateral must credit more than the debt: threshold < liquidationFactor.
    /// That is stricter than threshold x (1 + bonus) < 1.
    function _requireSound(Parameters memory p) internal pure override {
        Guardrails.requireSound(p);
        if (p.liquidationThresholdBps + p.liquidationBonusBps >= BPS_ONE) {
            revert Guardrails.NothingLeftForDebt(p.liquidationThresholdBps, p.liquidationBonusBps);
        }
    }

    function _requireHoldable(address market, Parameters memory p) internal view override {
        if (p.borrowCap != 0) revert FieldAbsent(Field.BORROW_CAP);
        if (p.isOpen != OPEN) revert FieldAbsent(Field.IS_OPEN);
        uint256 scale = comet.getAssetInfoByAddress(market).scale;
        // a remainder, not a draw of lots
        // slither-disable-next-line weak-prng
        if (p.supplyCap % scale != 0) revert WholeTokenCaps.CapNotWhole(p.supplyCap, scale);
        _requireNothingForeign();
    }

    function _requireNothingForeign() private view {
        address found = configurator.factory(address(comet));
        if (found != factory) revert ForeignFactory(found, factory);
        CometInertWrites.requireNone(comet, configurator.getConfiguration(address(comet)));
    }

    // ---- writing

    /// @dev In an order that keeps the borrow factor below the liquidate factor at each moment.
    function _write(address market, Parameters memory current, Parameters memory next) internal override {
        _requireNothingForeign();
        if (next.liquidationThresholdBps > current.liquidationThresholdBps) _writeThreshold(market, next);
        if (next.ltvBps != current.ltvBps) {
            configurator.updateAssetBorrowCollateralFactor(address(comet), market, _wad(next.ltvBps));
        }
        if (next.liquidationThresholdBps < current.liquidationThresholdBps) _writeThreshold(market, next);
        if (next.liquidationBonusBps != current.liquidationBonusBps) {
            uint64 factor = _wad(BPS_ONE - next.liquidationBonusBps);
            configurator.updateAssetLiquidationFactor(address(comet), market, factor);
        }
        if (next.supplyCap != current.supplyCap) {
            configurator.updateAssetSupplyCap(address(comet), market, next.supplyCap.toUint128());
        }
        proxyAdmin.deployAndUpgradeTo(address(configurator), address(comet));
    }

    function _writeThreshold(address market, Parameters memory next) private {
        uint64 factor = _wad(next.liquidationThresholdBps);
        configurator.updateAssetLiquidateCollateralFactor(address(comet), market, factor);
    }

    function _wad(uint256 bps) private pure returns (uint64) {
        return (bps * WAD_PER_BPS).toUint64();
    }
}
