// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice How high a correlated asset's ratio may be: `snapshotRatio` (the feed's own decimals) at
/// `snapshotTimestamp`, growing by at most `maxYearlyGrowthBps` of itself a year. The three move as one.
struct PriceCap {
    uint256 snapshotRatio;
    uint64 snapshotTimestamp;
    uint256 maxYearlyGrowthBps;
}

/// @notice The message that two thirds of the seats sign for one price cap; `market` is the capped feed.
/// @dev The bounds are the certified set's, of the yearly growth in basis points.
struct PriceCapUpdate {
    uint64 epoch;
    address market;
    uint32 attempt;
    bytes32 seatTableHash;
    PriceCap expected;
    PriceCap proposed;
    uint256 lowBound;
    uint256 highBound;
    bytes32 evidenceRoot;
    bytes32 transcriptRoot;
    uint64 validUntil;
    bytes32[] models;
}

/// @notice EIP-712 struct hash of a price-cap update, in the gate's domain.
library PriceCapHashing {
    bytes32 internal constant CAP_TYPEHASH =
        keccak256("PriceCap(uint256 snapshotRatio,uint64 snapshotTimestamp,uint256 maxYearlyGrowthBps)");
    bytes32 internal constant UPDATE_TYPEHASH = keccak256(
        "PriceCapUpdate(uint64 epoch,address market,uint32 attempt,bytes32 seatTableHash,PriceCap expected,"
        "PriceCap proposed,uint256 lowBound,uint256 highBound,bytes32 evidenceRoot,bytes32 transcriptRoot,"
        "uint64 validUntil,bytes32[] models)"
        "PriceCap(uint256 snapshotRatio,uint64 snapshotTimestamp,uint256 maxYearlyGrowthBps)"
    );

    function hash(PriceCap memory cap) internal pure returns (bytes32) {
        return keccak256(abi.encode(CAP_TYPEHASH, cap));
    }

    function hash(PriceCapUpdate memory u) internal pure returns (bytes32) {
        bytes memory head = abi.encode(
            UPDATE_TYPEHASH, u.epoch, u.market, u.attempt, u.seatTableHash, hash(u.expected), hash(u.proposed)
        );
        bytes memory tail = abi.encode(
            u.lowBound, u.highBound, u.evidenceRoot, u.transcriptRoot, u.validUntil,
            keccak256(abi.encodePacked(u.models))
        );
        return keccak256(bytes.concat(head, tail));
    }
}
