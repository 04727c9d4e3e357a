// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import {IMarketAdapter} from "../adapters/IMarketAdapter.sol";
import {IPriceCapAdapter} from "../adapters/IPriceCapAdapter.sol";
import {IModelRegistry} from "../registry/IModelRegistry.sol";
import {SeatRegistry} from "../registry/SeatRegistry.sol";
import {Lane, ParameterUpdate, Parameters} from "../types/ParameterTypes.sol";
import {PriceCapHashing, PriceCapUpdate} from "../types/PriceCapTypes.sol";
import {UpdateHashing} from "../types/UpdateHashing.sol";

/// @notice What a quorum's update is, once the gate has let it in.
/// @dev `market` and `epoch` are the first update's; `call` is what the adapter's owner sends to execute it.
struct Admission {
    bytes32 digest;
    IMarketAdapter adapter;
    address market;
    uint64 epoch;
    Lane lane;
    bool boundsFarApart;
    SeatRegistry.Quorum quorum;
    bytes call;
}

/// @notice The one gate through which agents' updates come, whatever their lane.
///
///     governor ──┐         digest ─► quorum of seats ─► models live ─► adapter: lane and guardrails
///     FastLane ──┴► admit ─┤
///                          └► (epoch, market) consumed, once for both lanes
contract UpdateGate is EIP712, Ownable {
    using BitMaps for BitMaps.BitMap;

    uint256 private constant BPS_ONE = 10_000;

    SeatRegistry public immutable seats;
    IModelRegistry public immutable models;
    address public governor;
    address public fastLane;
    uint32 public spreadLimitBps;
    bytes32 public mandateHash;
    mapping(address market => IMarketAdapter) public adapterOf;
    mapping(address market => BitMaps.BitMap) private _consumed;

    event EntrancesSet(address governor, address fastLane);
    event MandateSet(bytes32 mandateHash, uint32 spreadLimitBps);
    event AdapterSet(address indexed market, IMarketAdapter adapter);

    error NotEntrance(address caller);
    error NothingProposed();
    error UnknownMarket(address market);
    error MarketsOfSeveralAdapters(address market);
    error SeveralSeatTables(address market);
    error EpochConsumed(uint64 epoch, address market);
    error UpdateExpired(uint64 validUntil);
    error BoundsNotAscending(uint256 lowBound, uint256 highBound);
    error ModelsNotAscending(bytes32 previous, bytes32 next);
    error ModelNotLive(bytes32 model);

    constructor(address owner_, SeatRegistry seats_, IModelRegistry models_) EIP712("Tribunate", "1") Ownable(owner_) {
        (seats, models) = (seats_, models_);
    }

    function setEntrances(address governor_, address fastLane_) external onlyOwner {
        (governor, fastLane) = (governor_, fastLane_);
        emit EntrancesSet(governor_, fastLane_);
    }

    /// @notice What the DAO asks of its agents: the hash of its mandate, and how far apart the bounds of a
    /// certified set may be before the window is extended.
    function setMandate(bytes32 hash, uint32 spreadLimitBps_) external onlyOwner {
        (mandateHash, spreadLimitBps) = (hash, spreadLimitBps_);
        emit MandateSet(hash, spreadLimitBps_);
    }

    function setAdapter(address market, IMarketAdapter adapter) external onlyOwner {
        adapterOf[market] = adapter;
        emit AdapterSet(market, adapter);
    }

    /// @notice Lets an update in, or reverts with the rule that forbids it. Governor and FastLane only.
    function admitUpdate(ParameterUpdate calldata update, address[] calldata signers, bytes[] calldata signatures)
        external
        returns (Admission memory)
    {
        ParameterUpdate[] memory one = new ParameterUpdate[](1);
        one[0] = update;
        return _admit(one, signers, signatures);
    }

    /// @notice As `admitUpdate`, for several markets of one adapter, signed as an `UpdateBatch`.
    function admitBatch(ParameterUpdate[] calldata updates, address[] calldata signers, bytes[] calldata signatures)
        external
        returns (Admission memory)
    {
        return _admit(updates, signers, signatures);
    }

    /// @notice Lets a price cap in, which is always SLOW. Governor only.
    function admitPriceCap(PriceCapUpdate calldata update, address[] calldata signers, bytes[] calldata signatures)
        external
        returns (Admission memory admitted)
    {
        if (msg.sender != governor) revert NotEntrance(msg.sender);
        (admitted.market, admitted.epoch, admitted.adapter) = (update.market, update.epoch, adapterOf[update.market]);
        admitted.digest = hashPriceCap(update);
        admitted.lane = Lane.SLOW;
        ParameterUpdate memory common = _commonOf(update);
        admitted.boundsFarApart = _take(common, common, admitted.adapter);
        IPriceCapAdapter(address(admitted.adapter)).requireCapSubmittable(update);
        admitted.quorum = seats.requireQuorum(admitted.digest, update.seatTableHash, signers, signatures, true);
        admitted.call = abi.encodeCall(IPriceCapAdapter.applyPriceCap, (update));
    }

    /// @notice Reverts if a model that the updates of `call` rest on has been revoked since.
    /// @param call The adapter call that the governor is about to execute.
    function requireModelsLive(bytes calldata call) external view {
        if (bytes4(call) == IPriceCapAdapter.applyPriceCap.selector) {
            return _requireLive(abi.decode(call[4:], (PriceCapUpdate)).models);
        }
        ParameterUpdate[] memory updates = abi.decode(call[4:], (ParameterUpdate[]));
        for (uint256 i; i < updates.length; ++i) _requireLive(updates[i].models);
    }

    /// @notice Whether an update of this epoch and market has been let in.
    function epochConsumed(uint64 epoch, address market) external view returns (bool) {
        return _consumed[market].get(epoch);
    }

    /// @notice The EIP-712 digest that agents sign for one update.
    function hashUpdate(ParameterUpdate calldata update) external view returns (bytes32) {
        return _hashTypedDataV4(UpdateHashing.hash(update));
    }

    /// @notice The EIP-712 digest of one update, or of a batch.
    function hashUpdates(ParameterUpdate[] calldata updates) external view returns (bytes32) {
        return _hashTypedDataV4(UpdateHashing.hashAll(updates));
    }

    /// @notice The EIP-712 digest that agents sign for a price cap.
    function hashPriceCap(PriceCapUpdate calldata update) public view returns (bytes32) {
        return _hashTypedDataV4(PriceCapHashing.hash(update));
    }

    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    function _admit(ParameterUpdate[] memory updates, address[] calldata signers, bytes[] calldata signatures)
        private
        returns (Admission memory admitted)
    {
        if (msg.sender != governor && msg.sender != fastLane) revert NotEntrance(msg.sender);
        if (updates.length == 0) revert NothingProposed();
        ParameterUpdate memory first = updates[0];
        (admitted.market, admitted.epoch, admitted.adapter) = (first.market, first.epoch, adapterOf[first.market]);
        admitted.digest = _hashTypedDataV4(UpdateHashing.hashAll(updates));
        for (uint256 i; i < updates.length; ++i) {
            admitted.boundsFarApart = _take(first, updates[i], admitted.adapter) || admitted.boundsFarApart;
        }
        admitted.lane = admitted.adapter.requireSubmittable(updates);
        bool diverse = admitted.lane == Lane.SLOW;
        admitted.quorum = seats.requireQuorum(admitted.digest, first.seatTableHash, signers, signatures, diverse);
        admitted.call = abi.encodeCall(IMarketAdapter.applyUpdates, (updates));
    }

    /// @dev What `_take` looks at; no field of a market moves.
    function _commonOf(PriceCapUpdate calldata u) private pure returns (ParameterUpdate memory common) {
        (common.epoch, common.market, common.seatTableHash) = (u.epoch, u.market, u.seatTableHash);
        (common.lowBound, common.highBound) = (u.lowBound, u.highBound);
        (common.validUntil, common.models) = (u.validUntil, u.models);
    }

    function _requireLive(bytes32[] memory ids) private view {
        for (uint256 i; i < ids.length; ++i) {
            if (!models.isLive(ids[i])) revert ModelNotLive(ids[i]);
        }
    }

    /// @dev Consumed before anything outside is asked.
    function _take(ParameterUpdate memory first, ParameterUpdate memory u, IMarketAdapter adapter)
        private
        returns (bool boundsFarApart)
    {
        if (address(adapter) == address(0)) revert UnknownMarket(u.market);
        if (address(adapterOf[u.market]) != address(adapter)) revert MarketsOfSeveralAdapters(u.market);
        if (u.seatTableHash != first.seatTableHash) revert SeveralSeatTables(u.market);
        if (block.timestamp > u.validUntil) revert UpdateExpired(u.validUntil);
        if (_consumed[u.market].get(u.epoch)) revert EpochConsumed(u.epoch, u.market);
        if (u.lowBound > u.highBound) revert BoundsNotAscending(u.lowBound, u.highBound);
        _consumed[u.market].set(u.epoch);
        bytes32 previous;
        for (uint256 i; i < u.models.length; ++i) {
            if (u.models[i] <= previous) revert ModelsNotAscending(previous, u.models[i]);
            if (!models.isLive(u.models[i])) revert ModelNotLive(u.models[i]);
            previous = u.models[i];
        }
        return _farApart(u);
    }

    /// @dev Basis points apart for rates, relative to the lower bound for caps.
    function _farApart(ParameterUpdate memory u) private view returns (bool) {
        uint256 spread = u.highBound - u.lowBound;
        bool capMoves = u.expected.supplyCap != u.proposed.supplyCap || u.expected.borrowCap != u.proposed.borrowCap;
        if (capMoves) spread = spread / (u.lowBound / BPS_ONE + 1);
        return spread > spreadLimitBps;
    }
}
