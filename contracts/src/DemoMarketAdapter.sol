// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DefaultLimits} from "./DefaultLimits.sol";
import {Freshness, FreshnessBands, LiveValues} from "./Freshness.sol";
import {Change, FieldLimits, Guardrails} from "./Guardrails.sol";
import {IGovernedMarket, IMarketAdapter} from "./IMarketAdapter.sol";
import {Lanes} from "./Lanes.sol";
import {LimitBook} from "./LimitBook.sol";
import {Field, Lane, ParameterFields, ParameterUpdate, Parameters} from "./ParameterTypes.sol";

/// @notice Adapter of the demo market. Every rule is checked at submission and again at execution:
///
///     market, lane ─► compare-and-swap ─► coupling, soundness ─► guardrails ─► freshness ─► write ─► read back
contract DemoMarketAdapter is IMarketAdapter, LimitBook {
    using ParameterFields for Parameters;

    IGovernedMarket public immutable market;
    address public immutable collateral;
    uint256 public immutable marginBps;
    FreshnessBands private _bands;

    event UpdateApplied(
        uint64 indexed epoch, address indexed market, Parameters previous, Parameters next, uint256 oraclePrice
    );

    error UnknownMarket(address market);
    error LaneNotOpen(Lane lane);
    error ValueMoved(Field field, uint256 expected, uint256 found);
    error WriteDiffers(Field field, uint256 proposed, uint256 found);
    error BadBands();

    constructor(IGovernedMarket market_, address timelock_, uint256 marginBps_, FreshnessBands memory bands)
        LimitBook(timelock_)
    {
        if (bands.priceFallBps >= Freshness.BPS_ONE) revert BadBands();
        market = market_;
        collateral = market_.collateralToken();
        marginBps = marginBps_;
        _bands = bands;
    }

    /// @inheritdoc IMarketAdapter
    function requireSubmittable(ParameterUpdate calldata update) external view {
        Freshness.requireRecent(update.snapshot.dataTime);
        _requireAllowed(update);
    }

    /// @inheritdoc IMarketAdapter
    function applyUpdate(ParameterUpdate calldata update) external onlyTimelock {
        _requireAllowed(update);
        Parameters memory previous = market.parameters();
        _remember(previous, update.proposed);
        market.setParameters(update.proposed);
        _requireWritten(update.proposed);
        emit UpdateApplied(update.epoch, update.market, previous, update.proposed, market.oraclePrice());
    }

    /// @inheritdoc IMarketAdapter
    function laneOf(Parameters calldata current, Parameters calldata proposed) public view returns (Lane) {
        return Lanes.laneOf(current, proposed, market.totalCollateral());
    }

    function freshnessBands() external view returns (FreshnessBands memory) {
        return _bands;
    }

    function _requireAllowed(ParameterUpdate calldata update) private view {
        if (update.market != collateral) revert UnknownMarket(update.market);
        Parameters memory current = market.parameters();
        _requireExpected(update.expected, current);
        Lanes.requireCoupled(current, update.proposed, marginBps);
        Lane lane = laneOf(update.expected, update.proposed);
        if (lane != Lane.SLOW) revert LaneNotOpen(lane);
        Guardrails.requireSound(update.proposed);
        for (uint256 n; n < ParameterFields.COUNT; ++n) {
            Field field = ParameterFields.inCheckingOrder(n);
            _requireFieldAllowed(field, current.get(field), _at(update.proposed, field));
        }
        Freshness.requireWithin(update.snapshot, _live(), _bands);
    }

    function _requireExpected(Parameters memory expected, Parameters memory current) private pure {
        for (uint256 n; n < ParameterFields.COUNT; ++n) {
            Field field = Field(n);
            if (expected.get(field) != current.get(field)) {
                revert ValueMoved(field, expected.get(field), current.get(field));
            }
        }
    }

    /// @dev Post-state: what the market says after the write is what was proposed, and it is sound.
    function _requireWritten(Parameters memory proposed) private view {
        Parameters memory written = market.parameters();
        Guardrails.requireSound(written);
        for (uint256 n; n < ParameterFields.COUNT; ++n) {
            Field field = Field(n);
            if (written.get(field) != proposed.get(field)) {
                revert WriteDiffers(field, proposed.get(field), written.get(field));
            }
        }
    }

    function _live() private view returns (LiveValues memory) {
        (uint256 utilisationBps, uint256 totalBorrow) = market.borrowState();
        return LiveValues(market.oraclePrice(), utilisationBps, market.totalCollateral(), totalBorrow);
    }

    function _at(Parameters memory p, Field field) private pure returns (uint256) {
        return p.get(field);
    }
}
