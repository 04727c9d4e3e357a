// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {FreshnessSnapshot, ParameterUpdate, Parameters} from "./ParameterTypes.sol";

/// @notice EIP-712 struct hashes of an update. The domain is the governor's
/// (name "Tribunate", version "1", chain id, governor).
library UpdateHashing {
    bytes32 internal constant PARAMETERS_TYPEHASH = keccak256(
        "Parameters(uint256 ltvBps,uint256 liquidationThresholdBps,uint256 liquidationBonusBps,"
        "uint256 supplyCap,uint256 borrowCap)"
    );
    bytes32 internal constant SNAPSHOT_TYPEHASH = keccak256(
        "FreshnessSnapshot(uint256 oraclePrice,uint256 utilisationBps,uint256 totalCollateral,"
        "uint256 totalBorrow,uint64 dataTime)"
    );
    bytes32 internal constant UPDATE_TYPEHASH = keccak256(
        "ParameterUpdate(uint64 epoch,address market,uint32 attempt,bytes32 seatTableHash,Parameters expected,"
        "Parameters proposed,FreshnessSnapshot snapshot,bytes32 positionsRoot,uint256 lowBound,uint256 highBound,"
        "bytes32 evidenceRoot,bytes32 transcriptRoot,uint64 validUntil)"
        "FreshnessSnapshot(uint256 oraclePrice,uint256 utilisationBps,uint256 totalCollateral,"
        "uint256 totalBorrow,uint64 dataTime)"
        "Parameters(uint256 ltvBps,uint256 liquidationThresholdBps,uint256 liquidationBonusBps,"
        "uint256 supplyCap,uint256 borrowCap)"
    );

    function hash(Parameters calldata p) internal pure returns (bytes32) {
        return keccak256(abi.encode(PARAMETERS_TYPEHASH, p));
    }

    function hash(FreshnessSnapshot calldata s) internal pure returns (bytes32) {
        return keccak256(abi.encode(SNAPSHOT_TYPEHASH, s));
    }

    function hash(ParameterUpdate calldata u) internal pure returns (bytes32) {
        bytes memory head = abi.encode(
            UPDATE_TYPEHASH, u.epoch, u.market, u.attempt, u.seatTableHash, hash(u.expected), hash(u.proposed),
            hash(u.snapshot)
        );
        bytes memory tail = abi.encode(
            u.positionsRoot, u.lowBound, u.highBound, u.evidenceRoot, u.transcriptRoot, u.validUntil
        );
        return keccak256(bytes.concat(head, tail));
    }
}
