// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMarketAdapter} from "../adapters/IMarketAdapter.sol";
import {Lane, ParameterUpdate} from "../types/ParameterTypes.sol";
import {Admission, UpdateGate} from "./UpdateGate.sol";

/// @notice Emergency cuts that change nobody's health factor and nobody's ability to repay.
///
///     announceCut (quorum) ─► WAITING 1 h ─► READY 24 h ─► execute (anyone) ─► EXECUTED
///                                                  └─► LAPSED
///
/// @dev No vote, no guardian, no withdrawal: silence keeps a cut, and only a SLOW proposal or a holder vote
/// reverses it. The adapter decides what is FAST, at both moments.
contract FastLane {
    enum CutState {
        UNKNOWN,
        WAITING,
        READY,
        EXECUTED,
        LAPSED
    }

    struct Cut {
        uint64 announcedAt;
        uint64 executedAt;
        uint32 seatVersion;
        uint32 signers;
        bytes32 digest;
    }

    uint256 public constant WAIT_SECONDS = 1 hours;
    uint256 public constant GRACE_SECONDS = 24 hours;

    UpdateGate public immutable gate;
    uint256 public cutCount;
    mapping(uint256 number => Cut) private _cuts;
    mapping(bytes32 digest => uint256) public numberOf;

    event CutAnnounced(
        uint256 indexed number, address indexed market, bytes32 digest, address[] signers, ParameterUpdate update
    );
    event CutExecuted(uint256 indexed number, address indexed market);

    error NotFast(Lane lane);
    error CutNotReady(uint256 number, CutState state, uint256 executableAt);

    constructor(UpdateGate gate_) {
        gate = gate_;
    }

    /// @notice Takes a cut that a quorum has signed; anyone may bring it.
    function announceCut(ParameterUpdate calldata update, address[] calldata signers, bytes[] calldata signatures)
        external
        returns (uint256 number)
    {
        Admission memory admitted = gate.admitUpdate(update, signers, signatures);
        if (admitted.lane != Lane.FAST) revert NotFast(admitted.lane);
        number = ++cutCount;
        numberOf[admitted.digest] = number;
        _cuts[number] =
            Cut(uint64(block.timestamp), 0, admitted.quorum.version, admitted.quorum.signers, admitted.digest);
        emit CutAnnounced(number, update.market, admitted.digest, signers, update);
    }

    /// @notice Executes an announced cut, as far as it still lowers anything. Anyone may.
    function executeCut(ParameterUpdate calldata update) external {
        uint256 number = numberOf[gate.hashUpdate(update)];
        CutState current = stateOf(number);
        if (current != CutState.READY) {
            revert CutNotReady(number, current, _cuts[number].announcedAt + WAIT_SECONDS);
        }
        _cuts[number].executedAt = uint64(block.timestamp);
        emit CutExecuted(number, update.market);
        gate.adapterOf(update.market).applyCut(update);
    }

    function cutOf(uint256 number) external view returns (Cut memory) {
        return _cuts[number];
    }

    function stateOf(uint256 number) public view returns (CutState) {
        Cut storage cut = _cuts[number];
        if (cut.announcedAt == 0) return CutState.UNKNOWN;
        if (cut.executedAt != 0) return CutState.EXECUTED;
        uint256 readyAt = cut.announcedAt + WAIT_SECONDS;
        if (block.timestamp < readyAt) return CutState.WAITING;
        return block.timestamp <= readyAt + GRACE_SECONDS ? CutState.READY : CutState.LAPSED;
    }
}
