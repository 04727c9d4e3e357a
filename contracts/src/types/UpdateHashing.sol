// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {FreshnessSnapshot, ParameterUpdate, Parameters} from "./ParameterTypes.sol";

/// @notice EIP-712 struct hashes of an update. The domain is the gate's
/// (name "Tribunate", version "1", chain id, UpdateGate), so that both lanes take the same signatures.
library UpdateHashing {
    bytes32 internal constant PARAMETERS_TYPEHASH = keccak256(
        "Parameters(uint256 ltvBps,uint256 liquidationThresholdBps,uint256 liquidationBonusBps,"
        "uint256 supplyCap,uint256 borrowCap,uint256 isOpen)"
    );
    bytes32 internal constant SNAPSHOT_TYPEHASH = keccak256(
        "FreshnessSnapshot(uint256 oraclePrice,uint256 utilisationBps,uint256 totalCollateral,"
        "uint256 totalBorrow,uint64 dataTime)"
    );
    bytes32 internal constant UPDATE_TYPEHASH = keccak256(
        "ParameterUpdate(uint64 epoch,address market,uint32 attempt,bytes32 seatTableHash,Parameters expected,"
        "Parameters proposed,FreshnessSnapshot snapshot,bytes32 positionsRoot,uint256 lowBound,uint256 highBound,"
        "bytes32 evidenceRoot,bytes32 transcriptRoot,uint64 validUntil,bytes32[] models)"
        "FreshnessSnapshot(uint256 oraclePrice,uint256 utilisationBps,uint256 totalCollateral,"
        "uint256 totalBorrow,uint64 dataTime)"
        "Parameters(uint256 ltvBps,uint256 liquidationThresholdBps,uint256 liquidationBonusBps,"
        "uint256 supplyCap,uint256 borrowCap,uint256 isOpen)"
    );

    bytes32 internal constant BATCH_TYPEHASH = keccak256(
        "UpdateBatch(ParameterUpdate[] updates)"
        "FreshnessSnapshot(uint256 oraclePrice,uint256 utilisationBps,uint256 totalCollateral,"
        "uint256 totalBorrow,uint64 dataTime)"
        "ParameterUpdate(uint64 epoch,address market,uint32 attempt,bytes32 seatTableHash,Parameters expected,"
        "Parameters proposed,FreshnessSnapshot snapshot,bytes32 positionsRoot,uint256 lowBound,uint256 highBound,"
        "bytes32 evidenceRoot,bytes32 transcriptRoot,uint64 validUntil,bytes32[] models)"
        "Parameters(uint256 ltvBps,uint256 liquidationThresholdBps,uint256 liquidationBonusBps,"
        "uint256 supplyCap,uint256 borrowCap,uint256 isOpen)"
    );

    /// @notice One update stands for itself; several are an `UpdateBatch`, signed as a whole.
    function hashAll(ParameterUpdate[] memory updates) internal pure returns (bytes32) {
        if (updates.length == 1) return hash(updates[0]);
        bytes32[] memory hashes = new bytes32[](updates.length);
        for (uint256 i; i < updates.length; ++i) hashes[i] = hash(updates[i]);
        return keccak256(abi.encode(BATCH_TYPEHASH, keccak256(abi.encodePacked(hashes))));
    }

    function hash(Parameters memory p) internal pure returns (bytes32) {
        return keccak256(abi.encode(PARAMETERS_TYPEHASH, p));
    }

    function hash(FreshnessSnapshot memory s) internal pure returns (bytes32) {
        return keccak256(abi.encode(SNAPSHOT_TYPEHASH, s));
    }

    function hash(ParameterUpdate memory u) internal pure returns (bytes32) {
        bytes memory head = abi.encode(
            UPDATE_TYPEHASH, u.epoch, u.market, u.attempt, u.seatTableHash, hash(u.expected), hash(u.proposed),
            hash(u.snapshot)
        );
        bytes memory tail = abi.encode(
            u.positionsRoot, u.lowBound, u.highBound, u.evidenceRoot, u.transcriptRoot, u.validUntil,
            keccak256(abi.encodePacked(u.models))
        );
        return keccak256(bytes.concat(head, tail));
    }
}
