// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Freshness, FreshnessBands, LiveValues} from "../guardrails/Freshness.sol";
import {Guardrails} from "../guardrails/Guardrails.sol";
import {Lanes} from "../guardrails/Lanes.sol";
import {LimitBook} from "../guardrails/LimitBook.sol";
import {PositionSample} from "../guardrails/PositionSample.sol";
import {RampBook} from "../guardrails/RampBook.sol";
import {Field, Lane, ParameterFields, ParameterUpdate, Parameters} from "../types/ParameterTypes.sol";
import {ICeiling, IMarketAdapter} from "./IMarketAdapter.sol";

/// @notice What the mandate asks of one market, as far as a contract can check it.
/// @dev `newlyLiquidatableBps` is a share of the market's total borrow.
struct MarketRules {
    uint16 marginBps;
    uint16 newlyLiquidatableBps;
    FreshnessBands bands;
}

/// @notice The rules of every lane, once for all protocols; a protocol's adapter reads and writes.
///
///     SLOW  compare-and-swap ─► coupling ─► soundness ─► guardrails ─► ceiling ─► freshness ─► write ─► read back
///     RAMP  the same for the whole ramp without step and price band; then step by step
///     FAST  one-sided compare-and-swap ─► lane by what would be written ─► write ─► read back
///
/// @dev Everything is checked at submission and again at execution.
abstract contract MarketAdapter is IMarketAdapter, Ownable, RampBook, ReentrancyGuardTransient {
    using ParameterFields for Parameters;

    struct Market {
        bool listed;
        MarketRules rules;
        ICeiling ceiling;
    }

    /// @dev `Parameters.isOpen` of what is not frozen.
    uint256 internal constant OPEN = 1;

    LimitBook public immutable limits;
    PositionSample public immutable sample;
    address public fastLane;
    address public governor;
    mapping(address market => Market) private _markets;
    address[] private _listed;

    event MarketListed(address indexed market, MarketRules rules);
    event CeilingSet(address indexed market, ICeiling ceiling);
    event EntrancesSet(address governor, address fastLane);
    event UpdateApplied(
        uint64 indexed epoch,
        address indexed market,
        Lane indexed lane,
        Parameters previous,
        Parameters next,
        uint256 oraclePrice
    );

    error UnknownMarket(address market);
    error LaneNotOpen(Lane lane);
    error ValueMoved(Field field, uint256 expected, uint256 found);
    error WriteDiffers(Field field, uint256 proposed, uint256 found);
    error NothingToLower();
    /// @dev The protocol does not have this field.
    error FieldAbsent(Field field);
    error AboveCeilingByInference(uint256 proposedBps, uint256 ceilingBps);
    error NewlyLiquidatable(uint256 debt, uint256 allowed);
    error MarketsNotAscending(address previous, address next);
    error NotFastLane(address caller);
    error NotGovernor(address caller);
    error BadRules();

    constructor(address owner_, LimitBook limits_, PositionSample sample_) Ownable(owner_) {
        (limits, sample) = (limits_, sample_);
    }

    // ---- set-up: the deployer until sealing, then a full holder vote

    /// @notice Names the two contracts through which agents' updates come.
    function setEntrances(address governor_, address fastLane_) external onlyOwner {
        (governor, fastLane) = (governor_, fastLane_);
        emit EntrancesSet(governor_, fastLane_);
    }

    /// @notice Takes a market under governance, or changes its rules. Its limits are LimitBook's.
    function listMarket(address market, MarketRules calldata rules) external onlyOwner {
        if (rules.bands.priceFallBps >= Freshness.BPS_ONE) revert BadRules();
        Market storage listed = _markets[market];
        if (!listed.listed) {
            _requireKnown(market);
            _listed.push(market);
        }
        (listed.listed, listed.rules) = (true, rules);
        emit MarketListed(market, rules);
    }

    function setCeiling(address market, ICeiling ceiling) external onlyOwner {
        _markets[market].ceiling = ceiling;
        emit CeilingSet(market, ceiling);
    }

    // ---- what the governor and FastLane call

    /// @inheritdoc IMarketAdapter
    function requireSubmittable(ParameterUpdate[] calldata updates) external view returns (Lane lane) {
        for (uint256 i; i < updates.length; ++i) {
            Freshness.requireRecent(updates[i].snapshot.dataTime);
        }
        lane = _requireAllowed(updates);
        if (lane == Lane.FAST) _cutOf(updates[0]);
    }

    /// @inheritdoc IMarketAdapter
    function applyUpdates(ParameterUpdate[] calldata updates) external onlyOwner nonReentrant {
        Lane lane = _requireAllowed(updates);
        if (lane == Lane.FAST) revert LaneNotOpen(lane);
        if (lane == Lane.RAMP) {
            ParameterUpdate calldata u = updates[0];
            uint256 first = u.expected.liquidationThresholdBps;
            _arm(u.market, u.epoch, first, u.proposed.liquidationThresholdBps, u.positionsRoot);
            return _rampStep(u.market);
        }
        for (uint256 i; i < updates.length; ++i) {
            ParameterUpdate calldata u = updates[i];
            _change(u.market, u.expected, u.proposed, u.positionsRoot, u.epoch, Lane.SLOW);
        }
    }

    /// @inheritdoc IMarketAdapter
    function applyCut(ParameterUpdate calldata update) external nonReentrant {
        if (msg.sender != fastLane) revert NotFastLane(msg.sender);
        (Parameters memory current, Parameters memory next) = _cutOf(update);
        limits.recordCut(update.market, current, next);
        _write(update.market, current, next);
        _requireWritten(update.market, next);
        emit UpdateApplied(update.epoch, update.market, Lane.FAST, current, next, _price(update.market));
    }

    /// @inheritdoc IMarketAdapter
    function rampStep(address market) external nonReentrant {
        _rampStep(market);
    }

    /// @inheritdoc IMarketAdapter
    function stopRamp(address market, uint64 epoch) external {
        if (msg.sender != governor) revert NotGovernor(msg.sender);
        _stop(market, epoch);
    }

    // ---- reading

    /// @inheritdoc IMarketAdapter
    function laneOf(address market, Parameters calldata current, Parameters calldata proposed)
        external
        view
        returns (Lane)
    {
        return _laneOf(market, current, proposed);
    }

    /// @inheritdoc IMarketAdapter
    function parametersOf(address market) public view returns (Parameters memory) {
        if (!_markets[market].listed) revert UnknownMarket(market);
        return _read(market);
    }

    /// @notice What freshness compares, as the chain says it now.
    function liveOf(address market) external view returns (LiveValues memory) {
        if (!_markets[market].listed) revert UnknownMarket(market);
        return _live(market);
    }

    function rulesOf(address market) external view returns (MarketRules memory) {
        return _markets[market].rules;
    }

    function ceilingOf(address market) external view returns (ICeiling) {
        return _markets[market].ceiling;
    }

    /// @notice Every market under governance, in the order of listing.
    function markets() external view returns (address[] memory) {
        return _listed;
    }

    // ---- what a protocol's adapter says

    /// @dev Reverts with `UnknownMarket` for a key that the protocol does not have.
    function _requireKnown(address market) internal view virtual;

    function _read(address market) internal view virtual returns (Parameters memory);

    /// @dev USD for one whole unit of what `market` stands for, eight decimals.
    function _price(address market) internal view virtual returns (uint256);

    function _live(address market) internal view virtual returns (LiveValues memory);

    /// @dev Writes what differs between the two.
    function _write(address market, Parameters memory current, Parameters memory next) internal virtual;

    function _isLiquidatable(address market, address account) internal view virtual returns (bool);

    function _debtOf(address market, address account) internal view virtual returns (uint256);

    /// @dev What is supplied now, base units; asked only when a supply cap goes down.
    function _supplied(address market) internal view virtual returns (uint256);

    function _laneOf(address market, Parameters memory current, Parameters memory proposed)
        private
        view
        returns (Lane)
    {
        uint256 supplied = proposed.supplyCap < current.supplyCap ? _supplied(market) : 0;
        return Lanes.laneOf(current, proposed, supplied);
    }

    function _requireSound(Parameters memory p) internal view virtual {
        Guardrails.requireSound(p);
    }

    /// @dev Reverts for values that the protocol cannot hold, such as a cap that is no whole number of tokens.
    function _requireHoldable(address market, Parameters memory p) internal view virtual {}

    // ---- rules

    /// @dev Validates all, in strictly ascending order of markets.
    function _requireAllowed(ParameterUpdate[] calldata updates) private view returns (Lane lane) {
        address previous;
        for (uint256 i; i < updates.length; ++i) {
            ParameterUpdate calldata u = updates[i];
            if (u.market <= previous) revert MarketsNotAscending(previous, u.market);
            previous = u.market;
            (Parameters memory expected, Parameters memory proposed) = (u.expected, u.proposed);
            Market storage market = _markets[u.market];
            if (!market.listed) revert UnknownMarket(u.market);
            MarketRules memory rules = market.rules;
            Lanes.requireCoupled(expected, proposed, rules.marginBps);
            lane = _laneOf(u.market, expected, proposed);
            if (updates.length > 1) lane = Lane.SLOW;
            if (lane == Lane.FAST) return lane;
            _requireExpected(expected, _read(u.market));
            _requireSound(proposed);
            _requireHoldable(u.market, proposed);
            if (lane == Lane.RAMP) {
                limits.requireRampAllowed(u.market, expected, proposed);
                _requireRampFits(u.market, expected.liquidationThresholdBps, proposed.liquidationThresholdBps);
                Freshness.requireUsageWithin(u.snapshot, _live(u.market), rules.bands);
            } else {
                limits.requireAllowed(u.market, expected, proposed);
                _requireBelowCeiling(u, market.ceiling);
                Freshness.requireWithin(u.snapshot, _live(u.market), rules.bands);
            }
        }
    }

    /// @dev Only what the update lowers is lowered, and only if that is FAST as things stand now.
    function _cutOf(ParameterUpdate calldata u) private view returns (Parameters memory current, Parameters memory next) {
        current = parametersOf(u.market);
        uint256 supplied = u.proposed.supplyCap < u.expected.supplyCap ? _supplied(u.market) : 0;
        next = _lowered(current, u, supplied);
        Lane lane = _laneOf(u.market, current, next);
        if (lane == Lane.NONE) revert NothingToLower();
        if (lane != Lane.FAST) revert LaneNotOpen(lane);
        _requireHoldable(u.market, next);
        limits.requireCutAllowed(u.market, current, next);
    }

    function _lowered(Parameters memory current, ParameterUpdate calldata u, uint256 supplied)
        private
        pure
        returns (Parameters memory next)
    {
        next = Parameters(
            current.ltvBps,
            current.liquidationThresholdBps,
            current.liquidationBonusBps,
            current.supplyCap,
            current.borrowCap,
            current.isOpen
        );
        if (u.proposed.ltvBps < u.expected.ltvBps) next.ltvBps = _least(current.ltvBps, u.proposed.ltvBps);
        if (u.proposed.borrowCap < u.expected.borrowCap) next.borrowCap = _least(current.borrowCap, u.proposed.borrowCap);
        if (u.proposed.isOpen < u.expected.isOpen) next.isOpen = _least(current.isOpen, u.proposed.isOpen);
        if (u.proposed.supplyCap < u.expected.supplyCap) {
            uint256 cap = u.proposed.supplyCap > supplied ? u.proposed.supplyCap : supplied;
            next.supplyCap = _least(current.supplyCap, cap);
        }
    }

    function _rampStep(address market) private {
        Parameters memory current = parametersOf(market);
        (uint256 threshold, bytes32 root) = _advance(market, current.liquidationThresholdBps);
        Parameters memory next = Lanes.withThreshold(current, threshold, _markets[market].rules.marginBps);
        limits.requireStepAllowed(market, current, next);
        _change(market, current, next, root, 0, Lane.RAMP);
    }

    /// @dev Writes, and holds what must hold afterwards.
    function _change(
        address market,
        Parameters memory previous,
        Parameters memory next,
        bytes32 positionsRoot,
        uint64 epoch,
        Lane lane
    ) private {
        limits.record(market, previous, next);
        PositionSample.Named[] memory named = _healthyOf(market, positionsRoot);
        _write(market, previous, next);
        _requireWritten(market, next);
        _requireFewLiquidatable(market, named);
        emit UpdateApplied(epoch, market, lane, previous, next, _price(market));
    }

    /// @dev Post-state: what the market says after the write is what was proposed, and it is sound.
    function _requireWritten(address market, Parameters memory proposed) private view {
        Parameters memory written = _read(market);
        _requireSound(written);
        for (uint256 n; n < ParameterFields.COUNT; ++n) {
            Field field = Field(n);
            if (written.get(field) != proposed.get(field)) {
                revert WriteDiffers(field, proposed.get(field), written.get(field));
            }
        }
    }

    /// @dev The named positions that are healthy before the write; the others get no debt.
    function _healthyOf(address market, bytes32 root) private view returns (PositionSample.Named[] memory named) {
        if (sample.sizeOf(root) == 0) return named;
        named = sample.positionsOf(root);
        for (uint256 i; i < named.length; ++i) {
            if (_isLiquidatable(market, named[i].account)) named[i].debt = 0;
        }
    }

    function _requireFewLiquidatable(address market, PositionSample.Named[] memory named) private view {
        uint256 debt;
        for (uint256 i; i < named.length; ++i) {
            if (named[i].debt != 0 && _isLiquidatable(market, named[i].account)) {
                debt += _least(named[i].debt, _debtOf(market, named[i].account));
            }
        }
        if (debt == 0) return;
        uint256 allowed = _live(market).totalBorrow * _markets[market].rules.newlyLiquidatableBps / Freshness.BPS_ONE;
        if (debt > allowed) revert NewlyLiquidatable(debt, allowed);
    }

    function _requireBelowCeiling(ParameterUpdate calldata u, ICeiling ceiling) private view {
        if (address(ceiling) == address(0)) return;
        bool up = u.proposed.liquidationThresholdBps > u.expected.liquidationThresholdBps;
        if (!up && u.proposed.ltvBps <= u.expected.ltvBps) return;
        uint256 proposed = up ? u.proposed.liquidationThresholdBps : u.proposed.ltvBps;
        uint256 highest = ceiling.ceilingBps(u);
        if (proposed > highest) revert AboveCeilingByInference(proposed, highest);
    }

    function _requireExpected(Parameters memory expected, Parameters memory current) private pure {
        for (uint256 n; n < ParameterFields.COUNT; ++n) {
            Field field = Field(n);
            if (expected.get(field) != current.get(field)) {
                revert ValueMoved(field, expected.get(field), current.get(field));
            }
        }
    }

    function _least(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}
